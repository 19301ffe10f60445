"""What a component's model listens to: is it there, and is it of the expected width?"""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from spacy.language import Language
from spacy.pipeline.tok2vec import Tok2VecListener
from spacy.tokens import Doc, Token
from thinc.api import Model

from .errors import Errors


def check_listeners(nlp: Language, component: str, model: Model[Any, Any]) -> None:
    """Check that each listener in a component's model has an upstream component with
    vectors of the listener's width.

    nlp (Language): The pipeline.
    component (str): Name of the component.
    model (Model[Any, Any]): The component's model.
    RAISES (ValueError): If a listener has none.
    """
    pipes: list[tuple[str, Any]] = nlp.components
    section = f"[components.{component}.model.tok2vec]"
    for listener in filter(_is_listener, model.walk()):
        upstream = [
            (name, pipe.model.maybe_get_dim("nO"))
            for name, pipe in pipes
            if listener in getattr(pipe, "listener_map", {}).get(component, ())
        ]
        if not upstream:
            raise ValueError(
                Errors.EGP021.format(
                    name=component,
                    listener=listener.name,
                    pipeline=", ".join(nlp.component_names),
                    section=section,
                )
            )
        name, width = upstream[0]
        expected = listener.maybe_get_dim("nO")
        if expected is None:
            raise ValueError(Errors.EGP022.format(name=component, upstream=name))
        if width is not None and width != expected:
            raise ValueError(
                Errors.EGP023.format(
                    name=component,
                    listener=listener.name,
                    upstream=name,
                    expected=expected,
                    width=width,
                    section=section,
                )
            )


def check_no_listeners(component: str, model: Model[Any, Any]) -> None:
    """Check that a component's model does not depend on another component.

    component (str): Name of the component.
    model (Model[Any, Any]): The component's model.
    RAISES (ValueError): If it listens to another component.
    """
    for listener in filter(_is_listener, model.walk()):
        raise ValueError(
            Errors.EGP046.format(name=component, upstream=_upstream_name(listener))
        )


def check_vectors(component: str, model: Model[Any, Any], docs: Sequence[Doc]) -> None:
    """Check that docs have the vectors that a component's model listens for. Without
    them, spaCy's listeners would use zeros.

    component (str): Name of the component.
    model (Model[Any, Any]): The component's model.
    docs (Sequence[Doc]): The docs.
    RAISES (ValueError): If docs lack them.
    """
    for listener in filter(_is_listener, model.walk()):
        is_tok2vec = isinstance(listener, Tok2VecListener)
        has_vectors = _has_tensor if is_tok2vec else _has_transformer_output
        lacking = [doc for doc in docs if len(doc) and not has_vectors(doc)]
        if lacking:
            raise ValueError(
                Errors.EGP034.format(
                    name=component,
                    n_docs=len(lacking),
                    n_all=len(docs),
                    upstream=_upstream_name(listener),
                    text=lacking[0].text[:50],
                )
            )


def _upstream_name(listener: Model[Any, Any]) -> str:
    name = getattr(listener, "upstream_name", None)
    name = name or listener.attrs["_upstream_name"]
    if name == "*":
        return "tok2vec" if isinstance(listener, Tok2VecListener) else "transformer"
    return str(name)


def _has_tensor(doc: Doc) -> bool:
    return bool(doc.tensor.size)


def _has_transformer_output(doc: Doc) -> bool:
    return getattr(doc._, "trf_data", None) is not None


def words_without_vector(docs: Iterable[Doc]) -> list[Token]:
    """Find the words that spacy-transformers cut off before its transformer: those at
    the end of a window with more pieces than the transformer takes.

    docs (Iterable[Doc]): The docs, after the transformer.
    RETURNS (List[Token]): Tokens with a letter or digit that have no vector. Others,
        such as line breaks, may have no vector because they have no pieces.
    """
    words: list[Token] = []
    if not Doc.has_extension("trf_data"):
        return words
    for doc in docs:
        align = getattr(getattr(doc._, "trf_data", None), "align", None)
        if align is not None:
            without = np.flatnonzero(align.lengths == 0).tolist()
            tokens = (doc[i] for i in without)
            words += [token for token in tokens if any(map(str.isalnum, token.text))]
    return words


def _is_listener(node: Model[Any, Any]) -> bool:
    """Whether a layer is a listener of spaCy or spacy-transformers, which have the
    attribute, or of spacy-curated-transformers, which marks its own."""
    return hasattr(node, "upstream_name") or "_TRANSFORMER_LISTENER" in node.attrs
