"""Gold spans and missing spans that a model contradicts: likely errors."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..corpora.summary import Listing
from ..report.evaluation import Evaluation
from .places import Address, Bounds, Place, make_place
from .strings import Labels, StringIndex

# Less probable labels are only considered if they are annotated.
MIN_PROBABILITY = 3e-4
# Probabilities closer to 0 or 1 would have too large log-odds.
MARGIN = 1e-6


class Contradiction(NamedTuple):
    """A span that likely has another label than the annotated one.

    place (Place): The span. Its label is the annotated one, or several, or empty.
    label (str): The label that it likely has.
    log_odds (float): Natural logarithm of how many times more likely this label is than
        the annotated one or, if nothing is annotated, than no label.
    """

    place: Place
    label: str
    log_odds: float

    def to_dict(self) -> dict[str, Any]:
        """RETURNS (dict[str, Any]): All of it, for JSON."""
        return {
            **self.place._asdict(),
            "likely_label": self.label,
            "log_odds": round(self.log_odds, 3),
        }


def rank_contradictions(
    judgments: Iterable[tuple[Evaluation, Sequence[Address]]], strings: StringIndex
) -> Listing[Contradiction]:
    """Find the spans for which another label is more likely than the annotated one.

    The log-odds of a label at a span are those of the model, which knows the context,
    plus what other occurrences of the same string add. A gold span where the model
    finds nothing is not contradicted: every model misses many.

    judgments (Iterable[tuple[Evaluation, Sequence[Address]]]): Evaluations of docs that
        the models should not have been trained on, with MIN_PROBABILITY as the lowest
        threshold, and where the docs of the model are.
    strings (StringIndex): The strings of the docs.
    RETURNS (Listing[Contradiction]): The spans, the most confident one first.
    """
    counts = strings.count()
    found: list[Contradiction] = []
    for evaluation, addresses in judgments:
        component = evaluation.component
        at = addresses[evaluation.first_doc :]
        occurrences = [
            strings.occurrences(address) for address in at[: len(evaluation.examples)]
        ]
        for (i, bounds), scores in _read_scores(evaluation, occurrences).items():
            doc = evaluation.examples[i].reference
            words, labels = occurrences[i].get(bounds, (None, ()))
            if words is not None:
                scores = {
                    label: score + counts.evidence(words, labels, label)
                    for label, score in scores.items()
                }
            listed = doc.spans[component.key].attrs.get(component.labels_attr)
            likely = _find_likely(scores, labels, listed)
            if likely is not None:
                span = doc[bounds[0] : bounds[1]]
                place = make_place(*at[i], span, label=", ".join(labels))
                found.append(Contradiction(place, *likely))
    found.sort(key=lambda one: (-one.log_odds, one.place))
    listing: Listing[Contradiction] = Listing()
    listing.add(found)
    return listing


def _read_scores(
    evaluation: Evaluation, occurrences: Sequence[Mapping[Bounds, Any]]
) -> dict[tuple[int, Bounds], dict[str, float]]:
    """The model's log-odds of labels by doc and span, for all occurrences of strings
    and for the spans that are more likely than not."""
    table = evaluation.spans
    probability = table.probability.astype("float64").clip(MARGIN, 1 - MARGIN)
    score = np.log(probability) - np.log1p(-probability)
    keys = [(i, *bounds) for i, found in enumerate(occurrences) for bounds in found]
    n_bounds = 1 + max(len(example.reference) for example in evaluation.examples)
    shape = (len(occurrences), n_bounds, n_bounds)
    known = np.ravel_multi_index(np.asarray(keys, int).reshape(-1, 3).T, shape)
    spans = np.ravel_multi_index((table.doc, table.start, table.end), shape)
    # The scores of gold spans that cannot be predicted are nan.
    kept = (score > 0) | (np.isin(spans, known) & ~np.isnan(score))
    scores: dict[tuple[int, Bounds], dict[str, float]] = {}
    for row in np.flatnonzero(kept).tolist():
        doc, start, end, label = table.row(row)
        of_span = scores.setdefault((doc, (start, end)), {})
        of_span[evaluation.labels[label]] = float(score[row])
    return scores


def _find_likely(
    scores: Mapping[str, float], labels: Labels, listed: Sequence[str] | None
) -> tuple[str, float] | None:
    """The most likely label that a span is not annotated with, and its log-odds against
    the annotated one; None if it is not more likely. In a doc with a list of annotated
    labels, only these can be missing."""
    if labels and scores.keys().isdisjoint(labels):
        return None
    annotated = max((scores[x] for x in labels if x in scores), default=0.0)
    others = [
        (score, label)
        for label, score in scores.items()
        if label not in labels and (listed is None or label in listed)
    ]
    score, label = max(others, default=(annotated, ""))
    return (label, score - annotated) if score > annotated else None
