"""The ZLPR loss of token-pair scores and its gradient.

Docs are cut into stretches of start tokens. For one stretch and label, over the allowed
pairs (i, j) with i in the stretch and score s(i, j),

    log(1 + sum over gold of exp(-s)) + log(1 + sum over not gold of exp(s))

and the loss is the mean over stretches and labels. With a stretch for each doc it is
the loss of Su et al. (arXiv 2208.02955; the reference's `globalpointer_crossentropy`).
There the hardest pairs of a doc have most of the gradient, so that a doc with thirty
spans of a label teaches little more than a sentence with one. With short stretches the
loss does not depend on how a text is divided into docs.

The score is a part x that labels share plus a score of the start token, a, and one of
the end token, b, so that the second sum is one matrix product for all labels,

    sum_j exp(x_ij + a_ic + b_jc) = exp(a_ic) * (exp(x) @ exp(b))_ic

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
from .threads import one_thread

# Up to this score the factored sum is exact: what underflows in its factors is smaller
# than exp(60 - 87), against the 1 in the logarithm.
LARGEST_FACTORED_SCORE = 60.0
# Pairs whose exponentials are kept for the gradient; those of further blocks are
# computed again, so that memory does not grow with the square of a doc's length.
KEPT_PAIRS = 2**23

# Adds a block's part to the gradient: (log of the whole sum, weight) of the stretch of
# each row, both of shape (B, R, C'), and the gradient to add to.
BackpropBlock = Callable[[Tensor, Tensor, Heads], None]


@dataclass(frozen=True)
class Stretches:
    """The stretches of start tokens that docs are cut into.

    of_token (Tensor): The stretch of each token in `Heads`, int64 of shape (T',).
    doc (np.ndarray): The doc of each stretch, int64 of shape (stretches,).
    """

    of_token: Tensor
    doc: np.ndarray

    @classmethod
    def cut(cls, heads: Heads, length: int | None) -> "Stretches":
        """Cut each doc into stretches of equal length (but for one token) of at most
        `length` tokens."""
        n_tokens = heads.lengths
        n_stretches = np.ones_like(n_tokens)
        if length is not None:
            n_stretches = np.maximum(n_stretches, -(-n_tokens // length))
        doc = np.repeat(np.arange(len(n_tokens)), n_tokens)
        token = np.arange(len(doc)) - (np.cumsum(n_tokens) - n_tokens)[doc]
        first_stretch = (np.cumsum(n_stretches) - n_stretches)[doc]
        of_token = first_stretch + token * n_stretches[doc] // n_tokens[doc]
        return cls(
            of_token=torch.from_numpy(of_token).to(heads.query.device),
            doc=np.repeat(np.arange(len(n_tokens)), n_stretches),
        )

    def __len__(self) -> int:
        return len(self.doc)


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


@one_thread()
def zlpr_loss(
    features: PointerFeatures,
    gold: Sequence[np.ndarray | None],
    *,
    annotated: np.ndarray | None = None,
    segments: Sequence[int] | None = None,
    max_length: int | None = None,
    stretch_length: int | None = None,
) -> tuple[float, PointerFeatures]:
    """Compute the mean over stretches and labels of the ZLPR loss, and its gradient.

    features (PointerFeatures): Features of T tokens, C labels.
    gold (Sequence[Optional[np.ndarray]]): For each doc its spans, int64 of shape
        (spans, 3): start and end (inclusive) in the doc, and label. None for a doc
        that is not annotated: it has no part in the loss.
    annotated (Optional[np.ndarray]): The labels that each doc is annotated for, bool of
        shape (docs, C): others have no part in the loss. Defaults to all.
    segments (Optional[Sequence[int]]): Lengths of the segments (sentences) that no
        span may cross, in the order of tokens. Defaults to the docs.
    max_length (Optional[int]): The largest number of tokens in a span.
    stretch_length (Optional[int]): The largest number of start tokens in a stretch.
        Defaults to one stretch for each doc.
    RETURNS (Tuple[float, PointerFeatures]): The loss and its gradient with respect to
        the features. Spans that `segments` and `max_length` exclude must not be gold.
    """
    heads = Heads.from_features(features)
    stretches = Stretches.cut(heads, stretch_length)
    pairs = _gold_pairs(heads, gold)
    pair_stretches = stretches.of_token[pairs.start]
    pair_scores = heads.pair_scores(pairs.start, pairs.end)

    # What outlives the large tensors of the blocks is made before them: small tensors
    # between them would fragment the memory.
    blocks = list(pair_blocks(heads, segments=segments, max_length=max_length))
    row_stretches = [stretches.of_token[block.rows] for block in blocks]
    n_rows = [rows.numel() for rows in row_stretches]
    log_sums = heads.start.new_empty(sum(n_rows), heads.start.shape[1])
    n_pairs = 0
    kept: list[BackpropBlock] = []
    for block, block_sums in zip(blocks, log_sums.split(n_rows), strict=True):
        row_sums, backprop = _negative_sums(heads, block, pairs)
        block_sums[:] = row_sums.flatten(0, 1)
        n_pairs += block.n_pairs
        if n_pairs <= KEPT_PAIRS:
            kept.append(backprop)

    log_negative = _log1p_sum_exp(
        torch.cat([log_sums, pair_scores.masked_fill(pairs.labels, -torch.inf)]),
        torch.cat([*(rows.flatten() for rows in row_stretches), pair_stretches]),
        len(stretches),
    )
    log_positive = _log1p_sum_exp(
        -pair_scores.masked_fill(~pairs.labels, torch.inf),
        pair_stretches,
        len(stretches),
    )
    weights = _weights(heads, stretches, gold, annotated)
    loss = torch.sum((log_negative + log_positive) * weights)

    gradient = replace(
        heads,
        query=torch.zeros_like(heads.query),
        key=torch.zeros_like(heads.key),
        start=torch.zeros_like(heads.start),
        end=torch.zeros_like(heads.end),
    )
    recomputed = (_negative_sums(heads, x, pairs)[1] for x in blocks[len(kept) :])
    for backprop, rows in zip(chain(kept, recomputed), row_stretches, strict=True):
        backprop(embedding(rows, log_negative), embedding(rows, weights), gradient)
    d_pair_scores = torch.where(
        pairs.labels,
        -(-pair_scores - log_positive[pair_stretches]).exp(),
        (pair_scores - log_negative[pair_stretches]).exp(),
    )
    d_pair_scores *= weights[pair_stretches]
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
    heads: Heads,
    stretches: Stretches,
    gold: Sequence[np.ndarray | None],
    annotated: np.ndarray | None,
) -> Tensor:
    """Weights of stretches and labels in the mean, shape (stretches, C'): 0 for what is
    not annotated."""
    n_labels = heads.n_heads * heads.start.shape[1]
    has_part = np.repeat([[spans is not None] for spans in gold], n_labels, axis=1)
    if annotated is not None:
        has_part &= annotated
    by_head = has_part.reshape(len(gold), heads.n_heads, -1).swapaxes(0, 1)
    has_part = by_head.reshape(len(heads.lengths), -1)[stretches.doc]
    return torch.from_numpy(has_part / max(1, has_part.sum())).to(heads.start)


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


def _negative_sums(
    heads: Heads, block: Block, pairs: GoldPairs
) -> tuple[Tensor, BackpropBlock]:
    """Logs of the sums of exp(score) over the pairs of each row that are gold for no
    label: shape (B, R, C')."""
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
        log_sums, backprop_scores = _sums_by_label(shared, start, end)
    else:
        log_sums, backprop_scores = _factored_sums(
            shared.sub_(row_largest).exp_(), end.sub_(end_largest).exp_(), bound
        )

    def backprop(log_total: Tensor, weights: Tensor, gradient: Heads) -> None:
        d_shared, d_start, d_end = backprop_scores(log_total, weights)
        d_query, d_key = torch.bmm(d_shared, key), torch.bmm(d_shared.mT, query)
        gradient.query.index_add_(0, rows.flatten(), d_query.flatten(0, 1))
        gradient.key.index_add_(0, columns.flatten(), d_key.flatten(0, 1))
        gradient.start.index_add_(0, rows.flatten(), d_start.flatten(0, 1))
        gradient.end.index_add_(0, columns.flatten(), d_end.flatten(0, 1))

    return log_sums, backprop


def _positions(block: Block, pairs: GoldPairs) -> tuple[Tensor, Tensor, Tensor]:
    """Positions of the gold pairs in the block: matrix, row and column of each."""
    row = pairs.start - block.first_row[:, None]
    column = pairs.end - block.first_column[:, None]
    has_row = (row >= 0) & (row < block.n_rows[:, None])
    has_column = (column >= 0) & (column < block.n_columns[:, None])
    matrix, pair = torch.nonzero(has_row & has_column).T
    return matrix, row[matrix, pair], column[matrix, pair]


def _factored_sums(
    exp_shared: Tensor, exp_end: Tensor, bound: Tensor
) -> tuple[Tensor, Callable]:
    """Sum exp(score) of all labels by one matrix product.

    exp_shared (Tensor): exp(x - maximum of the row), shape (B, R, W).
    exp_end (Tensor): exp(b - maximum of the label), shape (B, W, C').
    bound (Tensor): a + both maxima, shape (B, R, C').
    """
    sums = torch.bmm(exp_shared, exp_end)

    def backprop(log_total: Tensor, weights: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        scale = (bound - log_total).exp_() * weights
        d_shared = torch.bmm(scale, exp_end.mT) * exp_shared
        d_end = torch.bmm(exp_shared.mT, scale) * exp_end
        return d_shared, scale * sums, d_end

    return sums.log() + bound, backprop


def _sums_by_label(
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
    log_sums = torch.stack([scores(c).logsumexp(2) for c in labels], dim=2)

    def backprop(log_total: Tensor, weights: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        d_shared = torch.zeros_like(shared)
        d_start, d_end = torch.empty_like(start), torch.empty_like(end)
        for c in labels:
            d_scores = (scores(c) - log_total[..., c, None]).exp_()
            d_scores *= weights[..., c, None]
            d_shared += d_scores
            d_start[..., c] = d_scores.sum(2)
            d_end[..., c] = d_scores.sum(1)
        return d_shared, d_start, d_end

    return log_sums, backprop
