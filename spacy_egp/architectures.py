"""The registered models: docs -> pointer features."""

from collections.abc import Sequence
from functools import partial

from spacy.tokens import Doc
from thinc.api import Model, chain, noop, uniform_init
from thinc.types import Floats2d, Ragged

from .features import PointerFeatures
from .layers import (
    BiasInput,
    ScaledLinear,
    join_docs,
    keep_labels,
    pointer_head,
    prior_bias_init,
    prior_query_key_init,
    resize_pointer_head,
    rotary_embedding,
    zero_key_init,
)


def EfficientGlobalPointer(
    tok2vec: Model[list[Doc], list[Floats2d]],
    head_size: int = 64,
    rope: bool = True,
    bias_input: BiasInput = "pointer",
    learn_rate_scale: float = 1.0,
    nO: int | None = None,
) -> Model[list[Doc], PointerFeatures]:
    """Efficient GlobalPointer (arXiv 2208.03054, kexue.fm/archives/8877): one query
    and key for all labels, a start and an end score for each label.

    With the hidden state h_i of token i, p_i = W_p h_i + b_p = [q_i ; k_i] and
    u_i = W_b p_i + b_b = [start_i ; end_i], span (i, j) has for label c the score
    R(q_i, i) . R(k_j, j) / sqrt(head_size) + (start_i[c] + end_j[c]) / 2, where R is
    the rotary embedding. Node refs: "tok2vec", "pointer" (the layer of W_p, b_p),
    "bias" (that of W_b, b_b) and "output_layer" (the pointer head). With a
    learn_rate_scale m these layers hold W / m and b / m.

    tok2vec (Model[List[Doc], List[Floats2d]]): The tok2vec layer of the model.
    head_size (int): Size of queries and keys.
    rope (bool): Whether to rotate them by the position of the token.
    bias_input (str): Input of the start and end scores: "pointer" (p_i) or "hidden"
        (h_i, the first formula of the method).
    learn_rate_scale (float): Factor on the optimizer's learning rate for the layers on
        top of the tok2vec layer; 10 to 25 is usual over a pretrained transformer.
    nO (Optional[int]): Number of labels. Set by the component.
    RAISES (ValueError): If `head_size` is odd with `rope`, or `learn_rate_scale` is
        not positive.
    """
    hidden_size = tok2vec.maybe_get_dim("nO")
    pointer = ScaledLinear(
        nO=2 * head_size,
        nI=hidden_size,
        learn_rate_scale=learn_rate_scale,
        init_W=partial(zero_key_init, head_size=head_size),
    )
    bias = ScaledLinear(
        nI=2 * head_size if bias_input == "pointer" else hidden_size,
        learn_rate_scale=learn_rate_scale,
        init_W=partial(uniform_init, lo=-0.05, hi=0.05),
        init_b=prior_bias_init,
    )
    head = pointer_head(
        pointer,
        rotary_embedding(head_size) if rope else noop(),
        bias,
        head_size=head_size,
        bias_input=bias_input,
        nO=nO,
    )
    return _with_head(tok2vec, head)


def GlobalPointer(
    tok2vec: Model[list[Doc], list[Floats2d]],
    head_size: int = 64,
    rope: bool = True,
    learn_rate_scale: float = 1.0,
    nO: int | None = None,
) -> Model[list[Doc], PointerFeatures]:
    """GlobalPointer (kexue.fm/archives/8373): a query and a key for each label.

    With the hidden state h_i of token i, W_p h_i + b_p holds a block [q_i,c ; k_i,c]
    for each label c, and span (i, j) has the score
    R(q_i,c, i) . R(k_j,c, j) / sqrt(head_size), where R is the rotary embedding. Node
    refs: "tok2vec", "pointer" (the layer of W_p, b_p) and "output_layer" (the
    pointer head). With a learn_rate_scale m that layer holds W / m and b / m.

    tok2vec (Model[List[Doc], List[Floats2d]]): The tok2vec layer of the model.
    head_size (int): Size of queries and keys.
    rope (bool): Whether to rotate them by the position of the token.
    learn_rate_scale (float): Factor on the optimizer's learning rate for the layers on
        top of the tok2vec layer; 10 to 25 is usual over a pretrained transformer.
    nO (Optional[int]): Number of labels. Set by the component.
    RAISES (ValueError): If `head_size` is odd, or `learn_rate_scale` is not positive.
    """
    init = partial(prior_query_key_init, head_size=head_size)
    pointer = ScaledLinear(
        nI=tok2vec.maybe_get_dim("nO"),
        learn_rate_scale=learn_rate_scale,
        init_W=init,
        init_b=init,
    )
    head = pointer_head(
        pointer,
        rotary_embedding(head_size) if rope else noop(),
        head_size=head_size,
        nO=nO,
    )
    return _with_head(tok2vec, head)


def _with_head(
    tok2vec: Model[list[Doc], list[Floats2d]], head: Model[Ragged, PointerFeatures]
) -> Model[list[Doc], PointerFeatures]:
    model: Model[list[Doc], PointerFeatures] = chain(tok2vec, join_docs(), head)
    model.set_ref("tok2vec", tok2vec)
    model.set_ref("output_layer", head)
    model.attrs["resize_output"] = _resize_output
    _set_linear_refs(model)
    return model


def _set_linear_refs(model: Model[list[Doc], PointerFeatures]) -> None:
    """Set refs to the linear layers of the head, for access to their weights."""
    head = model.get_ref("output_layer")
    for name in ("pointer", "bias"):
        if head.has_ref(name):
            model.set_ref(name, head.get_ref(name))


def _resize_output(model: Model[list[Doc], PointerFeatures], nO: int) -> None:
    resize_pointer_head(model.get_ref("output_layer"), nO)
    model.set_dim("nO", nO, force=True)
    _set_linear_refs(model)


def keep_outputs(model: Model[list[Doc], PointerFeatures], kept: Sequence[int]) -> None:
    """Remove all labels except some from a model, see `layers.keep_labels`.

    model (Model[List[Doc], PointerFeatures]): The model.
    kept (Sequence[int]): Indices of the labels to keep, at least one.
    """
    keep_labels(model.get_ref("output_layer"), kept)
    model.set_dim("nO", len(kept), force=True)
    _set_linear_refs(model)
