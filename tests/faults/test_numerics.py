"""Any features, labels, lengths and thresholds, with any number of threads and any
other docs: the results are those of the definition, computed in float64."""

import shutil
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest
import spacy
import torch
from conftest import make_examples, transformer_config
from generated import LABELS, TINY_TOK2VEC, docs, patient, spans, tiny_nlp
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from oracles import (
    allowed_pairs,
    assert_above,
    brute_force_spans,
    dense_loss,
    random_features,
    random_gold,
)
from spacy.ml.models.tok2vec import build_hash_embed_cnn_tok2vec
from spacy.training import Example
from spacy.util import fix_random_seed, load_model_from_config
from thinc.api import Adam
from transformers import AutoModel

import spacy_egp.blocks
from spacy_egp.architectures import EfficientGlobalPointer, GlobalPointer
from spacy_egp.component import EGPRecognizer
from spacy_egp.decoding import decode, to_score
from spacy_egp.loss import zlpr_loss

pytestmark = pytest.mark.faults

NLP = tiny_nlp()
ARRAYS = ("query", "key", "start", "end")
PROBABILITIES = st.sampled_from([0.0, 1e-30, 0.01, 0.5, 0.99, 1.0])
MAX_LENGTHS = st.sampled_from([None, 1, 2, 5, 2**63 - 1])
THREADS = st.sampled_from([1, 2, 4])


@contextmanager
def threads(n_threads, pairs_per_block=spacy_egp.blocks.PAIRS_PER_BLOCK):
    """Compute with this many threads, which share blocks of this many pairs."""
    before = torch.get_num_threads()
    torch.set_num_threads(n_threads)
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(spacy_egp.blocks, "PAIRS_PER_BLOCK", pairs_per_block)
            yield
    finally:
        torch.set_num_threads(before)


def rounded(array, dtype):
    """Numbers rounded to 16 bits, which makes many of them equal."""
    return torch.from_numpy(array).to(dtype).double().numpy()


