"""Statistics of a table of spans: pure functions of arrays. Results of parts of the
docs can be added up."""

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from heapq import heappop, heappush
from itertools import pairwise
from typing import Any, Protocol, Self, TypeVar

import numpy as np
from spacy.scorer import PRFScore

from ..nesting import nesting_depths
from .spans import SpanTable

# The shortest length of each group of spans, in tokens.
LENGTHS = (1, 2, 3, 4, 5, 6, 11, 21)
# The depths of spans; those that are deeper are in the last group.
DEPTHS = (1, 2, 3, 4, 5, 6)
# The upper bounds of ranges of probabilities.
TENTHS = np.arange(1, 11) / 10


class ErrorKind(StrEnum):
    """How an error relates to the spans of the other side: a wrong span to all gold
    spans of its doc, a missed span to all that are predicted there. The first kind that
    applies counts."""

    LABEL = "label"
    JOINS = "joins"
    START = "start"
    END = "end"
    INSIDE = "inside"
    AROUND = "around"
    CROSSES = "crosses"
    ALONE = "alone"
    ELSEWHERE = "elsewhere"
    UNKNOWN = "unknown"

    @property
    def description(self) -> str:
        """RETURNS (str): What the error is, in a few words."""
        return DESCRIPTIONS[self]


DESCRIPTIONS = {
    ErrorKind.LABEL: "right boundaries, another label",
    ErrorKind.JOINS: "joins several spans",
    ErrorKind.START: "right start, another end",
    ErrorKind.END: "right end, another start",
    ErrorKind.INSIDE: "inside a span",
    ErrorKind.AROUND: "around a span",
    ErrorKind.CROSSES: "crosses a span",
    ErrorKind.ALONE: "nothing there",
    ErrorKind.ELSEWHERE: "nothing there; an entity elsewhere",
    ErrorKind.UNKNOWN: "nothing there; unknown words",
}


class Addable(Protocol):
    """What can be added up over parts of the docs."""

    def __add__(self, other: Self, /) -> Self: ...


Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value", bound=Addable)


def add_up(parts: Iterable[Mapping[Key, Value]]) -> dict[Key, Value]:
    """Add up results of parts of the docs.

    parts (Iterable[Mapping[Key, Value]]): Results by group.
    RETURNS (Dict[Key, Value]): The results of all parts by group.
    """
    total: dict[Key, Value] = {}
    for part in parts:
        for key, value in part.items():
            total[key] = total[key] + value if key in total else value
    return total


@dataclass(frozen=True)
class Score:
    """How many gold spans of a group are predicted, and how many predictions correct.

    p (float): Precision.
    r (float): Recall.
    f (float): F-score.
    support (int): Gold spans.
    predicted (int): Predicted spans.
    correct (float): Spans that are both; in a partial score, overlaps count half.
    """

    p: float
    r: float
    f: float
    support: int
    predicted: int
    correct: float

    @classmethod
    def count(cls, support: int, predicted: int, correct: float) -> "Score":
        """Compute the measures from the numbers of spans."""
        numbers: Any = (correct, predicted - correct, support - correct)
        tp, fp, fn = numbers
        score = PRFScore(tp=tp, fp=fp, fn=fn)
        return cls(
            **score.to_dict(), support=support, predicted=predicted, correct=correct
        )

    @classmethod
    def of(cls, is_gold: np.ndarray, is_predicted: np.ndarray) -> "Score":
        """is_gold, is_predicted (np.ndarray): Of each span, bool of shape (N,)."""
        correct = int((is_gold & is_predicted).sum())
        return cls.count(int(is_gold.sum()), int(is_predicted.sum()), correct)

    def __add__(self, other: "Score") -> "Score":
        return Score.count(
            self.support + other.support,
            self.predicted + other.predicted,
            self.correct + other.correct,
        )


@dataclass(frozen=True)
class Confusion:
    """How often spans with the same tokens have this gold and this predicted label.

    gold (Optional[str]): The gold label. None if no missed span has these tokens.
    predicted (Optional[str]): The predicted label. None if no wrong span has these
        tokens.
    count (int): The number of pairs.
    """

    gold: str | None
    predicted: str | None
    count: int


