"""The log of a training run, as spaCy's ConsoleLogger writes it."""

from dataclasses import dataclass
from pathlib import Path

import srsly

from ..component import EGPRecognizer
from ..errors import Errors

LOG_FILE = "log.jsonl"


@dataclass(frozen=True)
class Checkpoint:
    """An evaluation during training.

    step (int): Updates until then.
    loss (float): The component's loss since the evaluation before, summed over updates.
    p (float): Precision on the development docs.
    r (float): Recall.
    f (float): F-score.
    """

    step: int
    loss: float
    p: float
    r: float
    f: float


def read_training_log(folder: Path, component: EGPRecognizer) -> list[Checkpoint]:
    """Read the file `LOG_FILE` in a training folder.

    folder (Path): The folder.
    component (EGPRecognizer): The component that was trained.
    RETURNS (List[Checkpoint]): All evaluations, in order.
    RAISES (ValueError): If there is no such file, or not of this component.
    """
    path = folder / LOG_FILE
    if not path.exists():
        raise ValueError(Errors.EGP305.format(path=path))
    prefix = f"spans_{component.key}_"
    try:
        return [
            Checkpoint(
                step=line["step"],
                loss=line["losses"][component.name],
                # spaCy logs scores in percent.
                **{name: line["scores"][prefix + name] / 100 for name in "prf"},
            )
            for line in srsly.read_jsonl(path)
        ]
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(
            Errors.EGP306.format(
                path=path,
                name=component.name,
                spans_key=component.key,
                error=error,
            )
        ) from error
