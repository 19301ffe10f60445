"""The ZLPR loss of token-pair scores and its gradient.

For one doc and label, over the allowed pairs (i, j) with score s(i, j),

    log(1 + sum over gold of exp(-s)) + log(1 + sum over not gold of exp(s))

(Su et al., arXiv 2208.02955; the reference's `globalpointer_crossentropy`). The score
is a part x that labels share plus a score of the start token, a, and one of the end
token, b, so that the second sum is one matrix product for all labels,

    sum_ij exp(x_ij + a_ic + b_jc) = sum_i exp(a_ic) * (exp(x) @ exp(b))_ic

and no tensor has both a number of pairs and of labels in its shape. The few pairs that
are gold for some label are left out of x, and their terms are added label by label.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import embedding

from .blocks import Block, Heads, pair_blocks
from .features import PointerFeatures

# Up to this score the factored sum is exact: what underflows in its factors is smaller
# than exp(60 - 87), against the 1 in the logarithm.
LARGEST_FACTORED_SCORE = 60.0
# Pairs whose exponentials are kept for the gradient; those of further blocks are
# computed again, so that memory does not grow with the square of a doc's length.
KEPT_PAIRS = 2**23

# Adds a block's part to the gradient: (log of the whole sum, weight) of each of the
# block's matrices, both of shape (B, C'), and the gradient to add to.
BackpropBlock = Callable[[Tensor, Tensor, Heads], None]


@dataclass(frozen=True)
class GoldPairs:
    """The U token pairs that are gold for any label of their head.

    start (Tensor): Start token in `Heads`, int64 of shape (U,).
    end (Tensor): End token in `Heads`, int64 of shape (U,).
    labels (Tensor): Whether the pair is gold for the label, bool of shape (U, C').
    """

    start: Tensor
    end: Tensor
    labels: Tensor


def zlpr_loss(
    features: PointerFeatures,
    gold: Sequence[np.ndarray | None],
    *,
    annotated: np.ndarray | None = None,
    segments: Sequence[int] | None = None,
    max_length: int | None = None,
) -> tuple[float, PointerFeatures]:
    """Compute the mean over docs and labels of the ZLPR loss, and its gradient.

    features (PointerFeatures): Features of T tokens, C labels.
    gold (Sequence[Optional[np.ndarray]]): For each doc its spans, int64 of shape
        (spans, 3): start and end (inclusive) in the doc, and label. None for a doc
        that is not annotated: it has no part in the loss.
    annotated (Optional[np.ndarray]): The labels that each doc is annotated for, bool of
        shape (docs, C): others have no part in the loss. Defaults to all.
    segments (Optional[Sequence[int]]): Lengths of the segments (sentences) that no
        span may cross, in the order of tokens. Defaults to the docs.
    max_length (Optional[int]): The largest number of tokens in a span.
    RETURNS (Tuple[float, PointerFeatures]): The loss and its gradient with respect to
        the features. Spans that `segments` and `max_length` exclude must not be gold.
    """
    heads = Heads.from_features(features)
    doc_of_token = heads.doc_of_token()
    pairs = _gold_pairs(heads, gold)
    pair_docs = doc_of_token[pairs.start]
    pair_scores = heads.pair_scores(pairs.start, pairs.end)

    # What outlives the large tensors of the blocks is made before them: small tensors
    # between them would fragment the memory.
    blocks = list(pair_blocks(heads, segments=segments, max_length=max_length))
    first_rows = torch.cat([pairs.start[:0], *(block.first_row for block in blocks)])
    matrix_docs = doc_of_token[first_rows]
    log_sums = heads.start.new_empty(len(matrix_docs), heads.start.shape[1])
    n_matrices = [len(block.first_row) for block in blocks]
    n_pairs = 0
    kept: list[BackpropBlock] = []
    for block, block_sums in zip(blocks, log_sums.split(n_matrices), strict=True):
        block_sums[:], backprop = _negative_sum(heads, block, pairs)
        n_pairs += block.n_pairs
        if n_pairs <= KEPT_PAIRS:
            kept.append(backprop)

    n_docs = len(heads.lengths)
    log_negative = _log1p_sum_exp(
        torch.cat([log_sums, pair_scores.masked_fill(pairs.labels, -torch.inf)]),
        torch.cat([matrix_docs, pair_docs]),
        n_docs,
    )
    log_positive = _log1p_sum_exp(
        -pair_scores.masked_fill(~pairs.labels, torch.inf), pair_docs, n_docs
    )
    weights = _weights(heads, gold, annotated)
    loss = torch.sum((log_negative + log_positive) * weights)

    gradient = replace(
        heads,
        query=torch.zeros_like(heads.query),
        key=torch.zeros_like(heads.key),
        start=torch.zeros_like(heads.start),
        end=torch.zeros_like(heads.end),
    )
    recomputed = (_negative_sum(heads, x, pairs)[1] for x in blocks[len(kept) :])
    docs_by_block = matrix_docs.split(n_matrices)
    for backprop, docs in zip(chain(kept, recomputed), docs_by_block, strict=True):
        backprop(log_negative[docs], weights[docs], gradient)
    d_pair_scores = torch.where(
        pairs.labels,
        -(-pair_scores - log_positive[pair_docs]).exp(),
        (pair_scores - log_negative[pair_docs]).exp(),
    )
    d_pair_scores *= weights[pair_docs]
    _backprop_pairs(heads, pairs, d_pair_scores, gradient)
    return float(loss), gradient.to_features(features.lengths)


def _gold_pairs(heads: Heads, gold: Sequence[np.ndarray | None]) -> GoldPairs:
    n_tokens, n_labels = heads.start.shape
    first = np.cumsum(heads.lengths) - heads.lengths
    spans = [
        np.add(doc_spans, [[offset, offset, 0]])
        for doc_spans, offset in zip(gold, first[: len(gold)], strict=True)
        if doc_spans is not None
    ]
    start, end, label = np.concatenate([np.zeros((0, 3), np.int64), *spans]).T
    head, label = np.divmod(label, n_labels)
    offset = head * (n_tokens // heads.n_heads)
    pair, index = np.unique(
        (start + offset) * n_tokens + (end + offset), return_inverse=True
    )
    labels = np.zeros((len(pair), n_labels), dtype=bool)
    labels[index, label] = True
    device = heads.query.device
    return GoldPairs(
        start=torch.from_numpy(pair // n_tokens).to(device),
        end=torch.from_numpy(pair % n_tokens).to(device),
        labels=torch.from_numpy(labels).to(device),
    )


def _weights(
    heads: Heads, gold: Sequence[np.ndarray | None], annotated: np.ndarray | None
) -> Tensor:
    """Weights of docs and labels in the mean, shape (H * docs, C'): 0 for what is not
    annotated."""
    n_labels = heads.n_heads * heads.start.shape[1]
    has_part = np.repeat([[spans is not None] for spans in gold], n_labels, axis=1)
    if annotated is not None:
        has_part &= annotated
    weights = torch.from_numpy(has_part / max(1, has_part.sum())).to(heads.start)
    return weights.unflatten(1, (heads.n_heads, -1)).transpose(0, 1).flatten(0, 1)


def _backprop_pairs(
    heads: Heads, pairs: GoldPairs, d_scores: Tensor, gradient: Heads
) -> None:
    d_shared = d_scores.sum(1, keepdim=True)
    gradient.query.index_add_(0, pairs.start, d_shared * heads.key[pairs.end])
    gradient.key.index_add_(0, pairs.end, d_shared * heads.query[pairs.start])
    gradient.start.index_add_(0, pairs.start, d_scores)
    gradient.end.index_add_(0, pairs.end, d_scores)


def _log1p_sum_exp(values: Tensor, index: Tensor, n: int) -> Tensor:
    """log(1 + sum of exp(values)) over the rows of each index: (N, C'), (N,) ->
    (n, C'), stable."""
    index_2d = index[:, None].expand_as(values)
    largest = values.new_zeros((n, values.shape[1]))
    largest.scatter_reduce_(0, index_2d, values, "amax")
    total = (-largest).exp()
    total.index_add_(0, index, (values - largest[index]).exp())
    return largest + total.log()


def _negative_sum(
    heads: Heads, block: Block, pairs: GoldPairs
) -> tuple[Tensor, BackpropBlock]:
    """Log of the sum of exp(score) over a block's pairs that are gold for no label:
    shape (B, C')."""
    rows, columns = block.rows, block.columns
    query, start = embedding(rows, heads.query), embedding(rows, heads.start)
    key, end = embedding(columns, heads.key), embedding(columns, heads.end)
    end.masked_fill_(block.padding[..., None], -torch.inf)
    shared = torch.bmm(query, key.mT).masked_fill_(~block.allowed(), -torch.inf)
    shared[_positions(block, pairs)] = -torch.inf

    row_largest = shared.amax(2, keepdim=True)
    row_largest.masked_fill_(row_largest == -torch.inf, 0)
    end_largest = end.amax(1, keepdim=True)
    bound = start + row_largest + end_largest
    if bound.max() > LARGEST_FACTORED_SCORE:
        log_sum, backprop_scores = _sum_by_label(shared, start, end)
    else:
        log_sum, backprop_scores = _factored_sum(
            shared.sub_(row_largest).exp_(), end.sub_(end_largest).exp_(), bound
        )

    def backprop(log_total: Tensor, weights: Tensor, gradient: Heads) -> None:
        d_shared, d_start, d_end = backprop_scores(log_total, weights)
        d_query, d_key = torch.bmm(d_shared, key), torch.bmm(d_shared.mT, query)
        gradient.query.index_add_(0, rows.flatten(), d_query.flatten(0, 1))
        gradient.key.index_add_(0, columns.flatten(), d_key.flatten(0, 1))
        gradient.start.index_add_(0, rows.flatten(), d_start.flatten(0, 1))
        gradient.end.index_add_(0, columns.flatten(), d_end.flatten(0, 1))

    return log_sum, backprop


def _positions(block: Block, pairs: GoldPairs) -> tuple[Tensor, Tensor, Tensor]:
    """Positions of the gold pairs in the block: matrix, row and column of each."""
    row = pairs.start - block.first_row[:, None]
    column = pairs.end - block.first_column[:, None]
    has_row = (row >= 0) & (row < block.n_rows[:, None])
    has_column = (column >= 0) & (column < block.n_columns[:, None])
    matrix, pair = torch.nonzero(has_row & has_column).T
    return matrix, row[matrix, pair], column[matrix, pair]


def _factored_sum(
    exp_shared: Tensor, exp_end: Tensor, bound: Tensor
) -> tuple[Tensor, Callable]:
    """Sum exp(score) of all labels by one matrix product.

    exp_shared (Tensor): exp(x - maximum of the row), shape (B, R, W).
    exp_end (Tensor): exp(b - maximum of the label), shape (B, W, C').
    bound (Tensor): a + both maxima, shape (B, R, C').
    """
    row_sums = torch.bmm(exp_shared, exp_end)
    log_sum = (row_sums.log() + bound).logsumexp(1)

    def backprop(log_total: Tensor, weights: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        scale = (bound - log_total[:, None]).exp_() * weights[:, None]
        d_shared = torch.bmm(scale, exp_end.mT) * exp_shared
        d_end = torch.bmm(exp_shared.mT, scale) * exp_end
        return d_shared, scale * row_sums, d_end

    return log_sum, backprop


def _sum_by_label(
    shared: Tensor, start: Tensor, end: Tensor
) -> tuple[Tensor, Callable]:
    """Sum exp(score) label by label: slower than the factored sum by the number of
    labels, exact for scores of any size.

    shared (Tensor): x, shape (B, R, W), -inf where it does not count.
    start (Tensor): a, shape (B, R, C').
    end (Tensor): b, shape (B, W, C'), -inf for padding.
    """

    def scores(label: int) -> Tensor:
        return shared + start[..., None, label] + end[:, None, :, label]

    labels = range(start.shape[2])
    log_sum = torch.stack([scores(c).flatten(1).logsumexp(1) for c in labels], dim=1)

    def backprop(log_total: Tensor, weights: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        d_shared = torch.zeros_like(shared)
        d_start, d_end = torch.empty_like(start), torch.empty_like(end)
        for c in labels:
            d_scores = (scores(c) - log_total[:, c, None, None]).exp_()
            d_scores *= weights[:, c, None, None]
            d_shared += d_scores
            d_start[..., c] = d_scores.sum(2)
            d_end[..., c] = d_scores.sum(1)
        return d_shared, d_start, d_end

    return log_sum, backprop
