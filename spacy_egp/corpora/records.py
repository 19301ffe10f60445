"""What a corpus file says: one record per doc, before tokenization."""

import re
import reprlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import NamedTuple

from spacy.tokens import Doc, Span

MAX_SHOWN = 80
# The most characters of a text in a list.
MAX_CHARS = 200
WORD = re.compile(r"\S+")


class BadRecord(ValueError):
    """A part of a corpus file that cannot be read: a file, a record, or a span.

    source (str): The file and the line.
    problem (str): What is wrong with which value, and what is expected instead.
    """

    def __init__(self, source: str, problem: str) -> None:
        super().__init__(source, problem)
        self.source = source
        self.problem = problem

    def __str__(self) -> str:
        return f"{self.source}: {self.problem}"


class Unannotated(NamedTuple):
    """A text that nobody annotated: not the same as a text without entities."""

    source: str
    reason: str


class LeftOut(NamedTuple):
    """A file that is not part of the corpus."""

    source: str
    reason: str


class Notice(NamedTuple):
    """What a person should look at, although everything was read."""

    source: str
    text: str


class Offsets(NamedTuple):
    """A labelled span in characters or tokens.

    start (int): The first character or token.
    end (int): The character or token after the last one.
    label (str): The label.
    text (str | None): The span's text, if the file repeats it. White space may differ,
        as line-based formats write a space for a line break.
    source (str | None): The file and the line, if they are not those of the record.
    """

    start: int
    end: int
    label: str
    text: str | None = None
    source: str | None = None


class SpanText(NamedTuple):
    """A labelled span as a person recognizes it.

    source (str): The file and the line.
    label (str): The label.
    text (str): The text of the span.
    cut (str): The tokens inside which it begins or ends, if there are any.
    """

    source: str
    label: str
    text: str
    cut: str = ""


@dataclass(frozen=True, kw_only=True)
class BaseRecord:
    """What all records have in common.

    source (str): The file and the line, for messages.
    document (str): What a split by document keeps together.
    bad (list[BadRecord]): Spans of the record that cannot be read.
    discontinuous (list[SpanText]): Spans of several pieces, which spaCy does not have.
    other (Counter[str]): Annotations that are no spans, counted by kind.
    """

    source: str
    document: str
    bad: list[BadRecord] = field(default_factory=list)
    discontinuous: list[SpanText] = field(default_factory=list)
    other: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, kw_only=True)
class TextRecord(BaseRecord):
    """A text with spans in characters.

    text (str): The text.
    spans (list[Offsets]): The spans, in characters.
    tokens (tuple[list[str], list[bool]] | None): Words and spaces, if the file has any.
    """

    text: str
    spans: list[Offsets]
    tokens: tuple[list[str], list[bool]] | None = None


@dataclass(frozen=True, kw_only=True)
class TokenRecord(BaseRecord):
    """A tokenized text with spans in tokens.

    words (list[str]): The tokens.
    spans (list[Offsets]): The spans, in tokens.
    spaces (list[bool] | None): Whether a space follows each token, if the file says so.
    sent_starts (list[int] | None): The first tokens of the sentences, likewise.
    """

    words: list[str]
    spans: list[Offsets]
    spaces: list[bool] | None = None
    sent_starts: list[int] | None = None


@dataclass(frozen=True, kw_only=True)
class DocRecord(BaseRecord):
    """A doc that spaCy saved, with all its annotation.

    doc (Doc): The doc.
    spans (list[Span]): The spans to convert.
    """

    doc: Doc
    spans: list[Span]


Record = TextRecord | TokenRecord | DocRecord
Entry = Record | Unannotated | LeftOut | Notice | BadRecord


def count_confirmed(text: str, spans: Iterable[Offsets]) -> int:
    """RETURNS (int): The number of spans whose text the file repeats and which have
    this text, apart from white space."""
    return sum(
        span.text is not None and has_words(text, span.start, span.end, span.text)
        for span in spans
    )


def has_words(text: str, start: int, end: int, expected: str) -> bool:
    """RETURNS (bool): Whether the characters from start to end have the words of the
    expected text. Reading stops at the first difference, however long the span is."""
    start, end = max(0, start), max(0, end)
    if end - start == len(expected) and text.startswith(expected, start):
        return True
    found = (match[0] for match in WORD.finditer(text, start, end))
    words = (match[0] for match in WORD.finditer(expected))
    return all(a == b for a, b in zip_longest(found, words))


def excerpt(text: str, start: int, end: int) -> str:
    """RETURNS (str): The beginning of the characters from start to end, for a list of
    many spans, each of which may be the whole text."""
    return text[start : min(end, start + MAX_CHARS)]


def shorten(value: object) -> str:
    """RETURNS (str): The value as a message shows it, however large or deep it is."""
    shown = reprlib.Repr()
    shown.maxstring = shown.maxother = MAX_SHOWN
    return shown.repr(value)
