"""Measure `spacy egp annotate`: its speed, memory, and what it does when workers are
killed or a document is very long. Every command but `pipe` writes a JSON file."""

import hashlib
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import cycle, islice, product
from pathlib import Path
from typing import Annotated, Any, NamedTuple, cast

import psutil
import ray
import spacy
import srsly
import typer
from ray.cluster_utils import Cluster
from spacy.training import Example
from spacy.util import load_config, load_model_from_config
from wasabi import msg

from scripts.shared.measuring import machine, peak_mb, resident_mb, spread
from scripts.shared.random_bert import write_bert
from scripts.shared.training import CONFIGS
from spacy_egp.docbins import read_docs

app = typer.Typer()
Model = Annotated[Path, typer.Argument(help="The pipeline")]
Docs = Annotated[Path, typer.Argument(help="Docs whose texts are annotated (.spacy)")]
Result = Annotated[Path, typer.Argument(help="JSON file to write")]
SMALL_PARTS = ["--docs-per-part", "500"]
CONFIG = CONFIGS / "egp_trf.cfg"
WORDS = ["".join(letters) for letters in product("bdfgklmnpr", "aeiou", "lmnrst")]
SIZES = [1, 20]
# About as many words as a batch of annotate, and faster than the 1,000 of the configs.
DOCS_PER_BATCH = 256


class Setup(NamedTuple):
    """Workers that an annotation is run with.

    engine (str): The engine.
    workers (int): Their number.
    nodes (int): Nodes of the Ray cluster, all on this machine; 0 for the cluster that
        the engine starts itself.
    """

    engine: str
    workers: int
    nodes: int = 0


SETUPS = [
    Setup("local", 1),
    Setup("local", 2),
    Setup("ray", 1),
    Setup("ray", 2),
    Setup("ray", 2, nodes=2),
]


@app.callback()
def set_environment() -> None:
    """Give each worker one thread, for PyTorch and BLAS, and give Ray's workers the
    same priority as other processes. By default, they have a lower one."""
    os.environ.update(
        {
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
            "RAY_worker_niceness": "0",
        }
    )


@app.command()
def speed(model: Model, docs: Docs, result: Result, n_rounds: int = 5) -> None:
    """Words per second of a bare nlp.pipe loop and of workers, in turn; whether their
    output is the same; and how many parts per second a driver hands out."""
    pipe: list[float] = []
    steady: dict[Setup, list[float]] = {setup: [] for setup in SETUPS}
    startup: dict[Setup, list[float]] = {setup: [] for setup in SETUPS}
    written = []
    with corpus(docs) as (folder, corpus_path):
        output = folder / "output"
        for _ in range(n_rounds):
            pipe.append(measure_pipe(model, corpus_path))
            for setup in SETUPS:
                with options_of(setup) as options:
                    begin = time.perf_counter()
                    summary = annotate(
                        model, corpus_path, output, options + SMALL_PARTS
                    )
                    seconds = time.perf_counter() - begin
                n_words = summary["total"]["words"]
                words_per_second = steady_speed(output, setup.workers)
                steady[setup].append(words_per_second)
                startup[setup].append(seconds - n_words / words_per_second)
                written.append(checksums(output))
                shutil.rmtree(output)
        n_docs = summary["total"]["docs"]
        parts_per_second = measure_driver(model, folder)
    write(
        result,
        docs=n_docs,
        words=n_words,
        rounds=n_rounds,
        nlp_pipe=spread(pipe),
        setups=[
            {
                **setup._asdict(),
                "words_per_second": spread(steady[setup]),
                "startup_seconds": spread(startup[setup]),
            }
            for setup in SETUPS
        ],
        equal=all(files == written[0] for files in written),
        parts_per_second=parts_per_second,
    )


@app.command()
def pipe(model: Model, corpus_path: Path) -> None:
    """Print the words per second of a bare nlp.pipe loop that reads texts and collects
    spans, without the first batches, as a worker's first part is left out."""
    nlp = spacy.load(model)
    texts = (row["text"] for row in srsly.read_jsonl(corpus_path))
    docs = nlp.pipe(texts, batch_size=DOCS_PER_BATCH)
    for _ in islice(docs, 2 * DOCS_PER_BATCH):
        pass
    n_words = 0
    spans = []
    begin = time.perf_counter()
    for doc in docs:
        n_words += len(doc)
        spans.append([(s.start_char, s.end_char, s.label_) for s in doc.spans["sc"]])
    print(n_words / (time.perf_counter() - begin))


