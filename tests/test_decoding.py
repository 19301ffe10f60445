from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import best_flat_total, brute_force_spans, cross, overlap, random_features

import spacy_egp.blocks
import spacy_egp.decoding
from spacy_egp.blocks import Heads, pair_blocks
from spacy_egp.decoding import (
    ScoredSpans,
    decode,
    score_matrix,
    to_probability,
    to_score,
)
from spacy_egp.overlap import select_flat, select_nested


def as_dict(spans):
    keys = zip(
        *(getattr(spans, name).tolist() for name in ("doc", "start", "last", "label"))
    )
    return dict(zip(keys, spans.score.tolist()))


def assert_equals_brute_force(features, threshold, **limits):
    expected = brute_force_spans(features, threshold, **limits)
    actual = as_dict(decode(features, threshold, **limits))
    assert actual.keys() == expected.keys()
    assert list(actual) == sorted(actual)
    for span, score in actual.items():
        assert score == pytest.approx(expected[span], abs=1e-9)


@st.composite
def batches(draw, max_tokens=60, max_labels=50):
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    lengths = draw(st.lists(st.integers(0, max_tokens), min_size=1, max_size=4))
    n_labels = draw(st.integers(1, max_labels))
    n_heads = draw(st.sampled_from([1, n_labels]))
    scale = draw(st.sampled_from([0.1, 1, 50]))
    return random_features(rng, lengths, n_labels, n_heads, scale=scale)


def thresholds(n_labels):
    """A threshold for all labels, or one for each."""
    one = st.sampled_from([-1.0, 0.0, 3.0])
    each = st.lists(one | st.just(np.inf), min_size=n_labels, max_size=n_labels)
    return one | each.map(np.asarray)


@settings(max_examples=50, deadline=None)
@given(batches(), st.data())
def test_decode_equals_brute_force(features, data):
    segments = []
    for n_tokens in features.lengths:
        cut = data.draw(st.integers(0, int(n_tokens)))
        segments += [cut, int(n_tokens) - cut]
    assert_equals_brute_force(
        features,
        data.draw(thresholds(features.start.shape[1])),
        segments=data.draw(st.sampled_from([None, segments])),
        max_length=data.draw(st.sampled_from([None, 1, 3, 40])),
    )


@pytest.mark.parametrize("max_length", [None, 5, 100, 2**63 - 1])
def test_long_docs_in_blocks_equal_brute_force(monkeypatch, max_length):
    monkeypatch.setattr(spacy_egp.blocks, "PAIRS_PER_BLOCK", 2**12)
    rng = np.random.default_rng(0)
    features = random_features(rng, [700, 3, 150], n_labels=3, n_heads=1)
    assert_equals_brute_force(features, 6.0, max_length=max_length)


def test_score_at_the_threshold_is_no_span():
    features = random_features(np.random.default_rng(0), [5], n_labels=2, n_heads=1)
    spans = decode(features, 0.0)
    lowest = spans.score.argmin()
    kept = decode(features, float(spans.score[lowest]))
    assert as_dict(kept) == as_dict(spans.take(np.arange(len(spans)) != lowest))


def test_no_docs_and_no_tokens():
    rng = np.random.default_rng(0)
    assert len(decode(random_features(rng, [0, 0], 2, 1), 0.0)) == 0


@settings(max_examples=100, deadline=None)
@given(batches(max_tokens=12, max_labels=3), st.sampled_from([0.0, 1.0, -1.0]))
def test_nested_spans_never_cross_and_every_other_one_would(features, threshold):
    spans = decode(features, threshold)
    scores = as_dict(spans)
    kept = as_dict(select_nested(spans, threshold))
    assert not any(cross(a, b) for a, b in combinations(kept, 2))
    for span in scores.keys() - kept.keys():
        assert any(
            cross(span, other) and scores[other] >= scores[span] for other in kept
        )


@settings(max_examples=100, deadline=None)
@given(batches(max_tokens=5, max_labels=2), st.sampled_from([0.0, 1.0, -1.0]))
def test_flat_spans_have_the_largest_total_score(features, threshold):
    spans = decode(features, threshold)
    n_best = np.sort(np.argsort(-spans.score)[:12])
    spans = spans.take(n_best)
    kept = as_dict(select_flat(spans, threshold))
    assert not any(overlap(a, b) for a, b in combinations(kept, 2))
    total = sum(score - threshold for score in kept.values())
    assert total == pytest.approx(best_flat_total(as_dict(spans), threshold), rel=1e-6)