@dataclass(frozen=True)
class CalibrationBin:
    """Likely spans whose probabilities are in one range.

    lower (float): The smallest probability of the range.
    upper (float): The largest.
    probability (float): The mean probability.
    gold (float): The share of gold spans.
    count (int): The number of spans.
    """

    lower: float
    upper: float
    probability: float
    gold: float
    count: int

    def __add__(self, other: "CalibrationBin") -> "CalibrationBin":
        count = self.count + other.count
        share = other.count / count
        return CalibrationBin(
            lower=self.lower,
            upper=self.upper,
            probability=(1 - share) * self.probability + share * other.probability,
            gold=(1 - share) * self.gold + share * other.gold,
            count=count,
        )


def score_overall(spans: SpanTable) -> Score:
    """RETURNS (Score): The score of all spans."""
    return Score.of(spans.is_gold, spans.is_predicted)


def score_groups(spans: SpanTable, group: np.ndarray) -> dict[int, Score]:
    """Score spans by group, leaving out groups with neither gold nor predicted spans.

    spans (SpanTable): N spans.
    group (np.ndarray): The group of each span, non-negative int64 of shape (N,).
    RETURNS (Dict[int, Score]): The scores by group, in order.
    """
    support = np.bincount(group, weights=spans.is_gold)
    predicted = np.bincount(group, weights=spans.is_predicted)
    correct = np.bincount(group, weights=spans.is_gold & spans.is_predicted)
    counts = np.stack([support, predicted, correct], axis=1).astype("int64")
    used = np.flatnonzero(support + predicted).tolist()
    return {i: Score.count(*counts[i].tolist()) for i in used}


def score_labels(spans: SpanTable, labels: Sequence[str]) -> dict[str, Score]:
    """RETURNS (Dict[str, Score]): The scores by label; labels without spans are left
    out."""
    scores = score_groups(spans, spans.label)
    return {labels[i]: score for i, score in scores.items()}


def macro_average(scores: Iterable[Score]) -> float:
    """RETURNS (float): The mean F of labels that have gold spans, 0 without any."""
    f = [score.f for score in scores if score.support]
    return sum(f) / max(len(f), 1)


