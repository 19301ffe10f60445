"""`annotate` is killed again and again at random moments: whatever was killed, the same
command ends with the same bytes.

    PYTHONPATH=project:tests python tests/faults/kills.py training/model-best
    ray start --head --num-cpus 2
    PYTHONPATH=project:tests python tests/faults/kills.py training/model-best \\
        --address auto

Each run is forked from a process that has loaded everything. The second command uses
the engine `ray`, on a cluster that is started once.
"""

import os
import random
import shutil
import sys
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.context import ForkProcess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import psutil
import spacy
import srsly
import typer
from annotations import read_files
from conftest import NESTED_DATA

from scripts.commands.annotate import find_processes
from spacy_egp.annotation import local
from spacy_egp.annotation.annotate import annotate

N_DOCS = 160
DOCS_PER_PART = 8
FORMATS = ("jsonl", "parquet", "spacy")
INPUT = "input.jsonl"
# The exit codes of a run: it is done; a worker was killed; another run has the lock.
DONE, FAILED, WORKER_KILLED, LOCKED = 0, 1, 3, 4


@dataclass(frozen=True)
class Runs:
    """Runs of `annotate` with the same settings, but for the format.

    model (str): Path or package of the pipeline.
    address (Optional[str]): Address of a Ray cluster on this machine. None for the
        engine "local".
    folder (Path): Where they read and write.
    """

    model: str
    address: str | None
    folder: Path

    def start(self, output: Path, format: str) -> ForkProcess:
        """Start a run, or resume it."""
        process = get_context("fork").Process(target=self._run, args=(output, format))
        process.start()
        return process

    def _run(self, output: Path, format: str) -> None:
        code = FAILED
        try:
            annotate(
                self.model,
                str(self.folder / INPUT),
                str(output),
                format=format,
                engine="local" if self.address is None else "ray",
                address=self.address,
                n_process=2,
                docs_per_part=DOCS_PER_PART,
            )
            code = DONE
        except ChildProcessError:
            code = WORKER_KILLED
        except FileExistsError as error:
            code = LOCKED if "EGP440" in str(error) else FAILED
        finally:
            os._exit(code)

    def kill(self, pid: int, rng: random.Random) -> str:
        """Kill a worker, the driver, or all. RETURNS what was killed."""
        driver = psutil.Process(pid)
        # Those of a cluster are not below the driver.
        is_local = self.address is None
        workers = driver.children() if is_local else find_processes(1, "_Worker")
        victims = {"driver": [driver], "all": [driver, *workers]}
        if workers:
            victims["worker"] = [rng.choice(workers)]
        name = rng.choice(sorted(victims))
        for victim in victims[name]:
            with suppress(psutil.NoSuchProcess):
                victim.kill()
        return name


def main(
    model: str,
    address: str | None = None,
    kills: Annotated[int, typer.Option(help="How many kills to survive")] = 50,
    seed: int = 0,
) -> None:
    """Kill a worker, the driver or all processes, until there were enough kills."""
    rng = random.Random(seed)
    # Workers of the engine "local" are spawned, and would import everything anew.
    local.get_context = lambda method: get_context("fork")
    spacy.load(model)
    killed: Counter[str] = Counter()
    codes: Counter[int | None] = Counter()
    with TemporaryDirectory() as name:
        runs = Runs(model, address, Path(name))
        records = ({"text": NESTED_DATA[i % 4][0], "id": i} for i in range(N_DOCS))
        srsly.write_jsonl(runs.folder / INPUT, records)
        whole, seconds = {}, {}
        for format in FORMATS:
            output = runs.folder / format
            begin = time.monotonic()
            process = runs.start(output, format)
            process.join()
            seconds[format] = time.monotonic() - begin
            assert process.exitcode == DONE
            whole[format] = read_files(output)
        while killed.total() < kills:
            format = rng.choice(FORMATS)
            output = runs.folder / "killed"
            code = None
            while code != DONE:
                n_parts = count_parts(output)
                process = runs.start(output, format)
                # Not before this run has written a part: the runs would never end.
                while process.is_alive() and count_parts(output) <= n_parts:
                    time.sleep(0.02)
                time.sleep(rng.uniform(0, seconds[format] / 4))
                if process.is_alive():
                    killed[runs.kill(process.pid, rng)] += 1
                process.join()
                code = process.exitcode
                codes[code] += 1
                if code == LOCKED:
                    time.sleep(1)
                if code == FAILED:
                    sys.exit(f"A run has failed: {dict(killed)}")
            if read_files(output) != whole[format]:
                sys.exit(f"The output differs: {dict(killed)}")
            shutil.rmtree(output)
            print("killed:", dict(killed), "exit codes:", dict(codes), flush=True)


def count_parts(output: Path) -> int:
    """RETURNS (int): The complete parts of an output."""
    return len(list(output.glob("_done/part-*.json")))


if __name__ == "__main__":
    typer.run(main)