@app.command()
def kill(
    model: Model,
    docs: Docs,
    result: Result,
    n_docs: int = 200_000,
    interval: Annotated[float, typer.Option(help="Seconds between two kills")] = 10,
) -> None:
    """Kill random workers one after another during a run with Ray, and compare its
    output with that of an undisturbed run."""
    options = ["--n-process", "2", "--engine", "ray", "--docs-per-part", "2000"]
    with corpus(docs, n_docs) as (folder, corpus_path):
        annotate(model, corpus_path, folder / "undisturbed", options)
        run = start(model, corpus_path, folder / "disturbed", options)
        killed = 0
        while run.poll() is None:
            time.sleep(interval)
            workers = find_processes(run.pid, "MapWorker")
            if workers:
                with suppress(psutil.NoSuchProcess):
                    random.choice(workers).kill()
                    killed += 1
        summary = finish(run)
        write(
            result,
            docs=summary["total"]["docs"],
            killed=killed,
            equal=checksums(folder / "undisturbed") == checksums(folder / "disturbed"),
        )


@app.command()
def memory(model: Model, result: Result, n_docs: int = 1_000_000) -> None:
    """Memory of the driver and of two workers over many short generated documents."""
    with tempfile.TemporaryDirectory() as name:
        corpus_path = Path(name) / "corpus.jsonl"
        srsly.write_jsonl(corpus_path, generate(n_docs))
        run = start(model, corpus_path, Path(name) / "output", ["--n-process", "2"])
        driver: list[float] = []
        workers: list[float] = []
        while run.poll() is None:
            largest = max(
                map(resident_mb, find_processes(run.pid, "spawn_main")), default=0
            )
            if largest:
                driver.append(resident_mb(psutil.Process(run.pid)))
                workers.append(largest)
            time.sleep(1)
        summary = finish(run)
        write(
            result,
            docs=summary["total"]["docs"],
            words=summary["total"]["words"],
            driver_mb=tenths(driver),
            largest_worker_mb=tenths(workers),
        )


@app.command()
def size(
    result: Result,
    megabytes: Annotated[list[int], typer.Option(help="Sizes of the text")] = SIZES,
) -> None:
    """Peak memory of a worker by the size of the text, over a transformer as wide as
    MiniLM, with random weights."""
    rows = []
    with tempfile.TemporaryDirectory() as name:
        model = write_transformer(Path(name))
        for n_megabytes in megabytes:
            corpus_path = Path(name) / f"{n_megabytes}.jsonl"
            srsly.write_jsonl(corpus_path, generate_text(n_megabytes * 10**6))
            run = start(model, corpus_path, Path(name) / f"output-{n_megabytes}", [])
            peak = peak_mb(run)
            total = finish(run)["total"]
            rows.append(
                {
                    "megabytes": n_megabytes,
                    "docs": total["docs"],
                    "words": total["words"],
                    "peak_mb": peak,
                }
            )
    write(result, texts=rows)


@app.command()
def long(model: Model, docs: Docs, result: Result) -> None:
    """Time and memory of single documents, the longest above the default limit."""
    rows = []
    with tempfile.TemporaryDirectory() as name:
        text = " ".join(read_texts(docs))
        for n_chars in (10_000, 30_000, 100_000, 300_000):
            corpus_path = Path(name) / f"{n_chars}.jsonl"
            output = Path(name) / f"output-{n_chars}"
            # The time runs from the first part, without startup.
            srsly.write_jsonl(corpus_path, [{"text": ""}, {"text": text[:n_chars]}])
            options = ["--max-chars", str(n_chars), "--docs-per-part", "1"]
            run = start(model, corpus_path, output, options)
            peak = peak_mb(run)
            total = finish(run)["total"]
            n_words = total["words"]
            rows.append(
                {
                    "characters": n_chars,
                    "words": n_words,
                    "spans": sum(total["labels"].values()),
                    "seconds": n_words / steady_speed(output, 1),
                    "peak_mb": peak,
                }
            )
    write(result, documents=rows)


@contextmanager
def corpus(docs: Path, n_docs: int | None = None) -> Iterator[tuple[Path, Path]]:
    """A folder with the texts of docs as JSONL, repeated until there are n_docs."""
    texts = read_texts(docs)
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "corpus.jsonl"
        repeated = islice(cycle(texts), n_docs or len(texts))
        rows = ({"id": i, "text": text} for i, text in enumerate(repeated))
        srsly.write_jsonl(path, rows)
        yield Path(name), path


def read_texts(docs: Path) -> list[str]:
    vocab = spacy.blank("xx").vocab
    return [doc.text for doc in read_docs(docs, vocab)]


def generate(n_docs: int) -> Iterator[dict[str, Any]]:
    """Short documents, each with words that no other one has."""
    draw = random.Random(0)
    for number in range(n_docs):
        first, last = ("".join(draw.choices("abcdeilmnorstu", k=6)) for _ in range(2))
        text = f"{first.title()} {last.title()} aus Bonn zahlte {number} Euro ."
        yield {"id": number, "text": text}