def score_relaxed(spans: SpanTable) -> dict[str, Score]:
    """Score spans less strictly, with the measures of SemEval 2013 (task 9). Gold and
    predicted spans are paired, each span at most once. As spans may be nested, there
    are as many pairs as possible, those with equal boundaries first. On docs without
    overlaps, "exact" and "partial" are those of nervaluate, which pairs spans in the
    order of its lists. Its "type" can be lower, as it also pairs different labels.

    spans (SpanTable): N spans.
    RETURNS (Dict[str, Score]): "exact": pairs have equal boundaries, whatever the
        labels; "partial": other pairs that share a token count half; "type": pairs
        share a token and have equal labels.
    """
    starts, ends = spans.positions()
    width = int(ends.max(initial=0)) + 1
    is_gold, is_predicted = spans.is_gold, spans.is_predicted
    bounds, at = np.unique(starts * width + ends, return_inverse=True)
    n_gold = np.bincount(at[is_gold], minlength=len(bounds))
    n_predicted = np.bincount(at[is_predicted], minlength=len(bounds))
    n_exact = np.minimum(n_gold, n_predicted)
    left = [np.repeat(bounds, n - n_exact) for n in (n_gold, n_predicted)]
    n_overlaps = count_overlaps(*((x // width, x % width) for x in left))
    # Shifted, spans of different labels do not overlap.
    sides = (is_gold, is_predicted)
    shift = spans.label * width
    by_side = [(starts[x] + shift[x], ends[x] + shift[x]) for x in sides]
    correct = {
        "exact": int(n_exact.sum()),
        "partial": int(n_exact.sum()) + n_overlaps / 2,
        "type": count_overlaps(*by_side),
    }
    numbers = int(is_gold.sum()), int(is_predicted.sum())
    return {name: Score.count(*numbers, number) for name, number in correct.items()}


def count_overlaps(
    gold: tuple[np.ndarray, np.ndarray], predicted: tuple[np.ndarray, np.ndarray]
) -> int:
    """Find the largest number of pairs of a gold and a predicted span that share a
    token, with each span in at most one pair.

    gold (Tuple[np.ndarray, np.ndarray]): Starts and ends, int64 of shape (G,).
    predicted (Tuple[np.ndarray, np.ndarray]): Starts and ends, int64 of shape (P,).
    RETURNS (int): The number of pairs.
    """
    spans = [
        (start, end, side)
        for side, (starts, ends) in enumerate((gold, predicted))
        for start, end in zip(starts.tolist(), ends.tolist(), strict=True)
    ]
    # Ends of the spans that have begun and have no partner. The first one to end
    # overlaps all of the other side. Its best partner is the one that ends next.
    waiting: tuple[list[int], list[int]] = ([], [])
    n_pairs = 0

    def end_spans(before: float) -> None:
        nonlocal n_pairs
        while any(waiting):
            side = min(
                (0, 1), key=lambda one: waiting[one][0] if waiting[one] else np.inf
            )
            if waiting[side][0] > before:
                return
            heappop(waiting[side])
            if waiting[1 - side]:
                heappop(waiting[1 - side])
                n_pairs += 1

    for start, end, side in sorted(spans):
        end_spans(start)
        heappush(waiting[side], end)
    end_spans(np.inf)
    return n_pairs


def name_groups(firsts: Sequence[int]) -> dict[int, str]:
    """RETURNS (Dict[int, str]): Names of ranges of numbers, by the first of each."""
    names = {
        first: str(first) if first == beyond - 1 else f"{first}\N{EN DASH}{beyond - 1}"
        for first, beyond in pairwise(firsts)
    }
    return {**names, firsts[-1]: f"{firsts[-1]}+"}


def find_groups(numbers: np.ndarray, firsts: Sequence[int]) -> np.ndarray:
    """RETURNS (np.ndarray): The first number of the range of each number, int64 of
    shape (N,)."""
    return np.asarray(firsts)[np.searchsorted(firsts, numbers, side="right") - 1]


def score_lengths(spans: SpanTable) -> dict[int, Score]:
    """RETURNS (Dict[int, Score]): The scores by number of tokens, as in `LENGTHS`."""
    return score_groups(spans, find_groups(spans.end - spans.start, LENGTHS))


def score_depths(spans: SpanTable) -> dict[int, Score]:
    """RETURNS (Dict[int, Score]): The scores by nesting depth, as in `DEPTHS`."""
    return score_groups(spans, find_groups(span_depths(spans), DEPTHS))


def span_depths(spans: SpanTable) -> np.ndarray:
    """Find how deep spans are inside longer gold spans: 1 for a span inside none,
    otherwise one more than the deepest of those it is inside.

    spans (SpanTable): N spans.
    RETURNS (np.ndarray): The depths, int64 of shape (N,).
    """
    starts, ends = spans.positions()
    # Labels make no difference.
    gold = np.unique(np.stack([starts, -ends], axis=1)[spans.is_gold], axis=0)
    gold_starts, gold_ends = gold[:, 0], -gold[:, 1]
    gold_bounds = list(zip(gold_starts.tolist(), gold_ends.tolist(), strict=True))
    gold_depths = np.asarray(nesting_depths(gold_bounds), dtype="int64")
    depths = np.ones(len(spans), dtype="int64")
    for depth in range(1, int(gold_depths.max(initial=0)) + 1):
        is_deep = gold_depths == depth
        reach = _Reach(gold_starts[is_deep], gold_ends[is_deep])
        depths[reach.covers(starts, ends)] = depth + 1
    # A span with the bounds of a gold span is as deep as that.
    width = int(ends.max(initial=0)) + 1
    keys, gold_keys = starts * width + ends, gold_starts * width + gold_ends
    order = np.argsort(gold_keys)
    at = np.searchsorted(gold_keys[order], keys).clip(max=max(len(order) - 1, 0))
    if len(order):
        is_gold = gold_keys[order][at] == keys
        depths[is_gold] = gold_depths[order][at][is_gold]
    return depths


class _Reach:
    """How far spans reach, to compare many other spans with them at once.

    starts, ends (np.ndarray): Positions of the spans, int64 of shape (G,).
    """

    def __init__(self, starts: np.ndarray, ends: np.ndarray) -> None:
        order = np.lexsort((ends, starts))
        self.starts = starts[order]
        # The furthest end of those that start no later than each one, and the nearest
        # end of those that start no earlier.
        self.furthest = np.maximum.accumulate(np.append(-1, ends[order]))
        reverse = np.append(ends[order], np.iinfo("int64").max)[::-1]
        self.nearest = np.minimum.accumulate(reverse)[::-1]

    def covers(self, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
        """Whether one of these is around each span, or has the same bounds."""
        n_before = np.searchsorted(self.starts, starts, side="right")
        return self.furthest[n_before] >= ends

    def is_inside(self, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
        """Whether one of these is inside each span, or has the same bounds."""
        n_before = np.searchsorted(self.starts, starts, side="left")
        return self.nearest[n_before] <= ends

    def overlaps(self, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
        """Whether spans share a token with one of these."""
        n_before = np.searchsorted(self.starts, ends, side="left")
        return self.furthest[n_before] > starts


def score_seen(spans: SpanTable, is_seen: np.ndarray) -> dict[str, Score]:
    """Score spans by whether their text is an entity in the training docs.

    spans (SpanTable): N spans.
    is_seen (np.ndarray): Whether it is, bool of shape (N,).
    RETURNS (Dict[str, Score]): The scores of "seen" and "unseen" spans.
    """
    scores = score_groups(spans, is_seen.astype("int64"))
    return {("unseen", "seen")[i]: score for i, score in scores.items()}


def score_thresholds(spans: SpanTable) -> dict[float, Score]:
    """RETURNS (Dict[float, Score]): The overall scores by threshold."""
    return {
        threshold: Score.of(spans.is_gold, spans.selected[:, k])
        for k, threshold in enumerate(spans.thresholds.tolist())
    }


def find_best_threshold(scores: Mapping[float, Score]) -> float:
    """RETURNS (float): The threshold with the largest F, the lowest of several."""
    return max(scores, key=lambda threshold: scores[threshold].f)


def classify_errors(spans: SpanTable) -> np.ndarray:
    """Tell how errors relate to the spans of the other side, whatever their label.

    spans (SpanTable): N spans.
    RETURNS (np.ndarray): Of each error, the index of its `ErrorKind`; -1 of other
        spans; int64 of shape (N,).
    """
    kinds = np.full(len(spans), -1)
    starts, ends = spans.positions()
    for is_error, is_other in (
        (spans.is_wrong, spans.is_gold),
        (spans.is_missed, spans.is_predicted),
    ):
        others = starts[is_other], ends[is_other]
        kinds[is_error] = _classify(starts[is_error], ends[is_error], *others)
    return kinds


def _classify(
    starts: np.ndarray,
    ends: np.ndarray,
    other_starts: np.ndarray,
    other_ends: np.ndarray,
) -> np.ndarray:
    """Index of the kind of N errors, given the positions of the other side's spans."""
    reach = _Reach(other_starts, other_ends)
    width = max(ends.max(initial=0), other_ends.max(initial=0)) + 1
    others = other_starts * width + other_ends
    # The shortest of the others that start where an error starts, and of those that end
    # where it ends.
    order = np.sort(others)
    at = np.searchsorted(order, starts * width)
    shortest_end = np.append(order, -1)[at] - starts * width
    is_start = (shortest_end > 0) & (shortest_end < width)
    order = np.sort(other_ends * width + other_starts)
    at = np.searchsorted(order, ends * width + ends) - 1
    latest_start = np.append(order, -1)[at] - ends * width
    is_end = (latest_start >= 0) & (latest_start < width)
    holds = {
        ErrorKind.LABEL: np.isin(starts * width + ends, others),
        ErrorKind.JOINS: is_start
        & is_end
        & (shortest_end < ends)
        & (latest_start > starts),
        ErrorKind.START: is_start,
        ErrorKind.END: is_end,
        ErrorKind.INSIDE: reach.covers(starts, ends),
        ErrorKind.AROUND: reach.is_inside(starts, ends),
        ErrorKind.CROSSES: reach.overlaps(starts, ends),
        ErrorKind.ALONE: np.ones(len(starts), dtype=bool),
    }
    return np.argmax([holds[kind] for kind in ErrorKind if kind in holds], axis=0)


def explain_alone(
    kinds: np.ndarray, is_elsewhere: np.ndarray, is_unknown: np.ndarray
) -> np.ndarray:
    """Explain errors that overlap no span of the other side by their texts.

    kinds (np.ndarray): Their kinds, see `classify_errors`, int64 of shape (N,).
    is_elsewhere (np.ndarray): Whether the text is an entity elsewhere, bool of shape
        (N,).
    is_unknown (np.ndarray): Whether the training docs lack one of its words, bool of
        shape (N,).
    RETURNS (np.ndarray): The kinds, int64 of shape (N,).
    """
    alone, elsewhere, unknown = (
        list(ErrorKind).index(kind)
        for kind in (ErrorKind.ALONE, ErrorKind.ELSEWHERE, ErrorKind.UNKNOWN)
    )
    explained = np.select([is_elsewhere, is_unknown], [elsewhere, unknown], alone)
    return np.where(kinds == alone, explained, kinds)


def count_errors(spans: SpanTable, kinds: np.ndarray) -> Counter[tuple[str, str]]:
    """Count errors by kind.

    spans (SpanTable): N spans.
    kinds (np.ndarray): Their kinds, see `classify_errors`.
    RETURNS (Counter[Tuple[str, str]]): By kind, and "wrong" or "missed".
    """
    counts: Counter[tuple[str, str]] = Counter()
    for side, is_error in (("wrong", spans.is_wrong), ("missed", spans.is_missed)):
        numbers = np.bincount(kinds[is_error], minlength=len(ErrorKind)).tolist()
        counts.update(
            {(kind, side): n for kind, n in zip(ErrorKind, numbers, strict=True)}
        )
    return counts


def confuse_labels(
    spans: SpanTable, labels: Sequence[str]
) -> Counter[tuple[str | None, str | None]]:
    """Count the labels of spans with the same tokens. Correct spans count as pairs of
    equal labels. Each missed span is paired with each wrong span, and with None if
    there is no wrong one; a wrong span without a missed one is also paired with None.

    spans (SpanTable): The spans.
    labels (Sequence[str]): The labels' names.
    RETURNS (Counter[Tuple[Optional[str], Optional[str]]]): How often pairs of a gold
        and a predicted label occur.
    """
    counts: Counter[tuple[str | None, str | None]] = Counter()
    starts, ends = spans.positions()
    bounds = starts * (int(ends.max(initial=0)) + 1) + ends
    is_wrong, is_missed = spans.is_wrong, spans.is_missed
    is_shared_wrong = is_wrong & np.isin(bounds, bounds[is_missed])
    is_shared_missed = is_missed & np.isin(bounds, bounds[is_wrong])
    wrong_at: dict[int, list[str]] = {}
    for i in np.flatnonzero(is_shared_wrong).tolist():
        wrong_at.setdefault(int(bounds[i]), []).append(labels[spans.label[i]])
    for i in np.flatnonzero(is_shared_missed).tolist():
        gold = labels[spans.label[i]]
        counts.update((gold, predicted) for predicted in wrong_at[int(bounds[i])])
    for is_pair, has_gold, has_predicted in (
        (spans.is_gold & spans.is_predicted, True, True),
        (is_missed & ~is_shared_missed, True, False),
        (is_wrong & ~is_shared_wrong, False, True),
    ):
        numbers = np.bincount(spans.label[is_pair])
        for label in np.flatnonzero(numbers).tolist():
            name = labels[label]
            pair = (name if has_gold else None, name if has_predicted else None)
            counts[pair] += int(numbers[label])
    return counts


def calibrate(spans: SpanTable) -> dict[int, CalibrationBin]:
    """Compare probabilities with how often spans are gold.

    spans (SpanTable): The spans. Only the likely ones count: the table lacks the others
        unless they are gold.
    RETURNS (Dict[int, CalibrationBin]): Ranges of probabilities that occur, in order.
    """
    floor = float(spans.thresholds[0])
    is_likely = np.nan_to_num(spans.probability) > floor
    probability = spans.probability[is_likely].astype("float64")
    is_gold = spans.is_gold[is_likely]
    edges = np.append(floor, TENTHS[floor < TENTHS])
    bins = np.searchsorted(edges, probability).clip(1, len(edges) - 1)
    return {
        k: CalibrationBin(
            lower=float(edges[k - 1]),
            upper=float(edges[k]),
            probability=float(probability[bins == k].mean()),
            gold=float(is_gold[bins == k].mean()),
            count=int((bins == k).sum()),
        )
        for k in np.unique(bins).tolist()
    }


def calibration_error(bins: Sequence[CalibrationBin]) -> float:
    """RETURNS (float): The mean difference of probability and share of gold spans,
    weighted by the number of spans (expected calibration error)."""
    n_spans = sum(one.count for one in bins)
    difference = sum(one.count * abs(one.probability - one.gold) for one in bins)
    return difference / max(n_spans, 1)
