"""The Thinc layers that turn hidden states into pointer features."""

from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from itertools import chain
from typing import Any, Literal, cast

import numpy as np
import torch
from thinc.api import Model, Ops, glorot_uniform_init, zero_init
from thinc.types import Floats1d, Floats2d, FloatsXd, Ints1d, Ragged
from thinc.util import get_width, torch2xp, xp2torch
from torch import Tensor

from .errors import Errors
from .features import PointerFeatures
from .threads import one_thread

# Score (logit of a probability of 0.001) that an untrained model gives to every span.
# With scores around 0 it would predict half of all token pairs as spans.
PRIOR_SCORE = -6.9
# How far the score of a label that is added to a model is from the mean of the others.
# This mean is at most -3 on GermEval (12 labels) and on the demo corpus (8 labels). A
# single label that was trained on only four sentences scores up to 26.
NEW_LABEL_SCORE = 4 * PRIOR_SCORE

# The rotations of up to this many positions are kept for later batches: 8 MB for a head
# size of 64.
MAX_KEPT_POSITIONS = 2**15

BiasInput = Literal["pointer", "hidden"]


def join_docs() -> Model[list[Floats2d], Ragged]:
    """Concatenate the vectors of docs, as Thinc's `list2ragged` does, but leave their
    lengths in the memory of the CPU, where they can be read without waiting for a
    GPU."""
    return Model("join_docs", _join_forward)


def _join_forward(
    model: Model[list[Floats2d], Ragged], Xs: list[Floats2d], is_train: bool
) -> tuple[Ragged, Callable]:
    lengths = cast(Ints1d, np.asarray([len(X) for X in Xs], dtype="int32"))

    def backprop(dY: Ragged) -> list[Floats2d]:
        return cast(list[Floats2d], model.ops.unflatten(dY.dataXd, lengths))

    return Ragged(model.ops.flatten(Xs), lengths), backprop


def rotary_embedding(head_size: int, base: float = 10000.0) -> Model[Ragged, Ragged]:
    """Rotate each adjacent pair of columns by an angle that grows with the position
    of the token in its sequence (RoPE, arXiv 2104.09864).

    The inner product of a rotated query and a rotated key depends on their distance.
    The columns are any number of blocks of `head_size`; data and gradient are float32
    of shape (tokens, blocks * head_size).

    head_size (int): Size of the block over which the angles range, an even number.
    base (float): Pair t turns by position * base ** (-2t / head_size).
    RAISES (ValueError): If `head_size` is odd.
    """
    if head_size % 2:
        raise ValueError(Errors.EGP008.format(head_size=head_size))
    return Model(
        "rotary_embedding",
        _rotary_forward,
        attrs={"head_size": head_size, "base": base},
    )


def _rotary_forward(
    model: Model[Ragged, Ragged], X: Ragged, is_train: bool
) -> tuple[Ragged, Callable]:
    Xt = xp2torch(X.dataXd)
    rotation = _rotation(
        X.lengths, Xt.device, model.attrs["head_size"], model.attrs["base"]
    )

    def backprop(dY: Ragged) -> Ragged:
        dX = _rotate(xp2torch(dY.dataXd), rotation.conj())
        return Ragged(cast(Floats2d, torch2xp(dX)), X.lengths)

    Y = _rotate(Xt, rotation)
    return Ragged(cast(Floats2d, torch2xp(Y)), X.lengths), backprop


def _rotation(
    lengths: Ints1d, device: torch.device, head_size: int, base: float
) -> Tensor:
    """Unit complex numbers of shape (tokens, 1, head_size / 2), one per rotation."""
    n_tokens = np.asarray(lengths.tolist(), np.int64)
    longest = int(n_tokens.max(initial=0))
    # Rounded up to a power of two, so that few tables are kept.
    n_positions = 1 << max(9, (longest - 1).bit_length())
    make_table = rotations if n_positions <= MAX_KEPT_POSITIONS else make_rotations
    table = make_table(n_positions, head_size, base, device)
    if len(n_tokens) == 1:
        return table[:longest]
    first = np.cumsum(n_tokens) - n_tokens
    position = np.arange(n_tokens.sum()) - np.repeat(first, n_tokens)
    return table[torch.from_numpy(position).to(device)]


