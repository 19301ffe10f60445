"""From pointer features to spans above the threshold."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import embedding

from .blocks import Block, Heads, pair_blocks, send
from .features import PointerFeatures
from .threads import one_thread, share

# If a model has gone wrong, or the threshold is 0, most of the n^2 pairs of a doc may
# be above the threshold. Only the best max(SPANS_PER_DOC, SPANS_PER_TOKEN * n) spans of
# a doc of n tokens are kept, and the same share for a stretch of its tokens or a head.
SPANS_PER_DOC = 100_000
SPANS_PER_TOKEN = 10
# The number of scores that are computed at once: candidate pairs times labels.
SCORES_PER_CHUNK = 2**22
# The upper bound of a pair's score and the score itself are rounded differently. A
# bound that is below the threshold by less than this does not rule the pair out.
BOUND_MARGIN = 0.01


@dataclass(frozen=True)
class ScoredSpans:
    """Spans of a batch of docs, ordered by doc, start, last and label.

    doc (np.ndarray): Index of the doc in the batch, int64 of shape (N,).
    start (np.ndarray): First token in the doc, int64 of shape (N,).
    last (np.ndarray): Last token in the doc, int64 of shape (N,).
    label (np.ndarray): Index of the label, int64 of shape (N,).
    score (np.ndarray): Score (a logit), float32 of shape (N,).
    truncated_docs (np.ndarray): Docs whose weakest spans were left out because there
        were more than `SPANS_PER_DOC` and `SPANS_PER_TOKEN` allow, int64.
    """

    doc: np.ndarray
    start: np.ndarray
    last: np.ndarray
    label: np.ndarray
    score: np.ndarray
    truncated_docs: np.ndarray

    def __len__(self) -> int:
        return len(self.doc)

    @classmethod
    def empty(cls) -> "ScoredSpans":
        ints = np.zeros(0, dtype="int64")
        return cls(ints, ints, ints, ints, np.zeros(0, dtype="float32"), ints)

    def take(self, index: np.ndarray) -> "ScoredSpans":
        """Keep the spans at `index`."""
        return ScoredSpans(
            doc=self.doc[index],
            start=self.start[index],
            last=self.last[index],
            label=self.label[index],
            score=self.score[index],
            truncated_docs=self.truncated_docs,
        )

    def batch_positions(self) -> tuple[np.ndarray, np.ndarray]:
        """First and last tokens as positions in a sequence of all docs, in which spans
        of different docs do not overlap."""
        shift = self.doc * (self.last.max(initial=0) + 1)
        return self.start + shift, self.last + shift


def to_score(probability: float) -> float:
    """The score (logit) of a probability between 0 and 1: -inf to inf."""
    with np.errstate(divide="ignore"):
        return float(np.log(probability) - np.log1p(-probability))


@one_thread()
def to_probability(score: np.ndarray) -> np.ndarray:
    """The probability (sigmoid) of scores, float32."""
    # PyTorch rounds the last few elements of an array differently. In float64 the
    # difference is too small to matter: a probability does not depend on the batch.
    return torch.sigmoid(torch.from_numpy(score).double()).float().numpy()


@one_thread()
def decode(
    features: PointerFeatures,
    min_score: float | np.ndarray,
    *,
    segments: Sequence[int] | None = None,
    max_length: int | None = None,
) -> ScoredSpans:
    """Find all spans with a score above a minimum.

    For each pair of tokens, x_ij + max_c (a_ic - t_c) + max_c b_jc is an upper bound of
    how far the score of any label exceeds its minimum t_c. Only the few pairs whose
    bound is above 0 are scored.

    features (PointerFeatures): The features of a batch of docs.
    min_score (Union[float, np.ndarray]): The score that a span must exceed: one for all
        labels, or one per label, of shape (C,).
    segments (Optional[Sequence[int]]): Lengths of the segments (sentences) that no
        span may cross, in the order of tokens. Defaults to the docs.
    max_length (Optional[int]): The largest number of tokens in a span.
    RETURNS (ScoredSpans): The spans.
    """
    heads = Heads.from_features(features)
    floor = _floor(heads, min_score)
    by_head = heads.start.unflatten(0, (heads.n_heads, -1))
    above = by_head - torch.from_numpy(floor[:, None]).to(by_head)
    best_above, best_end = above.amax(2).flatten(), heads.end.amax(1)
    blocks = list(pair_blocks(heads, segments=segments, max_length=max_length))
    found = _Found(np.zeros(len(heads.query), np.int64), set(), [])

    def decode_block(n: int) -> _Spans | None:
        block = blocks[n]
        limits = _limits(heads, block)
        if found.is_full(block, limits):
            return None
        return _decode_block(heads, best_above, best_end, block, limits, floor)

    def add_spans(n: int, spans: _Spans | None) -> None:
        if spans is not None:
            found.add(blocks[n], _limits(heads, blocks[n]), spans)

    share(decode_block, add_spans, len(blocks), heads.device)
    if not found.parts:
        return ScoredSpans.empty()
    start, last, label, score = (
        np.concatenate(arrays) for arrays in zip(*found.parts, strict=True)
    )
    n_docs = len(heads.lengths) // heads.n_heads
    first = np.cumsum(heads.lengths) - heads.lengths
    doc_of_token = np.repeat(np.arange(len(heads.lengths)), heads.lengths)
    head_doc = doc_of_token[start]
    head, doc = np.divmod(head_doc, n_docs)
    truncated = np.asarray(sorted(found.truncated), np.int64)
    spans = ScoredSpans(
        doc=doc,
        start=start - first[head_doc],
        last=last - first[head_doc],
        label=label + head * heads.start.shape[1],
        score=score,
        truncated_docs=np.unique(doc_of_token[truncated] % n_docs),
    )
    return spans.take(np.lexsort((spans.label, spans.last, spans.start, spans.doc)))


def _floor(heads: Heads, min_score: float | np.ndarray) -> np.ndarray:
    """The minimum score of each head's labels, float64 of shape (H, C')."""
    n_labels = heads.n_heads * heads.start.shape[1]
    return np.full(n_labels, min_score, np.float64).reshape(heads.n_heads, -1)


@dataclass(frozen=True)
class _Spans:
    """Spans of a block, ordered by matrix.

    matrix (np.ndarray): The matrix of each span, int64 of shape (N,).
    start (np.ndarray): Start token in `Heads`, int64 of shape (N,).
    last (np.ndarray): Last token in `Heads`, int64 of shape (N,).
    label (np.ndarray): Label of the head, int64 of shape (N,).
    score (np.ndarray): Score, of shape (N,).
    over (np.ndarray): Whether pairs or spans of a matrix were left out, bool of shape
        (B,) or ().
    """

    matrix: np.ndarray
    start: np.ndarray
    last: np.ndarray
    label: np.ndarray
    score: np.ndarray
    over: np.ndarray

    def joined(self, other: "_Spans") -> "_Spans":
        """Append spans of the last matrix or of later ones."""
        return _Spans(
            matrix=np.append(self.matrix, other.matrix),
            start=np.append(self.start, other.start),
            last=np.append(self.last, other.last),
            label=np.append(self.label, other.label),
            score=np.append(self.score, other.score),
            over=self.over | other.over,
        )

    def best(self, limits: np.ndarray) -> "_Spans":
        """Keep the best spans of each matrix, up to its limit."""
        best, over = _best(self.score, self.matrix, limits)
        return _Spans(
            matrix=self.matrix[best],
            start=self.start[best],
            last=self.last[best],
            label=self.label[best],
            score=self.score[best],
            over=self.over | over,
        )


@dataclass(frozen=True)
class _Found:
    """The spans found so far. Blocks of the same stretch of rows are counted together.

    n_spans (np.ndarray): The number of spans in each stretch, at the index of its first
        token, int64 of shape (T',).
    truncated (Set[int]): First tokens of the stretches whose weakest spans were left
        out.
    parts (List): Start, last, label and score of the spans of each block.
    """

    n_spans: np.ndarray
    truncated: set[int]
    parts: list[tuple[np.ndarray, ...]]

    def is_full(self, block: Block, limits: np.ndarray) -> bool:
        """Whether there is no room for spans of a block, and all its stretches are
        known to have had too many."""
        has_room = self.n_spans[block.first_row] < limits
        return not has_room.any() and self.truncated.issuperset(
            block.first_row.tolist()
        )

    def add(self, block: Block, limits: np.ndarray, spans: _Spans) -> None:
        """Add spans of a block as far as there is room for them."""
        spans = spans.best(limits - self.n_spans[block.first_row])
        np.add.at(self.n_spans, block.first_row[spans.matrix], 1)
        self.truncated.update(block.first_row[spans.over].tolist())
        # Most blocks of a long doc have no spans.
        if len(spans.start):
            self.parts.append((spans.start, spans.last, spans.label, spans.score))


def _limits(heads: Heads, block: Block) -> np.ndarray:
    """How many spans of each matrix are kept, int64 of shape (B,)."""
    per_token = np.maximum(SPANS_PER_DOC / block.segment_lengths, SPANS_PER_TOKEN)
    return np.ceil(per_token * block.n_rows / heads.n_heads).astype(np.int64)


def _decode_block(
    heads: Heads,
    best_above: Tensor,
    best_end: Tensor,
    block: Block,
    limits: np.ndarray,
    floor: np.ndarray,
) -> _Spans | None:
    """The spans of a block. On a GPU, it waits twice: for the candidates and for their
    scores."""
    rows, columns = send(heads.device, block.rows, block.columns)
    query, key = embedding(rows, heads.query), embedding(columns, heads.key)
    bounds = torch.baddbmm(best_end[columns][:, None], query, key.mT)
    least = -BOUND_MARGIN - best_above[rows]
    # Compare the bounds of all pairs, including those that are not allowed: that costs
    # less than sorting them out beforehand.
    position = (bounds > least[:, :, None]).flatten().nonzero().flatten().cpu().numpy()
    matrix, row, column = np.unravel_index(position, block.shape)
    first_allowed, beyond = (at[matrix, row] for at in block.allowed_columns())
    allowed = (column >= first_allowed) & (column < beyond)
    matrix, row, column = matrix[allowed], row[allowed], column[allowed]
    start, end = block.first_row[matrix] + row, block.first_column[matrix] + column
    over = np.bincount(matrix, minlength=len(limits)) > limits
    if over.any():
        (at,) = send(heads.device, position[allowed])
        best_start = heads.start[rows].amax(2).flatten()
        bound = bounds.flatten()[at] + best_start[at // block.shape[2]]
        best, _ = _best(bound.cpu().numpy(), matrix, limits)
        matrix, start, end = matrix[best], start[best], end[best]
    chunk_size = max(1, SCORES_PER_CHUNK // heads.start.shape[1])
    spans = None
    for begin in range(0, len(start), chunk_size):
        pair = slice(begin, begin + chunk_size)
        part = _score_pairs(heads, matrix[pair], start[pair], end[pair], floor)
        spans = (part if spans is None else spans.joined(part)).best(limits)
    return None if spans is None else replace(spans, over=spans.over | over)


def _score_pairs(
    heads: Heads,
    matrix: np.ndarray,
    start: np.ndarray,
    end: np.ndarray,
    floor: np.ndarray,
) -> _Spans:
    """All spans above the threshold among U pairs of tokens, int64 of shape (U,)."""
    scores = heads.pair_scores(*send(heads.device, start, end)).cpu().numpy()
    head = start // (len(heads.start) // heads.n_heads)
    position = np.flatnonzero(scores > floor[head])
    pair, label = np.divmod(position, scores.shape[1])
    score = scores.ravel()[position]
    return _Spans(
        matrix[pair], start[pair], end[pair], label, score, np.zeros((), bool)
    )


def _best(
    values: np.ndarray, group: np.ndarray, limits: np.ndarray
) -> tuple[np.ndarray | slice, np.ndarray]:
    """Indices of the largest values of each group, up to its limit, and whether the
    group had more. Values must be ordered by group."""
    counts = np.bincount(group, minlength=len(limits))
    over = counts > limits
    if not over.any():
        return slice(None), over
    parts = []
    first = np.cumsum(counts) - counts
    for begin, n, limit in zip(first, counts, limits, strict=True):
        index = np.arange(n)
        if n > limit:
            of_group = values[begin : begin + n]
            index = np.sort(np.argpartition(-of_group, limit)[:limit])
        parts.append(begin + index)
    return np.concatenate(parts), over


@one_thread()
def score_matrix(features: PointerFeatures) -> np.ndarray:
    """Compute the dense scores of all token pairs of one doc, for inspection.

    features (PointerFeatures): The features of one doc of n tokens.
    RETURNS (np.ndarray): float32 array of shape (C, n, n): labels, start tokens, end
        tokens (inclusive); -inf below the diagonal.
    """
    heads = Heads.from_features(features)
    query, key, start, end = (
        tensor.unflatten(0, (heads.n_heads, -1)).movedim(-1, 1)
        for tensor in (heads.query, heads.key, heads.start, heads.end)
    )
    shared = torch.einsum("hdi,hdj->hij", query, key)[:, None]
    scores = shared + start[:, :, :, None] + end[:, :, None, :]
    below = torch.ones_like(shared[0, 0], dtype=torch.bool).tril(-1)
    return scores.flatten(0, 1).masked_fill(below, -torch.inf).cpu().numpy()
