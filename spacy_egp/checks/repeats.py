"""Texts that occur more than once, within a part and across parts."""

from typing import Any, NamedTuple

from spacy.tokens import Doc

from ..corpora.summary import Listing
from .places import MAX_CHARS


class Repeat(NamedTuple):
    """A doc whose text an earlier doc has.

    part (str): Its part.
    doc (int): Index of the doc in its part.
    first_part (str): The part of the first doc with this text.
    first_doc (int): Index of the first doc in its part.
    same_spans (bool): Whether both have the same spans, or are both not annotated.
    text (str): The text.
    """

    part: str
    doc: int
    first_part: str
    first_doc: int
    same_spans: bool
    text: str


class Repeats:
    """Finds equal texts.

    same (Listing[Repeat]): Docs with the spans of the first one.
    other (Listing[Repeat]): Docs with other spans.
    leaks (Listing[Repeat]): Docs of one part whose text occurs first in another.
    """

    def __init__(self) -> None:
        self.same: Listing[Repeat] = Listing()
        self.other: Listing[Repeat] = Listing()
        self.leaks: Listing[Repeat] = Listing()
        # By the hash of the text: part, doc and the hash of the spans.
        self._first: dict[int, tuple[str, int, int]] = {}

    def add(self, part: str, i: int, doc: Doc, spans_key: str) -> None:
        """Compare the next doc with those before.

        part (str): Its part.
        i (int): Its index in the part.
        doc (Doc): The doc. An empty one is equal to no other.
        spans_key (str): Key of its spans.
        """
        text = doc.text
        if not text.strip():
            return
        group = doc.spans.get(spans_key)
        spans = None if group is None else _bounds(group)
        first = self._first.setdefault(hash(text), (part, i, hash(spans)))
        first_part, first_doc, first_spans = first
        if (first_part, first_doc) == (part, i):
            return
        same = first_spans == hash(spans)
        repeat = Repeat(part, i, first_part, first_doc, same, text[:MAX_CHARS])
        (self.same if same else self.other).add([repeat])
        if first_part != part:
            self.leaks.add([repeat])

    def to_dict(self) -> dict[str, Any]:
        """RETURNS (dict[str, Any]): The counts and lists, for JSON."""
        return {
            name: {
                "count": listing.count,
                "items": [repeat._asdict() for repeat in listing.first],
            }
            for name, listing in vars(self).items()
            if isinstance(listing, Listing)
        }


def _bounds(group: Any) -> frozenset[tuple[int, int, int]]:
    return frozenset((span.start_char, span.end_char, span.label) for span in group)