def make_rotations(
    n_positions: int, head_size: int, base: float, device: torch.device
) -> Tensor:
    """The rotations of positions, complex64 of shape (positions, 1, head_size / 2)."""
    # The angles of far positions need float64: float32 would leave an error of 0.01
    # radians at position 100,000.
    exponents = torch.arange(0, head_size, 2, dtype=torch.float64) / head_size
    positions = torch.arange(n_positions, dtype=torch.float64)
    angles = torch.outer(positions, base**-exponents)
    table = torch.polar(torch.ones_like(angles), angles)
    return table.to(torch.complex64)[:, None].to(device)


rotations = lru_cache(maxsize=32)(make_rotations)


def _rotate(X: Tensor, rotation: Tensor) -> Tensor:
    """Rotate (tokens, blocks * head_size): each adjacent pair is a complex number."""
    pairs = X.contiguous().view(len(X), -1, rotation.shape[2], 2)
    return torch.view_as_real(torch.view_as_complex(pairs) * rotation).view(X.shape)


def ScaledLinear(
    nO: int | None = None,
    nI: int | None = None,
    *,
    learn_rate_scale: float = 1.0,
    init_W: Callable = glorot_uniform_init,
    init_b: Callable = zero_init,
) -> Model[Floats2d, Floats2d]:
    """Multiply by a weights matrix and add a bias, as Thinc's `Linear` does, trained at
    a multiple of the optimizer's learning rate.

    With m = learn_rate_scale the layer computes m (W x + b), and its initial parameters
    are divided by m, so that the function stays the same. A step of Adam does not
    depend on the scale of the gradient, so the output of the layer changes m times as
    much at each step. PyTorch computes the products: it takes half the time of Thinc's
    BLIS.

    nO (Optional[int]): Width of the output.
    nI (Optional[int]): Width of the input.
    learn_rate_scale (float): Factor on the learning rate, greater than 0.
    init_W (Callable): Initializer of m W, of shape (nO, nI).
    init_b (Callable): Initializer of m b, of shape (nO,).
    RAISES (ValueError): If `learn_rate_scale` is not positive.
    """
    if learn_rate_scale <= 0:
        raise ValueError(Errors.EGP009.format(scale=learn_rate_scale))
    return Model(
        "scaled_linear",
        _linear_forward,
        init=partial(_linear_init, init_W, init_b),
        dims={"nO": nO, "nI": nI},
        params={"W": None, "b": None},
        attrs={"learn_rate_scale": learn_rate_scale},
    )


def _linear_forward(
    model: Model[Floats2d, Floats2d], X: Floats2d, is_train: bool
) -> tuple[Floats2d, Callable]:
    scale = model.attrs["learn_rate_scale"]
    W, b, Xt = map(xp2torch, (model.get_param("W"), model.get_param("b"), X))

    def backprop(dY: Floats2d) -> Floats2d:
        dYt = xp2torch(dY)
        if scale != 1:
            dYt = dYt * scale
        model.inc_grad("b", cast(Floats1d, torch2xp(dYt.sum(0))))
        model.inc_grad("W", cast(Floats2d, torch2xp(dYt.T @ Xt)))
        return cast(Floats2d, torch2xp(dYt @ W))

    Yt = torch.addmm(b, Xt, W.T, beta=scale, alpha=scale)
    return cast(Floats2d, torch2xp(Yt)), backprop


def _linear_init(
    init_W: Callable,
    init_b: Callable,
    model: Model[Floats2d, Floats2d],
    X: Floats2d | None = None,
    Y: Floats2d | None = None,
) -> None:
    if X is not None:
        model.set_dim("nI", get_width(X))
    if Y is not None:
        model.set_dim("nO", get_width(Y))
    nO, nI = model.get_dim("nO"), model.get_dim("nI")
    scale = model.attrs["learn_rate_scale"]
    model.set_param("W", init_W(model.ops, (nO, nI)) / scale)
    model.set_param("b", init_b(model.ops, (nO,)) / scale)


