"""The biaffine classifier that `egp_ner` is compared with."""

from collections import defaultdict

import numpy as np
import pytest
import spacy
from conftest import NESTED_DATA, make_examples
from oracles import brute_force_spans, random_features
from thinc.api import fix_random_seed

from scripts.peers.biaffine import biaffine_decode, biaffine_loss
from spacy_egp.features import PointerFeatures

LENGTHS = (4, 1, 6)
N_LABELS = 3
ARRAYS = ("query", "key", "start", "end")
# First token, last token and label.
GOLD = [
    np.array([[0, 3, 1], [1, 2, 0], [2, 2, 2]]),
    np.zeros((0, 3), dtype=np.int64),
    np.array([[5, 5, 0]]),
]


@pytest.fixture
def features():
    rng = np.random.default_rng(0)
    features = random_features(rng, LENGTHS, N_LABELS, n_heads=N_LABELS)
    arrays = [getattr(features, name).astype("float32") for name in ARRAYS]
    return PointerFeatures(*arrays, features.lengths)


def pair_scores(features):
    """The scores of each pair of tokens of a doc, in float64."""
    scores = defaultdict(list)
    for (*pair, _), score in sorted(brute_force_spans(features, -np.inf).items()):
        scores[tuple(map(int, pair))].append(score)
    return {pair: np.array(of_labels) for pair, of_labels in scores.items()}


def slow_loss(features):
    label_of = {
        (doc, start, last): label
        for doc, gold in enumerate(GOLD)
        for start, last, label in gold.tolist()
    }
    total = 0.0
    for pair, of_labels in pair_scores(features).items():
        logits = np.append(of_labels, 0.0)
        gold_logit = logits[label_of.get(pair, N_LABELS)]
        total += np.log(np.exp(logits).sum()) - gold_logit
    return total / sum(LENGTHS)


def test_loss_and_gradient_are_those_of_the_definition(features):
    loss, gradient = biaffine_loss(features, GOLD)
    assert loss == pytest.approx(slow_loss(features), rel=1e-5)
    rng = np.random.default_rng(1)
    for name in ARRAYS:
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


def test_spans_have_one_label_and_do_not_cross(features):
    """The pair with the highest score first."""
    scores = pair_scores(features)
    kept = []
    for doc, i, j in sorted(scores, key=lambda pair: -scores[pair].max()):
        others = [(a, b) for other, a, b in kept if other == doc]
        crosses = any(a < i <= b < j or i < a <= j < b for a, b in others)
        if scores[doc, i, j].max() > 0 and not crosses:
            kept.append((doc, i, j))
    expected = [(*pair, scores[pair].argmax()) for pair in sorted(kept)]
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
