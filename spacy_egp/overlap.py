"""Which spans may coexist: the choices of the setting `overlap`."""

from collections.abc import Callable

import numpy as np

from .decoding import ScoredSpans


def select_any(spans: ScoredSpans, min_score: np.ndarray) -> ScoredSpans:
    """Keep all spans.

    spans (ScoredSpans): N spans.
    min_score (np.ndarray): The minimum score of each span, float32 of shape (N,).
    RETURNS (ScoredSpans): The spans.
    """
    return spans


def select_nested(spans: ScoredSpans, min_score: np.ndarray) -> ScoredSpans:
    """Keep spans that do not cross each other, those with the largest score above their
    minimum score first.

    spans (ScoredSpans): N spans.
    min_score (np.ndarray): The minimum score of each span, float32 of shape (N,).
    RETURNS (ScoredSpans): Those that are kept.
    """
    starts, lasts = spans.batch_positions()
    n_positions = int(lasts.max(initial=-1)) + 1
    # Of the kept spans: the furthest last token by start, the nearest start by last.
    furthest = np.full(n_positions, -1)
    nearest = np.full(n_positions, n_positions)
    kept = []
    for i in np.argsort(-_excess(spans, min_score), kind="stable"):
        start, last = starts[i], lasts[i]
        leaves = furthest[start + 1 : last + 1].max(initial=-1) > last
        enters = nearest[start:last].min(initial=n_positions) < start
        if not leaves and not enters:
            furthest[start] = max(furthest[start], last)
            nearest[last] = min(nearest[last], start)
            kept.append(i)
    return spans.take(np.sort(np.asarray(kept, dtype=np.int64)))


def select_flat(spans: ScoredSpans, min_score: np.ndarray) -> ScoredSpans:
    """Keep the spans without overlap that have the largest total score above their
    minimum scores (weighted interval scheduling, exact).

    spans (ScoredSpans): N spans.
    min_score (np.ndarray): The minimum score of each span, float32 of shape (N,).
    RETURNS (ScoredSpans): Those that are kept.
    """
    starts, lasts = spans.batch_positions()
    order = np.argsort(lasts, kind="stable")
    starts, lasts = starts[order], lasts[order]
    weights = _excess(spans, min_score)[order].tolist()
    # How many of the spans, ordered by end, end before the start of each one.
    n_before = np.searchsorted(lasts, starts, side="left").tolist()
    totals = [0.0]
    for weight, before in zip(weights, n_before, strict=True):
        totals.append(max(totals[-1], totals[before] + weight))
    kept = []
    i = len(order)
    while i > 0:
        if totals[i] > totals[i - 1]:
            kept.append(order[i - 1])
            i = n_before[i - 1]
        else:
            i -= 1
    return spans.take(np.sort(np.asarray(kept, dtype=np.int64)))


def _excess(spans: ScoredSpans, min_score: np.ndarray) -> np.ndarray:
    """How far scores are above their minimum, or above the weakest span if the minimum
    is a probability of 0; float64 of shape (N,)."""
    weakest = spans.score.min(initial=np.inf) - 1
    floor = np.where(np.isfinite(min_score), min_score, weakest)
    return spans.score.astype("float64") - floor


SELECTIONS: dict[str, Callable[[ScoredSpans, np.ndarray], ScoredSpans]] = {
    "any": select_any,
    "nested": select_nested,
    "flat": select_flat,
}
