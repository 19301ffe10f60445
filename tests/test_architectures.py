import numpy as np
import pytest
from spacy.util import registry
from thinc.api import Model

from spacy_egp.architectures import EfficientGlobalPointer, GlobalPointer
from spacy_egp.decoding import score_matrix
from spacy_egp.layers import PRIOR_SCORE

WIDTH, HEAD_SIZE = 768, 64


def random_tok2vec(width=WIDTH):
    """Docs are numbers of tokens here: each gets random hidden states."""

    def forward(model, lengths, is_train):
        rng = np.random.default_rng(0)
        hidden = [rng.normal(size=(n, width)).astype("float32") for n in lengths]
        return hidden, lambda d_hidden: []

    return Model("random", forward, dims={"nO": width})


def n_parameters(model):
    return sum(
        node.get_param(name).size for node in model.walk() for name in node.param_names
    )


@pytest.mark.parametrize(
    "architecture, per_label",
    [
        (EfficientGlobalPointer, 4 * HEAD_SIZE + 2),
        (GlobalPointer, 2 * WIDTH * HEAD_SIZE + 2 * HEAD_SIZE),
    ],
)
def test_parameters_of_a_label(architecture, per_label):
    """The method's count, 4d against 2Dd, and the bias terms."""
    sizes = []
    for n_labels in (3, 4):
        model = architecture(random_tok2vec(), head_size=HEAD_SIZE, nO=n_labels)
        sizes.append(n_parameters(model.initialize(X=[5])))
    assert sizes[1] - sizes[0] == per_label


@pytest.mark.parametrize("architecture", [EfficientGlobalPointer, GlobalPointer])
@pytest.mark.parametrize("learn_rate_scale", [1.0, 25.0])
def test_starts_from_silence(architecture, learn_rate_scale):
    model = architecture(random_tok2vec(), learn_rate_scale=learn_rate_scale, nO=4)
    scores = score_matrix(model.initialize(X=[300]).predict([300]))
    assert scores.max() < -1
    assert scores[np.isfinite(scores)].mean() == pytest.approx(PRIOR_SCORE, abs=0.3)


@pytest.mark.parametrize("architecture", [EfficientGlobalPointer, GlobalPointer])
def test_refs_and_dims(architecture):
    model = architecture(random_tok2vec())
    model.initialize(X=[3], Y=np.zeros((1, 7), dtype="float32"))
    assert model.get_dim("nO") == 7
    assert model.get_ref("output_layer").get_dim("nO") == 7
    assert model.get_ref("tok2vec").name == "random"
    n_heads = 1 if architecture is EfficientGlobalPointer else 7
    rows = n_heads * 2 * HEAD_SIZE
    assert model.get_ref("pointer").get_param("W").shape == (rows, WIDTH)
    assert model.has_ref("bias") == (architecture is EfficientGlobalPointer)


def test_bias_from_hidden_states():
    model = EfficientGlobalPointer(random_tok2vec(), bias_input="hidden", nO=2)
    model.initialize(X=[3])
    assert model.get_ref("bias").get_param("W").shape == (4, WIDTH)


@pytest.mark.parametrize("architecture", [EfficientGlobalPointer, GlobalPointer])
def test_initializes_without_a_sample(architecture):
    model = architecture(random_tok2vec(), nO=2).initialize()
    assert model.predict([3, 4]).start.shape == (7, 2)


def test_registered():
    for name in ("EfficientGlobalPointer", "GlobalPointer"):
        assert registry.get("architectures", f"spacy-egp.{name}.v1")
    for name in ("rotary_embedding", "pointer_head", "ScaledLinear"):
        assert registry.get("layers", f"spacy-egp.{name}.v1")
    assert registry.get("scorers", "spacy-egp.span_scorer.v1")()