@pytest.mark.parametrize("select", [select_nested, select_flat])
def test_selections_count_from_the_threshold_of_each_span(select):
    rng = np.random.default_rng(0)
    features = random_features(rng, [9, 5], n_labels=3, n_heads=1)
    by_label = np.asarray([-1.0, 0.0, 1.5])
    spans = decode(features, by_label)
    floor = by_label[spans.label]
    shifted = replace(spans, score=spans.score - floor)
    kept = as_dict(select(spans, floor)).keys()
    assert kept == as_dict(select(shifted, 0.0)).keys()
    assert kept != as_dict(select(spans, 0.0)).keys()


def test_flat_keeps_a_lone_span_at_every_threshold():
    """Even one with a negative score, above a threshold below 0.5."""
    rng = np.random.default_rng(0)
    features = random_features(rng, [1], n_labels=1, n_heads=1)
    score = float(score_matrix(features)[0, 0, 0])
    for threshold in (score - 1, -np.inf):
        assert len(select_flat(decode(features, threshold), threshold)) == 1


def test_number_of_spans_is_bounded(monkeypatch):
    """The best ones stay, and docs that lost some are named."""
    monkeypatch.setattr(spacy_egp.decoding, "SPANS_PER_DOC", 30)
    monkeypatch.setattr(spacy_egp.decoding, "SPANS_PER_TOKEN", 3)
    rng = np.random.default_rng(0)
    features = random_features(rng, [2, 40], n_labels=1, n_heads=1)
    spans = decode(features, -np.inf)
    assert spans.truncated_docs.tolist() == [1]
    scores = brute_force_spans(features, -np.inf)
    best = sorted((s for span, s in scores.items() if span[0] == 1), reverse=True)
    assert np.sum(spans.doc == 0) == 3
    actual = sorted(spans.score[spans.doc == 1].tolist(), reverse=True)
    assert actual == pytest.approx(best[: 3 * 40])


def test_number_of_spans_is_bounded_over_blocks_of_the_same_rows(monkeypatch):
    """The blocks nearest to the diagonal come first."""
    monkeypatch.setattr(spacy_egp.blocks, "PAIRS_PER_BLOCK", 200)
    monkeypatch.setattr(spacy_egp.decoding, "SPANS_PER_DOC", 400)
    monkeypatch.setattr(spacy_egp.decoding, "SPANS_PER_TOKEN", 1)
    features = random_features(np.random.default_rng(0), [20], n_labels=1, n_heads=1)
    spans = decode(features, -np.inf)
    assert len(spans) == len(brute_force_spans(features, -np.inf))
    monkeypatch.setattr(spacy_egp.decoding, "SPANS_PER_DOC", 60)
    spans = decode(features, -np.inf)
    assert spans.truncated_docs.tolist() == [0]
    assert len(spans) == 60
    assert np.sum(spans.last < 10) == 55


def test_work_for_candidates_is_proportional_to_what_is_kept(monkeypatch):
    """For a long doc, all of whose pairs are above the threshold."""
    scored, decoded = [], []
    pair_scores, decode_block = Heads.pair_scores, spacy_egp.decoding._decode_block

    def count_pairs(heads, start, end):
        scored.append(len(start))
        return pair_scores(heads, start, end)

    def count_blocks(*args):
        decoded.append(args)
        return decode_block(*args)

    # Several threads would begin blocks before it is known that there is no room.
    monkeypatch.setattr(spacy_egp.threads, "MAX_THREADS", 1)
    monkeypatch.setattr(Heads, "pair_scores", count_pairs)
    monkeypatch.setattr(spacy_egp.decoding, "_decode_block", count_blocks)
    monkeypatch.setattr(spacy_egp.decoding, "SPANS_PER_DOC", 1000)
    monkeypatch.setattr(spacy_egp.blocks, "PAIRS_PER_BLOCK", 2**12)
    features = random_features(np.random.default_rng(0), [2000], n_labels=3, n_heads=1)
    spans = decode(features, -np.inf)
    assert len(spans) == 10 * 2000
    assert sum(scored) <= len(spans)
    heads = Heads.from_features(features)
    blocks = list(pair_blocks(heads, segments=None, max_length=None))
    # The blocks nearest to the diagonal have filled their stretches of rows.
    assert len(decoded) < len(blocks) / 10


