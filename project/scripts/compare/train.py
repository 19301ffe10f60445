"""Compare heads on one corpus: same encoder, same budget, same seeds."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import spacy
import srsly
import typer
from spacy.language import Language
from spacy.tokens import Doc
from tqdm import tqdm

from scripts.benchmark.pipelines import prediction_speeds, training_speeds
from scripts.compare.run import Run
from scripts.corpora.prepare import NameArg, names_among, part_path
from scripts.documents.joined import summarize_joined
from scripts.peers.recognizers import HEADS, SPANS_KEY, learnable
from scripts.shared.measuring import commit, machine, mean_and_sd, portable, use_device
from spacy_egp.corpora.writer import temporary_output
from spacy_egp.docbins import read_docs

Result = dict[str, Any]
# Fewer than in the benchmark: a round over a transformer takes a minute.
N_ROUNDS = 3

check_heads = names_among(HEADS)


def compare(
    dataset: NameArg,
    output_path: Annotated[Path, typer.Argument(help="JSON file to write")],
    encoder: Annotated[str, typer.Option(help="That of configs/egp_ENCODER.cfg")],
    heads: Annotated[
        str, typer.Option(help=f"Some of {','.join(HEADS)}", callback=check_heads)
    ],
    seeds: Annotated[str, typer.Option(help="Random seeds, such as 0,1,2")],
    dropout: Annotated[
        str, typer.Option(help="Rate; of several, each head takes its best")
    ],
    steps: Annotated[int, typer.Option(help="Updates in a training")],
    minutes: Annotated[
        float, typer.Option(help="If not 0, minutes of a training instead of steps")
    ] = 0.0,
    transformer: Annotated[
        str, typer.Option(help="Pretrained model of a transformer encoder")
    ] = "",
    learn_rate: Annotated[
        float, typer.Option(help="If not 0, instead of the config's")
    ] = 0.0,
    docs: Annotated[
        str,
        typer.Option(
            help="Docs of the training: whole, sentences, pieces-N (tokens) or "
            "joined-N (half of them single, the others up to N in one)"
        ),
    ] = "whole",
    gpu_id: Annotated[int, typer.Option(help="GPU to compute on, -1 for the CPU")] = -1,
) -> None:
    """Train, score and measure each head, and write all figures to one JSON file.

    A finished training is not repeated: an interrupted comparison continues when it is
    started again.
    """
    use_device(gpu_id)
    names = heads.split(",")
    rates = [float(rate) for rate in dropout.split(",")]
    seed, *other_seeds = [int(seed) for seed in seeds.split(",")]
    first = Run(
        dataset=dataset,
        encoder=encoder,
        head=names[0],
        seed=seed,
        dropout=rates[0],
        steps=steps,
        minutes=minutes,
        transformer=transformer,
        learn_rate=learn_rate,
        docs=docs,
    )
    n_runs = len(names) * (len(rates) + len(other_seeds))
    with tqdm(total=n_runs, desc="Trainings", unit=" runs") as progress_bar:
        finish = partial(finish_run, gpu_id, progress_bar)
        results = [
            train_head(replace(first, head=head), rates, other_seeds, finish)
            for head in names
        ]
    train_docs, test_docs = (docs_of(dataset, part) for part in ("train", "test"))
    pipelines = {result["head"]: spacy.load(result["model"]) for result in results}
    training = training_speeds(pipelines, train_docs, N_ROUNDS)
    prediction = prediction_speeds(pipelines, test_docs, N_ROUNDS)
    for result in results:
        head = result["head"]
        result["learns"] = learnable(HEADS[head]).description
        result["learned"] = coverage(head, train_docs)
        # The score if the head finds all spans that it can, with a precision of 1.
        recall = coverage(head, test_docs)
        result["ceiling"] = 2 * recall / (1 + recall)
        result["parameters"] = count_parameters(pipelines[head])
        result["words_per_second"] = {
            "training": training[head],
            "prediction": prediction[head],
        }
    comparison = {
        "dataset": dataset,
        "encoder": f"{encoder} ({portable(transformer)})"
        if "trf" in encoder
        else encoder,
        "budget": first.budget,
        "learn_rate": learn_rate,
        "docs": docs,
        "seeds": [seed, *other_seeds],
        "labels": Counter(s.label_ for doc in test_docs for s in doc.spans[SPANS_KEY]),
        "heads": results,
        "speed_measured": {"machine": machine(), "commit": commit()},
    }
    output_path.parent.mkdir(parents=True, exist_ok=True)
    with temporary_output(output_path) as path:
        srsly.write_json(path, comparison)


def finish_run(gpu_id: int, progress_bar: tqdm, run: Run) -> Result:
    """Train and evaluate unless that is done already, and show it."""
    progress_bar.set_postfix_str(str(run.folder))
    result = run.finish(gpu_id)
    progress_bar.write(
        f"{run.folder.name}: dev F {100 * result['dev']['spans_sc_f']:.1f}, "
        f"test F {100 * result['test']['spans_sc_f']:.1f}, "
        f"{result['minutes']:.1f} minutes"
    )
    progress_bar.update()
    return result


def train_head(
    run: Run,
    rates: list[float],
    other_seeds: list[int],
    finish: Callable[[Run], Result],
) -> Result:
    """Train with each dropout rate, and with the best of them from the other seeds.

    run (Run): The head's first training.
    rates (List[float]): The dropout rates.
    other_seeds (List[int]): Seeds in addition to that of the first training.
    finish (Callable): Trains and evaluates.
    RETURNS (Dict[str, Any]): Results of the trainings with the best rate, with mean
        and standard deviation of the scores.
    """
    trials = [replace(run, dropout=rate) for rate in rates]
    results = {trial: finish(trial) for trial in trials}
    dev_f = {trial: results[trial]["dev"]["spans_sc_f"] for trial in trials}
    best = max(trials, key=dev_f.__getitem__)
    runs = [results[best], *(finish(replace(best, seed=seed)) for seed in other_seeds)]
    scores = [result["test"] for result in runs]
    return {
        "head": run.head,
        "recognizer": HEADS[run.head],
        "dropout": best.dropout,
        "dev_f_by_dropout": {str(trial.dropout): dev_f[trial] for trial in trials},
        "model": str(best.model_path),
        "runs": runs,
        "joined": summarize_joined([result["joined"] for result in runs]),
        "all": {m: mean_and_sd(s[f"spans_sc_{m}"] for s in scores) for m in "fpr"},
        "per_type": {
            label: {
                m: mean_and_sd(s["spans_sc_per_type"][label][m] for s in scores)
                for m in "fpr"
            }
            # A label that is only predicted is not in all scores.
            for label in set.intersection(
                *(set(s["spans_sc_per_type"]) for s in scores)
            )
        },
    }


def coverage(head: str, docs: list[Doc]) -> float:
    """Share of the gold spans of docs that a head can learn and predict.

    head (str): Name in `HEADS`.
    docs (List[Doc]): The docs.
    RETURNS (float): The share, from 0 to 1.
    """
    groups = [doc.spans[SPANS_KEY] for doc in docs]
    learned = map(learnable(HEADS[head]).select, groups)
    return sum(map(len, learned)) / sum(map(len, groups))


def count_parameters(nlp: Language) -> int:
    """RETURNS (int): The parameters of a pipeline's head, without those of the encoder
    that it listens to."""
    head: Any = nlp.get_pipe(nlp.pipe_names[-1])
    layers = head.model.walk()
    return sum(layer.get_param(n).size for layer in layers for n in layer.param_names)


def docs_of(dataset: str, part: str) -> list[Doc]:
    """RETURNS (List[Doc]): The docs of a part of a corpus."""
    vocab = spacy.blank("xx").vocab
    return list(read_docs(part_path(dataset, part), vocab))


if __name__ == "__main__":
    typer.run(compare)
