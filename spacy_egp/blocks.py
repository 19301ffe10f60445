"""Blocks of token pairs: what the loss and the decoder iterate over instead of all
pairs at once."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import cast

import numpy as np
import torch
from thinc.types import Floats2d, Floats3d, FloatsXd, Ints1d
from thinc.util import torch2xp, xp2torch
from torch import Tensor
from torch.nn.functional import embedding

from .features import PointerFeatures

# Token pairs in a block: bounds the memory of the loss and of the decoder, and keeps
# what they work on in the processor's cache.
PAIRS_PER_BLOCK = 2**19
# Pairs of padding that cost less than a block more.
PADDING_PER_BLOCK = 2**14
# Rows (start tokens) of a block within one doc. As columns begin at the first row, a
# long doc computes few pairs below the diagonal.
ROWS_PER_BLOCK = 128

# A process forked after the parent has computed something (nlp.pipe with n_process)
# inherits an OpenMP pool without its threads and would wait for them forever.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=partial(torch.set_num_threads, 1))


@dataclass(frozen=True)
class Heads:
    """Pointer features as tensors, each head a batch of docs of its own: H heads make
    T' = H * T tokens in H * docs docs, each with the C' = C / H labels of its head.

    query (Tensor): Shape (T', d).
    key (Tensor): Shape (T', d).
    start (Tensor): Shape (T', C').
    end (Tensor): Shape (T', C').
    lengths (np.ndarray): Tokens of each of the H * docs docs, int64.
    n_heads (int): H.
    """

    query: Tensor
    key: Tensor
    start: Tensor
    end: Tensor
    lengths: np.ndarray
    n_heads: int

    @classmethod
    def from_features(cls, features: PointerFeatures) -> "Heads":
        n_heads = features.query.shape[1]

        def by_head(array: FloatsXd) -> Tensor:
            tensor = xp2torch(array).unflatten(1, (n_heads, -1)).transpose(0, 1)
            return tensor.flatten(0, 1).flatten(1)

        return cls(
            query=by_head(features.query),
            key=by_head(features.key),
            start=by_head(features.start),
            end=by_head(features.end),
            lengths=np.tile(np.asarray(features.lengths.tolist(), np.int64), n_heads),
            n_heads=n_heads,
        )

    def to_features(self, lengths: Ints1d) -> PointerFeatures:
        """lengths (Ints1d): Tokens of each doc, without the repetition by heads."""

        def by_token(tensor: Tensor) -> Tensor:
            return tensor.unflatten(0, (self.n_heads, -1)).transpose(0, 1)

        return PointerFeatures(
            query=cast(Floats3d, torch2xp(by_token(self.query))),
            key=cast(Floats3d, torch2xp(by_token(self.key))),
            start=cast(Floats2d, torch2xp(by_token(self.start).flatten(1))),
            end=cast(Floats2d, torch2xp(by_token(self.end).flatten(1))),
            lengths=lengths,
        )

    def pair_scores(self, start: Tensor, end: Tensor) -> Tensor:
        """Scores of U pairs of tokens for the labels of their head, shape (U, C')."""
        query, key = embedding(start, self.query), embedding(end, self.key)
        shared = (query * key).sum(1, keepdim=True)
        return shared + embedding(start, self.start) + embedding(end, self.end)

    def doc_of_token(self) -> Tensor:
        """Index of each token's doc, int64 of shape (T',)."""
        lengths = torch.from_numpy(self.lengths).to(self.query.device)
        return torch.repeat_interleave(lengths)


@dataclass(frozen=True)
class Block:
    """A batch of B matrices of token pairs: R start tokens (rows) by W end tokens
    (columns, from the first row's token on). Tokens are indices into `Heads`.

    first (Tensor): Token of each matrix's first row and column, int64 of shape (B,).
    rows (Tensor): Start tokens, int64 of shape (B, R).
    columns (Tensor): End tokens, int64 of shape (B, W).
    n_rows (Tensor): Rows that are not padding, int64 of shape (B,).
    segment_lengths (Tensor): Tokens of the segment that the matrix is a stretch of,
        int64 of shape (B,).
    beyond (Tensor): Column from which on a row's pairs are not allowed, int64 of shape
        (B, R).
    padding (Tensor): Whether the column is padding, bool of shape (B, W).
    """

    first: Tensor
    rows: Tensor
    columns: Tensor
    n_rows: Tensor
    segment_lengths: Tensor
    beyond: Tensor
    padding: Tensor

    @property
    def n_pairs(self) -> int:
        return self.rows.numel() * self.columns.shape[1]

    def allowed(self) -> Tensor:
        """Whether the pairs may be spans, bool of shape (B, R, W)."""
        row = torch.arange(self.rows.shape[1], device=self.rows.device)
        column = torch.arange(self.columns.shape[1], device=self.rows.device)
        return (column >= row[:, None]) & (column < self.beyond[:, :, None])


def pair_blocks(
    heads: Heads, *, segments: Sequence[int] | None, max_length: int | None
) -> Iterator[Block]:
    """Cover all allowed spans of a batch of docs with blocks, each pair once. Short
    segments of similar length share a block; a long one is cut into stretches of rows.

    heads (Heads): The features.
    segments (Optional[Sequence[int]]): Lengths of the segments (sentences) that no
        span may cross, in the order of tokens. Defaults to the docs.
    max_length (Optional[int]): The largest number of tokens in a span.
    YIELDS (Block): At most about `PAIRS_PER_BLOCK` pairs each.
    """
    if segments is None:
        lengths = heads.lengths
    else:
        lengths = np.tile(np.asarray(segments, np.int64), heads.n_heads)
    stretches = _stretches(lengths, max_length)
    begin = 0
    while begin < len(stretches):
        end = _end_of_group(stretches, begin)
        group = torch.from_numpy(stretches[begin:end]).to(heads.query.device)
        yield _make_block(group, max_length)
        begin = end


def _stretches(lengths: np.ndarray, max_length: int | None) -> np.ndarray:
    """Cut segments into stretches of rows, widest first: for each its first token,
    numbers of rows and columns, and the length of its segment."""
    lengths = lengths[lengths > 0]
    first = np.cumsum(lengths) - lengths
    reach = lengths if max_length is None else np.minimum(lengths, max_length)
    rows = np.clip(reach, min(32, ROWS_PER_BLOCK), ROWS_PER_BLOCK)
    rows = np.minimum(rows, np.maximum(PAIRS_PER_BLOCK // (reach + rows), 1))
    per_segment = -(-lengths // rows)
    segment = np.repeat(np.arange(len(lengths)), per_segment)
    nth = np.arange(len(segment)) - (np.cumsum(per_segment) - per_segment)[segment]
    offset = nth * rows[segment]
    n_rows = np.minimum(rows[segment], lengths[segment] - offset)
    n_columns = np.minimum(n_rows + reach[segment] - 1, lengths[segment] - offset)
    order = np.argsort(-n_columns, kind="stable")
    stretches = (first[segment] + offset, n_rows, n_columns, lengths[segment])
    return np.stack(stretches, axis=1)[order]


def _end_of_group(stretches: np.ndarray, begin: int) -> int:
    """End of the run of stretches that share a block: those that fit, without padding
    the narrower ones to much more than their own size."""
    most_stretches = max(1, PAIRS_PER_BLOCK // stretches[begin, 2])
    _, n_rows, n_columns, _ = stretches[begin : begin + most_stretches].T
    most_rows = np.maximum.accumulate(n_rows)
    n_pairs = np.arange(1, len(n_rows) + 1) * most_rows * n_columns[0]
    padding = n_pairs - np.cumsum(n_rows * n_columns)
    little_padding = padding <= np.maximum(PADDING_PER_BLOCK, n_pairs // 4)
    fits = little_padding & (n_pairs <= PAIRS_PER_BLOCK)
    return begin + max(1, int(np.argmin(np.append(fits, False))))


def _make_block(stretches: Tensor, max_length: int | None) -> Block:
    first, n_rows, n_columns, segment_lengths = stretches.T
    row = torch.arange(int(n_rows.max()), device=first.device)
    column = torch.arange(int(n_columns.max()), device=first.device)
    # Padding repeats the last token of the stretch: it is masked wherever it counts.
    last = (first + n_columns - 1)[:, None]
    beyond = n_columns[:, None]
    if max_length is not None:
        beyond = torch.minimum(beyond, row + max_length)
    return Block(
        first=first,
        rows=torch.minimum(first[:, None] + row, last),
        columns=torch.minimum(first[:, None] + column, last),
        n_rows=n_rows,
        segment_lengths=segment_lengths,
        beyond=torch.where(row < n_rows[:, None], beyond, 0),
        padding=column >= n_columns[:, None],
    )