def prior_bias_init(ops: Ops, shape: tuple[int]) -> Floats1d:
    """Initialize the bias of start and end scores to `PRIOR_SCORE`: half of each is
    added to a span's score.

    ops (Ops): The backend.
    shape (tuple[int]): (2 * labels,).
    RETURNS (Floats1d): The bias, float32.
    """
    return cast(Floats1d, ops.alloc1f(*shape) + PRIOR_SCORE)


def zero_key_init(ops: Ops, shape: tuple[int, int], *, head_size: int) -> Floats2d:
    """Initialize the weights of queries and keys such that keys start as 0, and with
    them all inner products.

    ops (Ops): The backend.
    shape (tuple[int, int]): (heads * 2 * head_size, hidden), blocks of a query and a
        key.
    head_size (int): Size of a query or key.
    RETURNS (Floats2d): The weights, float32.
    """
    W = cast(Floats2d, glorot_uniform_init(ops, shape))
    W.reshape((-1, 2, head_size, shape[1]))[:, 1] = 0
    return W


def prior_query_key_init(
    ops: Ops, shape: tuple[int, ...], *, head_size: int
) -> FloatsXd:
    """Initialize weights or bias of queries and keys such that all inner products
    start as `PRIOR_SCORE`, for a head without start and end scores.

    The pair of columns that rotates least holds constants with this product, which
    hardly depends on the distance of the tokens (with a head size of 64 it keeps its
    sign for 11,000 tokens). Other columns of the keys start as 0.

    ops (Ops): The backend.
    shape (tuple[int, ...]): (heads * 2 * head_size, hidden) for the weights,
        (heads * 2 * head_size,) for the bias.
    head_size (int): Size of a query or key.
    RETURNS (FloatsXd): The parameter, float32.
    """
    if len(shape) == 2:
        W = zero_key_init(ops, shape, head_size=head_size)
        W.reshape((-1, 2, head_size, shape[1]))[:, 0, -2:] = 0
        return W
    bias = ops.alloc1f(*shape)
    size = (-PRIOR_SCORE * head_size**0.5) ** 0.5
    query_key = bias.reshape((-1, 2, head_size))
    query_key[:, 0, -2] = size
    query_key[:, 1, -2] = -size
    return bias


def pointer_head(
    pointer: Model[Floats2d, Floats2d],
    rope: Model[Ragged, Ragged],
    bias: Model[Floats2d, Floats2d] | None = None,
    *,
    head_size: int,
    bias_input: BiasInput = "pointer",
    nO: int | None = None,
) -> Model[Ragged, PointerFeatures]:
    """Project hidden states to pointer features (kexue.fm/archives/8373 and 8877).

    pointer (Model[Floats2d, Floats2d]): Projection of hidden states, float32 of shape
        (tokens, hidden), to blocks of a query and a key: (tokens, 2 * head_size) for
        one head, (tokens, labels * 2 * head_size) for a head for each label.
    rope (Model[Ragged, Ragged]): Rotation of queries and keys, or `noop`.
    bias (Optional[Model[Floats2d, Floats2d]]): Projection to the start scores, then
        the end scores, of all labels: (tokens, 2 * labels). None for scores of 0.
    head_size (int): Size of a query or key.
    bias_input (str): Input of `bias`: "pointer" (the output of `pointer`) or "hidden"
        (the hidden states).
    nO (Optional[int]): Number of labels.
    """
    layers: dict[str, Model] = {"pointer": pointer, "rope": rope}
    if bias is not None:
        layers["bias"] = bias
    return Model(
        "pointer_head",
        _head_forward,
        init=_head_init,
        dims={"nO": nO},
        layers=list(layers.values()),
        refs={**layers},
        attrs={"head_size": head_size, "bias_input": bias_input, "rope": rope.name},
    )


