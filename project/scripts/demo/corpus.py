"""Write an English demo corpus with nested spans, in Prodigy's span format.

A seeded grammar, grammar.json, makes up the sentences and every name in them.
Annotation rules:

- PERSON: a personal name, in full or the surname alone, without honorific (Dr, Ms);
  also the name together with the title beside it ("Ana Kessler, mayor of Norvik").
- TITLE: an office with the body, place or field it belongs to ("mayor of Norvik"), or
  right before a name ("Mayor Kessler"). An office alone ("the mayor") does not count.
- ORG: an organisation or a part of one, by name. A company's short name counts alone
  and inside other names ("Talvex Foundation"), not inside its own ("Talvex Group").
- PLACE: a town, country, site or street.
- PRODUCT: goods or services, with the maker in front ("Talvex Belara 5").
- EVENT: a fair, congress, contest, battle, by name.
- WORK: the title of a text, film or piece of music, without its quotation marks.
- DATE: a day, month, season or year of the calendar; not "last week".
- A name inside a name counts in its own right. The article before a name is outside
  it, except in a WORK. A common noun ("the university") is not a name.

Training, development and test part share the words of the grammar but no base name
(given name, surname, town, country, company, brand, year).
"""

import random
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from string import Formatter
from typing import Annotated, Any, NamedTuple

import spacy
import srsly
import typer
from spacy.language import Language
from spacy.tokens import Doc
from wasabi import msg

from spacy_egp.corpora.writer import temporary_output
from spacy_egp.nesting import nesting_depths

GRAMMAR = Path(__file__).with_name("grammar.json")
YEARS = range(1900, 2025)
LONG = 12

Rules = dict[str, list[str]]


@dataclass(frozen=True)
class Phrase:
    """A piece of text with the labelled character spans inside it."""

    text: str = ""
    spans: tuple[tuple[int, int, str], ...] = ()

    def __add__(self, other: "Phrase") -> "Phrase":
        """Join two phrases, moving the spans of the second one."""
        n = len(self.text)
        moved = tuple((start + n, end + n, label) for start, end, label in other.spans)
        return Phrase(self.text + other.text, self.spans + moved)

    def labelled(self, label: str) -> "Phrase":
        """Add a span over the whole phrase, unless the label is empty."""
        whole = ((0, len(self.text), label),) if label else ()
        return Phrase(self.text, whole + self.spans)

    def capitalized(self) -> "Phrase":
        """Begin the text with a capital letter."""
        return Phrase(self.text[:1].upper() + self.text[1:], self.spans)


class Grammar(NamedTuple):
    """What sentences are made of.

    rules (dict[str, list[str]]): The alternatives of each symbol, in which {symbol}
        stands for one of another symbol's.
    labels (dict[str, str]): The labels of the symbols that are spans.
    """

    rules: dict[str, list[str]]
    labels: dict[str, str]


def read_grammar(data: dict[str, Any]) -> Grammar:
    """RETURNS (Grammar): The grammar of the data file, without base names."""
    labels = {
        symbol: label for label, symbols in data["labels"].items() for symbol in symbols
    }
    return Grammar(data["rules"], labels)


def split_names(names: dict[str, Any], n_parts: int, rng: random.Random) -> list[Rules]:
    """Make up the base names and deal them out, each string to one part only.

    names (dict[str, Any]): What they consist of: one of "starts", one of "middles" and
        one of the "endings" of their kind. Some endings belong to two kinds, so only
        the context can tell.
    n_parts (int): The number of parts.
    rng (random.Random): The source of randomness.
    RETURNS (list[Rules]): For each part, a rule for each kind of base name.
    """
    kinds = {"yyyy": [str(year) for year in YEARS]}
    for symbol, endings in names["endings"].items():
        made = product(names["starts"], names["middles"], endings)
        kinds[symbol] = sorted({"".join(name) for name in made})
    strings = sorted({name for of_kind in kinds.values() for name in of_kind})
    rng.shuffle(strings)
    owner = {name: i % n_parts for i, name in enumerate(strings)}
    return [
        {
            symbol: [name for name in of_kind if owner[name] == part]
            for symbol, of_kind in kinds.items()
        }
        for part in range(n_parts)
    ]


def expand(symbol: str, grammar: Grammar, rng: random.Random) -> Phrase:
    """Expand a symbol by one of its alternatives, chosen at random.

    symbol (str): The symbol.
    grammar (Grammar): The grammar with the base names.
    rng (random.Random): The source of randomness.
    RETURNS (Phrase): The text with its spans, outer spans first.
    """
    phrase = Phrase()
    for literal, inner, _, _ in Formatter().parse(rng.choice(grammar.rules[symbol])):
        phrase += Phrase(literal)
        if inner:
            phrase += expand(inner, grammar, rng)
    return phrase.labelled(grammar.labels.get(symbol, ""))


