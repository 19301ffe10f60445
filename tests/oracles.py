"""What the package computes, written the slow and obvious way."""

from itertools import combinations

import numpy as np
import torch

from spacy_egp.features import PointerFeatures


def random_features(rng, lengths, n_labels, n_heads, head_size=4, scale=1.0):
    """Float64 features with scores of a standard deviation of about 2 * scale."""
    n_tokens = sum(lengths)

    def normal(*shape):
        return rng.normal(size=shape)

    return PointerFeatures(
        query=normal(n_tokens, n_heads, head_size) * (scale / head_size**0.5),
        key=normal(n_tokens, n_heads, head_size),
        start=normal(n_tokens, n_labels) * scale,
        end=normal(n_tokens, n_labels) * scale,
        lengths=np.asarray(lengths, dtype="int32"),
    )


def random_gold(rng, lengths, n_labels, spans_per_token, allowed=None):
    """Gold spans of each doc, with duplicates; None for some docs without spans."""
    gold = []
    offset = 0
    for n_tokens in lengths:
        n_spans = round(n_tokens * spans_per_token)
        spans = np.sort(rng.integers(0, max(n_tokens, 1), (n_spans, 2)))
        labels = rng.integers(0, n_labels, (len(spans), 1))
        spans = np.hstack([spans, labels])
        if allowed is not None:
            keep = allowed[offset + spans[:, 0], offset + spans[:, 1]]
            spans = spans[keep]
        gold.append(spans)
        offset += n_tokens
    return gold


def allowed_pairs(lengths, segments=None, max_length=None):
    """(T, T) bool: whether tokens i and j of the batch may be start and end."""
    doc = np.repeat(np.arange(len(lengths)), lengths)
    segment = doc if segments is None else np.repeat(np.arange(len(segments)), segments)
    i, j = np.indices((len(doc), len(doc)))
    allowed = (i <= j) & (doc[i] == doc[j]) & (segment[i] == segment[j])
    if max_length is not None:
        allowed &= j - i < max_length
    return allowed


def dense_scores(query, key, start, end):
    """(C, T, T) scores of all pairs of tokens of the batch."""
    n_labels, n_heads = start.shape[1], query.shape[1]
    shared = torch.einsum("ihd,jhd->hij", query, key)
    shared = shared.repeat_interleave(n_labels // n_heads, dim=0)
    return shared + start.T[:, :, None] + end.T[:, None, :]


def features_as_tensors(features):
    return [
        torch.tensor(array, dtype=torch.float64, requires_grad=True)
        for array in (features.query, features.key, features.start, features.end)
    ]


def dense_loss(
    features,
    gold,
    segments=None,
    max_length=None,
    weights=None,
    stretch_length=None,
):
    """ZLPR loss and gradient from the whole score tensor, in float64."""
    if weights is None:
        weights = np.ones((len(gold), features.start.shape[1]))
    weights = torch.tensor(weights, dtype=torch.float64)
    tensors = features_as_tensors(features)
    scores = dense_scores(*tensors)
    allowed = torch.from_numpy(allowed_pairs(features.lengths, segments, max_length))
    offsets = np.cumsum(features.lengths) - features.lengths
    terms = [scores.sum() * 0]
    total_weight = 0.0
    for offset, n_tokens, spans, of_labels in zip(
        offsets, features.lengths, gold, weights
    ):
        if spans is None:
            continue
        doc = slice(offset, offset + n_tokens)
        positive = torch.zeros((len(scores), n_tokens, n_tokens), dtype=torch.bool)
        for start, end, label in spans:
            positive[label, start, end] = True
        doc_scores = scores[:, doc, doc]
        negative = allowed[doc, doc] & ~positive
        zero = torch.zeros((len(scores), 1), dtype=torch.float64)
        for rows in stretches(n_tokens, stretch_length):
            total_weight += of_labels.sum().item()
            for sign, mask in ((1, negative), (-1, positive)):
                masked = (sign * doc_scores).masked_fill(~mask, -torch.inf)
                masked = torch.cat([zero, masked[:, rows].flatten(1)], dim=1)
                terms.append(masked.logsumexp(1) @ of_labels)
    loss = sum(terms) / (total_weight or 1)
    loss.backward()
    return loss.item(), [tensor.grad.numpy() for tensor in tensors]


def stretches(n_tokens, length):
    """The stretches of start tokens of a doc, as slices: as few as `length` allows,
    whose lengths differ by at most one token."""
    if length is None or n_tokens == 0:
        return [slice(0, n_tokens)]
    n_stretches = int(np.ceil(n_tokens / length))
    nth = [token * n_stretches // n_tokens for token in range(n_tokens)]
    return [
        slice(nth.index(k), n_tokens - nth[::-1].index(k)) for k in range(n_stretches)
    ]


def brute_force_spans(features, threshold, segments=None, max_length=None):
    """{(doc, start, end, label): score} of all spans above the threshold, or above
    that of their label."""
    scores = dense_scores(*features_as_tensors(features)).detach().numpy()
    above = np.greater(scores.T, threshold).T
    allowed = allowed_pairs(features.lengths, segments, max_length)
    offsets = np.cumsum(features.lengths) - features.lengths
    doc = np.repeat(np.arange(len(offsets)), features.lengths)
    return {
        (doc[i], i - offsets[doc[i]], j - offsets[doc[i]], label): scores[label, i, j]
        for label, i, j in np.argwhere(above & allowed)
    }


def assert_above(found, scores, threshold, margin=1e-3):
    """All spans of {span: score} above the threshold are found, and no others. Spans
    whose scores may be rounded across it, as in another batch, may be found or not."""
    certain = {span for span, score in scores.items() if score > threshold + margin}
    assert certain <= set(found)
    assert all(scores[span] > threshold - margin for span in found)


def cross(a, b):
    """Whether spans (doc, start, end, label) overlap without one holding the other."""
    return a[0] == b[0] and (a[1] < b[1] <= a[2] < b[2] or b[1] < a[1] <= b[2] < a[2])


def overlap(a, b):
    return a[0] == b[0] and a[1] <= b[2] and b[1] <= a[2]


def best_flat_total(spans, threshold):
    """The largest total score above the threshold of any subset of spans without
    overlap."""
    best = 0.0
    for size in range(1, len(spans) + 1):
        for subset in combinations(spans, size):
            if not any(overlap(a, b) for a, b in combinations(subset, 2)):
                best = max(best, sum(spans[span] - threshold for span in subset))
    return best