@one_thread()
def _head_forward(
    model: Model[Ragged, PointerFeatures], Xr: Ragged, is_train: bool
) -> tuple[PointerFeatures, Callable]:
    ops = model.ops
    bias = model.maybe_get_ref("bias")
    shares_pointer = model.attrs["bias_input"] == "pointer"
    head_size = model.attrs["head_size"]
    query_scale = head_size**-0.5
    n_labels = model.get_dim("nO")
    X = ops.asarray2f(cast(Floats2d, Xr.dataXd))
    if not X.size:
        # spacy-curated-transformers returns no vectors at all if no token has pieces.
        X = ops.alloc2f(int(Xr.lengths.sum()), model.get_ref("pointer").get_dim("nI"))

    P, backprop_pointer = model.get_ref("pointer")(X, is_train)
    R, backprop_rope = model.get_ref("rope")(Ragged(P, Xr.lengths), is_train)
    query_key = ops.reshape4f(
        R.dataXd, len(X), P.shape[1] // (2 * head_size), 2, head_size
    )
    if bias is not None:
        U, backprop_bias = bias(P if shares_pointer else X, is_train)
        U /= 2
    else:
        U = ops.alloc2f(len(X), 2 * n_labels)

    @one_thread()
    def backprop(d_features: PointerFeatures) -> Ragged:
        # Written in place: CuPy's concatenation takes as long as ten other operations.
        dR = ops.xp.empty_like(query_key)
        ops.xp.multiply(d_features.query, query_scale, out=dR[:, :, 0])
        dR[:, :, 1] = d_features.key
        dP = backprop_rope(Ragged(dR.reshape(P.shape), Xr.lengths)).dataXd
        if bias is None:
            return Ragged(backprop_pointer(dP), Xr.lengths)
        dU = ops.xp.empty_like(U)
        ops.xp.multiply(d_features.start, 0.5, out=dU[:, :n_labels])
        ops.xp.multiply(d_features.end, 0.5, out=dU[:, n_labels:])
        d_input = backprop_bias(dU)
        if shares_pointer:
            dX = backprop_pointer(dP + d_input)
        else:
            dX = backprop_pointer(dP) + d_input
        # In float32 even for an encoder in half precision, which scales the gradient
        # before casting it: most of its values are too small for float16.
        return Ragged(dX, Xr.lengths)

    features = PointerFeatures(
        query=query_key[:, :, 0] * query_scale,
        key=query_key[:, :, 1],
        start=U[:, :n_labels],
        end=U[:, n_labels:],
        lengths=Xr.lengths,
    )
    return features, backprop


def _head_init(
    model: Model[Ragged, PointerFeatures],
    X: Ragged | None = None,
    Y: Floats2d | None = None,
) -> None:
    if Y is not None:
        model.set_dim("nO", get_width(Y))
    ops = model.ops
    bias = model.maybe_get_ref("bias")
    n_labels = model.get_dim("nO")
    n_heads = n_labels if bias is None else 1
    hidden = None if X is None else cast(Floats2d, X.dataXd)
    query_key = ops.alloc2f(1, n_heads * 2 * model.attrs["head_size"])
    model.get_ref("pointer").initialize(X=hidden, Y=query_key)
    if bias is not None:
        shares_pointer = model.attrs["bias_input"] == "pointer"
        bias.initialize(
            X=query_key if shares_pointer else hidden, Y=ops.alloc2f(1, 2 * n_labels)
        )


def resize_pointer_head(model: Model[Ragged, PointerFeatures], nO: int) -> None:
    """Add labels to a pointer head. Its output for the present labels stays the same up
    to rounding. The model does not predict new labels until it has learned them, even
    if the inner products of a trained model are large: see `_make_silent`.

    model (Model[Ragged, PointerFeatures]): The pointer head.
    nO (int): The new number of labels, at least the present one.
    """
    growth = nO / model.get_dim("nO")
    bias = model.maybe_get_ref("bias")
    layer, n_groups = (model.get_ref("pointer"), 1) if bias is None else (bias, 2)
    if layer.has_param("W"):
        new = _with_more_rows(layer, growth, n_groups)
        if bias is not None:
            _make_silent(new, model.ops.xp.arange(nO) >= model.get_dim("nO"))
        model.replace_node(layer, new)
    model.set_dim("nO", nO, force=True)


