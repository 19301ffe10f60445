"""What a table of spans says of a component: pure functions of arrays."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from spacy.scorer import PRFScore

from .spans import SpanTable

# The shortest length of each group of spans, in tokens.
LENGTHS = (1, 2, 3, 4, 5, 6, 11, 21)
# What an error differs in from the closest error of the other side.
ERRORS = ("label", "boundaries", "label and boundaries", "everything")


@dataclass(frozen=True)
class Score:
    """How many of a group's gold spans are predicted, and of its predictions correct.

    p (float): Precision.
    r (float): Recall.
    f (float): F-score.
    support (int): Gold spans.
    predicted (int): Predicted spans.
    correct (int): Spans that are both.
    """

    p: float
    r: float
    f: float
    support: int
    predicted: int
    correct: int

    @classmethod
    def of(cls, is_gold: np.ndarray, is_predicted: np.ndarray) -> "Score":
        """is_gold, is_predicted (np.ndarray): Of each span, bool of shape (N,)."""
        correct = int((is_gold & is_predicted).sum())
        support, predicted = int(is_gold.sum()), int(is_predicted.sum())
        score = PRFScore(tp=correct, fp=predicted - correct, fn=support - correct)
        return cls(
            **score.to_dict(), support=support, predicted=predicted, correct=correct
        )


@dataclass(frozen=True)
class Confusion:
    """How often spans with the same tokens have this gold and this predicted label.

    gold (Optional[str]): The gold label, None if there is no other than those found.
    predicted (Optional[str]): The predicted label, None if there is no other than
        those that are correct.
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


def score_overall(spans: SpanTable) -> Score:
    """RETURNS (Score): The score of all spans."""
    return Score.of(spans.is_gold, spans.is_predicted)


def score_groups(spans: SpanTable, group: np.ndarray) -> dict[int, Score]:
    """Score spans by group, leaving out groups without gold and predicted spans.

    spans (SpanTable): N spans.
    group (np.ndarray): Of each span, int64 of shape (N,).
    RETURNS (Dict[int, Score]): The scores by group, in order.
    """
    used = np.unique(group[spans.is_gold | spans.is_predicted])
    scores = {}
    for i in used.tolist():
        at = np.flatnonzero(group == i)
        scores[i] = Score.of(spans.is_gold[at], spans.is_predicted[at])
    return scores


def score_labels(spans: SpanTable, labels: Sequence[str]) -> dict[str, Score]:
    """RETURNS (Dict[str, Score]): The scores by label, frequent ones first; labels
    without spans are left out."""
    scores = score_groups(spans, spans.label).items()
    by_support = sorted(scores, key=lambda item: -item[1].support)
    return {labels[i]: score for i, score in by_support}


def score_lengths(spans: SpanTable) -> dict[str, Score]:
    """RETURNS (Dict[str, Score]): The scores by number of tokens."""
    names = {
        first: str(first) if first == last else f"{first}\N{EN DASH}{last}"
        for first, last in zip(LENGTHS, [n - 1 for n in LENGTHS[1:]], strict=False)
    }
    names[LENGTHS[-1]] = f"{LENGTHS[-1]}+"
    shortest = np.asarray(LENGTHS)
    length = spans.end - spans.start
    group = shortest[np.searchsorted(shortest, length, side="right") - 1]
    return {names[i]: score for i, score in score_groups(spans, group).items()}


def score_depths(spans: SpanTable) -> dict[str, Score]:
    """RETURNS (Dict[str, Score]): The scores by nesting depth."""
    scores = score_groups(spans, nesting_depths(spans))
    return {str(depth): score for depth, score in scores.items()}


def nesting_depths(spans: SpanTable) -> np.ndarray:
    """Find how deep spans are inside gold spans: 1 for a span inside no longer one,
    otherwise one more than the deepest of those it is inside.

    spans (SpanTable): N spans.
    RETURNS (np.ndarray): The depths, int64 of shape (N,).
    """
    depths = np.ones(len(spans), dtype="int64")
    outer: list[tuple[int, int, int, int]] = []
    # Of spans that begin together, the longer one comes first.
    for i in np.lexsort((-spans.end, spans.start, spans.doc)).tolist():
        doc, start, end, _ = spans.row(i)
        outer = [gold for gold in outer if gold[0] == doc and gold[2] > start]
        inside = [
            depth
            for _, gold_start, gold_end, depth in outer
            if gold_end >= end and (gold_start, gold_end) != (start, end)
        ]
        depths[i] = 1 + max(inside, default=0)
        if spans.is_gold[i]:
            outer.append((doc, start, end, int(depths[i])))
    return depths


