import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from oracles import allowed_pairs, random_features

import spacy_egp.blocks
from spacy_egp.blocks import PADDING_PER_BLOCK, ROWS_PER_BLOCK, Heads, pair_blocks


def make_blocks(lengths, n_heads=1, segments=None, max_length=None):
    features = random_features(np.random.default_rng(0), lengths, n_heads, n_heads)
    heads = Heads.from_features(features)
    return list(pair_blocks(heads, segments=segments, max_length=max_length))


def count_pairs(blocks, n_tokens):
    """(T, T): how often each pair of tokens is an allowed pair of a block."""
    counts = np.zeros((n_tokens, n_tokens), dtype=int)
    for block in blocks:
        begin, end = block.allowed_columns()
        column = np.arange(block.shape[2])
        allowed = (column >= begin[..., None]) & (column < end[..., None])
        matrix, row, column = allowed.nonzero()
        np.add.at(counts, (block.rows[matrix, row], block.columns[matrix, column]), 1)
    return counts


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(0, 60), min_size=1, max_size=8),
    st.sampled_from([1, 2]),
    st.sampled_from([None, 1, 4, 40]),
    st.sampled_from([50, 500, 2**12]),
)
@example([300, 3], 1, None, 2**12)
@example([0, 0], 1, None, 50)
@example([1, 5], 1, None, 1)
def test_every_allowed_pair_is_in_one_block(lengths, n_heads, max_length, n_pairs):
    segments = [part for n in lengths for part in (n // 3, n - n // 3)]
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(spacy_egp.blocks, "PAIRS_PER_BLOCK", n_pairs)
        blocks = make_blocks(lengths, n_heads, segments, max_length)
    allowed = allowed_pairs(lengths * n_heads, segments * n_heads, max_length)
    np.testing.assert_array_equal(count_pairs(blocks, len(allowed)), allowed)
    assert all(block.n_pairs <= n_pairs for block in blocks)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 400), min_size=1, max_size=100))
def test_blocks_have_little_padding(lengths):
    blocks = make_blocks(lengths)
    sizes = [int((block.n_rows * block.n_columns).sum()) for block in blocks]
    for block, size in zip(blocks, sizes):
        assert block.shape[1] <= ROWS_PER_BLOCK
        assert block.n_pairs - size <= max(PADDING_PER_BLOCK, block.n_pairs // 4)


def test_short_docs_share_a_block():
    """Even docs that differ in length, if there is little padding."""
    assert len(make_blocks([20] * 256)) == 1
    assert len(make_blocks([5, 10, 20, 3])) == 1


def test_stretches_of_a_long_doc_share_a_block():
    """625 times 32 rows and 36 columns are little more than the pairs of a block."""
    assert len(make_blocks([20_000], max_length=5)) == 2
