"""Scores, loss and gradient equal those of the reference implementation, bert4keras
(see golden/README.md), through the public component."""

from pathlib import Path

import numpy as np
import pytest
import spacy
from spacy.tokens import Doc, Span
from spacy.training import Example
from thinc.api import Model

from spacy_egp.architectures import EfficientGlobalPointer, GlobalPointer
from spacy_egp.component import EGPRecognizer

GOLDEN = np.load(Path(__file__).parent / "golden" / "bert4keras_0.11.5.npz")
CASES = ["egp_rope", "egp_norope", "gp_rope", "gp_norope"]
HEAD_SIZE = 8
LABELS = ["A", "B", "C", "D", "E"]


class Golden:
    """One case: the component with the reference's weights, over hidden states x."""

    def __init__(self, case):
        self.x, self.y, self.gold, self.loss, self.dx = (
            GOLDEN[f"{case}_{name}"] for name in ("x", "y", "lab", "loss", "dx")
        )
        weights = [GOLDEN[f"{case}_w{i}"] for i in range(4 if case[0] == "e" else 2)]
        architecture = EfficientGlobalPointer if case[0] == "e" else GlobalPointer
        model = architecture(
            self.constant_tok2vec(), head_size=HEAD_SIZE, rope=case.endswith("_rope")
        )
        nlp = spacy.blank("en")
        self.docs = [
            Doc(nlp.vocab, words=[f"{i}-{j}" for j in range(self.x.shape[1])])
            for i in range(len(self.x))
        ]
        self.component = EGPRecognizer(
            nlp.vocab, model, max_length=None, stretch_length=None
        )
        examples = [self.example(i) for i in range(len(self.docs))]
        self.component.initialize(lambda: examples, labels=LABELS)
        self.set_weights(model, *weights)

    def constant_tok2vec(self):
        """A layer that gives each doc its hidden states and keeps their gradient."""

        def forward(model, docs, is_train):
            def backprop(d_hidden):
                self.d_hidden = np.stack(d_hidden)
                return []

            hidden = [self.x[int(doc[0].text.split("-")[0])] for doc in docs]
            return hidden, backprop

        return Model("constant", forward, dims={"nO": self.x.shape[2]})

    @staticmethod
    def set_weights(model, w0, w1, w2=None, w3=None):
        pointer = model.get_ref("pointer")
        if w2 is None:
            pointer.set_param("W", np.ascontiguousarray(w0.T))
            pointer.set_param("b", w1)
            return
        # The reference interleaves q with k, and end scores with start scores.
        q_then_k = [*range(0, 2 * HEAD_SIZE, 2), *range(1, 2 * HEAD_SIZE, 2)]
        n_outputs = 2 * len(LABELS)
        start_then_end = [*range(1, n_outputs, 2), *range(0, n_outputs, 2)]
        pointer.set_param("W", np.ascontiguousarray(w0.T[q_then_k]))
        pointer.set_param("b", w1[q_then_k])
        bias = model.get_ref("bias")
        bias.set_param("W", np.ascontiguousarray(w2.T[start_then_end][:, q_then_k]))
        bias.set_param("b", w3[start_then_end])

    def example(self, i):
        reference = self.docs[i].copy()
        reference.spans["sc"] = [
            Span(reference, start, end + 1, label=LABELS[label])
            for label, start, end in np.argwhere(self.gold[i])
        ]
        return Example(self.docs[i], reference)


@pytest.fixture(params=CASES)
def golden(request):
    return Golden(request.param)


def test_scores_equal_the_reference(golden):
    for doc, expected in zip(golden.docs, golden.y):
        scores = golden.component.score_matrix(doc)
        assert scores.dtype == np.float32
        np.testing.assert_allclose(scores, expected, atol=1e-4, rtol=0)


def test_loss_and_gradient_equal_the_reference(golden):
    features, backprop = golden.component.model.begin_update(golden.docs)
    examples = [golden.example(i) for i in range(len(golden.docs))]
    loss, d_features = golden.component.get_loss(examples, features)
    assert loss == pytest.approx(float(golden.loss), rel=1e-5)
    backprop(d_features)
    largest = np.abs(golden.dx).max()
    np.testing.assert_allclose(golden.d_hidden, golden.dx, rtol=0, atol=1e-4 * largest)


def test_predictions_are_the_positive_scores(golden):
    spans = golden.component.predict(golden.docs)
    found = np.stack([spans.doc, spans.label, spans.start, spans.last], axis=1)
    expected = np.argwhere(golden.y > 0)
    assert sorted(map(tuple, found)) == sorted(map(tuple, expected))
