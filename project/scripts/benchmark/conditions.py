"""Whole pipelines under the conditions of users: on a busy machine, with the threads
that PyTorch uses by default, one doc at a time, and in a new process."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import numpy as np
import spacy
import srsly
import torch
import typer
from spacy.language import Language
from spacy.util import fix_random_seed

from scripts.benchmark.pipelines import (
    TOK2VEC,
    make_examples,
    make_pipeline,
    prediction_rounds,
    training_rounds,
)
from scripts.shared.markdown_table import markdown_table
from scripts.shared.measuring import commit, interleaved, machine, seconds, spread
from spacy_egp.corpora.writer import temporary_output
from spacy_egp.docbins import read_docs

Result = dict[str, Any]
# The component, a peer, and what both need.
NAMES = ("egp_ner", "ner")
N_ROUNDS = 5
# The most words of a doc of a web service.
MAX_WORDS = 25
N_REQUESTS = 300
N_PROCESSES = 5
# This keeps a processor busy, at the lowest priority.
SPIN = "import os\nos.nice(19)\nwhile True: pass"
FIRST = """
import sys, time
begin = time.perf_counter()
import spacy
nlp = spacy.load(sys.argv[1])
loaded = time.perf_counter()
nlp(sys.argv[2])
first = time.perf_counter()
nlp(sys.argv[2])
second = time.perf_counter()
print(loaded - begin, first - loaded, second - first)
"""


def measure_conditions(
    train_path: Annotated[Path, typer.Argument(help="Training docs (.spacy)")],
    dev_path: Annotated[Path, typer.Argument(help="Docs to predict (.spacy)")],
    output_path: Annotated[Path, typer.Argument(help="JSON file to write")],
    seed: Annotated[int, typer.Option(help="Random seed")] = 0,
) -> None:
    """Write all figures to a JSON file, and as tables (Markdown) next to it."""
    fix_random_seed(seed)
    vocab = spacy.blank("xx").vocab
    train_docs, dev_docs = (
        list(read_docs(path, vocab)) for path in (train_path, dev_path)
    )
    pipelines = {name: make_pipeline(name) for name in NAMES}
    for nlp in pipelines.values():
        nlp.initialize(partial(list, make_examples(nlp, train_docs)))
    encoder = make_pipeline(None)
    encoder.initialize()
    phases = {
        "training": training_rounds(pipelines, train_docs),
        "prediction": prediction_rounds({**pipelines, TOK2VEC: encoder}, dev_docs),
    }
    speeds = []
    for is_busy in (False, True):
        with busy_processors() if is_busy else nullcontext():
            speeds += measure_speeds(phases, is_busy)
    texts = [doc.text for doc in dev_docs if 0 < len(doc) <= MAX_WORDS][:N_REQUESTS]
    results = {
        "speeds": speeds,
        "latency": measure_latency(pipelines["egp_ner"], texts),
        "first": measure_first(pipelines["egp_ner"], texts[0]),
        "run": {**machine(), "commit": commit(), "seed": seed},
    }
    output_path.parent.mkdir(parents=True, exist_ok=True)
    with temporary_output(output_path) as path:
        srsly.write_json(path, results)
        path.with_suffix(".md").write_text(describe(results), encoding="utf8")


@contextmanager
def busy_processors() -> Iterator[None]:
    """Keep every processor busy with a process of the lowest priority."""
    command = [sys.executable, "-c", SPIN]
    others = [subprocess.Popen(command) for _ in range(os.cpu_count() or 1)]
    try:
        yield
    finally:
        for other in others:
            other.kill()
            other.wait()


def measure_speeds(
    phases: dict[str, dict[str, Callable[[], float]]], is_busy: bool
) -> list[Result]:
    """Measure training and prediction with one thread and with as many as PyTorch uses
    by default, interleaved.

    phases (Dict[str, Dict[str, Callable]]): By phase and pipeline, a function that runs
        a round and returns its words per second.
    is_busy (bool): Whether the processors are busy, for the results.
    RETURNS (List[Dict[str, Any]]): Pipeline, phase, threads, and words per second:
        median, minimum and maximum.
    """
    default = torch.get_num_threads()
    results = []
    for phase, rounds in phases.items():
        measurements = {
            (name, threads): partial(_with_threads, threads, run)
            for name, run in rounds.items()
            for threads in {1, default}
        }
        for (name, threads), speed in interleaved(measurements, N_ROUNDS).items():
            case = {"pipeline": name, "phase": phase, "threads": threads}
            results.append({**case, "busy": is_busy, "words_per_second": speed})
    return results


def _with_threads(threads: int, run: Any) -> Any:
    default = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        return run()
    finally:
        torch.set_num_threads(default)


def measure_latency(nlp: Language, texts: list[str]) -> dict[str, Result]:
    """Measure `nlp(text)`, and the time that the recognizer takes of it.

    nlp (Language): The pipeline.
    texts (List[str]): The texts, one after another; the first ones warm up.
    RETURNS (Dict[str, Dict[str, float]]): Milliseconds of the whole and of the
        recognizer: the median ("p50") and the 95th percentile ("p95").
    """
    name = nlp.pipe_names[-1]
    recognizer = nlp.get_pipe(name)
    times: dict[str, list[float]] = {"pipeline": [], name: []}
    for text in texts:
        times["pipeline"].append(seconds(partial(nlp, text)))
        with nlp.select_pipes(disable=[name]):
            doc = nlp(text)
        times[name].append(seconds(partial(recognizer, doc)))
    return {
        part: {f"p{p}": 1000 * float(np.percentile(t[10:], p)) for p in (50, 95)}
        for part, t in times.items()
    }


def measure_first(nlp: Language, text: str) -> dict[str, dict[str, float]]:
    """Measure a new process: importing and loading a pipeline, its first prediction,
    and the second one.

    nlp (Language): The pipeline.
    text (str): The text to predict.
    RETURNS (Dict[str, Dict[str, float]]): Seconds: median, minimum and maximum.
    """
    runs = []
    with TemporaryDirectory() as folder:
        nlp.to_disk(folder)
        command = [sys.executable, "-c", FIRST, folder, text]
        for _ in range(N_PROCESSES):
            run = subprocess.run(command, check=True, capture_output=True, text=True)
            runs.append(list(map(float, run.stdout.split())))
    steps = ("import and load", "first prediction", "second prediction")
    return {
        step: spread(list(times))
        for step, times in zip(steps, zip(*runs, strict=True), strict=True)
    }


def describe(results: Result) -> str:
    """RETURNS (str): Markdown: a table of speeds, one of latency, and one of a new
    process."""
    speeds = [
        [
            result["phase"],
            result["pipeline"],
            "busy" if result["busy"] else "idle",
            result["threads"],
            "{median:,.0f} ({min:,.0f}-{max:,.0f})".format(
                **result["words_per_second"]
            ),
        ]
        for result in results["speeds"]
    ]
    header = ["phase", "pipeline", "machine", "threads", "words per second (min-max)"]
    latency = [
        [part, f"{times['p50']:.2f}", f"{times['p95']:.2f}"]
        for part, times in results["latency"].items()
    ]
    first = [
        [step, "{median:.3f} ({min:.3f}-{max:.3f})".format(**times)]
        for step, times in results["first"].items()
    ]
    tables = [
        markdown_table(header, speeds),
        markdown_table(["nlp(text)", "p50, ms", "p95, ms"], latency),
        markdown_table(["in a new process", "seconds (min-max)"], first),
    ]
    return "\n".join(tables)


if __name__ == "__main__":
    typer.run(measure_conditions)
