"""Measure `spacy egp annotate`: its speed, memory, and what it does when workers are
killed or a document is very long. Every command writes a JSON file."""

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
from itertools import cycle, islice
from pathlib import Path
from typing import Annotated, Any

import psutil
import ray
import spacy
import srsly
import typer
from measuring import machine, spread
from ray.cluster_utils import Cluster
from spacy.tokens import DocBin
from wasabi import msg

app = typer.Typer()
Model = Annotated[Path, typer.Argument(help="The pipeline")]
Docs = Annotated[Path, typer.Argument(help="Docs whose texts are annotated (.spacy)")]
Result = Annotated[Path, typer.Argument(help="JSON file to write")]
# One thread for each worker, for PyTorch as for BLAS; and the priority of the other
# processes for Ray's workers, which have a lower one by default.
ENVIRONMENT = os.environ | {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "RAY_worker_niceness": "0",
}
SMALL_PARTS = ["--docs-per-part", "500"]


@app.command()
def speed(model: Model, docs: Docs, result: Result, n_rounds: int = 3) -> None:
    """Words per second of a bare nlp.pipe loop, of one worker and of two, in turn."""
    workers = [(engine, n) for engine in ("local", "ray") for n in (1, 2)]
    pipe: list[float] = []
    steady: dict[tuple[str, int], list[float]] = {key: [] for key in workers}
    whole: dict[tuple[str, int], list[float]] = {key: [] for key in workers}
    with corpus(docs) as (folder, corpus_path):
        for _ in range(n_rounds):
            pipe.append(measure_pipe(model, corpus_path))
            for engine, n in workers:
                output = folder / "output"
                options = ["--engine", engine, "--n-process", str(n), *SMALL_PARTS]
                summary = annotate(model, corpus_path, output, options)
                whole[engine, n].append(summary["words_per_second"])
                steady[engine, n].append(steady_speed(output, n))
                shutil.rmtree(output)
    write(
        result,
        docs=summary["total"]["docs"],
        words=summary["total"]["words"],
        rounds=n_rounds,
        nlp_pipe=spread(pipe),
        workers=[
            {
                "engine": engine,
                "workers": n,
                "words_per_second": spread(steady[engine, n]),
                "words_per_second_with_startup": spread(whole[engine, n]),
            }
            for engine, n in workers
        ],
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
            workers = find_processes(run.pid, "MapWorker")
            if workers:
                with suppress(psutil.NoSuchProcess):
                    random.choice(workers).kill()
                    killed += 1
        disturbed = finish(run)
        write(
            result,
            docs=disturbed["total"]["docs"],
            killed=killed,
            seconds_undisturbed=undisturbed["seconds"],
            seconds=disturbed["seconds"],
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
            driver.append(resident_mb(psutil.Process(run.pid)))
            pool = find_processes(run.pid, "spawn_main")
            workers.append(max(map(resident_mb, pool), default=0.0))
            time.sleep(1)
        summary = finish(run)
        write(
            result,
            docs=summary["total"]["docs"],
            words=summary["total"]["words"],
            docs_per_second=summary["docs_per_second"],
            driver_mb=tenths(driver),
            largest_worker_mb=tenths(workers),
        )


@app.command()
def long(model: Model, docs: Docs, result: Result) -> None:
    """Time and memory of single documents, the last one above the default limit."""
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
            peak = 0.0
            while run.poll() is None:
                peak = max(peak, resident_mb(psutil.Process(run.pid)))
                time.sleep(0.1)
            n_words = finish(run)["total"]["words"]
            rows.append(
                {
                    "characters": n_chars,
                    "words": n_words,
                    "seconds": n_words / steady_speed(output, 1),
                    "peak_mb": peak,
                }
            )
    write(result, documents=rows)


@app.command()
def cluster(model: Model, docs: Docs, result: Result) -> None:
    """Compare the output of a Ray cluster of two nodes, both on this machine, with that
    of one process."""
    with corpus(docs) as (folder, corpus_path):
        annotate(model, corpus_path, folder / "one", SMALL_PARTS)
        nodes = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
        nodes.add_node(num_cpus=1)
        options = ["--engine", "ray", "--address", nodes.address, "--n-process", "2"]
        summary = annotate(model, corpus_path, folder / "two", options + SMALL_PARTS)
        nodes.shutdown()
        write(
            result,
            nodes=2,
            docs=summary["total"]["docs"],
            words_per_second=steady_speed(folder / "two", 2),
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


def finish(run: subprocess.Popen) -> dict[str, Any]:
    """The summary of a run, when it has ended."""
    stdout = run.communicate()[0]
    if run.returncode:
        msg.fail("The annotation failed", exits=1)
    return srsly.json_loads(stdout)


def annotate(
    model: Path, input_path: Path, output: Path, options: list[str]
) -> dict[str, Any]:
    return finish(start(model, input_path, output, options))


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


def steady_speed(output: Path, n_workers: int) -> float:
    """Words per second, without startup: from when as many parts are written as there
    are workers, to the last part."""
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
    """The processes below one whose command has these words."""
    found = []
    for process in psutil.Process(pid).children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            if command in " ".join(process.cmdline()):
                found.append(process)
    return found


def resident_mb(process: psutil.Process) -> float:
    """Memory of a process in MB, 0 if it has ended."""
    try:
        return process.memory_info().rss / 1e6
    except psutil.NoSuchProcess:
        return 0.0


def tenths(values: list[float]) -> list[float]:
    """Eleven values from the first to the last."""
    return [values[round(i * (len(values) - 1) / 10)] for i in range(11)]


def write(path: Path, **results: Any) -> None:
    """Write results and what they are measured on; a worker has one thread."""
    run = {**machine(), "threads": 1, "cores": os.cpu_count(), "ray": ray.__version__}
    path.parent.mkdir(parents=True, exist_ok=True)
    srsly.write_json(path, {**results, "run": run})
    msg.good("Saved", path)


if __name__ == "__main__":
    app()
