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

    step (int): Updates so far.
    loss (float): The component's mean loss since the previous evaluation.
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
    RAISES (ValueError): If there is no such file, or it is not of this component.
    """
    path = folder / LOG_FILE
    if not path.exists():
        raise ValueError(Errors.EGP305.format(path=path))
    prefix = f"spans_{component.key}_"
    try:
        lines = list(srsly.read_jsonl(path))
        # spaCy evaluates after the first update, which is step 0.
        steps = [-1, *(line["step"] for line in lines)]
        return [
            Checkpoint(
                step=line["step"],
                # spaCy logs the sum of the losses, and scores in percent.
                loss=line["losses"][component.name] / max(line["step"] - before, 1),
                **{name: line["scores"][prefix + name] / 100 for name in "prf"},
            )
            for before, line in zip(steps, lines, strict=False)
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