@pytest.mark.parametrize("chunk", [1, 100])
@pytest.mark.parametrize("limit", [1, 5, 40])
def test_the_best_spans_of_chunks_are_the_best_of_all(monkeypatch, chunk, limit):
    monkeypatch.setattr(spacy_egp.decoding, "SPANS_PER_DOC", limit)
    monkeypatch.setattr(spacy_egp.decoding, "SPANS_PER_TOKEN", 0)
    features = random_features(np.random.default_rng(0), [1, 6], 30, n_heads=1)
    at_once = decode(features, -np.inf)
    assert np.bincount(at_once.doc).tolist() == [min(limit, 30), limit]
    monkeypatch.setattr(spacy_egp.decoding, "SCORES_PER_CHUNK", chunk)
    assert as_dict(decode(features, -np.inf)) == as_dict(at_once)


def test_as_many_spans_as_the_bound_allows_are_not_too_many(monkeypatch):
    monkeypatch.setattr(spacy_egp.decoding, "SPANS_PER_DOC", 210)
    features = random_features(np.random.default_rng(0), [20], n_labels=1, n_heads=1)
    spans = decode(features, -np.inf)
    assert len(spans) == 210
    assert not len(spans.truncated_docs)


def test_each_head_has_a_share_of_the_bound(monkeypatch):
    monkeypatch.setattr(spacy_egp.decoding, "SPANS_PER_DOC", 30)
    monkeypatch.setattr(spacy_egp.decoding, "SPANS_PER_TOKEN", 3)
    rng = np.random.default_rng(0)
    features = random_features(rng, [2, 40], n_labels=3, n_heads=3)
    spans = decode(features, -np.inf)
    assert spans.truncated_docs.tolist() == [1]
    assert np.bincount(spans.label[spans.doc == 1]).tolist() == [40, 40, 40]
    assert np.sum(spans.doc == 0) == 9


def test_scores_in_chunks(monkeypatch):
    """Even if a single pair has more labels than a chunk has scores."""
    monkeypatch.setattr(spacy_egp.decoding, "SCORES_PER_CHUNK", 2)
    features = random_features(np.random.default_rng(0), [9], n_labels=3, n_heads=1)
    assert_equals_brute_force(features, 0.0)


def spans_of_a_doc(start, end, score):
    """Spans whose labels are consecutive numbers."""
    return ScoredSpans(
        doc=np.zeros(len(start), dtype="int64"),
        start=start,
        last=end,
        label=np.arange(len(start)),
        score=np.asarray(score, dtype="float32"),
        truncated_docs=np.zeros(0, dtype="int64"),
    )


def test_of_spans_with_equal_scores_the_first_stays():
    """There are enough of them that an unstable sort would change their order."""
    rng = np.random.default_rng(0)
    starts = rng.integers(0, 30, 300)
    ends = starts + rng.integers(0, 9, 300)
    spans = spans_of_a_doc(starts, ends, rng.integers(1, 4, 300))
    expected = []
    for span in sorted(as_dict(spans).items(), key=lambda item: -item[1]):
        if not any(cross(span[0], kept) for kept in expected):
            expected.append(span[0])
    assert as_dict(select_nested(spans, 0)).keys() == set(expected)

    groups = rng.integers(0, 30, 300)
    copies = spans_of_a_doc(2 * groups, 2 * groups + 1, np.ones(300))
    first = np.unique(groups, return_index=True)[1]
    assert select_flat(copies, 0).label.tolist() == sorted(first)


def test_flat_at_a_threshold_of_probability_0():
    """Every span is worth something, and a better one is worth more."""
    rng = np.random.default_rng(0)
    features = random_features(rng, [4], n_labels=1, n_heads=1)
    spans = decode(features, -np.inf)
    floor = spans.score.min() - 1
    kept = as_dict(select_flat(spans, -np.inf))
    total = sum(score - floor for score in kept.values())
    assert total == pytest.approx(best_flat_total(as_dict(spans), floor), rel=1e-6)


def test_thresholds_are_probabilities():
    assert to_score(0.5) == 0
    assert to_score(0.0) == -np.inf
    assert to_score(1.0) == np.inf
    for probability in (0.1, 0.5, 0.9):
        scores = np.asarray([to_score(probability)])
        assert to_probability(scores)[0] == pytest.approx(probability)


def test_extreme_thresholds_do_not_warn():
    with np.errstate(all="raise"):
        assert [to_score(0.0), to_score(1.0)] == [-np.inf, np.inf]


def test_probability_does_not_depend_on_the_batch():
    scores = np.linspace(-9, 9, 1001, dtype="float32")
    alone = [to_probability(scores[i : i + 1])[0] for i in range(len(scores))]
    np.testing.assert_array_equal(to_probability(scores), alone)
