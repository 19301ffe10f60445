"""The CRF tagger of the project."""

import itertools

import numpy as np
import pytest
import spacy
import torch
from conftest import NESTED_DATA, make_examples, spans_of, train
from spacy.training import Example
from spacy.util import load_model_from_config
from thinc.api import Adam, Ragged

from scripts.compare.run import Run
from scripts.peers import crf

FLAT_DATA = [
    ("Who is Shaka Khan?", [(7, 17, "PERSON")]),
    ("I like London and Berlin.", [(7, 13, "LOC"), (18, 24, "LOC")]),
    ("Berlin Ada Lovelace", [(0, 6, "LOC"), (7, 19, "PERSON")]),
    ("Rome Paris Oslo", [(0, 4, "LOC"), (5, 15, "LOC")]),
    ("Nothing to see here.", []),
]
TEXTS = [text for text, _ in FLAT_DATA]
LENGTHS = (3, 0, 1, 4, 2)


def blank():
    nlp = spacy.blank("en")
    nlp.add_pipe("crf_ner")
    return nlp


@pytest.fixture(scope="module")
def trained_crf():
    """A pipeline that has learned `FLAT_DATA`. Tests must not change it."""
    nlp = blank()
    train(nlp, make_examples(nlp, FLAT_DATA))
    return nlp


# The CRF, compared with all sequences of tags


def random_scores(n_labels):
    """The layer of transitions with random parameters, its output for random emissions
    in float64 and its callback."""
    rng = np.random.default_rng(n_labels)
    n_tags = 2 * n_labels + 1
    layer = crf.with_transitions(n_tags)
    layer.initialize()
    for name in crf.TRANSITIONS:
        layer.set_param(name, rng.normal(size=layer.get_param(name).shape))
    emissions = rng.normal(size=(sum(LENGTHS), n_tags)) * 2
    return layer, *layer.begin_update(Ragged(emissions, np.asarray(LENGTHS)))


def is_possible(tags):
    """Whether each I (2, 4, ...) follows B or I of its label."""
    return all(
        tag == 0 or tag % 2 == 1 or before in (tag, tag - 1)
        for before, tag in itertools.pairwise((0, *tags))
    )


def sequence_scores(emissions, start, transitions, end):
    """{tags: score} of all possible sequences of a doc's tags."""
    n_tokens, n_tags = emissions.shape
    return {
        tags: start[tags[0]]
        + sum(emissions[i, tag] for i, tag in enumerate(tags))
        + sum(transitions[a, b] for a, b in itertools.pairwise(tags))
        + end[tags[-1]]
        for tags in itertools.product(range(n_tags), repeat=n_tokens)
        if is_possible(tags)
    }


@pytest.mark.parametrize("n_labels", [1, 2])
def test_loss_and_gradient_equal_the_sum_over_all_sequences(n_labels):
    layer, scores, backprop = random_scores(n_labels)
    gold = [np.asarray(tags) for tags in ([1, 2, 1], [], [1], [0, 1, 2, 2])]
    gold.append(None)  # the last doc is not annotated

    emissions, *transitions = tensors = [
        torch.tensor(array, requires_grad=True)
        for array in (scores.emissions, *map(layer.get_param, crf.TRANSITIONS))
    ]
    losses = []
    for doc_emissions, tags in zip(emissions.split(LENGTHS), gold):
        if tags is not None and len(tags):
            by_tags = sequence_scores(doc_emissions, *transitions)
            total = torch.stack(list(by_tags.values())).logsumexp(0)
            losses.append(total - by_tags[tuple(tags.tolist())])
    expected = sum(losses) / len(losses)
    expected.backward()

    loss, gradient = crf.crf_loss(scores, gold)
    d_emissions = backprop(gradient).dataXd
    actual = [d_emissions, *map(layer.get_grad, crf.TRANSITIONS)]
    assert loss == pytest.approx(expected.item())
    for tensor, array in zip(tensors, actual):
        np.testing.assert_allclose(array, tensor.grad, atol=1e-12)


@pytest.mark.parametrize("n_labels", [1, 2])
@pytest.mark.parametrize("decoded_together", [2, 128])
def test_viterbi_finds_the_best_of_all_sequences(
    n_labels, decoded_together, monkeypatch
):
    monkeypatch.setattr(crf, "DECODED_TOGETHER", decoded_together)
    layer, scores, _ = random_scores(n_labels)
    transitions = list(map(layer.get_param, crf.TRANSITIONS))
    docs = np.split(scores.emissions, np.cumsum(LENGTHS)[:-1])
    for emissions, tags in zip(docs, crf.viterbi(scores), strict=True):
        if len(emissions):
            by_tags = sequence_scores(emissions, *transitions)
            assert tuple(tags) == max(by_tags, key=by_tags.get)
        else:
            assert not len(tags)


def test_impossible_tags_are_never_predicted():
    """Whatever the emissions are."""
    _, scores, _ = random_scores(2)
    scores.emissions[:, 2::2] += 1e6
    assert all(is_possible(tags.tolist()) for tags in crf.viterbi(scores))


