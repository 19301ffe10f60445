"""What a conversion produced and what it left out, for a person to act on."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar

from spacy.tokens import Doc, Span

from ..nesting import count_crossing, nesting_depths
from .records import MAX_CHARS, BadRecord, LeftOut, Notice, SpanText

MAX_EXAMPLES = 10
ItemT = TypeVar("ItemT")


class Fate(str, Enum):  # noqa: UP042
    """Why a span is not written as the file has it."""

    TRIMMED = "trimmed"
    EXPANDED = "expanded"
    CONTRACTED = "contracted"
    MISFIT = "misfit"
    BLANK = "blank"
    DISCONTINUOUS = "discontinuous"
    DUPLICATE = "duplicate"


class Repeat(NamedTuple):
    """A doc with the text of an earlier one.

    source (str): The file and the line.
    text (str): The text.
    same_spans (bool): Whether the first doc with this text has the same spans.
    """

    source: str
    text: str
    same_spans: bool


@dataclass
class Tally(Generic[ItemT]):
    """A count, with the first items as examples.

    count (int): The number of items.
    first (list): The first items, at most MAX_ITEMS.
    """

    MAX_ITEMS: ClassVar[int] = MAX_EXAMPLES

    count: int = 0
    first: list[ItemT] = field(default_factory=list)

    def add(self, items: Iterable[ItemT]) -> None:
        """items (Iterable): The items to count."""
        for item in items:
            self.count += 1
            if len(self.first) < self.MAX_ITEMS:
                self.first.append(item)


class Listing(Tally[ItemT]):
    """A count, with all the items unless they would fill the memory."""

    MAX_ITEMS = 100_000


@dataclass
class SpanListing(Listing[SpanText]):
    """A count of spans, in total and by label."""

    labels: Counter[str] = field(default_factory=Counter)

    def add(self, items: Iterable[SpanText]) -> None:
        for item in items:
            self.labels[item.label] += 1
            shown = (field[:MAX_CHARS] for field in (item.label, item.text, item.cut))
            super().add([SpanText(item.source, *shown)])


@dataclass
class RepeatListing(Listing[Repeat]):
    """A count of docs with texts of earlier ones, and of those with other spans.

    others (int): The number of docs with other spans.
    """

    others: int = 0

    def add(self, items: Iterable[Repeat]) -> None:
        for item in items:
            self.others += not item.same_spans
            super().add([item])


@dataclass
class Summary:
    """Counts over all docs of a conversion.

    docs (Counter[str]): Docs by part of the split; without a split, the part is "".
    tokens (int): Tokens.
    labels (Counter[str]): Spans by label.
    depths (Counter[int]): Spans by nesting depth, which is 1 for one inside none.
    crossing (int): Spans that overlap another one, while neither is inside the other.
    longest (SpanText | None): The first of the longest spans.
    longest_tokens (int): Its length.
    fates (dict[Fate, SpanListing]): Spans that are not written as the file has them.
    repeats (RepeatListing): Docs whose text an earlier doc has.
    bad (Listing[BadRecord]): Records and spans that cannot be read.
    unannotated (Counter[str]): Texts left out, as nobody annotated them, by reason.
    other (Counter[str]): Annotations left out, as they are not spans, by kind.
    files (Listing[LeftOut]): Files that are not part of the corpus.
    notices (Listing[Notice]): What a person should look at.
    """

    docs: Counter[str] = field(default_factory=Counter)
    tokens: int = 0
    labels: Counter[str] = field(default_factory=Counter)
    depths: Counter[int] = field(default_factory=Counter)
    crossing: int = 0
    longest: SpanText | None = None
    longest_tokens: int = 0
    fates: dict[Fate, SpanListing] = field(
        default_factory=lambda: {fate: SpanListing() for fate in Fate}
    )
    repeats: RepeatListing = field(default_factory=RepeatListing)
    bad: Listing[BadRecord] = field(default_factory=Listing)
    unannotated: Counter[str] = field(default_factory=Counter)
    other: Counter[str] = field(default_factory=Counter)
    files: Listing[LeftOut] = field(default_factory=Listing)
    notices: Listing[Notice] = field(default_factory=Listing)
    # Hashes of texts and of the spans of the first doc with each.
    _texts: dict[int, int] = field(default_factory=dict, repr=False)

    def add_doc(self, part: str, source: str, doc: Doc, spans: Sequence[Span]) -> None:
        """Count a doc that is written.

        part (str): The part of the split it is written to.
        source (str): The file and the line it comes from.
        doc (Doc): The doc.
        spans (Sequence[Span]): Its spans.
        """
        self.docs[part] += 1
        self.tokens += len(doc)
        self.labels.update(span.label_ for span in spans)
        bounds = [(span.start, span.end) for span in spans]
        self.depths.update(nesting_depths(bounds))
        self.crossing += count_crossing(bounds)
        for span in spans:
            if len(span) > self.longest_tokens:
                self.longest = SpanText(source, span.label_, span.text)
                self.longest_tokens = len(span)
        self._compare_text(source, doc, spans)

    def _compare_text(self, source: str, doc: Doc, spans: Sequence[Span]) -> None:
        spans_hash = hash(
            frozenset((span.start_char, span.end_char, span.label) for span in spans)
        )
        text_hash = hash(doc.text)
        first = self._texts.get(text_hash)
        if first is None:
            self._texts[text_hash] = spans_hash
        else:
            text = doc.text[:MAX_CHARS]
            self.repeats.add([Repeat(source, text, first == spans_hash)])

    def to_dict(self) -> dict[str, Any]:
        """RETURNS (dict[str, Any]): All numbers and lists, for JSON."""
        longest = self.longest._asdict() if self.longest else None
        return {
            "docs": dict(self.docs),
            "tokens": self.tokens,
            "spans": self.labels.total(),
            "labels": dict(self.labels.most_common()),
            "depths": {str(key): n for key, n in sorted(self.depths.items())},
            "crossing": self.crossing,
            "longest": longest and {**longest, "tokens": self.longest_tokens},
            **{fate.value: _spans_to_dict(self.fates[fate]) for fate in Fate},
            "repeats": {
                **_to_dict(self.repeats, (r._asdict() for r in self.repeats.first)),
                "others": self.repeats.others,
            },
            "bad": _to_dict(
                self.bad,
                ({"source": e.source, "problem": e.problem} for e in self.bad.first),
            ),
            "unannotated": dict(self.unannotated),
            "other": dict(self.other),
            "files": _to_dict(self.files, (f._asdict() for f in self.files.first)),
            "notices": _to_dict(
                self.notices, (n._asdict() for n in self.notices.first)
            ),
        }


def _to_dict(tally: Listing[Any], items: Iterable[dict[str, Any]]) -> dict[str, Any]:
    return {"count": tally.count, "items": list(items)}


def _spans_to_dict(tally: SpanListing) -> dict[str, Any]:
    items = (span._asdict() for span in tally.first)
    return {**_to_dict(tally, items), "labels": dict(tally.labels.most_common())}
