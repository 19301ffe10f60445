"""What a model hands to the loss and to the decoder."""

from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, pairwise

import numpy as np
import torch
from thinc.types import Floats2d, Floats3d, Ints1d
from thinc.util import xp2torch
from torch import Tensor

from .threads import one_thread


@dataclass(frozen=True)
class PointerFeatures:
    """Token-wise projections of a batch of docs, from which every score follows.

    With T tokens in the batch, C labels and H heads of size d, label c belongs to
    head h = c // (C / H), and for tokens i <= j of one doc

        score(i, j, c) = query[i, h] . key[j, h] + start[i, c] + end[j, c]

    Efficient GlobalPointer shares one head among all labels (H = 1), GlobalPointer
    has a head for each label (H = C). The gradient of a loss with respect to the
    features is held in the same record.

    query (Floats3d): Rotated and scaled queries, float32 of shape (T, H, d).
    key (Floats3d): Rotated keys, float32 of shape (T, H, d).
    start (Floats2d): Scores of the start token, float32 of shape (T, C).
    end (Floats2d): Scores of the end token, float32 of shape (T, C).
    lengths (Ints1d): Number of tokens of each doc, int32 of shape (docs,), in the
        memory of the CPU.
    """

    query: Floats3d
    key: Floats3d
    start: Floats2d
    end: Floats2d
    lengths: Ints1d

    @cached_property
    def tensors(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """RETURNS (Tuple[Tensor, Tensor, Tensor, Tensor]): Query, key, start and end,
        in the same memory: to convert an array takes as long as an operation."""
        query, key = xp2torch(self.query), xp2torch(self.key)
        return query, key, xp2torch(self.start), xp2torch(self.end)

    @one_thread()
    def docs_not_finite(self) -> list[int]:
        """Find the docs with features that are NaN or infinite, or so large that scores
        could be.

        RETURNS (List[int]): Their indices in the batch.
        """
        if np.isfinite(self._bound_scores(slice(None))):
            return []
        bounds = pairwise(accumulate(self.lengths.tolist(), initial=0))
        return [
            doc
            for doc, (begin, end) in enumerate(bounds)
            if not np.isfinite(self._bound_scores(slice(begin, end)))
        ]

    def _bound_scores(self, tokens: slice) -> float:
        """An upper bound of the scores of the tokens. It is made from norms, which take
        a fraction of the time of a check of each value. On a GPU, it waits only
        once."""
        squares = [tensor[tokens].square().sum() for tensor in self.tensors]
        query, key, start, end = np.sqrt(torch.stack(squares).tolist())
        return float(query * key + start + end)