def test_learn_rate_scale():
    """A step of the optimizer moves the scores of tags by this factor further."""
    emissions = np.random.default_rng(0).normal(size=(4, 3)).astype("float32")
    steps = []
    for scale in (1.0, 10.0):
        layer = crf.with_transitions(3, scale)
        layer.initialize()
        X = Ragged(emissions, np.asarray([4]))
        scores, backprop = layer.begin_update(X)
        backprop(crf.crf_loss(scores, [np.asarray([0, 1, 2, 1])])[1])
        layer.finish_update(Adam(0.001, L2=0.0, grad_clip=0.0))
        moved = layer.predict(X)
        steps.append([moved.start_transitions[:2], moved.end_transitions])
    for step, scaled_step in zip(*steps):
        assert step.all()
        np.testing.assert_allclose(scaled_step, 10 * step, rtol=1e-3)


# The component


def test_learns_flat_spans(trained_crf):
    """Also spans of one label side by side."""
    for doc, (_, spans) in zip(trained_crf.pipe(TEXTS), FLAT_DATA):
        assert spans_of(doc) == spans


def test_learns_the_outermost_spans_and_tells_how_many_it_leaves_out():
    nlp = blank()
    examples = make_examples(nlp, NESTED_DATA)
    with pytest.warns(UserWarning, match="4 of 8 gold spans .* left out"):
        train(nlp, examples)
    assert [spans_of(nlp(text)) for text, _ in NESTED_DATA] == [
        [(7, 17, "PERSON")],
        [(7, 24, "PLACES")],
        [(4, 27, "TITLE"), (32, 44, "PERSON")],
        [],
    ]


def test_gold_is_aligned_with_the_tokens():
    nlp = blank()
    reference = nlp.make_doc("New York-based")
    reference.spans["sc"] = [reference.char_span(0, 8, "LOC")]
    predicted = spacy.tokens.Doc(
        nlp.vocab,
        words=["Ne", "w", "York", "-based"],
        spaces=[False, True, False, False],
    )
    examples = [Example(predicted, reference)]
    nlp.initialize(lambda: examples)
    gold = nlp.get_pipe("crf_ner")._gold(examples[0], {"LOC": 0})
    assert gold.tolist() == [1, 2, 2, 0]


def test_empty_docs(trained_crf):
    texts = ["", TEXTS[0], "", TEXTS[1], ""]
    docs = list(trained_crf.pipe(texts))
    assert [spans_of(doc) for doc in docs] == [
        [],
        FLAT_DATA[0][1],
        [],
        FLAT_DATA[1][1],
        [],
    ]
    assert spans_of(trained_crf("")) == []
    assert list(trained_crf.pipe([])) == []


def test_docs_without_annotation_are_not_learned_from():
    nlp = blank()
    nlp.initialize(lambda: make_examples(nlp, FLAT_DATA))
    not_annotated = Example.from_dict(nlp.make_doc(TEXTS[0]), {})
    assert nlp.update([not_annotated])["crf_ner"] == 0
    layers = nlp.get_pipe("crf_ner").model.walk()
    gradients = [layer.get_grad(name) for layer in layers for name in layer.grad_names]
    assert gradients
    assert not any(gradient.any() for gradient in gradients)


def test_round_trip(trained_crf, tmp_path):
    trained_crf.to_disk(tmp_path)
    texts = [*TEXTS, "London Lovelace Khan in Berlin Ada"]
    expected = [spans_of(doc) for doc in trained_crf.pipe(texts)]
    for nlp in (spacy.load(tmp_path), blank().from_bytes(trained_crf.to_bytes())):
        assert [spans_of(doc) for doc in nlp.pipe(texts)] == expected


def test_labels_cannot_be_added_to_an_initialized_model(trained_crf):
    component = trained_crf.get_pipe("crf_ner")
    assert component.labels == ("PERSON", "LOC")
    assert component.add_label("LOC") == 0
    with pytest.raises(ValueError, match="ORG"):
        component.add_label("ORG")


def test_config_trains_the_tok2vec_and_the_transitions():
    """Through a listener, with averages."""
    run = Run(
        dataset="germeval", encoder="cnn", head="crf", seed=0, dropout=0.1, steps=100
    )
    nlp = load_model_from_config(run.config(), auto_fill=True)
    examples = make_examples(nlp, FLAT_DATA)
    optimizer = nlp.initialize(lambda: examples)
    tok2vec = nlp.get_pipe("tok2vec").model
    before = tok2vec.to_bytes()
    for _ in range(60):
        nlp.update(examples, sgd=optimizer)
    assert tok2vec.to_bytes() != before
    layer = nlp.get_pipe("crf_ner").model.layers[-1]
    assert all(layer.get_param(name).any() for name in crf.TRANSITIONS)
    with nlp.use_params(optimizer.averages):
        assert nlp.evaluate(examples)["spans_sc_f"] == 1.0
