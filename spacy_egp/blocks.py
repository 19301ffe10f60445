"""Blocks of token pairs: what the loss and the decoder iterate over instead of all
pairs at once."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from thinc.types import Floats2d, Floats3d, Ints1d
from thinc.util import torch2xp
from torch import Tensor
from torch.nn.functional import embedding

from .features import PointerFeatures

# Token pairs in a block: bounds the memory of the loss and of the decoder, and keeps
# what they work on in the processor's cache.
PAIRS_PER_BLOCK = 2**19
# Pairs of padding that cost less than one more block.
PADDING_PER_BLOCK = 2**14
# Factor on both numbers on a GPU, where each block costs the launches of its kernels.
LARGER_ON_GPU = 16
# Rows (start tokens) of a block within one doc: few enough to compute few pairs below
# the diagonal of a long doc, and enough for fast products of queries and keys.
ROWS_PER_BLOCK = 128


@dataclass(frozen=True)
class Heads:
    """Pointer features as tensors, in which each head is a batch of docs of its own.
    H heads make T' = H * T tokens in H * docs docs, each with the C' = C / H labels of
    its head.

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

        def by_head(tensor: Tensor) -> Tensor:
            tensor = tensor.unflatten(1, (n_heads, -1)).transpose(0, 1)
            return tensor.flatten(0, 1).flatten(1)

        query, key, start, end = map(by_head, features.tensors)
        return cls(
            query=query,
            key=key,
            start=start,
            end=end,
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

    @property
    def device(self) -> torch.device:
        """Where the tensors are."""
        return self.query.device

    def pair_scores(self, start: Tensor, end: Tensor) -> Tensor:
        """Scores of U pairs of tokens for the labels of their head, shape (U, C')."""
        query, key = embedding(start, self.query), embedding(end, self.key)
        shared = (query * key).sum(1, keepdim=True)
        return shared + embedding(start, self.start) + embedding(end, self.end)


@dataclass(frozen=True)
class Block:
    """A batch of B matrices of token pairs: up to R start tokens (rows) by up to W end
    tokens (columns) of a segment. Only its corners are stored, so that a list of all
    blocks is small. Tokens are indices into `Heads`.

    first_row (np.ndarray): First start token of each matrix, int64 of shape (B,).
    n_rows (np.ndarray): Its number of rows, int64 of shape (B,).
    first_column (np.ndarray): First end token, int64 of shape (B,).
    n_columns (np.ndarray): Number of columns, int64 of shape (B,).
    segment_lengths (np.ndarray): Tokens of the segment, int64 of shape (B,).
    shape (Tuple[int, int, int]): B, R and W.
    max_length (Optional[int]): The largest number of tokens in a span.
    """

    first_row: np.ndarray
    n_rows: np.ndarray
    first_column: np.ndarray
    n_columns: np.ndarray
    segment_lengths: np.ndarray
    shape: tuple[int, int, int]
    max_length: int | None

    @property
    def n_pairs(self) -> int:
        """Pairs of all matrices, with padding."""
        return math.prod(self.shape)

    # Padding repeats the last token. No pair with it is allowed.
    @property
    def rows(self) -> np.ndarray:
        """Start tokens, int64 of shape (B, R)."""
        row = np.minimum(np.arange(self.shape[1]), self.n_rows[:, None] - 1)
        return self.first_row[:, None] + row

    @property
    def columns(self) -> np.ndarray:
        """End tokens, int64 of shape (B, W)."""
        column = np.minimum(np.arange(self.shape[2]), self.n_columns[:, None] - 1)
        return self.first_column[:, None] + column

    def allowed_columns(self) -> tuple[np.ndarray, np.ndarray]:
        """For each row, the first column whose pair may be a span and the first column
        after it whose pair may not, int64 of shape (B, R)."""
        row = np.arange(self.shape[1])
        begin = (self.first_row - self.first_column)[:, None] + row
        end = self.n_columns[:, None]
        if self.max_length is not None:
            # In this order, the largest integer does not overflow.
            end = begin + np.minimum(end - begin, self.max_length)
        return begin, np.where(row < self.n_rows[:, None], end, 0)

    def positions(self, start: np.ndarray, end: np.ndarray) -> np.ndarray:
        """Find pairs of tokens in the flat block.

        start (np.ndarray): Start tokens in ascending order, int64 of shape (U,).
        end (np.ndarray): End tokens, int64 of shape (U,).
        RETURNS (np.ndarray): Positions of those pairs that are in the block, int64.
        """
        bounds = self.first_row.min(), (self.first_row + self.n_rows).max()
        within = slice(*np.searchsorted(start, bounds))
        start, end = start[within], end[within]
        # A row belongs to one stretch, whose matrices all have the same first row.
        order = np.lexsort((self.first_column, self.first_row))
        first_row, first_column = self.first_row[order], self.first_column[order]
        nearest = first_row[np.searchsorted(first_row, start, side="right") - 1]
        n_tokens = 1 + max(first_column.max(), end.max(initial=0))
        corners = first_row * n_tokens + first_column
        nth = np.searchsorted(corners, nearest * n_tokens + end, side="right") - 1
        matrix = order[nth]
        row, column = start - self.first_row[matrix], end - self.first_column[matrix]
        has_row = (row >= 0) & (row < self.n_rows[matrix])
        found = has_row & (column >= 0) & (column < self.n_columns[matrix])
        index = matrix[found], row[found], column[found]
        return np.ravel_multi_index(index, self.shape)


def send(device: torch.device, *arrays: np.ndarray) -> Iterator[Tensor]:
    """Copy arrays to a device, all at once: each copy to a GPU takes a launch.

    device (torch.device): The device.
    arrays (np.ndarray): int64 or float64.
    YIELDS (Tensor): Each array on the device. On the CPU, the two share their memory.
    """
    tensors = [torch.from_numpy(np.ascontiguousarray(array)) for array in arrays]
    if device.type == "cpu":
        yield from tensors
        return
    words = [tensor.flatten().view(torch.int64) for tensor in tensors]
    parts = torch.cat(words).to(device).split([len(part) for part in words])
    for tensor, part in zip(tensors, parts, strict=True):
        yield part.view(tensor.dtype).view(tensor.shape)


def pair_blocks(
    heads: Heads, *, segments: Sequence[int] | None, max_length: int | None
) -> Iterator[Block]:
    """Cover all allowed spans of a batch of docs with blocks, each pair once. Short
    segments of similar length share a block; a long one is cut into several.

    heads (Heads): The features.
    segments (Optional[Sequence[int]]): Lengths of the segments (sentences) that no
        span may cross, in the order of tokens. Defaults to the docs.
    max_length (Optional[int]): The largest number of tokens in a span.
    YIELDS (Block): At most `PAIRS_PER_BLOCK` pairs each, on a GPU more.
    """
    if segments is None:
        lengths = heads.lengths
    else:
        lengths = np.tile(np.asarray(segments, np.int64), heads.n_heads)
    growth = growth_of_blocks(heads.device)
    max_pairs, max_padding = growth * PAIRS_PER_BLOCK, growth * PADDING_PER_BLOCK
    matrices = _matrices(lengths, max_length, max_pairs)
    begin = 0
    while begin < len(matrices):
        end = _end_of_group(matrices, begin, max_pairs, max_padding)
        group = matrices[begin:end]
        first_row, n_rows, first_column, n_columns, segment_lengths = group.T
        yield Block(
            first_row=first_row,
            n_rows=n_rows,
            first_column=first_column,
            n_columns=n_columns,
            segment_lengths=segment_lengths,
            shape=(len(group), int(n_rows.max()), int(n_columns.max())),
            max_length=max_length,
        )
        begin = end


def growth_of_blocks(device: torch.device) -> int:
    """By which factor blocks on a device are larger than on the CPU."""
    return 1 if device.type == "cpu" else LARGER_ON_GPU


def _matrices(
    lengths: np.ndarray, max_length: int | None, max_pairs: int
) -> np.ndarray:
    """Cut segments into stretches of rows, and these into matrices.

    RETURNS (np.ndarray): The fields of `Block` for each matrix, widest first, int64 of
        shape (matrices, 5).
    """
    lengths = lengths[lengths > 0]
    first = np.cumsum(lengths) - lengths
    reach = lengths if max_length is None else np.minimum(lengths, max_length)
    max_rows = np.clip(reach, min(32, ROWS_PER_BLOCK), ROWS_PER_BLOCK)
    max_rows = np.minimum(max_rows, max_pairs)
    segment, nth, n_rows = _cut(lengths, max_rows)
    offset = nth * max_rows[segment]
    n_columns = np.minimum(n_rows + reach[segment] - 1, lengths[segment] - offset)
    max_columns = max_pairs // n_rows
    stretch, nth, n_columns = _cut(n_columns, max_columns)
    first_row = (first[segment] + offset)[stretch]
    matrices = (
        first_row,
        n_rows[stretch],
        first_row + nth * max_columns[stretch],
        n_columns,
        lengths[segment][stretch],
    )
    return np.stack(matrices, axis=1)[np.argsort(-n_columns, kind="stable")]


def _cut(lengths: np.ndarray, most: np.ndarray) -> tuple[np.ndarray, ...]:
    """Cut lengths into pieces.

    RETURNS (Tuple[np.ndarray, ...]): For each piece the index of the length it is cut
        from, the number of pieces of this length before it, and its own length: `most`
        unless it is the last piece.
    """
    n_pieces = -(-lengths // most)
    index = np.repeat(np.arange(len(lengths)), n_pieces)
    nth = np.arange(len(index)) - (np.cumsum(n_pieces) - n_pieces)[index]
    return index, nth, np.minimum(most[index], lengths[index] - nth * most[index])


def _end_of_group(
    matrices: np.ndarray, begin: int, max_pairs: int, max_padding: int
) -> int:
    """End of the run of matrices that share a block: those that fit, without padding
    the narrower ones to much more than their own size."""
    max_matrices = max(1, max_pairs // matrices[begin, 3])
    group = matrices[begin : begin + max_matrices]
    n_rows, n_columns = group[:, 1], group[:, 3]
    max_rows = np.maximum.accumulate(n_rows)
    n_pairs = np.arange(1, len(group) + 1) * max_rows * n_columns[0]
    padding = n_pairs - np.cumsum(n_rows * n_columns)
    little_padding = padding <= np.maximum(max_padding, n_pairs // 4)
    fits = little_padding & (n_pairs <= max_pairs)
    return begin + max(1, int(np.argmin(np.append(fits, False))))
