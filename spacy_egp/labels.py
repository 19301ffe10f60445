"""Remove and rename the labels of a component, in its weights and its settings."""

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from spacy.language import Language

from .architectures import keep_outputs
from .errors import Errors

if TYPE_CHECKING:
    from .component import EGPRecognizer

AnyLanguage = TypeVar("AnyLanguage", bound=Language)


def remove_label(component: "EGPRecognizer", label: str) -> None:
    """Remove a label from a component, see `EGPRecognizer.remove_label`.

    component (EGPRecognizer): The component.
    label (str): The label.
    RAISES (ValueError): If the component lacks it, or has no other one to predict.
    """
    at = _index(component, label)
    predicted = component.predicted_labels
    if component.labels == (label,) or predicted == [label]:
        raise ValueError(Errors.EGP044.format(name=component.name, label=label))
    for model in filter(None, (component.model, component._rehearsal_model)):
        # None, or more outputs than labels, before it is initialized.
        n_labels = model.maybe_get_dim("nO") or 0
        if at < n_labels <= len(component.labels):
            keep_outputs(model, [i for i in range(n_labels) if i != at])
    if predicted is not None:
        component.predicted_labels = [x for x in predicted if x != label]
    for setting, table in _tables(component):
        setattr(component, setting, {x: v for x, v in table.items() if x != label})
    component.cfg["labels"].remove(label)


def rename_label(component: "EGPRecognizer", label: str, new: str) -> None:
    """Give a label of a component another name. Scores stay the same.

    component (EGPRecognizer): The component.
    label (str): The label.
    new (str): Its new name.
    RAISES (ValueError): If the component lacks the label or has the new name already,
        or the name is not a string, or empty.
    """
    at = _index(component, label)
    check_label(component.name, new)
    if new in component.labels:
        raise ValueError(
            Errors.EGP045.format(name=component.name, label=label, new=new)
        )
    names = {label: new}
    for setting, table in _tables(component):
        setattr(component, setting, {names.get(x, x): v for x, v in table.items()})
    predicted = component.predicted_labels
    if predicted is not None:
        component.predicted_labels = [names.get(x, x) for x in predicted]
    component.vocab.strings.add(new)
    component.cfg["labels"][at] = new


def check_label(component: str, label: object) -> None:
    """Check that a label is a string that is not empty.

    component (str): Name of the component.
    label (object): The label.
    RAISES (ValueError): If it is not.
    """
    if not (isinstance(label, str) and label):
        raise ValueError(
            Errors.EGP004.format(name=component, label=label, type=type(label).__name__)
        )


def _tables(component: "EGPRecognizer") -> list[tuple[str, dict[str, float]]]:
    """The settings that are tables by label, and their values."""
    settings = ("threshold", "label_weights")
    values = [(setting, getattr(component, setting)) for setting in settings]
    return [(setting, table) for setting, table in values if isinstance(table, dict)]


def _index(component: "EGPRecognizer", label: str) -> int:
    if label not in component.labels:
        raise ValueError(
            Errors.EGP043.format(
                name=component.name, label=label, labels=", ".join(component.labels)
            )
        )
    return component.labels.index(label)


def add_labels(
    component: str, labels: list[str]
) -> Callable[[AnyLanguage], AnyLanguage]:
    """Create a callback for `before_init` in [initialize] that adds labels to a
    component, even to a sourced one, which spaCy does not initialize.

    component (str): Name of the component.
    labels (List[str]): The labels; those that it already has are skipped.
    RETURNS (Callable[[Language], Language]): The callback.
    """

    def add(nlp: AnyLanguage) -> AnyLanguage:
        pipe = nlp.get_pipe(component)
        for label in labels:
            pipe.add_label(label)  # type: ignore[attr-defined]
        return nlp

    return add
