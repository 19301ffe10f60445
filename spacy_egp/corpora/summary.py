"""What a conversion produced and what it left out, for a person to act on."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from spacy.tokens import Doc, Span

from .records import BadRecord, SpanText

N_EXAMPLES = 10
ItemT = TypeVar("ItemT")


@dataclass
class Tally(Generic[ItemT]):
    """A count, with the first items as examples.

    count (int): The number of items.
    first (list): The first N_EXAMPLES items.
    """

    count: int = 0
    first: list[ItemT] = field(default_factory=list)

    def add(self, items: Iterable[ItemT]) -> None:
        """items (Iterable): The items to count."""
        for item in items:
            self.count += 1
            if len(self.first) < N_EXAMPLES:
                self.first.append(item)


@dataclass
class Summary:
    """Counts over all docs of a conversion.

    docs (Counter[str]): Docs by part of the split; without a split, the part is "".
    tokens (int): Tokens.
    labels (Counter[str]): Spans by label.
    depths (Counter[int]): Spans by nesting depth, which is 1 for one inside no other.
    crossing (int): Spans that overlap another one, while neither is inside the other.
    longest (SpanText | None): The first of the longest spans.
    longest_tokens (int): Its length.
    duplicates (int): Spans left out, as the doc has the same tokens and label already.
    misaligned (Tally[SpanText]): Spans left out, as they begin or end inside a token.
    discontinuous (Tally[SpanText]): Spans left out, as they have several pieces.
    bad (Tally[BadRecord]): Records left out, as they cannot be read.
    unannotated (Counter[str]): Texts left out, as nobody annotated them, by reason.
    other (Counter[str]): Annotations left out, as they are no spans, by kind.
    """

    docs: Counter[str] = field(default_factory=Counter)
    tokens: int = 0
    labels: Counter[str] = field(default_factory=Counter)
    depths: Counter[int] = field(default_factory=Counter)
    crossing: int = 0
    longest: SpanText | None = None
    longest_tokens: int = 0
    duplicates: int = 0
    misaligned: Tally[SpanText] = field(default_factory=Tally)
    discontinuous: Tally[SpanText] = field(default_factory=Tally)
    bad: Tally[BadRecord] = field(default_factory=Tally)
    unannotated: Counter[str] = field(default_factory=Counter)
    other: Counter[str] = field(default_factory=Counter)

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
        depths, n_crossing = _measure_nesting(spans)
        self.depths.update(depths)
        self.crossing += n_crossing
        for span in spans:
            if len(span) > self.longest_tokens:
                self.longest = SpanText(source, span.label_, span.text)
                self.longest_tokens = len(span)


def _measure_nesting(spans: Sequence[Span]) -> tuple[list[int], int]:
    """RETURNS (tuple[list[int], int]): All depths and the number of crossing spans."""
    # Of spans that begin together, the longer one comes first: it is the outer one.
    ordered = sorted(spans, key=lambda span: (span.start, -span.end))
    depths: list[int] = []
    crossing: set[int] = set()
    overlapping: list[int] = []
    for i, span in enumerate(ordered):
        overlapping = [j for j in overlapping if ordered[j].end > span.start]
        outer = [j for j in overlapping if ordered[j].end >= span.end]
        depths.append(1 + max((depths[j] for j in outer), default=0))
        crossed = set(overlapping).difference(outer)
        if crossed:
            crossing |= crossed | {i}
        overlapping.append(i)
    return depths, len(crossing)
