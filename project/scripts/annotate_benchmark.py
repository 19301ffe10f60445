"""Measure `spacy egp annotate`: its speed, memory, and what it does when workers are
killed or a document is very long. Every command writes a JSON file."""

import hashlib
import os
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import cycle, islice
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import spacy
import srsly
import typer
from measuring import machine
from ray.cluster_utils import Cluster
from spacy.tokens import DocBin
from wasabi import msg

app = typer.Typer()
Model = Annotated[Path, typer.Argument(help="The pipeline")]
Docs = Annotated[Path, typer.Argument(help="Docs whose texts are annotated (.spacy)")]
Result = Annotated[Path, typer.Argument(help="JSON file to write")]
# One thread for each worker, for PyTorch as for BLAS.
ENVIRONMENT = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


class Process(NamedTuple):
    pid: int
    parent: int
    megabytes: float
    command: str


@app.command()
def speed(model: Model, docs: Docs, result: Result, n_rounds: int = 3) -> None:
    """Words per second of a bare nlp.pipe loop, of one worker and of two. Startup is
    left out: the time runs from the first part that is written to the last one."""
    workers = {
        "local 1": ["--n-process", "1"],
        "local 2": ["--n-process", "2"],
        "ray 1": ["--n-process", "1", "--engine", "ray"],
        "ray 2": ["--n-process", "2", "--engine", "ray"],
    }
    steady: dict[str, list[float]] = {name: [] for name in ["nlp.pipe", *workers]}
    whole: dict[str, list[float]] = {name: [] for name in workers}
    with corpus(docs) as (folder, corpus_path):
        for _ in range(n_rounds):
            steady["nlp.pipe"].append(measure_pipe(model, corpus_path))
            for name, options in workers.items():
                output = folder / "output"
                options = [*options, "--docs-per-part", "500"]
                summary = annotate(model, corpus_path, output, options)
                whole[name].append(summary["words_per_second"])
                steady[name].append(steady_speed(output))
                shutil.rmtree(output)
    medians = {name: statistics.median(values) for name, values in steady.items()}
    write(
        result,
        words_per_second=steady,
        words_per_second_with_startup=whole,
        medians=medians,
        ratios={
            "local 1 / nlp.pipe": medians["local 1"] / medians["nlp.pipe"],
            "ray 1 / nlp.pipe": medians["ray 1"] / medians["nlp.pipe"],
            "local 2 / local 1": medians["local 2"] / medians["local 1"],
            "ray 2 / ray 1": medians["ray 2"] / medians["ray 1"],
        },
    )


