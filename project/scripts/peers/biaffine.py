"""`biaffine_ner`: nested entities by a biaffine classifier of token pairs (Yu, Bohnet
and Poesio, 2020, arXiv 2005.07150), to compare `egp_ner` with.

With g_i = FFNN_start(h_i) and e_j = FFNN_end(h_j), span (i, j) has for label c the
score

    g_i U_c e_j + start_c . g_i + end_c . e_j + b_c

and for no entity the score 0: in a softmax only differences count. The loss is the sum
of the cross entropies of the pairs, divided by the number of tokens.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import cast

import numpy as np
import torch
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example
from spacy.util import registry
from thinc.api import Linear, Model, Relu, chain, list2ragged
from thinc.types import Floats2d, Floats3d, Ragged
from torch.nn.functional import cross_entropy, pad

from scripts.peers.dense import (
    dense_scores,
    features_of_gradient,
    leaves_of,
    read_gold,
    spans_at,
)
from spacy_egp.component import DEFAULT_MODEL as EGP_MODEL
from spacy_egp.component import EGPRecognizer
from spacy_egp.decoding import ScoredSpans
from spacy_egp.features import PointerFeatures
from spacy_egp.overlap import select_nested

DEFAULT_MODEL = {
    "@architectures": "spacy-egp-project.Biaffine.v1",
    "tok2vec": EGP_MODEL["tok2vec"],
}


@registry.architectures("spacy-egp-project.Biaffine.v1")
def make_biaffine_model(
    tok2vec: Model[list[Doc], list[Floats2d]],
    hidden_size: int = 150,
    nO: int | None = None,
) -> Model[list[Doc], PointerFeatures]:
    """Create the scores of token pairs.

    tok2vec (Model[List[Doc], List[Floats2d]]): The tok2vec layer of the model.
    hidden_size (int): Width of the start and end representations.
    nO (Optional[int]): Number of labels. Set by the component.
    """
    width = tok2vec.maybe_get_dim("nO")
    layers: dict[str, Model[Floats2d, Floats2d]] = {
        # The training sets the dropout rate.
        "start": Relu(hidden_size, width, dropout=0.0),
        "end": Relu(hidden_size, width, dropout=0.0),
        "bilinear": Linear(nI=hidden_size),
        "start_scores": Linear(nI=hidden_size),
        "end_scores": Linear(nI=hidden_size),
    }
    head: Model[Ragged, PointerFeatures] = Model(
        "biaffine",
        _biaffine_forward,
        init=_biaffine_init,
        dims={"nO": nO},
        layers=list(layers.values()),
        refs={**layers},
    )
    model: Model[list[Doc], PointerFeatures] = chain(tok2vec, list2ragged(), head)
    model.set_ref("tok2vec", tok2vec)
    model.set_ref("output_layer", head)
    return model


def _biaffine_init(
    model: Model[Ragged, PointerFeatures],
    X: Ragged | None = None,
    Y: Floats2d | None = None,
) -> None:
    if Y is not None:
        model.set_dim("nO", Y.shape[1])
    n_labels = model.get_dim("nO")
    hidden_size = model.get_ref("bilinear").get_dim("nI")
    model.get_ref("bilinear").set_dim("nO", n_labels * hidden_size)
    for name in ("start_scores", "end_scores"):
        model.get_ref(name).set_dim("nO", n_labels)
    for name in ("start", "end"):
        model.get_ref(name).initialize(X=None if X is None else X.dataXd)
    for name in ("bilinear", "start_scores", "end_scores"):
        model.get_ref(name).initialize()


def _biaffine_forward(
    model: Model[Ragged, PointerFeatures], Xr: Ragged, is_train: bool
) -> tuple[PointerFeatures, Callable]:
    ops, n_labels = model.ops, model.get_dim("nO")
    G, backprop_start = model.get_ref("start")(Xr.dataXd, is_train)
    E, backprop_end = model.get_ref("end")(Xr.dataXd, is_train)
    query, backprop_bilinear = model.get_ref("bilinear")(G, is_train)
    start, backprop_start_scores = model.get_ref("start_scores")(G, is_train)
    end, backprop_end_scores = model.get_ref("end_scores")(E, is_train)

    def backprop(d_features: PointerFeatures) -> Ragged:
        dG = backprop_bilinear(ops.reshape2f(d_features.query, *query.shape))
        dG += backprop_start_scores(d_features.start)
        dE = backprop_end_scores(d_features.end)
        dE += ops.xp.sum(d_features.key, axis=1)
        return Ragged(backprop_start(dG) + backprop_end(dE), Xr.lengths)

    # A head for each label, which all have the same keys.
    features = PointerFeatures(
        query=ops.reshape3f(query, len(G), n_labels, G.shape[1]),
        key=cast(Floats3d, ops.xp.repeat(E[:, None], n_labels, 1)),
        start=start,
        end=end,
        lengths=Xr.lengths,
    )
    return features, backprop


@Language.factory("biaffine_ner", default_config={"model": DEFAULT_MODEL})
def make_biaffine_ner(
    nlp: Language, name: str, model: Model[list[Doc], PointerFeatures]
) -> "BiaffineRecognizer":
    """Create a `BiaffineRecognizer`."""
    return BiaffineRecognizer(nlp.vocab, model, name)


class BiaffineRecognizer(EGPRecognizer):
    """A classifier of all token pairs, each of which has one label or none."""

    def predict(self, docs: Iterable[Doc]) -> ScoredSpans:
        return biaffine_decode(self.model.predict(list(docs)))

    def get_loss(
        self, examples: Iterable[Example], features: PointerFeatures
    ) -> tuple[float, PointerFeatures]:
        return biaffine_loss(features, read_gold(self, examples))


def biaffine_decode(features: PointerFeatures) -> ScoredSpans:
    """Find the spans whose best label is better than none and which do not cross a span
    with a higher score."""
    scores = dense_scores(features.tensors, features.lengths)
    best, label = scores.max(1)
    doc, start, last = (best > 0).nonzero(as_tuple=True)
    spans = spans_at(scores, doc, start, last, label[doc, start, last])
    return select_nested(spans, np.zeros(len(spans), dtype="float32"))


def biaffine_loss(
    features: PointerFeatures, gold: Sequence[np.ndarray]
) -> tuple[float, PointerFeatures]:
    """Compute the cross entropy of the labels of token pairs, per token, and its
    gradient. Of several labels of a pair, the last one counts."""
    tensors = leaves_of(features)
    scores = dense_scores(tensors, features.lengths)
    # With the class for no entity, whose score is 0.
    scores = pad(scores.movedim(1, 3), (0, 1))
    target = torch.full(scores.shape[:3], scores.shape[3] - 1, device=scores.device)
    for i, spans in enumerate(gold):
        start, end, label = torch.from_numpy(spans).to(target).unbind(1)
        target[i, start, end] = label
    # A pair that does not count has a cross entropy of 0.
    loss = cross_entropy(scores.flatten(0, 2), target.flatten(), reduction="sum")
    loss = loss / max(1, int(features.lengths.sum()))
    loss.backward()
    return loss.item(), features_of_gradient(tensors, features)
