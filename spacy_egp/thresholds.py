"""The threshold of each label: one probability for all of them, or a table."""

from collections.abc import Collection, Sequence

import numpy as np

from .decoding import to_score

# A probability for all labels, or a table of labels and their probabilities.
Threshold = float | dict[str, float]
# The probability of a label that is not in the table.
DEFAULT_THRESHOLD = 0.5


def min_scores(
    threshold: Threshold,
    labels: Sequence[str],
    predicted_labels: Collection[str] | None = None,
) -> np.ndarray:
    """Find the score of each label above which a pair of tokens is a span.

    threshold (Union[float, Dict[str, float]]): A probability, or a table of them by
        label; a label that is not in it has `DEFAULT_THRESHOLD`.
    labels (Sequence[str]): The C labels.
    predicted_labels (Optional[Collection[str]]): The labels that spans may have; None
        for all.
    RETURNS (np.ndarray): Scores (logits), float32 of shape (C,); inf for labels that
        spans may not have.
    """
    table = threshold if isinstance(threshold, dict) else {}
    common = DEFAULT_THRESHOLD if isinstance(threshold, dict) else threshold
    scores = np.full(len(labels), to_score(common), dtype="float32")
    indices = {label: i for i, label in enumerate(labels)}
    for label in table.keys() & indices.keys():
        scores[indices[label]] = to_score(table[label])
    if predicted_labels is not None:
        scores[[i for i, x in enumerate(labels) if x not in predicted_labels]] = np.inf
    return scores


def lowest_threshold(threshold: Threshold) -> float:
    """Find the lowest threshold that a label has.

    threshold (Union[float, Dict[str, float]]): A probability, or a table of them.
    RETURNS (float): The probability.
    """
    if isinstance(threshold, dict):
        return min([DEFAULT_THRESHOLD, *threshold.values()])
    return threshold
