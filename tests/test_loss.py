from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import allowed_pairs, dense_loss, random_features, random_gold

import spacy_egp.blocks
import spacy_egp.loss
from spacy_egp.blocks import Heads, pair_blocks
from spacy_egp.features import PointerFeatures
from spacy_egp.loss import zlpr_loss

NAMES = ("query", "key", "start", "end")


def cast(features, dtype):
    arrays = {name: getattr(features, name).astype(dtype) for name in NAMES}
    return PointerFeatures(**arrays, lengths=features.lengths)


def assert_equals_dense(features, gold, tolerance, **limits):
    expected_loss, expected_gradients = dense_loss(features, gold, **limits)
    loss, gradient = zlpr_loss(features, gold, **limits)
    assert loss == pytest.approx(expected_loss, rel=tolerance, abs=tolerance)
    for name, expected in zip(NAMES, expected_gradients):
        actual = getattr(gradient, name)
        scale = np.abs(expected).max(initial=0)
        np.testing.assert_allclose(
            actual, expected, rtol=0, atol=tolerance * (scale + 1e-3)
        )


@st.composite
def batches(draw):
    """Ragged batches: (features in float64, gold)."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    lengths = draw(st.lists(st.integers(0, 60), min_size=1, max_size=6))
    n_labels = draw(st.integers(1, 50))
    n_heads = draw(st.sampled_from([1, n_labels]))
    scale = draw(st.sampled_from([0.1, 1, 10, 50]))
    features = random_features(rng, lengths, n_labels, n_heads, scale=scale)
    # Up to 2 spans a token over few pairs and labels: pairs gold for several labels,
    # labels and docs without gold.
    gold = random_gold(rng, lengths, n_labels, draw(st.sampled_from([0, 0.1, 2])))
    for i in draw(st.sets(st.integers(0, len(lengths) - 1))):
        gold[i] = None
    return features, gold


@settings(max_examples=150, deadline=None)
@given(batches())
def test_equals_dense_in_float64(batch):
    features, gold = batch
    assert_equals_dense(features, gold, tolerance=1e-9)


@settings(max_examples=60, deadline=None)
@given(batches())
def test_equals_dense_in_float32(batch):
    features, gold = batch
    features = cast(features, "float32")
    assert_equals_dense(features, gold, tolerance=2e-4)


@settings(max_examples=60, deadline=None)
@given(batches(), st.data())
def test_limits_equal_dense(batch, data):
    features, _ = batch
    segments = []
    for n_tokens in features.lengths:
        cut = data.draw(st.integers(0, int(n_tokens)))
        segments += [cut, int(n_tokens) - cut]
    max_length = data.draw(st.sampled_from([None, 1, 3, 40]))
    limits = {"segments": segments, "max_length": max_length}
    stretch_length = data.draw(st.sampled_from([None, 1, 2, 7, 60]))
    rng = np.random.default_rng(0)
    allowed = allowed_pairs(features.lengths, **limits)
    gold = random_gold(rng, features.lengths, features.start.shape[1], 1, allowed)
    assert_equals_dense(
        features, gold, tolerance=1e-9, stretch_length=stretch_length, **limits
    )


@pytest.mark.parametrize("n_heads", [1, 3])
@pytest.mark.parametrize("max_length", [None, 5, 100])
@pytest.mark.parametrize("kept_pairs", [0, 2**23])
@pytest.mark.parametrize("stretch_length", [None, 16])
def test_long_docs_in_blocks_equal_dense(
    monkeypatch, n_heads, max_length, kept_pairs, stretch_length
):
    """A doc cut into many blocks, with and without computing them again."""
    monkeypatch.setattr(spacy_egp.blocks, "PAIRS_PER_BLOCK", 2**12)
    monkeypatch.setattr(spacy_egp.loss, "KEPT_PAIRS", kept_pairs)
    rng = np.random.default_rng(0)
    lengths = [300, 3, 150]
    features = random_features(rng, lengths, n_labels=3, n_heads=n_heads)
    allowed = allowed_pairs(lengths, max_length=max_length)
    gold = random_gold(rng, lengths, 3, 0.5, allowed)
    limits = {"max_length": max_length, "stretch_length": stretch_length}
    assert_equals_dense(features, gold, tolerance=1e-9, **limits)


def test_stretches_of_joined_docs_count_like_the_docs():
    """A doc of two halves without a span across them has the loss of the two halves as
    docs."""
    rng = np.random.default_rng(0)
    features = random_features(rng, [32], n_labels=3, n_heads=1)
    allowed = allowed_pairs([16, 16])
    spans = random_gold(rng, [32], 3, 0.5, allowed)[0]
    limits = {"segments": [16, 16], "stretch_length": 16}
    joined, _ = zlpr_loss(features, [spans], **limits)
    half = spans[:, 0] < 16
    gold = [spans[half], spans[~half] - [16, 16, 0]]
    lengths = np.asarray([16, 16], dtype="int32")
    alone, _ = zlpr_loss(replace(features, lengths=lengths), gold)
    assert joined == pytest.approx(alone)


def test_a_pair_that_is_gold_for_all_labels():
    rng = np.random.default_rng(0)
    features = random_features(rng, [6], n_labels=4, n_heads=1)
    gold = [np.asarray([(2, 4, label) for label in range(4)])]
    assert_equals_dense(features, gold, tolerance=1e-9)


@pytest.mark.parametrize("size", [70, 200, 1e4])
def test_large_scores_are_exact_and_finite(size):
    """Scores that a factored sum in float32 would lose, or on which it would overflow:
    in each row, the best shared part meets the worst end score."""
    rng = np.random.default_rng(0)
    features = random_features(rng, [9], n_labels=3, n_heads=1, head_size=2)
    features.query[:] = [size, 0]
    features.key[:, 0, 0] = np.linspace(-1, 1, 9)
    features.end[:] = -size * features.key[:, :, 0] + rng.normal(size=(9, 3))
    features.start[:] = rng.normal(size=(9, 3))
    gold = [np.asarray([(1, 4, 0), (0, 8, 2)])]
    assert_equals_dense(features, gold, tolerance=1e-9)
    assert_equals_dense(cast(features, "float32"), gold, tolerance=1e-3)


@pytest.mark.parametrize("score", [-80, -95, -300])
def test_gold_pairs_of_low_scores_are_exact_and_finite(score):
    """Where no score is large, but exp(-score) of a gold pair is, or overflows."""
    rng = np.random.default_rng(0)
    features = random_features(rng, [7, 5], n_labels=3, n_heads=1)
    features.start[:] += score
    gold = [np.asarray([(1, 4, 0), (0, 6, 2)]), np.asarray([(2, 2, 1)])]
    assert_equals_dense(cast(features, "float32"), gold, tolerance=1e-4)


def test_large_parts_that_cancel_are_summed_in_factors(monkeypatch):
    """The largest score of a row and label decides, not the largest of its parts."""
    monkeypatch.delattr(spacy_egp.loss, "_sums_by_label")
    rng = np.random.default_rng(0)
    features = random_features(rng, [8], n_labels=2, n_heads=1)
    # Alternately, the shared parts of a row are large and its start scores small, and
    # the end scores of a label are large and its start scores small.
    sign = np.where(np.arange(8) % 2, 40, -40)
    features.query[..., 0] = sign[:, None]
    features.key[..., 0] = 1
    features.start[:] += [[50, -50]] - sign[:, None]
    features.end[:] -= [[50, -50]]
    gold = random_gold(rng, [8], 2, 0.5)
    assert_equals_dense(features, gold, tolerance=1e-9)


@pytest.mark.parametrize("kept_pairs", [0, 2**12, 2**14, 2**23])
def test_only_so_many_pairs_are_kept_for_the_gradient(monkeypatch, kept_pairs):
    """Further blocks are computed again, one by one."""
    monkeypatch.setattr(spacy_egp.blocks, "PAIRS_PER_BLOCK", 2**12)
    monkeypatch.setattr(spacy_egp.loss, "KEPT_PAIRS", kept_pairs)
    negative_sum = spacy_egp.loss._negative_sums
    computed = []

    def count(heads, block, *args):
        computed.append(block)
        return negative_sum(heads, block, *args)

    monkeypatch.setattr(spacy_egp.loss, "_negative_sums", count)
    features = random_features(np.random.default_rng(0), [300], n_labels=1, n_heads=1)
    zlpr_loss(features, random_gold(np.random.default_rng(0), [300], 1, 0.1))
    blocks = pair_blocks(Heads.from_features(features), segments=None, max_length=None)
    pairs = np.cumsum([block.n_pairs for block in blocks])
    assert len(computed) == len(pairs) + np.sum(pairs > kept_pairs)


def test_gradient_is_of_the_same_docs():
    features = random_features(np.random.default_rng(0), [4, 0, 2], 2, n_heads=1)
    _, gradient = zlpr_loss(features, [None, None, None])
    assert gradient.lengths.tolist() == [4, 0, 2]


def test_gold_of_more_docs_than_there_are():
    features = random_features(np.random.default_rng(0), [4], n_labels=2, n_heads=1)
    with pytest.raises(ValueError):
        zlpr_loss(features, [None, None])


def test_unannotated_docs_have_no_part_in_loss_and_gradient():
    rng = np.random.default_rng(0)
    features = random_features(rng, [4, 5], n_labels=2, n_heads=1)
    loss, gradient = zlpr_loss(features, [None, None])
    assert loss == 0
    assert not any(getattr(gradient, name).any() for name in NAMES)
    _, gradient = zlpr_loss(features, [None, np.zeros((0, 3), dtype="int64")])
    assert not gradient.query[:4].any()
    assert gradient.query[4:].any()


@settings(max_examples=60, deadline=None)
@given(batches(), st.integers(0, 2**32 - 1))
def test_labels_that_docs_are_not_annotated_for_equal_dense(batch, seed):
    """Their gold spans do not contribute to the loss either."""
    features, gold = batch
    rng = np.random.default_rng(seed)
    annotated = rng.random((len(gold), features.start.shape[1])) < 0.5
    assert_equals_dense(features, gold, tolerance=1e-9, weights=annotated)


@settings(max_examples=60, deadline=None)
@given(batches(), st.integers(0, 2**32 - 1))
def test_weights_of_labels_equal_dense(batch, seed):
    features, gold = batch
    rng = np.random.default_rng(seed)
    weights = rng.lognormal(0, 2, (len(gold), features.start.shape[1]))
    assert_equals_dense(features, gold, tolerance=1e-9, weights=weights)


@pytest.mark.parametrize("n_heads", [1, 40])
def test_no_tensor_has_pairs_and_labels(n_heads):
    """With 400 tokens and 40 labels, a doc takes far less memory than 40 matrices of
    pairs, the size that a dense loss allocates several times."""
    import torch

    rng = np.random.default_rng(0)
    features = cast(
        random_features(rng, [400], n_labels=40, n_heads=n_heads), "float32"
    )
    gold = random_gold(rng, [400], 40, 0.2)
    with torch.profiler.profile(profile_memory=True) as profile:
        zlpr_loss(features, gold)
    largest = max(event.cpu_memory_usage for event in profile.events())
    assert largest < 400 * 400 * 4 * (40 / 4)
