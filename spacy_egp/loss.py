"""The ZLPR loss of token-pair scores and its gradient.

Docs are cut into stretches of start tokens. The loss of one stretch and label sums over
the allowed pairs (i, j) with i in the stretch, with scores s(i, j):

    log(1 + sum over gold of exp(-s)) + log(1 + sum over not gold of exp(s))

The loss is the mean over stretches and labels, in which labels can have weights. With
one stretch per doc it is the loss of Su et al. (arXiv 2208.02955; the reference's
`globalpointer_crossentropy`). There, the hardest pairs of a doc dominate the gradient:
a doc with thirty spans of a label teaches little more than a sentence with one. With
short stretches, the loss does not depend on how a text is divided into docs.

A score is the sum of a part x that all labels share, a score a of the start token and
a score b of the end token. The second sum is therefore one matrix product for all
labels,

    sum_j exp(x_ij + a_ic + b_jc) = exp(a_ic) * (exp(x) @ exp(b))_ic

and no tensor needs a value for every pair and label. The few pairs that are gold for
some label are left out of x, and their terms are added label by label.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import embedding

from .blocks import Block, Heads, growth_of_blocks, pair_blocks, send
from .features import PointerFeatures
from .threads import one_thread, share

# Up to this score the factored sum is exact: what underflows in its factors is smaller
# than exp(60 - 87), which is negligible next to the 1 in the logarithm.
LARGEST_FACTORED_SCORE = 60.0
# The shared score of pairs that do not count: like that of -inf, its exponential is 0.
LEAST = -1e30
# The exponentials of this many pairs are kept for the gradient. Those of further blocks
# are computed again, so memory does not grow with the square of a doc's length. A GPU,
# where blocks are larger, keeps more of them.
KEPT_PAIRS = 2**23

# Takes a logarithm for each row and label, of shape (B, R, C'), and returns the block's
# gradient.
BackpropBlock = Callable[[Tensor], "BlockGradient"]


@dataclass(frozen=True)
class BlockGradient:
    """What a block adds to the gradient.

    rows (Tensor): Start tokens, int64 of shape (N,).
    columns (Tensor): End tokens, int64 of shape (M,).
    query (Tensor): Shape (N, d).
    key (Tensor): Shape (M, d).
    start (Tensor): Shape (N, C').
    end (Tensor): Shape (M, C').
    """

    rows: Tensor
    columns: Tensor
    query: Tensor
    key: Tensor
    start: Tensor
    end: Tensor

    def add_to(self, gradient: Heads) -> None:
        """Add it to the gradient of all tokens."""
        gradient.query.index_add_(0, self.rows, self.query)
        gradient.key.index_add_(0, self.columns, self.key)
        gradient.start.index_add_(0, self.rows, self.start)
        gradient.end.index_add_(0, self.columns, self.end)


@dataclass(frozen=True)
class Stretches:
    """The stretches of start tokens that docs are cut into.

    of_token (np.ndarray): The stretch of each token in `Heads`, int64 of shape (T',).
    doc (np.ndarray): The doc of each stretch, int64 of shape (stretches,).
    """

    of_token: np.ndarray
    doc: np.ndarray

    @classmethod
    def cut(cls, heads: Heads, length: int | None) -> "Stretches":
        """Cut each doc into stretches of at most `length` tokens, whose lengths differ
        by at most one token."""
        n_tokens = heads.lengths
        n_stretches = np.ones_like(n_tokens)
        if length is not None:
            n_stretches = np.maximum(n_stretches, -(-n_tokens // length))
        doc = np.repeat(np.arange(len(n_tokens)), n_tokens)
        token = np.arange(len(doc)) - (np.cumsum(n_tokens) - n_tokens)[doc]
        first_stretch = (np.cumsum(n_stretches) - n_stretches)[doc]
        return cls(
            of_token=first_stretch + token * n_stretches[doc] // n_tokens[doc],
            doc=np.repeat(np.arange(len(n_tokens)), n_stretches),
        )

    def __len__(self) -> int:
        return len(self.doc)


@dataclass(frozen=True)
class GoldPairs:
    """The U token pairs that are gold for any label of their head, ordered by start.

    start (np.ndarray): Start token in `Heads`, int64 of shape (U,).
    end (np.ndarray): End token in `Heads`, int64 of shape (U,).
    gold (np.ndarray): The G pairs and labels that are gold, as positions in a flat
        array of shape (U, C'), int64 of shape (G,).
    """

    start: np.ndarray
    end: np.ndarray
    gold: np.ndarray

    @classmethod
    def gather(
        cls, heads: Heads, gold_spans: Sequence[np.ndarray | None]
    ) -> "GoldPairs":
        """Gather the gold spans of docs, as `zlpr_loss` takes them."""
        n_tokens, n_labels = heads.start.shape
        n_docs = len(heads.lengths) // heads.n_heads
        spans = [spans for spans in gold_spans if spans is not None]
        n_spans = [0 if spans is None else len(spans) for spans in gold_spans]
        first = (np.cumsum(heads.lengths) - heads.lengths)[:n_docs]
        start, end, label = np.concatenate([np.zeros((0, 3), np.int64), *spans]).T
        head, label = np.divmod(label, n_labels)
        offset = np.repeat(first, n_spans) + head * (n_tokens // heads.n_heads)
        pair, of_span = np.unique(
            (start + offset) * n_tokens + (end + offset), return_inverse=True
        )
        gold = np.unique(of_span * n_labels + label)
        return cls(pair // n_tokens, pair % n_tokens, gold)


@dataclass(frozen=True)
class Batch:
    """What the loss is computed from: S stretches with U gold pairs, and N rows of
    blocks.

    heads (Heads): The features.
    blocks (List[Block]): The blocks of token pairs.
    pairs (GoldPairs): The gold pairs.
    pair_tokens (Tuple[Tensor, Tensor]): Their start and end tokens, int64 of shape
        (U,).
    gold (Tensor): The positions of the G pairs and labels that are gold in a flat
        tensor of shape (U, C'), int64 of shape (G,).
    gold_terms (Tensor): The positions of their stretches and labels in a flat tensor
        of shape (S, C'), int64 of shape (G,).
    stretches (Tensor): The stretch of each row of the blocks, then of each pair, int64
        of shape (N + U,).
    n_rows (List[int]): Rows of each block, B * R.
    weights (Tensor): Weights of stretches and labels in the mean, shape (S, C'): 0 for
        what is not annotated.
    """

    heads: Heads
    blocks: list[Block]
    pairs: GoldPairs
    pair_tokens: tuple[Tensor, Tensor]
    gold: Tensor
    gold_terms: Tensor
    stretches: Tensor
    n_rows: list[int]
    weights: Tensor

    @classmethod
    def gather(
        cls,
        heads: Heads,
        blocks: list[Block],
        stretches: Stretches,
        gold_spans: Sequence[np.ndarray | None],
        weights: np.ndarray | None,
    ) -> "Batch":
        """Gather what the loss needs, on the device of the features."""
        n_labels = heads.start.shape[1]
        pairs = GoldPairs.gather(heads, gold_spans)
        of_pairs = stretches.of_token[pairs.start]
        of_rows = [stretches.of_token[block.rows].ravel() for block in blocks]
        pair, label = np.divmod(pairs.gold, n_labels)
        start, end, gold, gold_terms, stretch, doc, of_docs = send(
            heads.device,
            pairs.start,
            pairs.end,
            pairs.gold,
            of_pairs[pair] * n_labels + label,
            np.concatenate([*of_rows, of_pairs]),
            stretches.doc,
            _weights_of_docs(heads, stretches, gold_spans, weights),
        )
        return cls(
            heads=heads,
            blocks=blocks,
            pairs=pairs,
            pair_tokens=(start, end),
            gold=gold,
            gold_terms=gold_terms,
            stretches=stretch,
            n_rows=[len(rows) for rows in of_rows],
            weights=of_docs.to(heads.start)[doc],
        )


def _weights_of_docs(
    heads: Heads,
    stretches: Stretches,
    gold: Sequence[np.ndarray | None],
    weights: np.ndarray | None,
) -> np.ndarray:
    """The weight of a stretch in each doc of each head, by label, of shape
    (H * docs, C')."""
    n_labels = heads.n_heads * heads.start.shape[1]
    of_docs = np.repeat([[float(spans is not None)] for spans in gold], n_labels, 1)
    if weights is not None:
        of_docs *= weights
    by_head = of_docs.reshape(len(gold), heads.n_heads, -1).swapaxes(0, 1)
    of_docs = by_head.reshape(len(heads.lengths), -1)
    n_stretches = np.bincount(stretches.doc, minlength=len(of_docs))
    total = np.sum(of_docs.sum(1) * n_stretches)
    return of_docs / (total or 1.0)


@one_thread()
def zlpr_loss(
    features: PointerFeatures,
    gold: Sequence[np.ndarray | None],
    *,
    weights: np.ndarray | None = None,
    segments: Sequence[int] | None = None,
    max_length: int | None = None,
    stretch_length: int | None = None,
) -> tuple[float, PointerFeatures]:
    """Compute the ZLPR loss, averaged over stretches and labels, and its gradient.

    features (PointerFeatures): Features of T tokens, C labels.
    gold (Sequence[Optional[np.ndarray]]): For each doc its spans, int64 of shape
        (spans, 3): start and end (inclusive) in the doc, and label. `segments` and
        `max_length` must allow all of them. None for a doc that is not annotated: it
        does not contribute to the loss.
    weights (Optional[np.ndarray]): The weight of each doc's labels in the mean, shape
        (docs, C): 0 for a label that the doc is not annotated for. Defaults to equal
        weights.
    segments (Optional[Sequence[int]]): Lengths of the segments (sentences) that no
        span may cross, in the order of tokens. Defaults to the docs.
    max_length (Optional[int]): The largest number of tokens in a span.
    stretch_length (Optional[int]): The largest number of start tokens in a stretch.
        Defaults to one stretch for each doc.
    RETURNS (Tuple[float, PointerFeatures]): The loss and its gradient with respect to
        the features. The loss is NaN if a feature or the gradient is not finite.
    """
    heads = Heads.from_features(features)
    blocks = list(pair_blocks(heads, segments=segments, max_length=max_length))
    stretches = Stretches.cut(heads, stretch_length)
    batch = Batch.gather(heads, blocks, stretches, gold, weights)
    loss, bounds, gradient = _loss_and_gradient(batch, [False] * len(blocks))
    # Scores are rarely so large that the loss must be computed again.
    are_large = [bound > LARGEST_FACTORED_SCORE for bound in bounds]
    if any(are_large) or not math.isfinite(loss):
        loss, _, gradient = _loss_and_gradient(batch, are_large, are_shifted=True)
    return loss, gradient.to_features(features.lengths)


def _loss_and_gradient(
    batch: Batch, by_label: Sequence[bool], *, are_shifted: bool = False
) -> tuple[float, list[float], Heads]:
    """The loss, an upper bound of the scores of each block, and the gradient. On a GPU,
    it waits only at the end.

    batch (Batch): The batch.
    by_label (Sequence[bool]): Whether each block's sums are computed label by label.
    are_shifted (bool): Whether exponentials are divided by the largest in their sum, so
        that none overflows.
    """
    heads, blocks = batch.heads, batch.blocks
    # Allocate what outlives the large tensors of the blocks before them: small tensors
    # in between would fragment the memory.
    gradient, all_gradients = _zeros_like(heads)
    log_sums = heads.start.new_empty(len(batch.stretches), heads.start.shape[1])
    # The scores of a gold pair count as sums of a single term.
    sizes = [*batch.n_rows, len(batch.pairs.start)]
    *sums_of_blocks, pair_scores = log_sums.split(sizes)
    *stretches_of_blocks, pair_stretches = batch.stretches.split(sizes)
    bounds: list[Tensor] = []
    n_pairs = np.cumsum([block.n_pairs for block in blocks])
    n_kept = np.searchsorted(
        n_pairs, KEPT_PAIRS * growth_of_blocks(heads.device), side="right"
    )
    kept: dict[int, BackpropBlock] = {}

    def compute_sums(n: int) -> tuple[Tensor, BackpropBlock]:
        out = sums_of_blocks[n].unflatten(0, blocks[n].shape[:2])
        return _negative_sums(heads, blocks[n], batch.pairs, by_label[n], out)

    def keep_sums(n: int, result: tuple[Tensor, BackpropBlock]) -> None:
        bound, backprop = result
        bounds.append(bound)
        if n < n_kept:
            kept[n] = backprop

    share(compute_sums, keep_sums, len(blocks), heads.device)

    pair_scores[:] = heads.pair_scores(*batch.pair_tokens)
    negated_gold = -pair_scores.take(batch.gold)
    pair_scores.view(-1).index_fill_(0, batch.gold, -torch.inf)
    n_stretches = len(batch.weights)
    negative = _log1p_sum_exp(log_sums, batch.stretches, n_stretches, are_shifted)
    n_terms = batch.weights.numel()
    positive = _log1p_sum_exp(
        negated_gold[:, None], batch.gold_terms, n_terms, are_shifted
    ).view_as(negative)
    loss = torch.sum((negative + positive) * batch.weights)

    # With the weights in the logarithms, the exponentials are the gradient.
    log_weights = batch.weights.log()
    negative -= log_weights
    positive -= log_weights

    def compute_gradient(n: int) -> BlockGradient:
        backprop = kept.pop(n, None) or compute_sums(n)[1]
        by_row = embedding(stretches_of_blocks[n], negative)
        return backprop(by_row.unflatten(0, blocks[n].shape[:2]))

    def add_gradient(n: int, part: BlockGradient) -> None:
        part.add_to(gradient)

    share(compute_gradient, add_gradient, len(blocks), heads.device)
    d_pair_scores = (pair_scores - embedding(pair_stretches, negative)).exp_()
    d_negated_gold = (negated_gold - positive.take(batch.gold_terms)).exp_()
    d_pair_scores.view(-1).index_add_(0, batch.gold, d_negated_gold, alpha=-1)
    _gradient_of_pairs(batch, d_pair_scores).add_to(gradient)
    # A sum is NaN or infinite if one of its terms is. A query or key that is not finite
    # makes the gradient of the other NaN.
    sums = [tensor.sum() for tensor in (heads.start, heads.end, all_gradients)]
    values = torch.stack([loss, *sums, *bounds]).tolist()
    is_finite = bool(np.isfinite(values).all())
    return (values[0] if is_finite else math.nan), values[1 + len(sums) :], gradient


def _zeros_like(heads: Heads) -> tuple[Heads, Tensor]:
    """Zeros with the shapes of the features, and the one tensor that holds them all."""
    tensors = (heads.query, heads.key, heads.start, heads.end)
    zeros = heads.query.new_zeros(sum(tensor.numel() for tensor in tensors))
    query, key, start, end = (
        part.view(tensor.shape)
        for part, tensor in zip(
            zeros.split([tensor.numel() for tensor in tensors]), tensors, strict=True
        )
    )
    return replace(heads, query=query, key=key, start=start, end=end), zeros


def _gradient_of_pairs(batch: Batch, d_scores: Tensor) -> BlockGradient:
    heads, (start, end) = batch.heads, batch.pair_tokens
    d_shared = d_scores.sum(1, keepdim=True)
    return BlockGradient(
        rows=start,
        columns=end,
        query=d_shared * embedding(end, heads.key),
        key=d_shared * embedding(start, heads.query),
        start=d_scores,
        end=d_scores,
    )


def _log1p_sum_exp(
    values: Tensor, index: Tensor, n_terms: int, is_shifted: bool
) -> Tensor:
    """log(1 + sum of exp(values)) over the values of each term, column by column.

    values (Tensor): Shape (N, K).
    index (Tensor): The term of each row, int64 of shape (N,).
    n_terms (int): The number of terms.
    is_shifted (bool): Whether exponentials are divided by the largest in their term.
    RETURNS (Tensor): Shape (n_terms, K).
    """
    index = index[:, None].expand_as(values)
    if not is_shifted:
        total = values.new_ones((n_terms, values.shape[1]))
        return total.scatter_add_(0, index, values.exp()).log_()
    largest = values.new_zeros((n_terms, values.shape[1]))
    largest.scatter_reduce_(0, index, values, "amax")
    total = (-largest).exp_()
    total.scatter_add_(0, index, (values - largest.gather(0, index)).exp_())
    return total.log_().add_(largest)


def _negative_sums(
    heads: Heads, block: Block, pairs: GoldPairs, by_label: bool, out: Tensor
) -> tuple[Tensor, BackpropBlock]:
    """For each row and label, compute the log of the sum of exp(score) over the pairs
    that are not gold for any label.

    out (Tensor): Where the logs are written, shape (B, R, C').
    RETURNS (Tuple[Tensor, Callable]): An upper bound of the scores, of shape (), and
        the function that computes the gradient.
    """
    rows, columns, column, begin, end_of_row, gold = send(
        heads.device,
        block.rows,
        block.columns,
        np.arange(block.shape[2]),
        *block.allowed_columns(),
        block.positions(pairs.start, pairs.end),
    )
    query, start = embedding(rows, heads.query), embedding(rows, heads.start)
    key, end = embedding(columns, heads.key), embedding(columns, heads.end)
    shared = torch.bmm(query, key.mT)
    not_allowed = (column < begin[..., None]) | (column >= end_of_row[..., None])
    shared.masked_fill_(not_allowed, LEAST)
    shared.view(-1).index_fill_(0, gold, LEAST)

    row_largest = shared.amax(2, keepdim=True)
    end_largest = end.amax(1, keepdim=True)
    bound = (start + row_largest).add_(end_largest)
    if by_label:
        backprop_scores = _sums_by_label(shared, start, end, out)
    else:
        exp_shared = shared.sub_(row_largest).exp_()
        exp_end = end.sub_(end_largest).exp_()
        backprop_scores = _factored_sums(exp_shared, exp_end, bound, out)

    def backprop(log_total: Tensor) -> BlockGradient:
        d_shared, d_start, d_end = backprop_scores(log_total)
        return BlockGradient(
            rows=rows.flatten(),
            columns=columns.flatten(),
            query=torch.bmm(d_shared, key).flatten(0, 1),
            key=torch.bmm(d_shared.mT, query).flatten(0, 1),
            start=d_start.flatten(0, 1),
            end=d_end.flatten(0, 1),
        )

    return bound.max(), backprop


def _factored_sums(
    exp_shared: Tensor, exp_end: Tensor, bound: Tensor, out: Tensor
) -> Callable:
    """Sum exp(score) of all labels with one matrix product.

    exp_shared (Tensor): exp(x - maximum of the row), shape (B, R, W).
    exp_end (Tensor): exp(b - maximum of the label), shape (B, W, C').
    bound (Tensor): a + both maxima, shape (B, R, C').
    out (Tensor): Where the logs of the sums are written, shape (B, R, C').
    """
    sums = torch.bmm(exp_shared, exp_end)

    def backprop(log_total: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        scale = (bound - log_total).exp_()
        d_shared = torch.bmm(scale, exp_end.mT).mul_(exp_shared)
        d_end = torch.bmm(exp_shared.mT, scale).mul_(exp_end)
        return d_shared, scale.mul_(sums), d_end

    torch.add(sums.log(), bound, out=out)
    return backprop


def _sums_by_label(shared: Tensor, start: Tensor, end: Tensor, out: Tensor) -> Callable:
    """Sum exp(score) label by label: C' times slower than the factored sum, but exact
    for scores of any size.

    shared (Tensor): x, shape (B, R, W), `LEAST` where it does not count.
    start (Tensor): a, shape (B, R, C').
    end (Tensor): b, shape (B, W, C').
    out (Tensor): Where the logs of the sums are written, shape (B, R, C').
    """

    def scores(label: int) -> Tensor:
        return shared + start[..., None, label] + end[:, None, :, label]

    labels = range(start.shape[2])
    torch.stack([scores(c).logsumexp(2) for c in labels], dim=2, out=out)

    def backprop(log_total: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        d_shared = torch.zeros_like(shared)
        d_start, d_end = torch.empty_like(start), torch.empty_like(end)
        for c in labels:
            d_scores = (scores(c) - log_total[..., c, None]).exp_()
            d_shared += d_scores
            d_start[..., c] = d_scores.sum(2)
            d_end[..., c] = d_scores.sum(1)
        return d_shared, d_start, d_end

    return backprop
