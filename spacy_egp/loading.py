"""Checks of a saved state: is it whole, and does it fit the component?"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from reprlib import repr
from typing import Any

from thinc.api import Model

from .errors import Errors
from .gold import are_strings
from .settings import is_length

# The dimensions of the parameters of Thinc's layers and of ours.
_LINEAR: dict[str, tuple[str, ...]] = {"W": ("nO", "nI"), "b": ("nO",)}
SHAPES: dict[str, dict[str, tuple[str, ...]]] = {
    "hashembed": {"E": ("nV", "nO")},
    "layernorm": {"G": ("nI",), "b": ("nI",)},
    "linear": _LINEAR,
    "maxout": {"W": ("nO", "nP", "nI"), "b": ("nO", "nP")},
    "mish": _LINEAR,
    "relu": _LINEAR,
    "scaled_linear": _LINEAR,
}


@contextmanager
def loading(component: str, source: str | Path) -> Iterator[None]:
    """Turn an error into one that names what is loaded.

    component (str): Name of the component.
    source (Union[str, Path]): What is loaded.
    RAISES (ValueError): If it cannot be loaded.
    """
    try:
        yield
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        raise ValueError(
            Errors.EGP012.format(name=component, source=source, error=error)
        ) from error


def head_settings(model: Model[Any, Any]) -> dict[str, Any]:
    """Read the settings of a model's head.

    model (Model[Any, Any]): The model.
    RETURNS (Dict[str, Any]): The settings.
    """
    return dict(model.get_ref("output_layer").attrs)


def check_loaded(
    component: str,
    source: str | Path,
    model: Model[Any, Any],
    labels: Any,
    settings: dict[str, Any],
) -> None:
    """Check that labels and weights fit together, and that loading has not changed the
    settings of the head.

    component (str): Name of the component.
    source (Union[str, Path]): What was loaded.
    model (Model[Any, Any]): The model with the weights.
    labels (Any): The labels.
    settings (Dict[str, Any]): The settings of the head before loading.
    RAISES (ValueError): If they do not fit, or weights are missing, NaN or infinite.
    """
    saved = head_settings(model)
    if saved != settings:
        raise ValueError(
            Errors.EGP017.format(
                name=component, source=source, saved=saved, settings=settings
            )
        )
    if not _are_labels(labels):
        raise ValueError(
            Errors.EGP016.format(name=component, source=source, labels=repr(labels))
        )
    n_outputs = model.maybe_get_dim("nO")
    if n_outputs not in (None, len(labels)):
        raise ValueError(
            Errors.EGP013.format(
                name=component,
                source=source,
                n_labels=len(labels),
                n_outputs=n_outputs,
            )
        )
    params = [(node, param) for node in model.walk() for param in node.param_names]
    if not any(node.has_param(param) for node, param in params):
        # The component was saved before it was initialized.
        return
    for node, param in params:
        problem = _find_problem(node, param)
        if problem:
            raise ValueError(
                problem.format(
                    name=component, param=param, layer=node.name, source=source
                )
            )


def check_learned_length(component: str, source: str | Path, value: Any) -> None:
    """Check the length that `max_length = "auto"` has learned.

    component (str): Name of the component.
    source (Union[str, Path]): What was loaded.
    value (Any): The length.
    RAISES (ValueError): If it is neither a positive integer nor None.
    """
    if value is not None and not is_length(value):
        raise ValueError(
            Errors.EGP070.format(name=component, source=source, value=repr(value))
        )


def _are_labels(labels: Any) -> bool:
    """Whether a value is a list of different strings that are valid Unicode."""
    if not are_strings(labels) or len(set(labels)) < len(labels):
        return False
    try:
        return all(label and label.encode() for label in labels)
    except UnicodeEncodeError:
        return False


def _find_problem(node: Model[Any, Any], param: str) -> str | None:
    """RETURNS (Optional[str]): The message for a parameter that a layer cannot use."""
    if not node.has_param(param):
        return Errors.EGP050
    value = node.get_param(param)
    dims = SHAPES.get(node.name, {}).get(param, ())
    shape = tuple(node.maybe_get_dim(dim) for dim in dims)
    if getattr(value, "dtype", None) != "float32" or (shape and value.shape != shape):
        return Errors.EGP071
    return None if node.ops.xp.isfinite(value).all() else Errors.EGP014
