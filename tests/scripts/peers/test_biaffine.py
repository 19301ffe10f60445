"""The biaffine classifier that `egp_ner` is compared with."""

import numpy as np
import pytest
import spacy
from conftest import NESTED_DATA, make_examples
from thinc.api import NumpyOps, fix_random_seed

from scripts.peers.biaffine import biaffine_decode, biaffine_loss
from spacy_egp.features import PointerFeatures

LENGTHS = (4, 1, 6)
N_LABELS = 3
# First token, last token and label.
GOLD = [
    np.array([[0, 3, 1], [1, 2, 0], [2, 2, 2]]),
    np.zeros((0, 3), dtype=np.int64),
    np.array([[5, 5, 0]]),
]


def random_features(seed=0):
    rng = np.random.default_rng(seed)
    n_tokens = sum(LENGTHS)
    shapes = [(n_tokens, N_LABELS, 5)] * 2 + [(n_tokens, N_LABELS)] * 2
    arrays = [rng.normal(size=shape).astype("float32") for shape in shapes]
    return PointerFeatures(*arrays, lengths=NumpyOps().asarray1i(LENGTHS))


def pair_scores(features):
    """For each doc the pairs and their scores, by the formula, in float64."""
    query, key, start, end = (
        np.asarray(getattr(features, name), "float64")
        for name in ("query", "key", "start", "end")
    )
    first = 0
    for length in LENGTHS:
        yield {
            (i, j): (query[first + i] * key[first + j]).sum(1)
            + start[first + i]
            + end[first + j]
            for i in range(length)
            for j in range(i, length)
        }
        first += length


def slow_loss(features):
    total = 0.0
    for scores, gold in zip(pair_scores(features), GOLD):
        label_of = {(start, last): label for start, last, label in gold.tolist()}
        for pair, of_labels in scores.items():
            logits = np.append(of_labels, 0.0)
            gold_logit = logits[label_of.get(pair, N_LABELS)]
            total += np.log(np.exp(logits).sum()) - gold_logit
    return total / sum(LENGTHS)


def test_loss_and_gradient_are_those_of_the_definition():
    features = random_features()
    loss, gradient = biaffine_loss(features, GOLD)
    assert loss == pytest.approx(slow_loss(features), rel=1e-5)
    rng = np.random.default_rng(1)
    for name in ("query", "key", "start", "end"):
        values = getattr(features, name)
        direction = rng.normal(size=values.shape).astype("float32")
        step = 1e-2
        values += step * direction
        above = slow_loss(features)
        values -= 2 * step * direction
        below = slow_loss(features)
        values += step * direction
        expected = (above - below) / (2 * step)
        found = (getattr(gradient, name) * direction).sum()
        assert found == pytest.approx(expected, rel=1e-2), name


def test_spans_have_one_label_and_do_not_cross():
    """The pair with the highest score first."""
    features = random_features()
    expected = []
    for doc, scores in enumerate(pair_scores(features)):
        kept = []
        for i, j in sorted(scores, key=lambda pair: -scores[pair].max()):
            crosses = any(a < i <= b < j or i < a <= j < b for a, b in kept)
            if scores[i, j].max() > 0 and not crosses:
                kept.append((i, j))
        expected += [(doc, i, j, scores[i, j].argmax()) for i, j in sorted(kept)]
    found = biaffine_decode(features)
    rows = [found.doc, found.start, found.last, found.label]
    assert list(zip(*(row.tolist() for row in rows))) == expected


def test_gradient_of_the_layers():
    fix_random_seed(0)
    nlp = spacy.blank("en")
    component = nlp.add_pipe("biaffine_ner")
    examples = make_examples(nlp, NESTED_DATA)
    nlp.initialize(lambda: examples)
    model = component.model
    docs = [example.predicted for example in examples]

    def loss():
        return component.get_loss(examples, model.predict(docs))[0]

    features, backprop = model.begin_update(docs)
    backprop(component.get_loss(examples, features)[1])
    for name in ("start", "end", "bilinear", "start_scores", "end_scores"):
        layer = model.get_ref("output_layer").get_ref(name)
        layer = next(node for node in layer.walk() if node.has_param("W"))
        weights, gradient = layer.get_param("W"), layer.get_grad("W")
        direction = gradient / np.linalg.norm(gradient)
        step = 1e-2
        layer.set_param("W", weights + step * direction)
        above = loss()
        layer.set_param("W", weights - step * direction)
        below = loss()
        layer.set_param("W", weights)
        expected = (above - below) / (2 * step)
        assert np.linalg.norm(gradient) == pytest.approx(expected, rel=0.02), name
