"""A transformer of spacy-transformers that reads docs in windows of word pieces."""

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

import numpy as np
from spacy.tokens import Doc, Span
from spacy_transformers.layers import TransformerModel, split_trf_batch, trfs2arrays
from thinc.api import Model, chain
from thinc.types import Floats2d, Ragged
from transformers import PreTrainedTokenizerBase

from .errors import Errors

ARCHITECTURE = "spacy-egp.Tok2VecTransformer.v1"


class WindowedTransformer(TransformerModel):
    """spacy-transformers' model, with windows that are measured in word pieces.

    The library's own windows are measured in tokens. If these have many pieces, the
    transformer reads only a part of a window, and the tokens after it have no vector.
    """

    def __init__(self, name: str, window: int, stride: int, **settings: Any) -> None:
        """See `make_transformer`."""
        if not 0 < stride <= window:
            raise ValueError(Errors.EGP026.format(window=window, stride=stride))
        super().__init__(name, self._get_spans(window, stride), **settings)
        self.attrs.update(
            window=window, stride=stride, replace_listener_cfg=replace_listener_cfg
        )

    def _get_spans(self, window: int, stride: int) -> partial:
        return partial(_windows, self, window=window, stride=stride)

    def copy(self) -> "WindowedTransformer":
        """Copy the model, its windows included. See `Model.copy`."""
        copied = super().copy()
        copied.__class__ = WindowedTransformer
        window, stride = self.attrs["window"], self.attrs["stride"]
        copied.attrs.update(
            get_spans=copied._get_spans(window, stride),
            window=window,
            stride=stride,
            replace_listener_cfg=replace_listener_cfg,
        )
        return copied


def make_transformer(
    name: str,
    window: int,
    stride: int,
    tokenizer_config: dict[str, Any],
    transformer_config: dict[str, Any],
    mixed_precision: bool,
    grad_scaler_config: dict[str, Any],
) -> WindowedTransformer:
    """Create a pretrained transformer for spacy-transformers' component `transformer`.
    Each token that has word pieces gets a vector, whatever the text.

    name (str): Name on Hugging Face's hub, or a folder.
    window (int): The maximum number of word pieces in a window, without the special
        ones of the tokenizer.
    stride (int): Number of word pieces from the start of a window to that of the next,
        at most `window`. The vector of a token in two windows is the mean of both.
    tokenizer_config (Dict[str, Any]): Settings of the tokenizer.
    transformer_config (Dict[str, Any]): Settings of the transformer.
    mixed_precision (bool): Whether to compute with 16 bits if that is safe.
    grad_scaler_config (Dict[str, Any]): Settings of gradient scaling for mixed
        precision.
    RETURNS (WindowedTransformer): The model.
    RAISES (ValueError): If window or stride are not as above.
    """
    return WindowedTransformer(
        name,
        window,
        stride,
        tokenizer_config=tokenizer_config,
        transformer_config=transformer_config,
        mixed_precision=mixed_precision,
        grad_scaler_config=grad_scaler_config,
    )


def make_tok2vec_transformer(
    name: str,
    window: int,
    stride: int,
    tokenizer_config: dict[str, Any],
    transformer_config: dict[str, Any],
    mixed_precision: bool,
    grad_scaler_config: dict[str, Any],
    pooling: Model[Ragged, Floats2d],
    grad_factor: float,
) -> Model[list[Doc], list[Floats2d]]:
    """Create a transformer as the tok2vec layer of one component, which
    `nlp.replace_listeners` puts in place of a listener. See `make_transformer`.

    pooling (Model[Ragged, Floats2d]): Pools the vectors of a token's pieces.
    grad_factor (float): Factor on the gradient.
    RETURNS (Model[List[Doc], List[Floats2d]]): The tok2vec layer.
    """
    transformer = make_transformer(
        name,
        window,
        stride,
        tokenizer_config,
        transformer_config,
        mixed_precision,
        grad_scaler_config,
    )
    # Two chains, as `replace_listeners` builds them.
    batch: Model[list[Doc], Any] = chain(transformer, split_trf_batch())
    return chain(batch, trfs2arrays(pooling, grad_factor))


def replace_listener_cfg(
    tok2vec_model_cfg: dict[str, Any], listener_model_cfg: dict[str, Any]
) -> dict[str, Any]:
    """Make the config of a tok2vec layer that replaces a listener, see spaCy's
    `Language.replace_listeners`.

    tok2vec_model_cfg (Dict[str, Any]): Config of the component `transformer`'s model.
    listener_model_cfg (Dict[str, Any]): Config of the listener.
    RETURNS (Dict[str, Any]): The config.
    """
    kept = {key: listener_model_cfg[key] for key in ("pooling", "grad_factor")}
    return {**tok2vec_model_cfg, **kept, "@architectures": ARCHITECTURE}


def _windows(
    model: TransformerModel, docs: Iterable[Doc], *, window: int, stride: int
) -> list[list[Span]]:
    return [find_windows(doc, model.tokenizer, window, stride) for doc in docs]


def find_windows(
    doc: Doc, tokenizer: PreTrainedTokenizerBase, window: int, stride: int
) -> list[Span]:
    """Cover a doc with windows that have as many word pieces as a transformer takes.

    doc (Doc): The doc.
    tokenizer (PreTrainedTokenizerBase): The transformer's tokenizer.
    window (int): The largest number of word pieces in a window. A token with more has
        a window of its own, whose last pieces are cut.
    stride (int): Number of pieces from the start of a window to that of the next.
    RETURNS (List[Span]): The windows.
    RAISES (ValueError): If the window has more pieces than the transformer takes.
    """
    max_pieces = tokenizer.model_max_length - tokenizer.num_special_tokens_to_add()
    if window > max_pieces:
        raise ValueError(
            Errors.EGP027.format(
                window=window, max_pieces=max_pieces, name=tokenizer.name_or_path
            )
        )
    pieces = np.cumsum([0, *count_pieces(doc, tokenizer)])
    windows: list[Span] = []
    start, end = 0, 0
    while end < len(doc):
        end = int(np.searchsorted(pieces, pieces[start] + window, side="right")) - 1
        end = max(end, start + 1)
        windows.append(doc[start:end])
        following = int(np.searchsorted(pieces, pieces[start] + stride))
        start = min(max(following, start + 1), end)
    return windows


def count_pieces(doc: Doc, tokenizer: PreTrainedTokenizerBase) -> Sequence[int]:
    """Count the word pieces of each token.

    doc (Doc): The doc, of n tokens.
    tokenizer (PreTrainedTokenizerBase): The transformer's tokenizer.
    RETURNS (Sequence[int]): n numbers.
    """
    if not tokenizer.is_fast:
        return [len(tokenizer.tokenize(token.text_with_ws)) for token in doc]
    encoding = tokenizer(
        doc.text, add_special_tokens=False, return_offsets_mapping=True, verbose=False
    )
    offsets = np.asarray(encoding["offset_mapping"], dtype="int64").reshape(-1, 2)
    # Find a piece's token by its end: with some tokenizers, a piece starts with the
    # space before the word.
    token_ends = [token.idx + len(token) for token in doc]
    token = np.searchsorted(token_ends, offsets[:, 1])
    return np.bincount(token, minlength=len(doc))[: len(doc)].tolist()
