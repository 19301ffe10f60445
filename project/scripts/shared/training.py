"""Trainings whose results are kept, also with a budget in minutes."""

import random
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import redirect_stderr
from pathlib import Path
from typing import Any

import srsly
from spacy.training import Example
from spacy.training.initialize import init_nlp
from spacy.training.loop import train as train_loop
from spacy.util import registry
from thinc.api import Config
from weasel.util import get_hash

from scripts.shared.measuring import commit, machine
from spacy_egp.corpora.writer import temporary_output

CONFIGS = Path(__file__).parents[3] / "configs"


def train(config: Config, folder: Path, gpu_id: int = -1) -> float:
    """Train with spaCy's loop.

    config (Config): The config.
    folder (Path): Where the log and the models are written.
    gpu_id (int): GPU to compute on, -1 for the CPU.
    RETURNS (float): Minutes without the initialization.
    """
    folder.mkdir(parents=True, exist_ok=True)
    log_path = folder / "training.log"
    # Line-buffered, so that one can watch the log. Warnings go there, too.
    with log_path.open("w", buffering=1) as log, redirect_stderr(log):
        nlp = init_nlp(config, use_gpu=gpu_id)
        begin = time.perf_counter()
        train_loop(nlp, folder, use_gpu=gpu_id, stdout=log, stderr=log)
        return (time.perf_counter() - begin) / 60


def keep_result(
    path: Path, parts: dict[str, Any], compute: Callable[[], dict[str, Any]]
) -> dict[str, Any]:
    """Compute a result and write it to a file, unless it is there already.

    path (Path): The JSON file.
    parts (Dict[str, Any]): What the result depends on.
    compute (Callable[[], Dict[str, Any]]): Computes it.
    RETURNS (Dict[str, Any]): The result, with a hash of what it depends on, the machine
        and the commit.
    """
    fingerprint = get_hash(parts)
    result: dict[str, Any] = srsly.read_json(path) if path.exists() else {}
    if result.get("fingerprint") != fingerprint:
        path.unlink(missing_ok=True)
        run = {"machine": machine(), "commit": commit()}
        result = {"fingerprint": fingerprint, **compute(), **run}
        with temporary_output(path) as temporary_path:
            srsly.write_json(temporary_path, result)
    # Return what later runs will read: JSON has fewer digits.
    result = srsly.read_json(path)
    return result


@registry.batchers("spacy-egp-project.batch_for_minutes.v1")
def make_batch_for_minutes(
    batcher: Callable[[Iterable[Example]], Iterable[list[Example]]],
    minutes: float,
    clock: str = "perf_counter",
) -> Callable[[list[Example]], Iterator[list[Example]]]:
    """Create a batcher whose single pass takes a given time, however often it goes
    through the examples.

    batcher (Callable): The batcher for each time through the examples.
    minutes (float): Minutes of the clock.
    clock (str): Function of the module `time`: "perf_counter" for wall-clock time,
        "process_time" for processor time.
    """
    now: Callable[[], float] = getattr(time, clock)

    def batch(examples: list[Example]) -> Iterator[list[Example]]:
        end = now() + 60 * minutes
        while True:
            for examples_of_batch in batcher(examples):
                if now() > end:
                    return
                yield examples_of_batch
            random.shuffle(examples)

    return batch
