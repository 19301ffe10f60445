"""Measure the speed and memory of `egp_ner` and its peers: the heads alone over random
vectors, and whole pipelines over a corpus."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import spacy
import srsly
import torch
import typer
from tqdm import tqdm

from scripts.benchmark.heads import measure_heads
from scripts.benchmark.pipelines import measure_pipelines
from scripts.shared.measuring import machine, use_device
from spacy_egp.docbins import read_docs


def benchmark(
    train_path: Annotated[Path, typer.Argument(help="Training docs (.spacy)")],
    dev_path: Annotated[Path, typer.Argument(help="Docs to predict (.spacy)")],
    output_path: Annotated[Path, typer.Argument(help="JSON file to write")],
    gpu_id: Annotated[int, typer.Option(help="GPU to compute on, -1 for the CPU")] = -1,
    # Thinc's matrix products run on one thread.
    threads: Annotated[int, typer.Option(help="Threads of PyTorch")] = 1,
    seed: Annotated[int, typer.Option(help="Random seed")] = 0,
) -> None:
    """Write all figures, with their spread and the machine, to one JSON file."""
    torch.set_num_threads(threads)
    use_device(gpu_id)
    vocab = spacy.blank("xx").vocab
    train_docs, dev_docs = (
        list(read_docs(path, vocab)) for path in (train_path, dev_path)
    )
    pipelines = _progress("Pipelines", measure_pipelines(train_docs, dev_docs, seed))
    heads = _progress("Heads", measure_heads(gpu_id, seed))
    results = {
        "pipelines": pipelines,
        "heads": heads,
        "run": {**machine(), "seed": seed},
    }
    output_path.parent.mkdir(parents=True, exist_ok=True)
    srsly.write_json(output_path, results)


def _progress(title: str, results: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return list(tqdm(results, desc=title, unit=" cases"))


if __name__ == "__main__":
    typer.run(benchmark)
