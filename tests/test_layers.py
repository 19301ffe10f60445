from functools import partial

import numpy as np
import pytest
from thinc.api import Linear, Model, NumpyOps, Ragged, fix_random_seed

from spacy_egp.architectures import EfficientGlobalPointer, GlobalPointer
from spacy_egp.decoding import score_matrix
from spacy_egp.features import PointerFeatures
from spacy_egp.layers import (
    PRIOR_SCORE,
    ScaledLinear,
    pointer_head,
    resize_pointer_head,
    rotary_embedding,
)

OPS = NumpyOps()


def ragged(rng, lengths, width):
    X = rng.normal(size=(sum(lengths), width)).astype("float32")
    return Ragged(X, OPS.asarray1i(lengths))


def test_rotation_follows_the_formula():
    rng = np.random.default_rng(0)
    head_size = 6
    X = ragged(rng, [4, 0, 2], 2 * head_size)
    Y = rotary_embedding(head_size).predict(X).dataXd
    for row, position in enumerate([0, 1, 2, 3, 0, 1]):
        for column in range(0, 2 * head_size, 2):
            angle = position * 10000 ** -((column % head_size) / head_size)
            x, y = X.dataXd[row, column : column + 2]
            expected = [
                x * np.cos(angle) - y * np.sin(angle),
                x * np.sin(angle) + y * np.cos(angle),
            ]
            np.testing.assert_allclose(Y[row, column : column + 2], expected, atol=1e-6)


def test_rotated_inner_product_depends_on_distance_alone():
    """Even far into a long doc, where float32 angles would be wrong."""
    rng = np.random.default_rng(0)
    n_tokens = 100_000
    X = np.tile(rng.normal(size=(1, 8)).astype("float32"), (n_tokens, 1))
    Y = rotary_embedding(8).predict(Ragged(X, OPS.asarray1i([n_tokens]))).dataXd
    assert Y[0] @ Y[5] == pytest.approx(Y[n_tokens - 6] @ Y[n_tokens - 1], abs=1e-4)
    assert Y[0] @ Y[1] != pytest.approx(Y[0] @ Y[5], abs=1e-2)


def test_rotation_backprop_is_the_inverse():
    rng = np.random.default_rng(0)
    X = ragged(rng, [5, 3], 8)
    Y, backprop = rotary_embedding(4)(X, True)
    np.testing.assert_allclose(backprop(Y).dataXd, X.dataXd, atol=1e-6)


def test_odd_head_size_is_an_error():
    with pytest.raises(ValueError, match="EGP008.*head_size must be even.*5"):
        rotary_embedding(5)


@pytest.mark.parametrize("scale", [1.0, 20.0])
def test_learn_rate_scale_moves_the_output_by_the_scale(scale):
    """One step of SGD-like size on the parameters: the same function before, and
    `scale` times the step after."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(3, 4)).astype("float32")
    fix_random_seed(0)
    plain = Linear(2, 4).initialize()
    fix_random_seed(0)
    layer = ScaledLinear(2, 4, learn_rate_scale=scale).initialize()
    before = layer.predict(X)
    np.testing.assert_allclose(before, plain.predict(X), rtol=1e-5)
    layer.set_param("b", layer.get_param("b") + 0.01)
    np.testing.assert_allclose(layer.predict(X) - before, 0.01 * scale, rtol=1e-3)


@pytest.mark.parametrize("scale", [0.0, -1.0])
def test_learn_rate_scale_must_be_positive(scale):
    with pytest.raises(ValueError, match=f"EGP009.*positive.*{scale}"):
        ScaledLinear(2, 4, learn_rate_scale=scale)


def make_head(n_labels, bias_input, head_size=4, scale=3.0):
    bias = None if bias_input is None else ScaledLinear(learn_rate_scale=scale)
    head = pointer_head(
        ScaledLinear(learn_rate_scale=scale),
        rotary_embedding(head_size),
        bias,
        head_size=head_size,
        bias_input=bias_input or "pointer",
    )
    X = ragged(np.random.default_rng(0), [4, 3], 6)
    return head.initialize(X=X, Y=OPS.alloc2f(1, n_labels)), X


NAMES = ("query", "key", "start", "end")


@pytest.mark.parametrize("bias_input", ["pointer", "hidden", None])
def test_gradient_equals_finite_differences(bias_input):
    head, X = make_head(3, bias_input)
    rng = np.random.default_rng(1)
    features, backprop = head(X, True)
    weights = {name: rng.normal(size=getattr(features, name).shape) for name in NAMES}

    def total(data):
        output = head.predict(Ragged(data, X.lengths))
        return sum((weights[name] * getattr(output, name)).sum() for name in NAMES)

    d_features = PointerFeatures(
        **{name: weights[name].astype("float32") for name in NAMES}, lengths=X.lengths
    )
    dX = backprop(d_features).dataXd
    step = 1e-2
    for index in np.ndindex(X.dataXd.shape):
        shift = np.zeros_like(X.dataXd)
        shift[index] = step
        numeric = (total(X.dataXd + shift) - total(X.dataXd - shift)) / (2 * step)
        assert dX[index] == pytest.approx(numeric, abs=2e-2, rel=1e-2)


@pytest.mark.parametrize("bias_input", ["pointer", "hidden", None])
def test_added_labels_leave_the_others_as_they_are(bias_input):
    head, X = make_head(3, bias_input)
    before = head.predict(X)
    resize_pointer_head(head, 5)
    after = head.predict(X)
    assert head.get_dim("nO") == 5
    n_heads = before.query.shape[1]
    same = partial(np.testing.assert_allclose, rtol=1e-5, atol=1e-6)
    same(after.query[:, :n_heads], before.query)
    same(after.key[:, :n_heads], before.key)
    same(after.start[:, :3], before.start)
    same(after.end[:, :3], before.end)
    assert after.start.shape == (7, 5)


@pytest.mark.parametrize("architecture", [EfficientGlobalPointer, GlobalPointer])
def test_added_labels_start_from_silence(architecture):
    """Like those of an untrained model: with a low score for all pairs."""
    X = [np.random.default_rng(0).normal(size=(5, 6)).astype("float32")]
    tok2vec = Model(
        "hidden", lambda model, X, is_train: (X, lambda dY: dY), dims={"nO": 6}
    )
    model = architecture(tok2vec, head_size=4, learn_rate_scale=3.0, nO=2)
    model.initialize(X=X)
    model.attrs["resize_output"](model, 3)
    scores = score_matrix(model.predict(X))[2]
    assert scores.max() < PRIOR_SCORE / 2


def test_half_precision_input_becomes_float32():
    head, X = make_head(2, "pointer")
    features = head.predict(Ragged(X.dataXd.astype("float16"), X.lengths))
    assert all(getattr(features, name).dtype == np.float32 for name in NAMES)
