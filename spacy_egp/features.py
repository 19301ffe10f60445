"""What a model hands to the loss and to the decoder."""

from dataclasses import dataclass

from thinc.types import Floats2d, Floats3d, Ints1d


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
    lengths (Ints1d): Number of tokens of each doc, int32 of shape (docs,).
    """

    query: Floats3d
    key: Floats3d
    start: Floats2d
    end: Floats2d
    lengths: Ints1d
