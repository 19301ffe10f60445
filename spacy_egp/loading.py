"""Checks of a saved state: is it whole, and does it fit the component?"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from thinc.api import Model

from .errors import Errors
from .gold import are_strings


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
    """Check that labels and weights fit together, and to the settings of the head
    before.

    component (str): Name of the component.
    source (Union[str, Path]): What was loaded.
    model (Model[Any, Any]): The model with the weights.
    labels (Any): The labels.
    settings (Dict[str, Any]): The settings of the head before.
    RAISES (ValueError): If they do not fit, or weights are NaN or infinite.
    """
    saved = head_settings(model)
    if saved != settings:
        raise ValueError(
            Errors.EGP017.format(
                name=component, source=source, saved=saved, settings=settings
            )
        )
    if not are_strings(labels) or len(set(labels)) < len(labels):
        raise ValueError(
            Errors.EGP016.format(name=component, source=source, labels=labels)
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
    isfinite = model.ops.xp.isfinite
    for node in model.walk():
        for param in filter(node.has_param, node.param_names):
            if not isfinite(node.get_param(param)).all():
                raise ValueError(
                    Errors.EGP014.format(
                        name=component, param=param, layer=node.name, source=source
                    )
                )