def score_seen(spans: SpanTable, is_seen: np.ndarray) -> dict[str, Score]:
    """Score spans by whether training has their text as an entity.

    spans (SpanTable): N spans.
    is_seen (np.ndarray): Whether it has, bool of shape (N,).
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


def find_best_threshold(scores: dict[float, Score]) -> float:
    """RETURNS (float): The threshold with the largest F, the lowest of several."""
    return max(scores, key=lambda threshold: scores[threshold].f)


def pair_errors(spans: SpanTable) -> Iterator[tuple[int, int]]:
    """Pair wrong with missed spans that they overlap.

    spans (SpanTable): The spans.
    YIELDS (Tuple[int, int]): Indices of a wrong and of a missed span.
    """
    missed = np.flatnonzero(spans.is_missed)
    missed_docs = spans.doc[missed]
    for i in np.flatnonzero(spans.is_wrong).tolist():
        first, last = np.searchsorted(missed_docs, [spans.doc[i], spans.doc[i] + 1])
        in_doc = missed[first:last]
        overlaps = (spans.start[in_doc] < spans.end[i]) & (
            spans.end[in_doc] > spans.start[i]
        )
        for j in in_doc[overlaps].tolist():
            yield i, j


def classify_errors(spans: SpanTable) -> dict[int, str]:
    """Tell for each error what comes closest to it among the errors of the other side:
    for a wrong span among missed ones, for a missed span among wrong ones.

    spans (SpanTable): The spans.
    RETURNS (Dict[int, str]): By index of the span, in what the closest one differs:
        one of `ERRORS`.
    """
    errors = np.flatnonzero(spans.is_wrong | spans.is_missed).tolist()
    kinds = dict.fromkeys(errors, ERRORS.index("everything"))
    for i, j in pair_errors(spans):
        _, *bounds, label = spans.row(i)
        _, *other_bounds, other_label = spans.row(j)
        kind = 0 if bounds == other_bounds else 1 if label == other_label else 2
        kinds[i] = min(kinds[i], kind)
        kinds[j] = min(kinds[j], kind)
    return {i: ERRORS[kind] for i, kind in kinds.items()}


def confuse_labels(spans: SpanTable, labels: Sequence[str]) -> list[Confusion]:
    """Count the labels of spans with the same tokens. Correct spans count as pairs of
    equal labels; of the others, each missed span and each wrong span are a pair, and
    what is left of either without the other.

    spans (SpanTable): The spans.
    labels (Sequence[str]): The labels' names.
    RETURNS (List[Confusion]): The pairs of labels that occur, frequent ones first.
    """
    counts: Counter[tuple[str | None, str | None]] = Counter()
    by_bounds: dict[tuple[int, ...], list[list[str | None]]] = defaultdict(
        lambda: [[], []]
    )
    for i in np.flatnonzero(spans.is_gold | spans.is_predicted).tolist():
        *bounds, label = spans.row(i)
        if spans.is_gold[i] and spans.is_predicted[i]:
            counts[labels[label], labels[label]] += 1
        else:
            by_bounds[tuple(bounds)][int(spans.is_predicted[i])].append(labels[label])
    for missed, wrong in by_bounds.values():
        counts.update((m, w) for m in missed or [None] for w in wrong or [None])
    return [
        Confusion(gold, predicted, count)
        for (gold, predicted), count in counts.most_common()
    ]


def count_boundaries(spans: SpanTable) -> dict[str, dict[str, int]]:
    """Count wrong boundaries, by where a wrong span begins and ends beside the missed
    span of the same label that it overlaps most.

    spans (SpanTable): The spans.
    RETURNS (Dict[str, Dict[str, int]]): By start, then by end: "early", "exact" or
        "late".
    """
    closest: dict[int, tuple[int, int]] = {}
    for i, j in pair_errors(spans):
        if spans.label[i] == spans.label[j]:
            shared = min(spans.end[i], spans.end[j]) - max(
                spans.start[i], spans.start[j]
            )
            closest[i] = max(closest.get(i, (0, 0)), (int(shared), -j))
    sides = {-1: "early", 0: "exact", 1: "late"}
    counts = {start: dict.fromkeys(sides.values(), 0) for start in sides.values()}
    for i, (_, negative_j) in closest.items():
        start = np.sign(spans.start[i] - spans.start[-negative_j])
        end = np.sign(spans.end[i] - spans.end[-negative_j])
        counts[sides[int(start)]][sides[int(end)]] += 1
    return counts


def calibrate(spans: SpanTable) -> list[CalibrationBin]:
    """Compare probabilities with how often spans are gold.

    spans (SpanTable): The spans, of which the likely ones count: of the others only
        the gold ones are known.
    RETURNS (List[CalibrationBin]): Ranges of probabilities that occur, in order.
    """
    floor = float(spans.thresholds[0])
    is_likely = np.nan_to_num(spans.probability) > floor
    probability = spans.probability[is_likely].astype("float64")
    is_gold = spans.is_gold[is_likely]
    tenths = np.arange(1, 11) / 10
    edges = np.append(floor, tenths[tenths > floor])
    bins = np.searchsorted(edges, probability).clip(1, len(edges) - 1)
    return [
        CalibrationBin(
            lower=float(edges[k - 1]),
            upper=float(edges[k]),
            probability=float(probability[bins == k].mean()),
            gold=float(is_gold[bins == k].mean()),
            count=int((bins == k).sum()),
        )
        for k in np.unique(bins).tolist()
    ]


def calibration_error(bins: Sequence[CalibrationBin]) -> float:
    """RETURNS (float): The mean difference of probability and share of gold spans,
    weighted by the number of spans (expected calibration error)."""
    n_spans = sum(one.count for one in bins)
    difference = sum(one.count * abs(one.probability - one.gold) for one in bins)
    return difference / max(n_spans, 1)