@app.command()
def kill(
    model: Model,
    docs: Docs,
    result: Result,
    n_docs: int = 200_000,
    interval: Annotated[float, typer.Option(help="Seconds between two kills")] = 10,
) -> None:
    """Kill a random worker again and again during a run with Ray, and compare its
    output with that of a run in which none is killed."""
    options = ["--n-process", "2", "--engine", "ray", "--docs-per-part", "2000"]
    with corpus(docs, n_docs) as (folder, corpus_path):
        undisturbed = annotate(model, corpus_path, folder / "undisturbed", options)
        run = start(model, corpus_path, folder / "disturbed", options)
        killed = 0
        while run.poll() is None:
            time.sleep(interval)
            workers = [p for p in descendants(run.pid) if "MapWorker" in p.command]
            if workers:
                os.kill(random.choice(workers).pid, signal.SIGKILL)
                killed += 1
        disturbed = srsly.json_loads(run.communicate()[0])
        write(
            result,
            docs=n_docs,
            killed=killed,
            exit_code=run.returncode,
            seconds={
                "undisturbed": undisturbed["seconds"],
                "disturbed": disturbed["seconds"],
            },
            equal=checksums(folder / "undisturbed") == checksums(folder / "disturbed"),
            annotated=disturbed["total"]["docs"],
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
            time.sleep(2)
            pool = [p for p in descendants(run.pid) if "spawn_main" in p.command]
            driver += [p.megabytes for p in processes() if p.pid == run.pid]
            workers += [max((p.megabytes for p in pool), default=0)]
        summary = srsly.json_loads(run.communicate()[0])
        write(
            result,
            docs=summary["total"]["docs"],
            words=summary["total"]["words"],
            docs_per_second=summary["docs_per_second"],
            driver_megabytes=tenths(driver),
            largest_worker_megabytes=tenths(workers),
        )


@app.command()
def long(model: Model, docs: Docs, result: Result) -> None:
    """Time and memory of single documents, the last one above the default limit."""
    rows = []
    with tempfile.TemporaryDirectory() as name:
        text = " ".join(read_texts(docs))
        for n_chars in (10_000, 30_000, 100_000, 300_000):
            corpus_path = Path(name) / f"{n_chars}.jsonl"
            limit = ["--max-chars", str(n_chars)]
            srsly.write_jsonl(corpus_path, [{"text": text[:n_chars]}])
            run = start(model, corpus_path, Path(name) / f"output-{n_chars}", limit)
            peak = 0.0
            while run.poll() is None:
                time.sleep(0.2)
                own = [p.megabytes for p in processes() if p.pid == run.pid]
                peak = max(peak, *own, 0)
            summary = srsly.json_loads(run.communicate()[0])
            rows.append(
                {
                    "characters": n_chars,
                    "words": summary["total"]["words"],
                    "seconds_with_startup": summary["seconds"],
                    "peak_megabytes": peak,
                }
            )
    write(result, documents=rows)


@app.command()
def cluster(model: Model, docs: Docs, result: Result) -> None:
    """Compare the output of a Ray cluster of two nodes, both on this machine, with that
    of one process."""
    with corpus(docs) as (folder, corpus_path):
        parts = ["--docs-per-part", "500"]
        annotate(model, corpus_path, folder / "one", parts)
        nodes = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
        nodes.add_node(num_cpus=1)
        options = ["--engine", "ray", "--address", nodes.address, "--n-process", "2"]
        summary = annotate(model, corpus_path, folder / "two", [*options, *parts])
        nodes.shutdown()
        write(
            result,
            nodes=2,
            docs=summary["total"]["docs"],
            words_per_second=steady_speed(folder / "two"),
            equal=checksums(folder / "one") == checksums(folder / "two"),
        )


@contextmanager
def corpus(docs: Path, n_docs: int | None = None) -> Iterator[tuple[Path, Path]]:
    """A folder with the texts of docs as JSONL, repeated up to n_docs."""
    texts = read_texts(docs)
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "corpus.jsonl"
        repeated = islice(cycle(texts), n_docs or len(texts))
        rows = ({"id": i, "text": text} for i, text in enumerate(repeated))
        srsly.write_jsonl(path, rows)
        yield Path(name), path


def read_texts(docs: Path) -> list[str]:
    vocab = spacy.blank("xx").vocab
    return [doc.text for doc in DocBin().from_disk(docs).get_docs(vocab)]


def generate(n_docs: int) -> Iterator[dict[str, Any]]:
    """Short documents, each with words that no other one has."""
    draw = random.Random(0)
    for number in range(n_docs):
        first, last = ("".join(draw.choices("abcdeilmnorstu", k=6)) for _ in range(2))
        text = f"{first.title()} {last.title()} aus Bonn zahlte {number} Euro ."
        yield {"id": number, "text": text}


def start(
    model: Path, input_path: Path, output: Path, options: list[str]
) -> subprocess.Popen:
    command = [sys.executable, "-m", "spacy", "egp", "annotate", "--json"]
    paths = [str(model), str(input_path), str(output)]
    return subprocess.Popen(
        [*command, *paths, *options], stdout=subprocess.PIPE, env=ENVIRONMENT
    )


def annotate(
    model: Path, input_path: Path, output: Path, options: list[str]
) -> dict[str, Any]:
    run = start(model, input_path, output, options)
    stdout = run.communicate()[0]
    if run.returncode:
        msg.fail("The annotation failed", exits=1)
    return srsly.json_loads(stdout)


def measure_pipe(model: Path, corpus_path: Path) -> float:
    """Words per second of nlp.pipe, in a process of its own."""
    code = (
        "import sys, time, spacy, srsly; nlp = spacy.load(sys.argv[1]); "
        "texts = [row['text'] for row in srsly.read_jsonl(sys.argv[2])]; "
        "begin = time.perf_counter(); "
        "n_words = sum(len(doc) for doc in nlp.pipe(texts)); "
        "print(n_words / (time.perf_counter() - begin))"
    )
    command = [sys.executable, "-c", code, str(model), str(corpus_path)]
    return float(subprocess.check_output(command, env=ENVIRONMENT))


def steady_speed(output: Path) -> float:
    """Words per second after the first part is written."""
    first, *reports = sorted(
        (output / "_done").iterdir(), key=lambda path: path.stat().st_mtime
    )
    n_words = sum(srsly.read_json(path)["words"] for path in reports)
    return n_words / (reports[-1].stat().st_mtime - first.stat().st_mtime)


def checksums(output: Path) -> dict[str, str]:
    """What is in the files of the output, temporary ones included."""
    return {
        str(path.relative_to(output)): hashlib.md5(path.read_bytes()).hexdigest()
        for path in output.rglob("*")
        if path.is_file()
    }


def processes() -> list[Process]:
    lines = subprocess.check_output(
        ["ps", "-ww", "-eo", "pid,ppid,rss,args"], text=True
    )
    rows = [line.split(None, 3) for line in lines.splitlines()[1:]]
    return [Process(int(a), int(b), int(c) / 1024, d) for a, b, c, d in rows]


def descendants(pid: int) -> list[Process]:
    everything = processes()
    found: list[Process] = []
    parents = {pid}
    while parents:
        children = [process for process in everything if process.parent in parents]
        found += children
        parents = {process.pid for process in children}
    return found


def tenths(values: list[float]) -> list[float]:
    """Eleven values from the first to the last."""
    return [values[round(i * (len(values) - 1) / 10)] for i in range(11)]


def write(path: Path, **results: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    srsly.write_json(path, {**results, "run": {**machine(), "cores": os.cpu_count()}})
    msg.good("Saved", path)


if __name__ == "__main__":
    app()
