"""Thresholds that reach the best F, or a precision or recall, on annotated docs."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, cast

import numpy as np
from spacy.language import Language
from spacy.training import Example

from ..component import EGPRecognizer
from ..errors import Errors
from ..thresholds import Threshold
from .evaluation import Evaluation, evaluate
from .statistics import Score, score_overall

# The probabilities that are tried.
GRID = np.arange(1, 100) / 100
# The number of parts of the docs. Each is scored with what is found on the others.
N_FOLDS = 5

Measure = Literal["f", "precision", "recall"]


@dataclass(frozen=True)
class Target:
    """What thresholds should reach.

    measure (str): "f": the best F of all spans. "precision": the best recall with at
        least a precision. "recall": the best precision with at least a recall.
    least (float): This precision or recall.
    """

    measure: Measure = "f"
    least: float = 0.0

    def is_reached(self, score: Score) -> bool:
        """RETURNS (bool): Whether a score reaches the precision or recall."""
        reached = {"f": 1.0, "precision": score.p, "recall": score.r}[self.measure]
        return reached >= self.least


@dataclass(frozen=True)
class Tuning:
    """Thresholds for a component, and what they score on the docs.

    threshold (Union[float, Dict[str, float]]): The suggested threshold.
    before (Score): The score at the component's own threshold.
    score (Score): The score at the suggested one.
    held_out (Score): The score of `N_FOLDS` parts of the docs, each at thresholds that
        were found on the other parts.
    labels (Dict[str, Score]): The scores by label at the suggested threshold.
    curve (Dict[float, Score]): The scores of all spans by common threshold.
    unreached (List[str]): Labels (or "all", for a common threshold) that do not reach
        the target at any threshold; they have the threshold that comes nearest.
    """

    threshold: Threshold
    before: Score
    score: Score
    held_out: Score
    labels: dict[str, Score]
    curve: dict[float, Score]
    unreached: list[str]


@dataclass(frozen=True)
class LabelThreshold:
    """The threshold that is suggested for a label.

    threshold (float): The probability.
    score (Score): The label's score at it; with an `overlap` other than "any", its
        score if all labels have this threshold.
    """

    threshold: float
    score: Score


def tune(
    nlp: Language,
    name: str,
    read_examples: Callable[[], Iterable[Example]],
    *,
    target: Target,
    by_label: bool,
) -> Tuning:
    """Find the best threshold of an `egp_ner` in one pass over annotated docs.

    By label, thresholds for the best F are those with the best F of all spans; for a
    precision or recall, each label has to reach it. A label has a threshold of its own
    only if such thresholds, found on 4 of 5 parts of the docs, do better than a common
    one on the fifth; others have the common one. Of equally good thresholds, the one
    nearest to 0.5 is taken.

    With an `overlap` other than "any", labels compete: each is tuned by its spans at
    common thresholds, and a second pass scores the result.

    nlp (Language): The pipeline.
    name (str): Name of the `egp_ner`.
    read_examples (Callable[[], Iterable[Example]]): Reads the annotated docs, each time
        from the start.
    target (Target): What to reach.
    by_label (bool): Whether labels may have thresholds of their own.
    RETURNS (Tuning): The thresholds and scores.
    RAISES (ValueError): If there are no annotated docs.
    """
    component = cast(EGPRecognizer, nlp.get_pipe(name))
    labels = component.labels
    counts, grid, before = _count(nlp, name, read_examples())
    total = counts.sum(0)
    if by_label:
        chosen, held_out = _choose_held_out(counts, grid, target)
        threshold: Threshold = _by_label(labels, grid, chosen)
        found = total[:, np.arange(len(chosen)), chosen]
        if component.overlap != "any":
            found = _count_with(nlp, name, read_examples(), threshold)
    else:
        common = _choose(total.sum(1), grid, target)
        held_out = _score_held_out(counts, grid, target)
        threshold = float(grid[common])
        found = total[..., common]
    scores = {label: _score(found[:, i]) for i, label in enumerate(labels)}
    overall = _score(found.sum(1))
    reached = scores if by_label else {"all": overall}
    return Tuning(
        threshold=threshold,
        before=before,
        score=overall,
        held_out=_score(held_out.sum(1)),
        labels=scores,
        curve={
            probability: _score(total[..., k].sum(1))
            for k, probability in enumerate(grid.tolist())
        },
        unreached=[
            label for label, score in reached.items() if not target.is_reached(score)
        ],
    )


def suggest_thresholds(
    counts: np.ndarray, grid: np.ndarray, labels: Sequence[str]
) -> dict[str, LabelThreshold]:
    """Find the thresholds of labels with the best F of all spans, as `tune` does.

    counts (np.ndarray): The sum of what `count_spans` has returned for parts of the
        docs.
    grid (np.ndarray): The K thresholds, float64.
    labels (Sequence[str]): The component's labels.
    RETURNS (Dict[str, LabelThreshold]): The threshold of each label.
    """
    chosen, _ = _choose_held_out(counts, grid, Target())
    found = counts.sum(0)[:, np.arange(len(chosen)), chosen]
    return {
        label: LabelThreshold(threshold, _score(found[:, i]))
        for i, (label, threshold) in enumerate(_by_label(labels, grid, chosen).items())
    }


def count_spans(part: Evaluation) -> np.ndarray:
    """Count gold, predicted and correct spans of some docs.

    part (Evaluation): The docs.
    RETURNS (np.ndarray): The counts by fold, label and threshold, int64 of shape
        (folds, 3, labels + 1, K). The last label stands for all that the component
        lacks.
    """
    spans = part.spans
    n_labels = len(part.component.labels) + 1
    counts = np.zeros((3, N_FOLDS * n_labels, len(spans.thresholds)), dtype="int64")
    fold = (part.first_doc + spans.doc) % N_FOLDS
    label = np.minimum(spans.label, n_labels - 1)
    is_gold = spans.is_gold[:, None]
    rows = (is_gold, spans.selected, is_gold & spans.selected)
    for kind, values in enumerate(rows):
        np.add.at(counts[kind], fold * n_labels + label, values)
    return counts.reshape(3, N_FOLDS, n_labels, -1).swapaxes(0, 1)


def _count(
    nlp: Language, name: str, examples: Iterable[Example]
) -> tuple[np.ndarray, np.ndarray, Score]:
    """The sum of `count_spans`, the thresholds, and the score at the component's
    own."""
    before = Score.count(0, 0, 0)
    counts, grid = np.zeros((N_FOLDS, 3, 1, 1), dtype="int64"), GRID
    for part in evaluate(nlp, name, examples, thresholds=GRID):
        counts, grid = counts + count_spans(part), part.spans.thresholds
        before += score_overall(part.spans)
    if not counts[:, 0].any():
        raise ValueError(
            Errors.EGP311.format(
                name=name, spans_key=cast(EGPRecognizer, nlp.get_pipe(name)).key
            )
        )
    return counts, grid, before


def _count_with(
    nlp: Language, name: str, examples: Iterable[Example], threshold: Threshold
) -> np.ndarray:
    """Gold, predicted and correct spans by label at a threshold of the component, int64
    of shape (3, labels + 1)."""
    component = cast(EGPRecognizer, nlp.get_pipe(name))
    n_labels = len(component.labels) + 1
    counts = np.zeros((3, n_labels), dtype="int64")
    own, component.threshold = component.threshold, threshold
    try:
        for part in evaluate(nlp, name, examples, thresholds=np.empty(0)):
            spans = part.spans
            label = np.minimum(spans.label, n_labels - 1)
            is_correct = spans.is_gold & spans.is_predicted
            kinds = (spans.is_gold, spans.is_predicted, is_correct)
            for kind, is_one in enumerate(kinds):
                counts[kind] += np.bincount(label[is_one], minlength=n_labels)
    finally:
        component.threshold = own
    return counts


def _choose_held_out(
    counts: np.ndarray, grid: np.ndarray, target: Target
) -> tuple[np.ndarray, np.ndarray]:
    """The thresholds of labels, int64 of shape (labels,), and the counts on held-out
    docs, of shape (3, labels). A label has the common threshold unless its own does
    better on held-out docs. The argument is the result of `count_spans`."""
    total = counts.sum(0)
    common = _score_held_out(counts, grid, target)
    own = _score_held_out_by_label(counts, grid, target)
    is_better = _is_better(own, common, target)
    chosen = np.where(
        is_better,
        _choose_by_label(total, grid, target),
        _choose(total.sum(1), grid, target),
    )
    return chosen, np.where(is_better, own, common)


def _by_label(
    labels: Sequence[str], grid: np.ndarray, chosen: np.ndarray
) -> dict[str, float]:
    """The thresholds of the component's labels, without that of the others."""
    return dict(zip(labels, grid[chosen[:-1]].tolist(), strict=True))


