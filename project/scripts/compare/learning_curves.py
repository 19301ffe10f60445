"""Train heads on more and more docs of a corpus: F by the number of training docs."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import matplotlib.pyplot as plt
import srsly
import typer
from matplotlib.figure import Figure
from tqdm import tqdm

from scripts.compare.run import Run
from scripts.compare.train import check_heads
from scripts.corpora.prepare import NameArg
from scripts.peers.recognizers import HEADS
from scripts.shared.figures import STYLES, save_figure
from scripts.shared.markdown_table import markdown_table, percent
from scripts.shared.measuring import commit, machine, mean_and_sd, use_device
from spacy_egp.corpora.writer import temporary_output

# F on the test part of each head by the number of training docs.
Curves = Mapping[str, Mapping[str, dict[str, float | None]]]


def learning_curves(
    dataset: NameArg,
    output_path: Annotated[Path, typer.Argument(help="JSON file to write")],
    encoder: Annotated[str, typer.Option(help="That of configs/egp_ENCODER.cfg")],
    heads: Annotated[
        str, typer.Option(help=f"Some of {','.join(HEADS)}", callback=check_heads)
    ],
    sizes: Annotated[str, typer.Option(help="Numbers of training docs")],
    seeds: Annotated[str, typer.Option(help="Random seeds, such as 0,1,2")],
    dropout: Annotated[float, typer.Option(help="Dropout rate")],
    steps: Annotated[int, typer.Option(help="Updates in a training")],
    gpu_id: Annotated[int, typer.Option(help="GPU to compute on, -1 for the CPU")] = -1,
) -> None:
    """Train and evaluate each head on the first docs of the training part, with each
    number of docs. Write a JSON file, and a table and a plot next to it.

    A finished training is not repeated.
    """
    use_device(gpu_id)
    runs = [
        Run(
            dataset=dataset,
            encoder=encoder,
            head=head,
            seed=seed,
            dropout=dropout,
            steps=steps,
            limit=size,
        )
        for size in map(int, sizes.split(","))
        for head in heads.split(",")
        for seed in map(int, seeds.split(","))
    ]
    scores: dict[str, dict[str, list[float]]] = {}
    for run in tqdm(runs, desc="Trainings", unit=" runs"):
        f = run.finish(gpu_id)["test"]["spans_sc_f"]
        of_head = scores.setdefault(HEADS[run.head], {})
        of_head.setdefault(str(run.limit), []).append(f)
    curves = {
        name: {size: mean_and_sd(fs) for size, fs in of_head.items()}
        for name, of_head in scores.items()
    }
    text = (
        f"{dataset}, encoder {encoder}, {steps} steps a training, dropout {dropout:g}, "
        f"seeds {seeds}: strict F in percent on the test part, over all gold spans, by "
        f"the number of training docs.\n\n{curves_table(curves)}"
    )
    output_path.parent.mkdir(parents=True, exist_ok=True)
    with temporary_output(output_path) as path:
        run_on = {**machine(), "commit": commit()}
        srsly.write_json(path, {"dataset": dataset, "curves": curves, "run": run_on})
        path.with_suffix(".md").write_text(text, encoding="utf8")
        save_figure(plot_curves(curves), path.with_suffix(""))
    typer.echo(text, nl=False)


def curves_table(curves: Curves) -> str:
    """RETURNS (str): Markdown, a row for each head."""
    sizes = list(next(iter(curves.values())))
    rows = [[name, *map(percent, of_head.values())] for name, of_head in curves.items()]
    return markdown_table(["head", *(f"{int(size):,}" for size in sizes)], rows)


def plot_curves(curves: Curves) -> Figure:
    """RETURNS (Figure): A line for each head."""
    figure, ax = plt.subplots(figsize=(6, 4), layout="constrained")
    for name, of_head in curves.items():
        sizes = list(map(int, of_head))
        values: list[Any] = [[f["mean"], f["sd"] or 0] for f in of_head.values()]
        mean, sd = ([100 * x for x in column] for column in zip(*values, strict=True))
        ax.errorbar(sizes, mean, yerr=sd, marker="o", label=name, **STYLES[name])
    ax.set_xscale("log")
    ax.set_xticks(sizes, [f"{size:,}" for size in sizes], minor=False)
    ax.minorticks_off()
    ax.grid(alpha=0.3)
    ax.set_xlabel("training docs")
    ax.set_ylabel("F on the test part (line: standard deviation)")
    ax.legend()
    return figure


if __name__ == "__main__":
    typer.run(learning_curves)
