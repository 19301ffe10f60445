"""Score a lookup of the training part's entity strings on another part."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import srsly
import typer
from spacy.matcher import PhraseMatcher
from spacy.pipeline.spancat import spancat_score
from spacy.tokens import Doc
from spacy.training import Example
from spacy.vocab import Vocab
from wasabi import msg

from spacy_egp.docbins import read_docs


def make_matcher(docs: Iterable[Doc], vocab: Vocab, spans_key: str) -> PhraseMatcher:
    """Make a matcher of all entity strings, each with its most frequent label.

    docs (Iterable[Doc]): The annotated docs.
    vocab (Vocab): The vocab of the docs.
    spans_key (str): The key of the spans in doc.spans.
    RETURNS (PhraseMatcher): The matcher, the labels as its keys.
    """
    labels: dict[tuple[str, ...], Counter[str]] = defaultdict(Counter)
    for doc in docs:
        for span in doc.spans.get(spans_key, []):
            labels[tuple(token.text for token in span)][span.label_] += 1
    matcher = PhraseMatcher(vocab)
    for words, counts in labels.items():
        [(label, _)] = counts.most_common(1)
        matcher.add(label, [Doc(vocab, words=list(words))])
    return matcher


def main(
    train_path: Annotated[Path, typer.Argument(help="Training docs (.spacy)")],
    test_path: Annotated[Path, typer.Argument(help="Docs to score (.spacy)")],
    output_path: Annotated[Path, typer.Argument(help="Scores (.json)")],
    spans_key: Annotated[str, typer.Option(help="Key in doc.spans")] = "sc",
) -> None:
    """Write precision, recall and F-score of a lookup of the training entities."""
    vocab = Vocab()
    train_docs = read_docs(train_path, vocab)
    matcher = make_matcher(train_docs, vocab, spans_key)
    examples = []
    for reference in read_docs(test_path, vocab):
        predicted = Doc(vocab, words=[token.text for token in reference])
        predicted.spans[spans_key] = matcher(predicted, as_spans=True)
        examples.append(Example(predicted, reference))
    scores = spancat_score(examples, spans_key=spans_key)
    names = [f"spans_{spans_key}_{figure}" for figure in "prf"]
    srsly.write_json(output_path, {name: scores[name] for name in names})
    p, r, f = (f"{scores[name]:.1%}" for name in names)
    msg.good(f"Lookup of the training entities: P {p}  R {r}  F {f}")


if __name__ == "__main__":
    typer.run(main)