def _choose(counts: np.ndarray, grid: np.ndarray, target: Target) -> int:
    """The best of K thresholds for spans that are counted together, of shape (3, K)."""
    f, p, r = _measures(counts)
    if target.measure == "f":
        return _best(f, grid)
    reached, other = (p, r) if target.measure == "precision" else (r, p)
    is_reached = reached >= target.least
    return _best(np.where(is_reached, 1 + other, reached - 1), grid)


def _choose_by_label(
    counts: np.ndarray, grid: np.ndarray, target: Target
) -> np.ndarray:
    """The best of K thresholds for each label, of counts of shape (3, labels, K)."""
    n_labels = counts.shape[1]
    if target.measure != "f":
        by_label = counts.swapaxes(0, 1)
        return np.asarray([_choose(one, grid, target) for one in by_label])
    # F of all spans is a ratio of sums over labels: the thresholds with the largest
    # gain at a known F have a larger F (Dinkelbach's algorithm).
    _, predicted, correct = counts
    chosen = np.full(n_labels, _choose(counts.sum(1), grid, target))
    labels = np.arange(n_labels)
    best = -1.0
    while (f := _score(counts[:, labels, chosen].sum(1)).f) > best:
        best = f
        gains = 2 * correct - f * predicted
        chosen = np.asarray([_best(gain, grid) for gain in gains])
    return chosen


