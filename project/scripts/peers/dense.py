"""`dense_ner` computes what `egp_ner` does in the usual way: with the scores of all
labels and token pairs in one tensor, a target of the same shape, and a masked logsumexp
with automatic differentiation. `pair_products` is the lower limit of the work."""

from collections.abc import Iterable, Sequence
from typing import cast

import numpy as np
import torch
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example
from thinc.api import Model, torch2xp
from thinc.types import Floats2d, Floats3d, Ints1d
from torch import Tensor
from torch.nn.functional import embedding
from torch.nn.utils.rnn import pad_sequence

from spacy_egp.blocks import Heads, pair_blocks, send
from spacy_egp.component import DEFAULT_MODEL, EGPRecognizer
from spacy_egp.decoding import ScoredSpans
from spacy_egp.features import PointerFeatures

# Added to the scores of pairs that do not count.
MASK = -1e12


@Language.factory("dense_ner", default_config={"model": DEFAULT_MODEL})
def make_dense_ner(
    nlp: Language, name: str, model: Model[list[Doc], PointerFeatures]
) -> "DenseRecognizer":
    """Create a `DenseRecognizer`."""
    return DenseRecognizer(nlp.vocab, model, name)


class DenseRecognizer(EGPRecognizer):
    """`EGPRecognizer` over a tensor of all labels and token pairs of the batch."""

    def predict(self, docs: Iterable[Doc]) -> ScoredSpans:
        return dense_decode(self.model.predict(list(docs)))

    def get_loss(
        self, examples: Iterable[Example], features: PointerFeatures
    ) -> tuple[float, PointerFeatures]:
        return dense_loss(features, read_gold(self, examples))


def read_gold(
    component: EGPRecognizer, examples: Iterable[Example]
) -> list[np.ndarray]:
    """RETURNS (List[np.ndarray]): The gold spans of annotated examples."""
    reader = component.gold_reader()
    gold = [reader.read(example).spans for example in examples]
    return [spans for spans in gold if spans is not None]


@Language.factory("pair_products", default_config={"model": DEFAULT_MODEL})
def make_pair_products(
    nlp: Language, name: str, model: Model[list[Doc], PointerFeatures]
) -> "PairProducts":
    """Create a `PairProducts`."""
    return PairProducts(nlp.vocab, model, name)


class PairProducts(EGPRecognizer):
    """The least that a prediction of `egp_ner` can do: the pointer features, and the
    inner products of the blocks of token pairs."""

    def predict(self, docs: Iterable[Doc]) -> ScoredSpans:
        heads = Heads.from_features(self.model.predict(list(docs)))
        for block in pair_blocks(heads, segments=None, max_length=None):
            rows, columns = send(heads.device, block.rows, block.columns)
            query = embedding(rows, heads.query)
            torch.bmm(query, embedding(columns, heads.key).mT)
        return ScoredSpans.empty()


def dense_decode(features: PointerFeatures) -> ScoredSpans:
    """Find all spans with a score above 0, as `spacy_egp.decoding.decode` does."""
    scores = dense_scores(features.tensors, features.lengths)
    return spans_at(scores, *(scores.movedim(1, 3) > 0).nonzero(as_tuple=True))


def spans_at(
    scores: Tensor, doc: Tensor, start: Tensor, last: Tensor, label: Tensor
) -> ScoredSpans:
    """The spans at N positions of dense scores.

    scores (Tensor): float32 of shape (docs, labels, n, n).
    doc (Tensor): Docs, int64 of shape (N,).
    start (Tensor): First tokens, int64 of shape (N,).
    last (Tensor): Last tokens, int64 of shape (N,).
    label (Tensor): Labels, int64 of shape (N,).
    RETURNS (ScoredSpans): The spans, in this order.
    """
    return ScoredSpans(
        doc=doc.cpu().numpy(),
        start=start.cpu().numpy(),
        last=last.cpu().numpy(),
        label=label.cpu().numpy(),
        score=scores[doc, label, start, last].cpu().numpy(),
        truncated_docs=np.zeros(0, dtype="int64"),
    )


def dense_loss(
    features: PointerFeatures, gold: Sequence[np.ndarray]
) -> tuple[float, PointerFeatures]:
    """Compute the mean over docs and labels of the ZLPR loss, and its gradient, as
    `spacy_egp.loss.zlpr_loss` does for docs that are all annotated."""
    tensors = leaves_of(features)
    scores = dense_scores(tensors, features.lengths)
    target = torch.zeros_like(scores)
    for i, spans in enumerate(gold):
        start, end, label = spans.T
        target[i, label, start, end] = 1
    scores, target = scores.flatten(2), target.flatten(2)
    scores = (1 - 2 * target) * scores
    # The 1 that is added to the sums of exponentials.
    zero = torch.zeros_like(scores[..., :1])
    negative = torch.cat([scores + target * MASK, zero], dim=-1).logsumexp(-1)
    positive = torch.cat([scores + (1 - target) * MASK, zero], dim=-1).logsumexp(-1)
    loss = (negative + positive).mean()
    loss.backward()
    return loss.item(), features_of_gradient(tensors, features)


def leaves_of(features: PointerFeatures) -> list[Tensor]:
    """RETURNS (List[Tensor]): Query, key, start and end, which record a gradient."""
    return [tensor.detach().requires_grad_() for tensor in features.tensors]


def features_of_gradient(
    tensors: Sequence[Tensor], features: PointerFeatures
) -> PointerFeatures:
    """RETURNS (PointerFeatures): The gradients of the `leaves_of` features."""
    d_query, d_key, d_start, d_end = (
        torch2xp(cast(Tensor, tensor.grad)) for tensor in tensors
    )
    return PointerFeatures(
        query=cast(Floats3d, d_query),
        key=cast(Floats3d, d_key),
        start=cast(Floats2d, d_start),
        end=cast(Floats2d, d_end),
        lengths=features.lengths,
    )


def dense_scores(tensors: Sequence[Tensor], lengths: Ints1d) -> Tensor:
    """Score all pairs.

    tensors (Sequence[Tensor]): Query, key, start and end.
    lengths (Ints1d): Number of tokens of each doc.
    RETURNS (Tensor): Shape (docs, labels, n, n) with the n of the longest doc: `MASK`,
        about, where a pair does not count.
    """
    by_doc = [tensor.split(lengths.tolist()) for tensor in tensors]
    query, key, start, end = (pad_sequence(list(t), batch_first=True) for t in by_doc)
    scores = torch.einsum("bihd,bjhd->bhij", query, key)
    scores = scores + start.mT[..., None] + end.mT[:, :, None]
    position = torch.arange(query.shape[1], device=query.device)
    is_token = position < torch.tensor(lengths.tolist(), device=query.device)[:, None]
    is_token = is_token[:, None, None].expand_as(scores).to(scores.dtype)
    scores = scores * is_token + (1 - is_token) * MASK
    return scores + torch.ones_like(scores).tril(-1) * MASK
