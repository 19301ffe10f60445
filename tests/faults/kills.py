"""`annotate` is killed again and again at random moments: whatever was killed, the same
command ends with the same bytes.

    PYTHONPATH=project:tests python tests/faults/kills.py training/model-best
    ray start --head --num-cpus 2
    PYTHONPATH=project:tests python tests/faults/kills.py training/model-best \\
        --engine ray --address auto

Each run is forked from a process that has loaded everything; a cluster is started once.
"""

import os
import random
import shutil
import sys
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from hashlib import md5
from multiprocessing import get_context
from multiprocessing.context import ForkProcess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import psutil
import spacy
import srsly
import typer
from conftest import NESTED_DATA

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
    engine (str): "local" or "ray".
    address (Optional[str]): Address of the Ray cluster on this machine.
    folder (Path): Where they read and write.
    """

    model: str
    engine: str
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
                engine=self.engine,
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

    def kill(self, pid: int, rng: random.Random) -> str | None:
        """Kill a worker, the driver, or all. RETURNS what was killed, if anything."""
        with suppress(psutil.NoSuchProcess):
            driver = psutil.Process(pid)
            workers = driver.children() if self.address is None else find_actors()
            victims = {"driver": [driver], "all": [driver, *workers]}
            if workers:
                victims["worker"] = [rng.choice(workers)]
            name = rng.choice(sorted(victims))
            for victim in victims[name]:
                with suppress(psutil.NoSuchProcess):
                    victim.kill()
            return name
        return None


def find_actors() -> list[psutil.Process]:
    """RETURNS (List[Process]): Our workers among the processes of Ray."""
    processes = psutil.process_iter(["cmdline"])
    return [x for x in processes if "_Worker" in " ".join(x.info["cmdline"] or [])]


def main(
    model: str,
    engine: str = "local",
    address: str | None = None,
    kills: Annotated[int, typer.Option(help="How many kills to survive")] = 50,
    seed: int = 0,
) -> None:
    """Kill a worker, the driver or all processes, until there were enough kills."""
    rng = random.Random(seed)
    # Workers of the engine "local" are spawned, and would import everything anew.
    local.get_context = lambda method: get_context("fork")
    spacy.load(model)
    killed: Counter[str | None] = Counter()
    codes: Counter[int | None] = Counter()
    with TemporaryDirectory() as name:
        runs = Runs(model, engine, address, Path(name))
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
            whole[format] = digests(output)
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
            if digests(output) != whole[format]:
                sys.exit(f"The output differs: {dict(killed)}")
            shutil.rmtree(output)
            print("killed:", dict(killed), "exit codes:", dict(codes), flush=True)


def count_parts(output: Path) -> int:
    """RETURNS (int): The complete parts of an output."""
    return len(list(output.glob("_done/part-*.json")))


def digests(output: Path) -> dict[str, str]:
    """RETURNS (Dict[str, str]): The digest of each file of an output."""
    return {
        str(path.relative_to(output)): md5(path.read_bytes()).hexdigest()
        for path in output.rglob("*")
        if path.is_file()
    }


if __name__ == "__main__":
    typer.run(main)