def _score_held_out(counts: np.ndarray, grid: np.ndarray, target: Target) -> np.ndarray:
    """Counts by label, of shape (3, labels): the sum over the folds, each at the common
    threshold that is best for the others."""
    total = counts.sum((0, 2))
    found = [fold[..., _choose(total - fold.sum(1), grid, target)] for fold in counts]
    return np.sum(found, axis=0)


def _score_held_out_by_label(
    counts: np.ndarray, grid: np.ndarray, target: Target
) -> np.ndarray:
    """Counts by label, of shape (3, labels): the sum over the folds, each at the
    thresholds of labels that are best for the others."""
    total = counts.sum(0)
    labels = np.arange(counts.shape[2])
    found = [
        fold[:, labels, _choose_by_label(total - fold, grid, target)] for fold in counts
    ]
    return np.sum(found, axis=0)


def _is_better(own: np.ndarray, common: np.ndarray, target: Target) -> np.ndarray:
    """Whether the own threshold of each label does better than the common one on
    held-out docs, bool of shape (labels,). The counts are of shape (3, labels)."""
    if target.measure == "f":
        f = _score(common.sum(1)).f
        gains = [2 * correct - f * predicted for _, predicted, correct in (own, common)]
        return gains[0] > gains[1]
    measure = 1 if target.measure == "precision" else 2
    distances = [
        np.abs(_measures(counts)[measure] - target.least) for counts in (own, common)
    ]
    return distances[0] < distances[1]


def _measures(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """F, precision and recall, 0 where there are no spans."""
    gold, predicted, correct = counts
    return (
        2 * correct / np.maximum(gold + predicted, 1),
        correct / np.maximum(predicted, 1),
        correct / np.maximum(gold, 1),
    )


def _score(counts: np.ndarray) -> Score:
    return Score.count(*counts.tolist())


def _best(values: np.ndarray, grid: np.ndarray) -> int:
    """Index of the largest of K values; of several, that nearest to 0.5 on the grid."""
    order = np.argsort(np.abs(grid - 0.5), kind="stable")
    return int(order[np.argmax(values[order])])
