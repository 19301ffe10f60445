"""Docs of any text, and gold spans of any shape."""

import warnings
from itertools import combinations

import numpy as np
import pytest
from conftest import make_examples
from generated import (
    ALIGNED_CHARACTERS,
    CHARACTERS,
    LABELS,
    docs,
    patient,
    segmentations,
    spans,
    tiny_nlp,
)
from hypothesis import given
from hypothesis import strategies as st
from oracles import allowed_pairs, assert_above, cross, dense_loss, overlap
from spacy.training import Example

from spacy_egp.decoding import SPANS_PER_DOC, SPANS_PER_TOKEN, to_score

pytestmark = pytest.mark.faults

NLP = tiny_nlp()
COMPONENT = NLP.get_pipe("egp_ner")
SETTINGS = st.fixed_dictionaries(
    {
        "threshold": st.sampled_from([0.0, 0.1, 0.5, 0.9, 1.0]),
        "predicted_labels": st.none() | st.lists(st.sampled_from(LABELS), min_size=1),
        "max_length": st.none() | st.integers(1, 10),
        "within_sentences": st.booleans(),
        "overlap": st.sampled_from(["any", "nested", "flat"]),
        "stretch_length": st.none() | st.integers(1, 10),
        "label_weights": st.none()
        | st.dictionaries(st.sampled_from(LABELS), st.floats(0.01, 100)),
    }
)


# Most docs have up to 20 tokens, some up to 5,000.
LENGTHS = [*[1] * 8, 10, 250]
EXCLUDES = {"any": lambda a, b: False, "nested": cross, "flat": overlap}


@pytest.fixture(scope="module", autouse=True)
def weights():
    """Random weights, which give all pairs of tokens scores around 0."""
    for label in LABELS:
        COMPONENT.add_label(label)
    NLP.initialize()
    rng = np.random.default_rng(0)
    for node in COMPONENT.model.walk():
        for name in node.param_names:
            shape = node.get_param(name).shape
            node.set_param(name, rng.normal(size=shape).astype("float32") / 2)
    return COMPONENT.model.to_bytes()


def sentences(doc):
    """The number of tokens of each sentence; None for a doc without boundaries."""
    if COMPONENT.cfg["within_sentences"] and doc.has_annotation("SENT_START"):
        return [len(sentence) for sentence in doc.sents]
    return None


def possible_scores(doc):
    """{(start, end, label): score} of all spans that the settings allow."""
    matrix = COMPONENT.score_matrix(doc)
    for i, label in enumerate(COMPONENT.labels):
        if label not in (COMPONENT.predicted_labels or COMPONENT.labels):
            matrix[i] = -np.inf
    allowed = allowed_pairs([len(doc)], sentences(doc), COMPONENT.cfg["max_length"])
    return {
        (start, end, COMPONENT.labels[label]): matrix[label, start, end]
        for label, start, end in np.argwhere(allowed & (matrix > -np.inf))
    }


def keys(doc):
    return [(span.start, span.end - 1, span.label_) for span in doc.spans["sc"]]


@patient
@given(st.lists(docs(NLP), max_size=4), SETTINGS)
def test_spans_are_those_above_the_threshold(batch, settings):
    COMPONENT.cfg.update(settings)
    threshold = to_score(settings["threshold"])
    for doc in NLP.pipe(batch):
        scores = possible_scores(doc)
        found = keys(doc)
        assert sorted(set(found)) == found
        excludes = EXCLUDES[settings["overlap"]]
        pairs = combinations([(0, *span) for span in found], 2)
        assert not any(excludes(*pair) for pair in pairs)
        if settings["overlap"] != "any":
            scores = {span: scores[span] for span in found}
        assert_above(found, scores, threshold)
        expected = 1 / (1 + np.exp(-np.array([scores[key] for key in found])))
        given_scores = doc.spans["sc"].attrs["scores"]
        np.testing.assert_allclose(given_scores, expected, atol=1e-3)


