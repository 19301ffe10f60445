"""A check of annotated docs, before a training."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spacy.tokens import Doc, DocBin
from spacy.training.corpus import FILE_TYPE, walk_corpus
from spacy.vocab import Vocab
from thinc.api import Config

from ..corpora.summary import Listing
from .counts import PartCounter, PartCounts
from .settings import Settings, read_settings
from .strings import InconsistentString, StringIndex
from .texts import Repeats
from .verdicts import find_errors, find_warnings


@dataclass
class Result:
    """What a check has found.

    parts (dict[str, PartCounts]): The counts by part.
    repeats (Repeats): Texts that occur more than once.
    strings (Listing[InconsistentString]): Strings that are annotated here and not
        there, or with other labels.
    errors (list[str]): What breaks a training.
    warnings (list[str]): What a person should see.
    unchecked (list[str]): What was not checked, and why.
    """

    parts: dict[str, PartCounts]
    repeats: Repeats
    strings: Listing[InconsistentString]
    errors: list[str]
    warnings: list[str]
    unchecked: list[str]

    def to_dict(self) -> dict[str, Any]:
        """RETURNS (dict[str, Any]): All numbers and lists, for JSON."""
        return {
            "errors": self.errors,
            "warnings": self.warnings,
            "unchecked": self.unchecked,
            "parts": {part: counts.to_dict() for part, counts in self.parts.items()},
            "repeats": self.repeats.to_dict(),
            "strings": {
                "count": self.strings.count,
                "items": [string.to_dict() for string in self.strings.first],
            },
        }


def check(
    paths: dict[str, Path], config: Config | None = None, component: str | None = None
) -> Result:
    """Check annotated docs. The docs are read once, one after the other.

    paths (dict[str, Path]): The .spacy file or the folder of each part, the training
        part first.
    config (Config | None): The config of the training. If None, what depends on it is
        not checked.
    component (str | None): Name of the `egp_ner`; only needed if the config has
        several.
    RETURNS (Result): What was found.
    RAISES (ValueError): If a file is no .spacy file, or the config has no such
        component, or several.
    """
    settings = Settings() if config is None else read_settings(config, component)
    vocab = Vocab()
    repeats = Repeats()
    strings = StringIndex(settings)
    parts = {}
    for part, path in paths.items():
        counter = PartCounter(part, settings)
        for i, doc in enumerate(read_docs(path, vocab)):
            counter.add(doc)
            repeats.add(part, i, doc, settings.spans_key)
            strings.add(part, i, doc)
        parts[part] = counter.counts
    return Result(
        parts=parts,
        repeats=repeats,
        strings=strings.inconsistent(vocab),
        errors=find_errors(parts, settings),
        warnings=find_warnings(parts, repeats, settings),
        unchecked=list(settings.unchecked),
    )


def read_docs(path: Path, vocab: Vocab) -> Iterator[Doc]:
    """Read docs.

    path (Path): A .spacy file, or a folder of such files.
    vocab (Vocab): The vocab of the docs.
    YIELDS (Doc): The docs.
    """
    # spaCy's Corpus passes over docs without tokens.
    for file in walk_corpus(path, FILE_TYPE):
        yield from DocBin().from_disk(file).get_docs(vocab)