def generate_text(n_chars: int) -> Iterator[dict[str, str]]:
    """Documents of 200 words each, up to this many characters."""
    draw = random.Random(0)
    while n_chars > 0:
        text = " ".join(draw.choices(WORDS, k=200))
        n_chars -= len(text)
        yield {"text": text}


def write_transformer(folder: Path) -> Path:
    """Write a pipeline of `egp_trf.cfg` over a transformer with one piece per word."""
    bert = write_bert(
        folder / "bert",
        WORDS,
        hidden_size=384,
        num_hidden_layers=1,
        num_attention_heads=12,
        intermediate_size=1536,
    )
    config = load_config(CONFIG, {"paths.transformer": str(bert)}, interpolate=True)
    nlp = load_model_from_config(config, auto_fill=True)
    spans = {"sc": [(0, len(WORDS[0]), "X")]}
    sample = Example.from_dict(nlp.make_doc(WORDS[0]), {"spans": spans})
    nlp.initialize(lambda: [sample])
    nlp.to_disk(folder / "model")
    return folder / "model"


def start(
    model: Path, input_path: Path, output: Path, options: list[str]
) -> subprocess.Popen:
    command = [sys.executable, "-m", "spacy", "egp", "annotate", *options]
    paths = [str(model), str(input_path), str(output)]
    # Last, for `finish`.
    json = ["--json", str(output.with_suffix(".json"))]
    return subprocess.Popen([*command, *paths, *json], stdout=subprocess.PIPE)


def finish(run: subprocess.Popen) -> dict[str, Any]:
    """Wait for a run, and return its summary."""
    stdout = run.communicate()[0]
    if run.returncode:
        msg.fail("The annotation failed", stdout.decode(), exits=1)
    *_, json_path = cast(list[str], run.args)
    return srsly.read_json(json_path)


def annotate(
    model: Path, input_path: Path, output: Path, options: list[str]
) -> dict[str, Any]:
    return finish(start(model, input_path, output, options))


def measure_pipe(model: Path, corpus_path: Path) -> float:
    """Words per second of a bare loop, in a process of its own."""
    command = [sys.executable, "-m", __spec__.name, "pipe"]
    return float(subprocess.check_output([*command, str(model), str(corpus_path)]))


def measure_driver(model: Path, folder: Path) -> float:
    """Parts per second that Ray hands out to two workers, if parts are almost empty:
    each has a document of one word."""
    path, output = folder / "words.jsonl", folder / "words"
    srsly.write_jsonl(path, [{"text": "x"}] * 1000)
    with options_of(Setup("ray", 2)) as options:
        annotate(model, path, output, [*options, "--docs-per-part", "1"])
    return steady_speed(output, 2)


@contextmanager
def options_of(setup: Setup) -> Iterator[list[str]]:
    """The options of annotate. The cluster runs while they are used."""
    options = ["--engine", setup.engine, "--n-process", str(setup.workers)]
    if not setup.nodes:
        yield options
        return
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    try:
        for _ in range(setup.nodes - 1):
            cluster.add_node(num_cpus=1)
        yield [*options, "--address", cluster.address]
    finally:
        cluster.shutdown()


def steady_speed(output: Path, n_workers: int) -> float:
    """Words per second without startup. Time runs from when there are as many parts as
    workers to the last part."""
    paths = sorted((output / "_done").iterdir(), key=lambda path: path.stat().st_mtime)
    n_words = sum(srsly.read_json(path)["words"] for path in paths[n_workers:])
    begin, end = (paths[i].stat().st_mtime for i in (n_workers - 1, -1))
    return n_words / (end - begin)


def checksums(output: Path) -> dict[str, str]:
    """What is in the files of the output, temporary ones included."""
    return {
        str(path.relative_to(output)): hashlib.md5(path.read_bytes()).hexdigest()
        for path in output.rglob("*")
        if path.is_file()
    }


def find_processes(pid: int, command: str) -> list[psutil.Process]:
    """The descendants of a process whose command contains these words."""
    found = []
    for process in psutil.Process(pid).children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            if command in " ".join(process.cmdline()):
                found.append(process)
    return found


def tenths(values: list[float]) -> list[float]:
    """Eleven values from the first to the last."""
    return [values[round(i * (len(values) - 1) / 10)] for i in range(11)]


def write(path: Path, **results: Any) -> None:
    """Write results and what they were measured on; a worker has one thread."""
    run = {**machine(), "threads": 1, "cores": os.cpu_count(), "ray": ray.__version__}
    path.parent.mkdir(parents=True, exist_ok=True)
    srsly.write_json(path, {**results, "run": run})
    msg.good("Saved", path)


if __name__ == "__main__":
    app()
