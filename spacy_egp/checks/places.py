"""A span in its context, as a person looks for it."""

from typing import NamedTuple

from spacy.tokens import Span

# Tokens of context on either side of a span.
TOKENS_AROUND = 6
# How many characters of a text are kept.
MAX_CHARS = 200
# A doc: its part, and its index in the part.
Address = tuple[str, int]
# First token of a span, and the token after its last one.
Bounds = tuple[int, int]


class Place(NamedTuple):
    """A span of a doc.

    part (str): The part of the corpus.
    doc (int): Index of the doc in the part, from 0.
    start (int): First token.
    end (int): Token after the last one.
    label (str): The label, or an empty string.
    before (str): The text before the span.
    text (str): The text of the span.
    after (str): The text after it.
    """

    part: str
    doc: int
    start: int
    end: int
    label: str
    before: str
    text: str
    after: str


def make_place(part: str, i: int, span: Span, label: str | None = None) -> Place:
    """Describe a span.

    part (str): The part of the corpus.
    i (int): Index of its doc.
    span (Span): The span.
    label (str | None): The label, if it is not the span's.
    RETURNS (Place): The description.
    """
    doc = span.doc
    before = doc[max(span.start - TOKENS_AROUND, 0) : span.start]
    after = doc[span.end : span.end + TOKENS_AROUND]
    return Place(
        part=part,
        doc=i,
        start=span.start,
        end=span.end,
        label=span.label_ if label is None else label,
        before=before.text_with_ws[-MAX_CHARS:],
        # The last token's white space is part of the text after it.
        text=span.text[:MAX_CHARS],
        after=(span[-1].whitespace_ + after.text)[:MAX_CHARS],
    )