@st.composite
def batches(draw):
    """Features in float64, most of few labels, some of 10,000."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n_labels = draw(st.sampled_from([1, 1, 2, 7, 50, 10_000]))
    # Few enough tokens that the decoder keeps all pairs for all labels.
    most, n_docs = (2, 1) if n_labels == 10_000 else (24, 4)
    lengths = draw(st.lists(st.integers(0, most), min_size=1, max_size=n_docs))
    n_heads = draw(st.sampled_from([1, n_labels]))
    scale = draw(st.sampled_from([0, 0.1, 1, 50, 1e4]))
    features = random_features(rng, lengths, n_labels, n_heads, scale=scale)
    dtype = draw(st.sampled_from([torch.double, torch.float16, torch.bfloat16]))
    return replace(
        features, **{name: rounded(getattr(features, name), dtype) for name in ARRAYS}
    )


def in_float32(features):
    arrays = {name: getattr(features, name).astype("float32") for name in ARRAYS}
    return replace(features, **arrays)


def largest_part(features):
    """A bound of the terms of a score, which its rounding error is relative to."""
    norms = [np.linalg.norm(getattr(features, name), axis=-1) for name in ARRAYS[:2]]
    ends = [abs(getattr(features, name)).max(initial=0) for name in ARRAYS[2:]]
    return np.prod([norm.max(initial=0) for norm in norms]) + sum(ends)


@patient
@given(batches(), PROBABILITIES, MAX_LENGTHS, THREADS, st.sampled_from([16, 2**19]))
def test_any_features_are_decoded(batch, probability, max_length, n_threads, n_pairs):
    batch = in_float32(batch)
    expected = brute_force_spans(batch, -np.inf, max_length=max_length)
    with threads(n_threads, n_pairs):
        found = decode(batch, to_score(probability), max_length=max_length)
    fields = (found.doc, found.start, found.last, found.label)
    keys = list(zip(*(field.tolist() for field in fields), strict=True))
    assert sorted(set(keys)) == keys
    assert not len(found.truncated_docs)
    margin = 1e-6 * largest_part(batch)
    assert_above(keys, expected, to_score(probability), margin)
    scores = [expected[key] for key in keys]
    np.testing.assert_allclose(found.score, scores, rtol=0, atol=margin)


@patient
@given(
    batches(),
    st.sampled_from([0, 0.1, 2]),
    MAX_LENGTHS,
    st.sampled_from([None, 1, 3]),
    THREADS,
    st.sampled_from([16, 2**19]),
)
def test_loss_of_any_features(
    batch, spans_per_token, max_length, stretch_length, n_threads, n_pairs
):
    limits = {"max_length": max_length, "stretch_length": stretch_length}
    n_labels = batch.start.shape[1]
    rng = np.random.default_rng(0)
    allowed = allowed_pairs(batch.lengths, max_length=max_length)
    gold = random_gold(rng, batch.lengths, n_labels, spans_per_token, allowed)
    expected, expected_gradient = dense_loss(batch, gold, **limits)
    with threads(n_threads, n_pairs):
        loss, gradient = zlpr_loss(batch, gold, **limits)
    assert loss == pytest.approx(expected, rel=1e-9, abs=1e-9)
    for name, array in zip(ARRAYS, expected_gradient, strict=True):
        atol = 1e-9 * (abs(array).max(initial=0) + 1e-3)
        np.testing.assert_allclose(getattr(gradient, name), array, rtol=0, atol=atol)


def make_component(architecture=EfficientGlobalPointer, labels=LABELS, **settings):
    """A component of a pipeline, which takes longer to make than everything else."""
    sizes = {name: TINY_TOK2VEC[name] for name in TINY_TOK2VEC if name[0] != "@"}
    model = architecture(build_hash_embed_cnn_tok2vec(**sizes), head_size=8)
    component = EGPRecognizer(NLP.vocab, model, **settings)
    for label in labels:
        component.add_label(label)
    return component


@pytest.fixture(scope="module")
def components():
    """Components with random weights, which give all pairs of tokens scores around
    0."""
    rng = np.random.default_rng(0)
    reference = NLP.make_doc("Ann left")
    components = []
    for architecture in (EfficientGlobalPointer, GlobalPointer):
        component = make_component(architecture)
        component.initialize(lambda: [Example(reference, reference)])
        for node in component.model.walk():
            for name in node.param_names:
                shape = node.get_param(name).shape
                node.set_param(name, rng.normal(size=shape).astype("float32") / 2)
        components.append(component)
    return components


def probabilities(doc):
    group = doc.spans["sc"]
    spans = [(span.start, span.end, span.label_) for span in group]
    return dict(zip(spans, group.attrs["scores"], strict=True))


def tokens(doc):
    return doc.text, doc.to_array(["ORTH", "SENT_START"]).tolist()


@patient
@given(st.data(), st.lists(docs(NLP), min_size=1, max_size=6), PROBABILITIES, THREADS)
def test_any_company(components, data, batch, threshold, n_threads):
    """A doc has the same spans alone and in a batch, and its text does not change."""
    component = data.draw(st.sampled_from(components))
    component.cfg.update(threshold=threshold, max_length=data.draw(MAX_LENGTHS))
    before = [tokens(doc) for doc in batch]
    with threads(1):
        alone = [probabilities(component(doc.copy())) for doc in batch]
    order = data.draw(st.permutations(range(len(batch))))
    with threads(n_threads):
        stream = component.pipe(
            (batch[i] for i in order), batch_size=data.draw(st.integers(1, 7))
        )
        together = dict(zip(order, map(probabilities, stream), strict=True))
    for i, doc in enumerate(batch):
        assert tokens(doc) == before[i]
        for one, other in ((alone[i], together[i]), (together[i], alone[i])):
            for span, probability in one.items():
                # A missing span may have been rounded across the threshold.
                expected = other.get(span, threshold)
                assert probability == pytest.approx(expected, abs=1e-4)


@patient
@given(
    st.data(),
    st.lists(docs(NLP), min_size=1, max_size=3),
    st.integers(0, 2**32 - 1),
    THREADS,
    st.sampled_from([EfficientGlobalPointer, GlobalPointer]),
    MAX_LENGTHS,
)
@pytest.mark.filterwarnings("ignore:.*EGPW")
def test_the_same_seed_gives_the_same_bytes(
    data, batch, seed, n_threads, architecture, max_length
):
    assume(any(map(len, batch)))
    for doc in batch:
        doc.spans["sc"] = data.draw(spans(doc))
    examples = [Example(doc.copy(), doc) for doc in batch]
    models = []
    for _ in range(2):
        fix_random_seed(seed)
        component = make_component(architecture, max_length=max_length)
        with threads(n_threads):
            component.initialize(lambda: examples)
            optimizer = Adam(0.01)
            for _ in range(2):
                component.update(examples, drop=0.1, sgd=optimizer)
        models.append(component.to_bytes(exclude=["vocab"]))
    assert models[0] == models[1]


@pytest.mark.parametrize("architecture", [EfficientGlobalPointer, GlobalPointer])
def test_ten_thousand_labels(architecture):
    """They are learned, saved, loaded and predicted."""
    labels = [f"L{i}" for i in range(10_000)]
    component = make_component(architecture, labels)
    reference = NLP.make_doc("Ann left Bonn")
    reference.spans["sc"] = [reference.char_span(0, 3, label="L9999")]
    examples = [Example(NLP.make_doc(reference.text), reference)]
    fix_random_seed(0)
    component.initialize(lambda: examples)
    optimizer = Adam(0.1)
    for _ in range(15):
        component.update(examples, sgd=optimizer)
    expected = probabilities(component(NLP.make_doc(reference.text)))
    assert (0, 1, "L9999") in expected
    assert {label for *_, label in expected} == {"L9999"}
    copy = make_component(architecture, labels=())
    copy.from_bytes(component.to_bytes())
    assert probabilities(copy(NLP.make_doc(reference.text))) == expected


@pytest.mark.parametrize("name", ["egp_trf", "egp_curated_trf"])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_encoders_saved_in_half_precision(name, dtype, bert_path, tmp_path):
    """They are loaded in float32, and the pipeline learns and is saved as usual."""
    path = tmp_path / "encoder"
    shutil.copytree(bert_path, path)
    AutoModel.from_pretrained(bert_path).to(dtype).save_pretrained(path)
    nlp = load_model_from_config(transformer_config(name, path), auto_fill=True)
    # The learning rate of these configs follows from max_steps.
    nlp.config = nlp.config.interpolate()
    examples = make_examples(nlp)
    optimizer = nlp.initialize(lambda: examples)
    for _ in range(2):
        losses = nlp.update(examples, sgd=optimizer)
    assert np.isfinite(losses["egp_ner"])
    nlp.to_disk(tmp_path / "pipeline")
    before, after = (
        find_features(nlp, "Ada Lovelace likes London.")
        for nlp in (nlp, spacy.load(tmp_path / "pipeline"))
    )
    for name in ARRAYS:
        assert_array_equal(getattr(after, name), getattr(before, name))


def find_features(nlp, text):
    """What the model of `egp_ner` computes for a text."""
    with nlp.select_pipes(disable="egp_ner"):
        doc = nlp(text)
    return nlp.get_pipe("egp_ner").model.predict([doc])
