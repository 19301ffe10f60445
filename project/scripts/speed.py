"""Measure the speed of whole pipelines over one tok2vec: egp_ner, spancat, and the
tok2vec alone, which is the limit for prediction."""

import platform
import statistics
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import spacy
import srsly
import torch
import typer
from spacy.language import Language
from spacy.tokens import Doc, DocBin
from spacy.training import Example
from spacy.util import (
    fix_random_seed,
    load_config,
    load_model_from_config,
    minibatch,
)
from wasabi import msg


def speed(
    train_path: Annotated[Path, typer.Argument(help="Training docs (.spacy)")],
    dev_path: Annotated[Path, typer.Argument(help="Docs to predict (.spacy)")],
    egp_config: Annotated[Path, typer.Argument(help="Config of tok2vec and egp_ner")],
    spancat_config: Annotated[Path, typer.Argument(help="The same with spancat")],
    output_path: Annotated[Path, typer.Argument(help="JSON file to write")],
    n_rounds: Annotated[int, typer.Option(help="Times that each is measured")] = 7,
    n_updates: Annotated[int, typer.Option(help="Updates in a round")] = 30,
    batch_size: Annotated[int, typer.Option(help="Docs in an update")] = 50,
    seed: Annotated[int, typer.Option(help="Random seed")] = 0,
) -> None:
    """Write words per second in training and prediction, medians over interleaved
    rounds with minimum and maximum, and the ratios of egp_ner to the others."""
    fix_random_seed(seed)
    vocab = spacy.blank("xx").vocab
    train_docs = list(DocBin().from_disk(train_path).get_docs(vocab))
    dev_docs = list(DocBin().from_disk(dev_path).get_docs(vocab))
    pipelines = {
        "tok2vec": make_pipeline(egp_config, ["tok2vec"]),
        "spancat": make_pipeline(spancat_config, ["tok2vec", "spancat"]),
        "egp_ner": make_pipeline(egp_config, ["tok2vec", "egp_ner"]),
    }
    training = {}
    for name, nlp in pipelines.items():
        examples = make_examples(nlp, train_docs[:2000])
        optimizer = nlp.initialize(partial(list, examples))
        if name != "tok2vec":
            updates = minibatch(make_examples(nlp, train_docs), batch_size)
            training[name] = (nlp, optimizer, updates)
    speeds = {
        "training": measure(
            n_rounds,
            {
                name: partial(train, *arguments, n_updates)
                for name, arguments in training.items()
            },
        ),
        "prediction": measure(
            n_rounds,
            {name: partial(predict, nlp, dev_docs) for name, nlp in pipelines.items()},
        ),
    }
    results: dict[str, dict[str, Any]] = {
        "words_per_second": speeds,
        "ratios": {
            f"{phase} {other}": by_name["egp_ner"]["median"] / by_name[other]["median"]
            for phase, by_name in speeds.items()
            for other in by_name
            if other != "egp_ner"
        },
        "run": {**machine(), "seed": seed},
    }
    output_path.parent.mkdir(parents=True, exist_ok=True)
    srsly.write_json(output_path, results)
    rows = [
        (phase, name, *(f"{value:,.0f}" for value in numbers.values()))
        for phase, by_name in speeds.items()
        for name, numbers in by_name.items()
    ]
    header = ("", "Pipeline", "Words/s", "Min", "Max")
    msg.table(rows, header=header, divider=True, aligns=("l", "l", "r", "r", "r"))
    msg.table({f"egp_ner / {k}": f"{v:.2f}" for k, v in results["ratios"].items()})


def make_pipeline(config_path: Path, names: list[str]) -> Language:
    """The config's pipeline with these components only."""
    config = load_config(config_path)
    config["nlp"].update(pipeline=names, lang="xx")
    config["components"] = {name: config["components"][name] for name in names}
    return load_model_from_config(config, auto_fill=True)


def make_examples(nlp: Language, docs: Iterable[Doc]) -> Iterable[Example]:
    return [Example(words_only(nlp, doc), doc) for doc in docs]


def words_only(nlp: Language, doc: Doc) -> Doc:
    spaces = [bool(token.whitespace_) for token in doc]
    return Doc(nlp.vocab, words=[token.text for token in doc], spaces=spaces)


def measure(
    n_rounds: int, runs: dict[str, Callable[[], float]]
) -> dict[str, dict[str, float]]:
    """Call all runs in turn, `n_rounds` times after one to warm up; each returns its
    words per second."""
    speeds: dict[str, list[float]] = {name: [] for name in runs}
    for i in range(n_rounds + 1):
        for name, run in runs.items():
            words_per_second = run()
            if i > 0:
                speeds[name].append(words_per_second)
    return {
        name: {"median": statistics.median(s), "min": min(s), "max": max(s)}
        for name, s in speeds.items()
    }


def train(
    nlp: Language, optimizer: Any, batches: Iterator[list[Example]], n_updates: int
) -> float:
    """Words per second of the next updates."""
    n_words = 0
    begin = time.perf_counter()
    for batch in islice(batches, n_updates):
        nlp.update(batch, sgd=optimizer, drop=0.1)
        n_words += sum(len(example.predicted) for example in batch)
    return n_words / (time.perf_counter() - begin)


def predict(nlp: Language, docs: list[Doc]) -> float:
    """Words per second of `nlp.pipe`."""
    docs = [words_only(nlp, doc) for doc in docs]
    begin = time.perf_counter()
    for _ in nlp.pipe(docs):
        pass
    return sum(map(len, docs)) / (time.perf_counter() - begin)


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    packages = ("spacy", "thinc", "torch", "numpy", "spacy-egp")
    return {
        "processor": _processor(),
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
        **{package: version(package) for package in packages},
    }


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if not cpuinfo.exists():
        return platform.processor()
    lines = cpuinfo.read_text().splitlines()
    return next((x.split(": ")[1] for x in lines if x.startswith("model name")), "")


if __name__ == "__main__":
    typer.run(speed)
