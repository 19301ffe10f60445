"""Spans of one doc on the tokens of another doc of the same text."""

from itertools import accumulate

import numpy as np
from spacy.tokens import Doc
from spacy.training.alignment_array import AlignmentArray


def align_bounds(
    doc: Doc, other: Doc, alignment: AlignmentArray, bounds: np.ndarray
) -> np.ndarray:
    """Find spans on the tokens of another doc, as `Example.get_aligned_spans_x2y` does
    one by one: a span fits if both docs have the same characters there, apart from
    white space.

    doc (Doc): The doc.
    other (Doc): The other doc.
    alignment (AlignmentArray): The tokens of the other doc for each token of the doc.
    bounds (np.ndarray): First token and token after the last one of N spans of the doc,
        int64 of shape (N, 2).
    RETURNS (np.ndarray): The same on the other doc, (0, 0) for those that do not fit.
    """
    if not len(bounds):
        return bounds
    ends = np.concatenate([[0], np.cumsum(alignment.lengths)])
    first, beyond = ends[bounds.T]
    has_tokens = beyond > first
    tokens = np.append(alignment.data, -1)
    start = tokens[np.where(has_tokens, first, -1)]
    end = tokens[np.where(has_tokens, beyond - 1, -1)] + 1
    # The tokens of the other doc have all characters of the span. If they have no more,
    # they have the same ones.
    n_before, n_before_other = _count_characters(doc), _count_characters(other)
    length = n_before[bounds[:, 1]] - n_before[bounds[:, 0]]
    length_other = n_before_other[end] - n_before_other[np.maximum(start, 0)]
    fits = has_tokens & (length == length_other)
    return np.where(fits[:, None], np.stack([start, end], axis=1), 0)


def _count_characters(doc: Doc) -> np.ndarray:
    """The characters before each token and at the end, without white space; int64 of
    shape (tokens + 1,)."""
    lengths = (len("".join(token.text.split())) for token in doc)
    return np.asarray(list(accumulate(lengths, initial=0)))
