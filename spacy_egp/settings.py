"""The settings of the component: which values they can have and where they are kept."""

import math
import re
import warnings
from collections.abc import Callable, Mapping
from copy import copy
from numbers import Integral, Real
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

import numpy as np
from spacy.util import load_config

from .errors import Errors, Warnings
from .gold import are_strings
from .overlap import SELECTIONS
from .thresholds import DEFAULT_THRESHOLD, Threshold

if TYPE_CHECKING:
    from .component import EGPRecognizer

T = TypeVar("T")

# The largest integer of NumPy.
MAX_LENGTH = 2**63 - 1

# A `max_length` that is learned from the gold spans.
AUTO = "auto"
DEFAULTS: dict[str, Any] = {
    "spans_key": "sc",
    "threshold": DEFAULT_THRESHOLD,
    "max_length": AUTO,
    "within_sentences": False,
    "overlap": "any",
    "predicted_labels": None,
    "annotate_ents": False,
    "labels_attr": "annotated_labels",
    "stretch_length": 8,
    "label_weights": None,
}
# Strings that spaCy's config can have as keys.
CONFIG_KEY = re.compile(r"(?![#;@\[*])[^:=\s]+( +[^:=\s]+)*")


class Setting(Generic[T]):
    """A setting of a component as an attribute.

    Its value is in the component's `cfg`, where spaCy saves it, and in the config of
    the component's pipeline. It is checked when it is set, and when it is read: `cfg`
    can be changed as well.
    """

    def __init__(self, check: Callable[[str, str, Any], T], doc: str) -> None:
        """Define the setting.

        check (Callable[[str, str, Any], T]): Takes the names of the component and of
            the setting and a value; returns the value, of a type that JSON has, or
            raises a ValueError.
        doc (str): What the setting is.
        """
        self._check = check
        self.__doc__ = doc

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, component: None, owner: type) -> "Setting[T]": ...

    @overload
    def __get__(self, component: "EGPRecognizer", owner: type) -> T: ...

    def __get__(
        self, component: "EGPRecognizer | None", owner: type
    ) -> "Setting[T] | T":
        if component is None:
            return self
        value: Any = component.cfg[self._name]
        checked = self.check(component, value)
        # Return the table or list in `cfg` itself, so that it can be changed in place.
        is_same = type(value) is type(checked) and value == checked
        return value if is_same else checked

    def __set__(self, component: "EGPRecognizer", value: Any) -> None:
        checked = copy(self.check(component, value))
        component.cfg[self._name] = checked
        component.pipeline.configure(component, self._name, checked)

    def check(self, component: "EGPRecognizer", value: Any) -> T:
        """Check a value of the setting.

        component (EGPRecognizer): The component.
        value (Any): The value.
        RETURNS (T): The value, of a type that JSON has.
        RAISES (ValueError): If the setting cannot have it.
        """
        return self._check(component.name, self._name, value)


def write_settings(path: Path, settings: dict[str, Any]) -> None:
    """Write the settings of a component to the config of a saved pipeline. They can
    differ if the pipeline sourced the component, or if its `cfg` was changed.

    path (Path): The folder of the component in that of the pipeline.
    settings (Dict[str, Any]): The component's settings.
    """
    config_path = path.parent / "config.cfg"
    # Without meta.json, it may be the config of a training.
    if not (config_path.exists() and (path.parent / "meta.json").exists()):
        return
    config = load_config(config_path)
    section = config.interpolate().get("components", {}).get(path.name)
    if section is None:
        return
    changed = {
        setting: value
        for setting, value in settings.items()
        if section.get(setting, DEFAULTS[setting]) != value
    }
    if changed:
        config["components"][path.name].update(changed)
        config.to_disk(config_path)


def settle(
    component: "EGPRecognizer", saved: dict[str, Any], *, prefer_saved: bool
) -> None:
    """Reconcile the settings of a component with those of a state that it has loaded.

    Warns, with both values, if a saved value replaces the component's or gives way to
    one that is only the default.

    component (EGPRecognizer): The component, with the settings of its config.
    saved (Dict[str, Any]): The settings of the state.
    prefer_saved (bool): Whether the saved values win.
    RAISES (ValueError): If a setting was saved with a value that it cannot have.
    """
    differences = []
    for setting, default in DEFAULTS.items():
        ours = getattr(component, setting)
        checked = getattr(type(component), setting).check
        theirs = checked(component, saved.get(setting, ours))
        if theirs != ours and prefer_saved:
            setattr(component, setting, theirs)
        if theirs != ours and (prefer_saved or ours == default):
            differences.append(f"{setting} = {ours!r} (config) or {theirs!r} (saved)")
    if differences:
        warnings.warn(
            Warnings.EGPW010.format(
                name=component.name,
                differences=", ".join(differences),
                used="saved" if prefer_saved else "config's",
            ),
            stacklevel=3,
        )


