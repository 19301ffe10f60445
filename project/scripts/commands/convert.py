"""Measure the throughput and the memory of `spacy egp convert` on generated corpora."""

import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, NamedTuple

import srsly
import typer
from wasabi import msg

from scripts.shared.markdown_table import markdown_table
from scripts.shared.measuring import machine, peak_mb

TEXT = "The protein kinase C binds to NF-kappa B in human T cells of the lung ."
WORDS = TEXT.split()
LABELS = ("DNA", "RNA", "cell", "protein")
WORDS_PER_DOC = 200
# The imports that are in memory before anything is read.
IMPORTS = (
    "import spacy_egp.cli; print(__import__('psutil').Process().memory_info().rss)"
)


class Sample(NamedTuple):
    """A generated text.

    words (list[str]): Its tokens.
    spans (list[tuple[int, int, str]]): Spans of tokens and their labels.
    """

    words: list[str]
    spans: list[tuple[int, int, str]]

    @property
    def text(self) -> str:
        return " ".join(self.words)

    def characters(self) -> Iterator[tuple[int, int, str]]:
        """Start, end and label of each span in characters."""
        for start, end, label in self.spans:
            offset = len(" ".join(self.words[:start])) + (start > 0)
            yield offset, offset + len(" ".join(self.words[start:end])), label


def generate() -> Iterator[Sample]:
    """An endless stream of texts, no two of which are equal."""
    draw = random.Random(0)
    for number in range(10**9):
        words = [*draw.choices(WORDS, k=WORDS_PER_DOC - 2), str(number), "."]
        starts = range(0, WORDS_PER_DOC - 10, 10)
        outer = [(i, i + 5, draw.choice(LABELS)) for i in starts]
        inner = [(i + 1, i + 3, draw.choice(LABELS)) for i in starts]
        yield Sample(words, outer + inner)


def write_jsonl(folder: Path, n_bytes: int) -> None:
    with (folder / "a.jsonl").open("w", encoding="utf8") as file:
        samples = generate()
        while file.tell() < n_bytes:
            sample = next(samples)
            task = {"text": sample.text, "label": list(sample.characters())}
            file.write(f"{json.dumps(task)}\n")


def write_iob(folder: Path, n_bytes: int) -> None:
    with (folder / "a.iob").open("w", encoding="utf8") as file:
        samples = generate()
        while file.tell() < n_bytes:
            sample = next(samples)
            columns = [["O"] * WORDS_PER_DOC for _ in range(2)]
            for i, (start, end, label) in enumerate(sample.spans):
                tags = [f"B-{label}"] + [f"I-{label}"] * (end - start - 1)
                columns[2 * i >= len(sample.spans)][start:end] = tags
            rows = zip(sample.words, *columns, strict=True)
            file.writelines("\t".join(row) + "\n" for row in rows)
            file.write("\n")


def write_brat(folder: Path, n_bytes: int) -> None:
    for number, sample in enumerate(generate()):
        text = sample.text
        lines = [
            f"T{i}\t{label} {start} {end}\t{text[start:end]}\n"
            for i, (start, end, label) in enumerate(sample.characters())
        ]
        (folder / f"{number}.txt").write_text(text, encoding="utf8")
        (folder / f"{number}.ann").write_text("".join(lines), encoding="utf8")
        n_bytes -= len(text) + sum(map(len, lines))
        if n_bytes < 0:
            return


WRITERS: dict[str, Callable[[Path, int], None]] = {
    "JSONL": write_jsonl,
    "brat": write_brat,
    "IOB": write_iob,
}


def convert_benchmark(
    result: Annotated[Path, typer.Argument(help="JSON file to write, and .md beside")],
    megabytes: Annotated[int, typer.Option(help="Size of each corpus")] = 100,
) -> None:
    """Measure throughput, and the peak memory with and without the imports."""
    imports = int(subprocess.check_output([sys.executable, "-c", IMPORTS])) / 1e6
    rows: list[dict[str, float | str]] = []
    for name, write in WRITERS.items():
        with tempfile.TemporaryDirectory() as folder:
            corpus = Path(folder) / "corpus"
            corpus.mkdir()
            write(corpus, megabytes * 10**6)
            rows.append({"format": name, **measure(corpus, Path(folder), imports)})
            msg.good(name)
    result.parent.mkdir(parents=True, exist_ok=True)
    results = {"megabytes": megabytes, "imports_mb": imports, "formats": rows}
    srsly.write_json(result, {**results, "run": machine()})
    header = list(rows[0])
    cells = [[_format(value) for value in row.values()] for row in rows]
    table = markdown_table([name.replace("_", " ") for name in header], cells)
    result.with_suffix(".md").write_text(table, encoding="utf8")


def measure(corpus: Path, folder: Path, imports: float) -> dict[str, float]:
    """Convert a corpus in a separate process."""
    n_bytes = sum(path.stat().st_size for path in corpus.iterdir())
    command = [sys.executable, "-m", "spacy", "egp", "convert"]
    paths = [str(corpus), str(folder / "output")]
    options = ["--json", str(folder / "summary.json")]
    begin = time.perf_counter()
    run = subprocess.Popen([*command, *paths, *options], stdout=subprocess.DEVNULL)
    peak = peak_mb(run)
    seconds = time.perf_counter() - begin
    if run.returncode:
        msg.fail("The conversion failed", exits=1)
    summary = srsly.read_json(folder / "summary.json")
    return {
        "docs": sum(summary["docs"].values()),
        "spans": summary["spans"],
        "seconds": seconds,
        "mb_per_second": n_bytes / 1e6 / seconds,
        "words_per_second": summary["tokens"] / seconds,
        "peak_mb": peak,
        "above_imports_mb": peak - imports,
    }


def _format(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:,.{2 * (value < 10)}f}"


if __name__ == "__main__":
    typer.run(convert_benchmark)
