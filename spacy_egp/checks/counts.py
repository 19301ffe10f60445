"""Counts over the docs of a part, and the spans that are not as they should be."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from spacy.tokens import Doc, Span, SpanGroup

from ..corpora.summary import Listing
from ..gold import Census, are_strings
from ..limits import Exclusion
from ..nesting import count_crossing, nesting_depths
from .places import Place, make_place
from .settings import Settings


class Problem(StrEnum):
    """What is wrong with a gold span."""

    UNLABELED = "unlabeled"
    MISALIGNED = Exclusion.MISALIGNED
    TOO_LONG = Exclusion.TOO_LONG
    CROSSES_SENTENCES = Exclusion.CROSSES_SENTENCES
    UNANNOTATED_LABEL = Exclusion.UNANNOTATED_LABEL
    BEYOND_WINDOW = "beyond_window"
    WITHOUT_PIECES = "without_pieces"
    BLANK = "blank"
    EDGE = "edge"
    DUPLICATE = "duplicate"

    @property
    def description(self) -> str:
        """RETURNS (str): The problem as the end of a sentence about gold spans."""
        return DESCRIPTIONS[self]


DESCRIPTIONS = {
    Problem.UNLABELED: "without a label",
    **{Problem(exclusion): exclusion.description for exclusion in Exclusion},
    Problem.BEYOND_WINDOW: "longer than the transformer's window",
    Problem.WITHOUT_PIECES: "of tokens for which the transformer has no word pieces",
    Problem.BLANK: "of nothing but white space",
    Problem.EDGE: "with white space or punctuation at an edge",
    Problem.DUPLICATE: "that occur twice in their docs",
}
# Spans with these problems are not learned. Those without a label end the training.
NOT_LEARNED = {Problem.UNLABELED, *map(Problem, Exclusion), Problem.DUPLICATE}


@dataclass
class PartCounts:
    """Counts over the docs of a part.

    census (Census): Docs, and those that are not annotated.
    tokens (int): Tokens.
    empty (int): Docs without tokens other than white space.
    negative (int): Annotated docs without a span.
    bad_lists (int): Docs whose list of annotated labels is not a list of strings.
    without_sentences (int): Docs without the sentence boundaries that spans must not
        cross.
    tokens_without_pieces (int): Tokens for which the transformer has no word pieces.
    learned (int): Spans that can be learned.
    labels (Counter[str]): Spans by label.
    lengths (Counter[int]): Spans by number of tokens.
    depths (Counter[int]): Spans by nesting depth, which is 1 for one inside none.
    crossing (int): Spans that overlap another one, while neither is inside the other.
    problems (dict[Problem, Listing[Place]]): Spans that are not as they should be.
    """

    census: Census
    tokens: int = 0
    empty: int = 0
    negative: int = 0
    bad_lists: int = 0
    without_sentences: int = 0
    tokens_without_pieces: int = 0
    learned: int = 0
    labels: Counter[str] = field(default_factory=Counter)
    lengths: Counter[int] = field(default_factory=Counter)
    depths: Counter[int] = field(default_factory=Counter)
    crossing: int = 0
    problems: dict[Problem, Listing[Place]] = field(
        default_factory=lambda: {problem: Listing() for problem in Problem}
    )

    @property
    def spans(self) -> int:
        """RETURNS (int): The number of spans."""
        return self.labels.total()

    def to_dict(self) -> dict[str, Any]:
        """RETURNS (dict[str, Any]): All numbers and lists, for JSON."""
        return {
            "docs": self.census.n_docs,
            "not_annotated": self.census.n_unannotated,
            "empty": self.empty,
            "negative": self.negative,
            "bad_lists": self.bad_lists,
            "without_sentences": self.without_sentences,
            "tokens": self.tokens,
            "tokens_without_pieces": self.tokens_without_pieces,
            "spans": self.spans,
            "learned": self.learned,
            "labels": dict(self.labels.most_common()),
            "lengths": {str(key): n for key, n in sorted(self.lengths.items())},
            "depths": {str(key): n for key, n in sorted(self.depths.items())},
            "crossing": self.crossing,
            "problems": {
                problem.value: {
                    "count": listing.count,
                    "items": [place._asdict() for place in listing.first],
                }
                for problem, listing in self.problems.items()
            },
        }


class PartCounter:
    """Counts the docs of a part.

    part (str): Its name.
    settings (Settings): What the spans are checked against.
    """

    def __init__(self, part: str, settings: Settings) -> None:
        self.part = part
        self.settings = settings
        self.counts = PartCounts(Census(settings.spans_key))

    def add(self, doc: Doc) -> None:
        """doc (Doc): The next doc."""
        counts = self.counts
        i = counts.census.n_docs
        counts.census.count(doc)
        counts.tokens += len(doc)
        counts.empty += all(token.is_space for token in doc)
        counts.without_sentences += self.settings.limits.lacks_sentences(doc)
        pieces = self._count_pieces(doc)
        counts.tokens_without_pieces += sum(n == 0 for n in pieces)
        if self.settings.spans_key in doc.spans:
            group = doc.spans[self.settings.spans_key]
            counts.negative += not len(group)
            self._add_spans(i, doc, group, pieces)

    def _count_pieces(self, doc: Doc) -> Sequence[int]:
        count = self.settings.count_pieces
        return count(doc) if count and len(doc) else [1] * len(doc)

    def _add_spans(
        self, i: int, doc: Doc, group: SpanGroup, pieces: Sequence[int]
    ) -> None:
        counts = self.counts
        spans = list(group)
        bounds = [(span.start, span.end) for span in spans]
        counts.depths.update(nesting_depths(bounds))
        counts.crossing += count_crossing(bounds)
        counts.labels.update(span.label_ for span in spans)
        counts.lengths.update(map(len, spans))
        predicted = self._tokenize(doc) if spans else doc
        listed = self._listed(group)
        seen = set()
        for span in spans:
            problems = set(self._find_problems(doc, predicted, span, pieces))
            if listed is not None and span.label_ not in listed:
                problems.add(Problem.UNANNOTATED_LABEL)
            if (span.start, span.end, span.label) in seen:
                problems.add(Problem.DUPLICATE)
            seen.add((span.start, span.end, span.label))
            counts.learned += not problems & NOT_LEARNED
            for problem in problems:
                counts.problems[problem].add([make_place(self.part, i, span)])

    def _tokenize(self, doc: Doc) -> Doc:
        # As spaCy's reader does.
        if self.settings.tokenize is None or doc.has_unknown_spaces:
            return doc
        return self.settings.tokenize(doc.text)

    def _listed(self, group: SpanGroup) -> set[str] | None:
        """The labels that a doc is annotated for, None for all."""
        listed = group.attrs.get(self.settings.labels_attr)
        if listed is None:
            return None
        if not are_strings(listed):
            self.counts.bad_lists += 1
            return None
        return set(listed)

    def _find_problems(
        self, doc: Doc, predicted: Doc, span: Span, pieces: Sequence[int]
    ) -> Iterator[Problem]:
        if not span.label:
            yield Problem.UNLABELED
        is_same = predicted is doc
        if not (is_same or predicted.char_span(span.start_char, span.end_char)):
            yield Problem.MISALIGNED
        exclusion = self.settings.limits.exclusion(doc, span)
        if exclusion is not None:
            yield Problem(exclusion)
        n_pieces = pieces[span.start : span.end]
        if self.settings.window is not None and sum(n_pieces) > self.settings.window:
            yield Problem.BEYOND_WINDOW
        if not any(n_pieces):
            yield Problem.WITHOUT_PIECES
        first, last = span[0], span[-1]
        if all(token.is_space for token in span):
            yield Problem.BLANK
        elif len(span) > 1 and any(t.is_space or t.is_punct for t in (first, last)):
            yield Problem.EDGE