def check_threshold(component: str, setting: str, value: Any) -> Threshold:
    """Check that a setting is a probability, or a table of them by label.

    component (str): Name of the component.
    setting (str): Name of the setting.
    value (Any): Its value.
    RETURNS (Union[float, Dict[str, float]]): The value.
    RAISES (ValueError): If it is neither, or a config cannot have a label as a key.
    """
    if not isinstance(value, Mapping):
        if not _is_probability(value):
            raise ValueError(
                Errors.EGP001.format(name=component, setting=setting, value=value)
            )
        return float(value)
    problem = Errors.EGP040
    return _check_table(component, setting, value, _is_probability, problem)


def check_weights(component: str, setting: str, value: Any) -> dict[str, float] | None:
    """Check that a setting is a table of positive numbers by label, or None.

    component (str): Name of the component.
    setting (str): Name of the setting.
    value (Any): Its value.
    RETURNS (Optional[Dict[str, float]]): The value.
    RAISES (ValueError): If it is neither, or a config cannot have a label as a key.
    """
    if value is None:
        return None
    if not isinstance(value, Mapping):
        raise ValueError(
            Errors.EGP047.format(name=component, setting=setting, value=value)
        )
    return _check_table(component, setting, value, _is_weight, Errors.EGP048)


def check_labels(component: str, setting: str, value: Any) -> list[str] | None:
    """Check that a setting is a list of labels or None.

    component (str): Name of the component.
    setting (str): Name of the setting.
    value (Any): Its value.
    RETURNS (Optional[List[str]]): The value.
    RAISES (ValueError): If it is neither.
    """
    if value is None:
        return None
    if not (are_strings(value) and value and all(value)):
        raise ValueError(
            Errors.EGP042.format(name=component, setting=setting, value=value)
        )
    return list(value)


def check_length(component: str, setting: str, value: Any) -> int | str | None:
    """Check that a setting is a number of tokens, "auto" or None.

    component (str): Name of the component.
    setting (str): Name of the setting.
    value (Any): Its value.
    RETURNS (Union[int, str, None]): The value.
    RAISES (ValueError): If it is none of them.
    """
    if value is None or (isinstance(value, str) and value == AUTO):
        return value
    if not is_length(value):
        raise ValueError(
            Errors.EGP003.format(name=component, setting=setting, value=value)
        )
    return int(value)


def check_stretch(component: str, setting: str, value: Any) -> int | None:
    """Check that a setting is a number of tokens or None.

    component (str): Name of the component.
    setting (str): Name of the setting.
    value (Any): Its value.
    RETURNS (Optional[int]): The value.
    RAISES (ValueError): If it is neither.
    """
    if value is None:
        return None
    if not is_length(value):
        raise ValueError(
            Errors.EGP032.format(name=component, setting=setting, value=value)
        )
    return int(value)


def check_overlap(component: str, setting: str, value: Any) -> str:
    """Check that a setting is a selection of spans.

    component (str): Name of the component.
    setting (str): Name of the setting.
    value (Any): Its value.
    RETURNS (str): The value.
    RAISES (ValueError): If it is not one.
    """
    if not (isinstance(value, str) and value in SELECTIONS):
        choices = ", ".join(SELECTIONS)
        raise ValueError(
            Errors.EGP002.format(
                name=component, setting=setting, choices=choices, value=value
            )
        )
    return value


def check_truth(component: str, setting: str, value: Any) -> bool:
    """Check that a setting is True or False.

    component (str): Name of the component.
    setting (str): Name of the setting.
    value (Any): Its value.
    RETURNS (bool): The value.
    RAISES (ValueError): If it is neither.
    """
    if not isinstance(value, bool | np.bool_):
        raise ValueError(
            Errors.EGP030.format(name=component, setting=setting, value=value)
        )
    return bool(value)


def check_key(component: str, setting: str, value: Any) -> str:
    """Check that a setting is a string that is not empty.

    component (str): Name of the component.
    setting (str): Name of the setting.
    value (Any): Its value.
    RETURNS (str): The value.
    RAISES (ValueError): If it is not.
    """
    if not (isinstance(value, str) and value):
        raise ValueError(
            Errors.EGP031.format(name=component, setting=setting, value=value)
        )
    return value


def is_length(value: Any) -> bool:
    """RETURNS (bool): Whether the value is a positive integer that NumPy takes."""
    is_integer = isinstance(value, Integral) and not isinstance(value, bool)
    return is_integer and 0 < int(value) <= MAX_LENGTH


def _check_table(
    component: str,
    setting: str,
    table: Mapping[Any, Any],
    is_valid: Callable[[Any], bool],
    problem: str,
) -> dict[str, float]:
    """RETURNS (dict[str, float]): The table, whose values are valid."""
    for label, value in table.items():
        if not (isinstance(label, str) and CONFIG_KEY.fullmatch(label)):
            raise ValueError(
                Errors.EGP041.format(name=component, setting=setting, label=label)
            )
        if not is_valid(value):
            raise ValueError(
                problem.format(
                    name=component, setting=setting, label=label, value=value
                )
            )
    return {label: float(value) for label, value in table.items()}


def _is_probability(value: Any) -> bool:
    # This is False for NaN.
    return _is_number(value) and 0 <= value <= 1


def _is_weight(value: Any) -> bool:
    return _is_number(value) and 0 < value < math.inf


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)
