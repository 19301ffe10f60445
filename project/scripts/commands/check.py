"""Measure how many planted errors `spacy egp check` finds: spans of a corpus are
removed or get another label, and a check by cross-validation lists likely errors."""

import random
import tempfile
import time
from pathlib import Path
from typing import Annotated, NamedTuple

import spacy
import srsly
import typer
from spacy.tokens import Doc, DocBin, Span
from spacy.util import load_config
from wasabi import msg

from scripts.corpora.prepare import set_dataset
from scripts.peers.recognizers import SPANS_KEY
from scripts.shared.markdown_table import markdown_table
from scripts.shared.measuring import commit, machine
from spacy_egp.checks.check import check
from spacy_egp.checks.contradictions import Contradiction
from spacy_egp.docbins import read_docs


class Planted(NamedTuple):
    """A planted error.

    doc (int): Index of the doc.
    start (int): First token of the span.
    end (int): Token after its last one.
    is_removed (bool): Whether the span is removed; if not, it has another label.
    """

    doc: int
    start: int
    end: int
    is_removed: bool


def plant(docs: list[Doc], share: float, seed: int) -> list[Planted]:
    """Plant errors in a random share of the spans. On average, half of them are removed
    and half get another label. Changes the docs."""
    rng = random.Random(seed)
    spans = [(i, span) for i, doc in enumerate(docs) for span in doc.spans[SPANS_KEY]]
    labels = sorted({span.label_ for _, span in spans})
    planted = []
    for i, span in rng.sample(spans, round(share * len(spans))):
        doc = docs[i]
        kept = [other for other in doc.spans[SPANS_KEY] if other != span]
        is_removed = rng.random() < 0.5
        if not is_removed:
            label = rng.choice([label for label in labels if label != span.label_])
            kept.append(Span(doc, span.start, span.end, label=label))
        doc.spans[SPANS_KEY] = kept
        planted.append(Planted(i, span.start, span.end, is_removed))
    return planted


def count_found(planted: list[Planted], listed: list[Contradiction]) -> list[int]:
    """How many planted errors there are up to each of the listed spans."""
    left = {(one.doc, one.start, one.end) for one in planted}
    counts: list[int] = []
    for one in listed:
        found = (one.place.doc, one.place.start, one.place.end) in left
        counts.append(found + (counts[-1] if counts else 0))
    return counts


def check_planted(
    dataset: Annotated[str, typer.Argument(help="Name of the corpus")],
    data_path: Annotated[Path, typer.Argument(help="Annotated docs (.spacy)")],
    config_path: Annotated[Path, typer.Argument(help="Config of a training")],
    result: Annotated[Path, typer.Argument(help="JSON file to write, and .md beside")],
    first: Annotated[int, typer.Option(help="The first doc")] = 0,
    n_docs: Annotated[int, typer.Option(help="Number of docs")] = 3000,
    share: Annotated[float, typer.Option(help="Part of the spans to change")] = 0.02,
    folds: Annotated[int, typer.Option(help="Folds of the cross-validation")] = 5,
    seed: Annotated[int, typer.Option(help="Random seed of the errors")] = 0,
    gpu_id: Annotated[int, typer.Option(help="GPU, or -1")] = -1,
) -> None:
    """Measure the precision of the first likely errors, as many as were planted."""
    vocab = spacy.blank("xx").vocab
    docs = list(read_docs(data_path, vocab))[first : first + n_docs]
    n_spans = sum(len(doc.spans[SPANS_KEY]) for doc in docs)
    planted = plant(docs, share, seed)
    config = load_config(config_path)
    set_dataset(config, dataset)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "planted.spacy"
        DocBin(docs=docs).to_disk(path)
        begin = time.perf_counter()
        found = check({"train": path}, config, n_folds=folds, use_gpu=gpu_id)
        seconds = time.perf_counter() - begin
    if found.contradictions is None:
        msg.fail("The check has found errors", "\n".join(found.errors), exits=1)
    listed = found.contradictions.first
    counts = count_found(planted, listed)
    n = len(planted)
    removed = [one for one in planted if one.is_removed]
    numbers = {
        "docs": len(docs),
        "spans": n_spans,
        "planted": n,
        "removed": len(removed),
        "listed": len(listed),
        "planted among the listed": counts[-1],
        f"precision at {n}": counts[n - 1] / n,
        "removed spans among them": count_found(removed, listed)[n - 1],
        "precision of random guesses among the listed": counts[-1] / len(listed),
        "precision of random guesses among all spans": n / n_spans,
        "seconds": seconds,
    }
    precision = {str(k): counts[k - 1] / k for k in (10, 20, 30, 50, n, 2 * n)}
    settings = {"corpus": dataset, "first": first, "folds": folds, "seed": seed}
    # Their places only: the license of the corpus covers the words.
    words = {"before", "text", "after"}
    examples = [
        {key: value for key, value in one.to_dict().items() if key not in words}
        for one in listed[:n]
    ]
    for one, before, after in zip(examples, [0, *counts], counts, strict=False):
        one["is_planted"] = after > before
    result.parent.mkdir(parents=True, exist_ok=True)
    srsly.write_json(
        result,
        {
            **settings,
            **numbers,
            "precision": precision,
            "first_listed": examples,
            "commit": commit(),
            "run": machine(),
        },
    )
    rows = [[name, f"{value:.4g}"] for name, value in numbers.items()]
    rows += [[f"precision at {k}", f"{value:.3f}"] for k, value in precision.items()]
    table = markdown_table(["", dataset], rows)
    result.with_suffix(".md").write_text(table, encoding="utf8")
    msg.good(f"Precision at {n}: {numbers[f'precision at {n}']:.3f}")


if __name__ == "__main__":
    typer.run(check_planted)
