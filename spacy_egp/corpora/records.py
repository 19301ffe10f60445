"""What a corpus file says: one record per doc, before it meets a tokenizer."""

from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

from spacy.tokens import Doc, Span

from ..errors import Errors


class BadRecord(ValueError):
    """A part of a corpus file that cannot be read.

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


class Offsets(NamedTuple):
    """A labelled span in characters or tokens, the end exclusive."""

    start: int
    end: int
    label: str


class SpanText(NamedTuple):
    """A labelled span as a person recognizes it."""

    source: str
    label: str
    text: str


@dataclass(frozen=True, kw_only=True)
class BaseRecord:
    """What all records have in common.

    source (str): The file and the line, for messages.
    document (str): What a split by document keeps together.
    """

    source: str
    document: str


@dataclass(frozen=True, kw_only=True)
class TextRecord(BaseRecord):
    """A text with spans in characters.

    text (str): The text.
    spans (list[Offsets]): The spans, in characters.
    tokens (tuple[list[str], list[bool]] | None): Words and spaces, if the file has any.
    discontinuous (list[SpanText]): Spans of several pieces, which spaCy does not have.
    other (Counter[str]): Annotations that are no spans, counted by kind.
    RAISES (BadRecord): If a span has no label or is not inside the text, or if the
        text is not valid Unicode.
    """

    text: str
    spans: list[Offsets]
    tokens: tuple[list[str], list[bool]] | None = None
    discontinuous: list[SpanText] = field(default_factory=list)
    other: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        for start, end, label in self.spans:
            if not 0 <= start < end <= len(self.text):
                problem = Errors.EGP214.format(
                    start=start, end=end, label=label, n_chars=len(self.text)
                )
                raise BadRecord(self.source, problem)
            if not label:
                problem = Errors.EGP215.format(start=start, end=end)
                raise BadRecord(self.source, problem)
        try:
            "".join([self.text, *(span.label for span in self.spans)]).encode("utf8")
        except UnicodeEncodeError as error:
            problem = Errors.EGP213.format(error=error)
            raise BadRecord(self.source, problem) from error


@dataclass(frozen=True, kw_only=True)
class TokenRecord(BaseRecord):
    """A tokenized sentence with spans in tokens.

    words (list[str]): The tokens.
    spans (list[Offsets]): The spans, in tokens.
    """

    words: list[str]
    spans: list[Offsets]


@dataclass(frozen=True, kw_only=True)
class DocRecord(BaseRecord):
    """A doc that spaCy saved, with all its annotation.

    doc (Doc): The doc.
    spans (list[Span]): The spans to convert.
    """

    doc: Doc
    spans: list[Span]


Record = TextRecord | TokenRecord | DocRecord
Entry = Record | Unannotated | BadRecord


def check_text(source: str, text: str, start: int, end: int, expected: str) -> None:
    """Compare the text at a span's offsets with the text that the file gives for it.

    source (str): The file and the line.
    text (str): The whole text.
    start (int): The first character.
    end (int): The character after the last.
    expected (str): The span's text according to the file. Whitespace may differ, as
        line-based formats write a space for a line break.
    RAISES (BadRecord): If the two differ.
    """
    if text[start:end].split() != expected.split():
        problem = Errors.EGP216.format(
            start=start, end=end, text=text[start:end], expected=expected
        )
        raise BadRecord(source, problem)
