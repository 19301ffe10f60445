"""Long runs: does memory grow, are descriptors leaked, are saved pipelines damaged?

    PYTHONPATH=project:tests python tests/faults/soak.py predict training/model-best
    PYTHONPATH=project:tests python tests/faults/soak.py train

They print a line for each measurement, and fail if a promise does not hold.
"""

import random
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from typing import Annotated

import psutil
import spacy
import typer
from conftest import config_for, make_examples
from spacy.tokens import DocBin
from spacy.training.initialize import init_nlp
from spacy.training.loop import DIR_MODEL_LAST
from spacy.training.loop import train as train_loop

MAX_GROWTH = 20
WARM_UP = 180.0
INTERVAL = 15.0
Minutes = Annotated[float, typer.Option(help="How long to run")]
app = typer.Typer()


class Usage:
    """The memory and the descriptors of a process and its children over time.

    process (psutil.Process): The process.
    seconds (float): How much later what they have is compared with.
    """

    def __init__(self, process: psutil.Process, seconds: float = WARM_UP) -> None:
        self.process = process
        self.begin = time.monotonic()
        self.seconds = seconds
        self.early: tuple[float, int] | None = None
        self.late = (0.0, 0)

    def measure(self) -> None:
        """Measure again. What ends in the meantime does not count."""
        with suppress(psutil.NoSuchProcess):
            processes = [self.process, *self.process.children(recursive=True)]
            memory = sum(process.memory_info().rss for process in processes) / 2**20
            self.late = (memory, sum(process.num_fds() for process in processes))
            if self.early is None and time.monotonic() - self.begin > self.seconds:
                self.early = self.late

    @property
    def growth(self) -> tuple[float, int]:
        """RETURNS (Tuple[float, int]): MB and descriptors since the warm-up."""
        early = self.early or self.late
        return self.late[0] - early[0], self.late[1] - early[1]


class Prediction:
    """The prediction of generated texts, until it is over.

    model (str): Path or package of the pipeline.
    n_process (int): The number of processes.
    """

    def __init__(self, model: str, n_process: int) -> None:
        self.nlp = spacy.load(model)
        self.n_process = n_process
        self.n_docs = 0
        self.is_over = False

    def run(self, seed: int) -> None:
        """Predict texts of up to 60 of 5,000 words."""
        rng = random.Random(seed)
        for doc in self.nlp.pipe(
            self.texts(rng), batch_size=64, n_process=self.n_process
        ):
            assert doc.spans["sc"].attrs.keys() == {"scores"}
            self.n_docs += 1

    def texts(self, rng: random.Random) -> Iterator[str]:
        """Generate them."""
        while not self.is_over:
            numbers = rng.choices(range(5000), k=rng.randint(0, 60))
            yield " ".join(f"word{number}" for number in numbers)


@app.command()
def predict(model: str, minutes: Minutes = 60) -> None:
    """Predict generated texts in two threads, then in two processes, for half of the
    time each."""
    growths = []
    for n_threads, n_process in ((2, 1), (1, 2)):
        prediction, usage = Prediction(model, n_process), Usage(psutil.Process())
        # Not those of a pool: they cannot be forked.
        threads = [
            Thread(target=prediction.run, args=(seed,)) for seed in range(n_threads)
        ]
        for thread in threads:
            thread.start()
        while time.monotonic() - usage.begin < 30 * minutes:
            time.sleep(INTERVAL)
            usage.measure()
            print(n_threads, "threads,", n_process, "processes,", end=" ")
            print(prediction.n_docs, "docs; MB, descriptors:", *usage.late)
            if not all(thread.is_alive() for thread in threads):
                sys.exit("A thread has failed")
        prediction.is_over = True
        for thread in threads:
            thread.join()
        growths.append(usage.growth)
        print("More MB, descriptors:", *usage.growth)
    if any(memory > MAX_GROWTH or leaked > 0 for memory, leaked in growths):
        sys.exit("Memory or descriptors grow")


@app.command()
def train(minutes: Minutes = 60, seed: int = 0) -> None:
    """Train, save, kill and resume in a loop. `spacy train` saves a pipeline in place:
    if it was killed meanwhile, it must not load without an error."""
    rng = random.Random(seed)
    n_kills, growths = 0, []
    with TemporaryDirectory() as name:
        folder = Path(name)
        docs = [example.reference for example in make_examples(spacy.blank("en"))]
        DocBin(docs=docs * 20).to_disk(folder / "corpus.spacy")
        begin = time.monotonic()
        while time.monotonic() - begin < 60 * minutes:
            process = get_context("fork").Process(target=resume, args=(folder,))
            process.start()
            usage = Usage(psutil.Process(process.pid), seconds=60)
            end = time.monotonic() + rng.uniform(20, 240)
            while time.monotonic() < end and process.is_alive():
                time.sleep(1)
                usage.measure()
            process.kill()
            process.join()
            if process.exitcode != -signal.SIGKILL:
                sys.exit(f"The training ended with {process.exitcode}")
            n_kills += 1
            growths.append(usage.growth[0])
            print(n_kills, "kills;", state(folder), "; more MB:", growths[-1])
    if max(growths) > MAX_GROWTH:
        sys.exit("Memory grows")


def state(folder: Path) -> str:
    """RETURNS (str): F of the pipeline that was saved last, or why it does not load; it
    is removed then."""
    path = folder / DIR_MODEL_LAST
    if not path.exists():
        return "not saved"
    try:
        nlp = spacy.load(path)
    except Exception as error:
        shutil.rmtree(path)
        return f"{type(error).__name__}: {error}"
    return f"F {nlp.evaluate(make_examples(nlp))['spans_sc_f']:.3f}"


def resume(folder: Path) -> None:
    """Train, from the pipeline that was saved last if there is one."""
    config = config_for(folder / "corpus.spacy", max_steps=100_000, patience=0)
    config["training"]["eval_frequency"] = 5
    if (folder / DIR_MODEL_LAST).exists():
        for name in config["nlp"]["pipeline"]:
            config["components"][name] = {"source": str(folder / DIR_MODEL_LAST)}
    with open(folder / "log", "a", encoding="utf8") as log:
        train_loop(init_nlp(config), folder, stdout=log, stderr=log)


if __name__ == "__main__":
    app()