def sentences(grammar: Grammar, rng: random.Random, seen: set[str]) -> Iterator[Phrase]:
    """Generate sentences that differ from each other and from those seen before.

    grammar (Grammar): The grammar with the base names.
    rng (random.Random): The source of randomness.
    seen (set[str]): The texts seen so far, to which new ones are added.
    YIELDS (Phrase): A sentence.
    """
    while True:
        sentence = expand("sentence", grammar, rng).capitalized()
        if sentence.text not in seen:
            seen.add(sentence.text)
            yield sentence


def make_corpus(sizes: dict[str, int], seed: int) -> dict[str, list[Phrase]]:
    """Generate all parts of the corpus.

    sizes (dict[str, int]): The number of sentences of each part.
    seed (int): The seed of the names and the sentences.
    RETURNS (dict[str, list[Phrase]]): The sentences of each part.
    """
    data = srsly.read_json(GRAMMAR)
    grammar = read_grammar(data)
    names = split_names(data["names"], len(sizes), random.Random(seed))
    corpus: dict[str, list[Phrase]] = {}
    seen: set[str] = set()
    for (part, size), part_names in zip(sizes.items(), names, strict=True):
        rng = random.Random(f"{seed} {part}")
        whole = grammar._replace(rules=grammar.rules | part_names)
        stream = sentences(whole, rng, seen)
        corpus[part] = [next(stream) for _ in range(size)]
    return corpus


def to_doc(sentence: Phrase, nlp: Language) -> Doc:
    """Tokenize a sentence and set its spans as doc.spans["sc"].

    sentence (Phrase): The sentence.
    nlp (Language): The pipeline that tokenizes.
    RETURNS (Doc): The doc; a span that does not fit its tokens raises a ValueError.
    """
    doc = nlp.make_doc(sentence.text)
    found = [doc.char_span(start, end, label) for start, end, label in sentence.spans]
    doc.spans["sc"] = [span for span in found if span is not None]
    if None in found:
        raise ValueError(f"Span does not fit the tokens: {sentence}")
    return doc


def summarize(docs: list[Doc], train_strings: set[str]) -> dict[str, str]:
    """Count what a part of the corpus holds.

    docs (list[Doc]): The docs of the part.
    train_strings (set[str]): The entity strings of the training part.
    RETURNS (dict[str, str]): The figures by name.
    """
    spans = [span for doc in docs for span in doc.spans["sc"]]
    strings = entity_strings(docs)
    labels = Counter(span.label_ for span in spans)
    figures = {
        "sentences": len(docs),
        "without spans": sum(not doc.spans["sc"] for doc in docs),
        "tokens": sum(len(doc) for doc in docs),
        "spans": len(spans),
        **dict(sorted(labels.items())),
        f"{LONG}+ tokens": sum(len(span) >= LONG for span in spans),
        "maximal depth": max(map(max_depth, docs), default=0),
        "unseen strings": f"{len(strings - train_strings) / max(len(strings), 1):.0%}",
    }
    return {name: str(figure) for name, figure in figures.items()}


def entity_strings(docs: Iterable[Doc]) -> set[str]:
    """Collect the distinct texts of the spans.

    docs (Iterable[Doc]): The docs.
    RETURNS (set[str]): The texts.
    """
    return {span.text for doc in docs for span in doc.spans["sc"]}


def max_depth(doc: Doc) -> int:
    """Find how many spans lie inside each other at the deepest place of a doc.

    doc (Doc): The doc.
    RETURNS (int): The depth, 0 without spans.
    """
    bounds = [(span.start, span.end) for span in doc.spans["sc"]]
    return max(nesting_depths(bounds), default=0)


def to_record(sentence: Phrase) -> dict:
    """Turn a sentence into a record in Prodigy's span format.

    sentence (Phrase): The sentence.
    RETURNS (dict): The record.
    """
    spans = [
        {"start": start, "end": end, "label": label}
        for start, end, label in sentence.spans
    ]
    return {"text": sentence.text, "spans": spans}


def main(
    output_dir: Annotated[Path, typer.Argument(help="Directory of the .jsonl files")],
    train: Annotated[int, typer.Option(help="Sentences for training")] = 1200,
    dev: Annotated[int, typer.Option(help="Sentences for development")] = 200,
    test: Annotated[int, typer.Option(help="Sentences for the test")] = 300,
    seed: Annotated[int, typer.Option(help="Seed of names and sentences")] = 0,
) -> None:
    """Write train.jsonl, dev.jsonl and test.jsonl of a made-up nested corpus."""
    corpus = make_corpus({"train": train, "dev": dev, "test": test}, seed)
    nlp = spacy.blank("en")
    docs = {part: [to_doc(s, nlp) for s in corpus[part]] for part in corpus}
    for part, part_sentences in corpus.items():
        with temporary_output(output_dir / f"{part}.jsonl") as path:
            srsly.write_jsonl(path, map(to_record, part_sentences))
    train_strings = entity_strings(docs["train"])
    columns = [summarize(part_docs, train_strings) for part_docs in docs.values()]
    rows = [(key, *(column.get(key, "0") for column in columns)) for key in columns[0]]
    msg.table(rows, header=("", *docs), aligns=("l", "r", "r", "r"), divider=True)


if __name__ == "__main__":
    typer.run(main)