def keep_labels(model: Model[Ragged, PointerFeatures], kept: Sequence[int]) -> None:
    """Remove all labels except some from a pointer head. Its output for these stays the
    same, except for labels that have not been trained since they were added: they start
    anew.

    model (Model[Ragged, PointerFeatures]): The pointer head.
    kept (Sequence[int]): Indices of the labels to keep, at least one.
    """
    n_labels = model.get_dim("nO")
    bias = model.maybe_get_ref("bias")
    old, n_groups = (model.get_ref("pointer"), 1) if bias is None else (bias, 2)
    if old.has_param("W"):
        n_rows = old.get_dim("nO") * len(kept) // n_labels
        new = ScaledLinear(n_rows, old.get_dim("nI"), **old.attrs)
        new.init = old.init
        for name in old.param_names:
            param: Any = old.get_param(name)
            shape = param.shape[1:]
            by_label = param.reshape((n_groups, n_labels, -1, *shape))
            new.set_param(name, by_label[:, list(kept)].reshape((-1, *shape)))
        if bias is not None:
            are_silent = _are_silent(*_by_label(old))[list(kept)]
            # The removed labels may have been part of their mean.
            if are_silent.any() and not are_silent.all():
                _make_silent(new, are_silent)
        model.replace_node(old, new)
    model.set_dim("nO", len(kept), force=True)


def _make_silent(bias: Model[Floats2d, Floats2d], new: Any) -> None:
    """Set the rows of start and end scores of new labels.

    The inner products, which all labels share, are large where there is an entity of
    any label. The start and end scores of the labels that the entity does not have
    offset them. A new label therefore starts as the mean of the others plus
    `NEW_LABEL_SCORE`, which is low enough even if there is only one other label. Labels
    that are silent themselves are left out of the mean: several new labels start alike.

    bias (Model[Floats2d, Floats2d]): The layer of the scores.
    new (Any): Which of its C labels are new, bool of shape (C,), on its device.
    """
    W, b = _by_label(bias)
    taught = ~new
    taught[taught] = ~_are_silent(W[:, taught], b[:, taught])
    W[:, new] = W[:, taught].mean(axis=1, keepdims=True)
    b[:, new] = b[:, taught].mean(axis=1, keepdims=True)
    b[:, new] += NEW_LABEL_SCORE / bias.attrs["learn_rate_scale"]


def _by_label(bias: Model[Floats2d, Floats2d]) -> tuple[Any, Any]:
    """The weights of start and end scores, of shape (2, C, nI), and the bias, of shape
    (2, C), in the same memory."""
    W: Any = bias.get_param("W").reshape((2, -1, bias.get_dim("nI")))
    b: Any = bias.get_param("b").reshape((2, -1))
    return W, b


def _are_silent(W: Any, b: Any) -> Any:
    """Which of C labels were added and have not been trained: their weights are the
    mean of the others', and thus of all, and their bias is lower. Bool of shape (C,).

    W (FloatsXd): Weights, float32 of shape (2, C, nI).
    b (FloatsXd): Bias, float32 of shape (2, C).
    """
    # A mean over more labels is rounded differently.
    distance = abs(W - W.mean(axis=1, keepdims=True)).max(axis=(0, 2))
    return (distance <= 1e-5 * abs(W).max()) & (b.sum(axis=0) < b.sum(axis=0).mean())


def _with_more_rows(
    old: Model[Floats2d, Floats2d], growth: float, n_groups: int
) -> Model[Floats2d, Floats2d]:
    """A copy of a linear layer with rows added at the end of each group of rows. It is
    a new node, for which the optimizer has no moments of the old shape."""
    n_rows = old.get_dim("nO")
    new = ScaledLinear(round(n_rows * growth), old.get_dim("nI"), **old.attrs)
    new.init = old.init
    new.initialize()
    xp = old.ops.xp
    for name in old.param_names:
        added = new.get_param(name)[n_rows:]
        groups = zip(
            xp.split(old.get_param(name), n_groups),
            xp.split(added, n_groups),
            strict=True,
        )
        new.set_param(name, xp.concatenate(list(chain.from_iterable(groups))))
    return new