@patient
@given(docs(NLP, repeats=LENGTHS), SETTINGS)
@pytest.mark.filterwarnings("ignore:.*EGPW001")
def test_spans_of_long_docs(doc, settings):
    COMPONENT.cfg.update(settings)
    doc = NLP(doc)
    lengths = sentences(doc) or [len(doc)]
    bound = sum(max(SPANS_PER_DOC, SPANS_PER_TOKEN * n_tokens) for n_tokens in lengths)
    # The bound is divided among stretches of tokens, and rounded up for each.
    assert len(doc.spans["sc"]) <= 1.01 * bound
    assert all(0 <= start <= end < len(doc) for start, end, _ in keys(doc))
    scores = np.asarray(doc.spans["sc"].attrs["scores"])
    assert len(scores) == len(doc.spans["sc"])
    assert ((scores >= settings["threshold"]) & (scores <= 1)).all()


@patient
@given(st.data(), st.text(ALIGNED_CHARACTERS, min_size=1, max_size=12), SETTINGS)
def test_loss_of_any_gold_spans(data, text, settings):
    """It is the dense loss over the spans that are learned, each once. The others are
    counted."""
    COMPONENT.cfg.update(settings)
    predicted, reference = (data.draw(segmentations(text, NLP)) for _ in range(2))
    reference.spans["sc"] = data.draw(spans(reference))
    labels = data.draw(st.just(LABELS) | st.lists(st.sampled_from(LABELS)))
    if labels != LABELS:
        reference.spans["sc"].attrs["annotated_labels"] = labels
    starts = {token.idx: token.i for token in predicted}
    ends = {token.idx + len(token): token.i for token in predicted}
    fitting = [
        (starts[span.start_char], ends[span.end_char], LABELS.index(span.label_))
        for span in reference.spans["sc"]
        if span.start_char in starts and span.end_char in ends
        if span.label_ in labels
    ]
    max_length = settings["max_length"]
    segments = sentences(predicted)
    allowed = allowed_pairs([len(predicted)], segments, max_length)
    learned = [span for span in fitting if allowed[span[0], span[1]]]

    features = COMPONENT.model.predict([predicted])
    COMPONENT._reported.clear()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        loss, gradient = COMPONENT.get_loss([Example(predicted, reference)], features)
    n_left_out = len(reference.spans["sc"]) - len(learned)
    messages = [str(w.message) for w in caught if "EGPW002" in str(w.message)]
    numbers = [[int(n) for n in text.split() if n.isdigit()] for text in messages]
    if n_left_out:
        [(total, n_spans, *by_reason)] = numbers
        assert total == sum(by_reason) == n_left_out
        assert n_spans == len(reference.spans["sc"])
    else:
        assert numbers == []
    weights = settings["label_weights"] or {}
    of_labels = [(label in labels) * weights.get(label, 1) for label in LABELS]
    expected, d_expected = dense_loss(
        features,
        [learned],
        segments,
        max_length,
        np.array([of_labels]),
        settings["stretch_length"],
    )
    assert loss == pytest.approx(expected, rel=1e-4, abs=1e-4)
    for name, d_array in zip(("query", "key", "start", "end"), d_expected):
        np.testing.assert_allclose(getattr(gradient, name), d_array, atol=1e-4)


@patient
@given(st.data(), SETTINGS)
@pytest.mark.filterwarnings("ignore:.*EGPW00[24]")
def test_updates_keep_weights_finite(weights, data, settings):
    COMPONENT.model.from_bytes(weights)
    COMPONENT.cfg.update(settings)
    examples = []
    for doc in data.draw(st.lists(docs(NLP, repeats=LENGTHS), max_size=3)):
        reference = doc.copy()
        if data.draw(st.booleans()):
            reference.spans["sc"] = data.draw(spans(reference))
        examples.append(Example(doc, reference))
    losses = NLP.update(examples, sgd=NLP.resume_training(), drop=0.1)
    assert 0 <= losses.get("egp_ner", 0) < np.inf
    for node in COMPONENT.model.walk():
        for name in node.param_names:
            assert np.isfinite(node.get_param(name)).all()


def test_corpus_that_begins_with_empty_docs():
    nlp = tiny_nlp()
    empty = Example(nlp.make_doc(""), nlp.make_doc(""))
    examples = [empty] * 20 + make_examples(nlp)
    optimizer = nlp.initialize(lambda: examples)
    assert nlp.update(examples, sgd=optimizer)["egp_ner"] > 0


@patient
@given(st.text(CHARACTERS), st.characters(categories=["Cs"]))
def test_surrogates_are_refused_by_spacy(text, surrogate):
    with pytest.raises(UnicodeEncodeError):
        NLP(text + surrogate)
