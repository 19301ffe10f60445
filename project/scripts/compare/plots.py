"""Tabulate and plot what `train.py` has found."""

from pathlib import Path
from typing import Annotated, Any

import matplotlib.pyplot as plt
import srsly
import typer
from matplotlib.figure import Figure

from scripts.shared.figures import STYLES, plot_speeds, save_figure
from scripts.shared.markdown_table import markdown_table, percent

Comparison = dict[str, Any]


def compare_plots(
    input_path: Annotated[Path, typer.Argument(help="JSON file of train.py")],
) -> None:
    """Write tables (Markdown) and a plot (PNG and SVG) beside the JSON file."""
    comparison = srsly.read_json(input_path)
    tables = [
        describe(comparison),
        heads_table(comparison),
        joined_table(comparison),
        labels_table(comparison),
    ]
    text = "\n".join(tables)
    input_path.with_suffix(".md").write_text(text, encoding="utf8")
    typer.echo(text, nl=False)
    save_figure(plot(comparison), input_path.with_suffix(""))


def describe(comparison: Comparison) -> str:
    """Say what was trained how, where and of which code."""
    runs = [run for head in comparison["heads"] for run in head["runs"]]
    machines = {_name_machine(run["machine"]) for run in runs}
    commits = {str(run["commit"]) for run in runs}
    speed = comparison["speed_measured"]
    seeds = ", ".join(map(str, comparison["seeds"]))
    learn_rate = comparison["learn_rate"]
    return (
        f"{comparison['dataset']}, encoder {comparison['encoder']}, "
        f"{comparison['budget']} a training, learning rate "
        f"{learn_rate or 'of the config'}, {comparison['docs']} docs, seeds {seeds}. "
        f"Scores on the test part in percent, strict, over all gold spans; mean and "
        f"standard deviation of the seeds. Trained on "
        f"{' and '.join(sorted(machines))}, commit "
        f"{' and '.join(sorted(commits))}; speed measured on "
        f"{_name_machine(speed['machine'])}, commit {speed['commit']}.\n"
    )


def _name_machine(machine: dict[str, Any]) -> str:
    versions = ", ".join(f"{p} {machine[p]}" for p in ("spacy", "thinc", "torch"))
    return (
        f"{machine['gpu'] or machine['processor']} ({machine['threads']} thread(s), "
        f"{versions})"
    )


def heads_table(comparison: Comparison) -> str:
    """Markdown table of scores, speed, size and cost, a row for each head."""
    rows = []
    for head in comparison["heads"]:
        speeds = head["words_per_second"]
        minutes = sum(run["minutes"] for run in head["runs"]) / len(head["runs"])
        rows.append(
            [
                head["recognizer"],
                *(percent(head["all"][measure]) for measure in "fpr"),
                f"{speeds['training']['median']:,.0f}",
                f"{speeds['prediction']['median']:,.0f}",
                f"{head['parameters']:,}",
                f"{minutes:.1f}",
                f"{head['dropout']:g}",
                f"{head['learns']}: {100 * head['learned']:.1f}",
                f"{100 * head['ceiling']:.1f}",
            ]
        )
    header = ["head", "F", "P", "R", "training words/s", "prediction words/s"]
    header += [
        "parameters",
        "minutes",
        "dropout",
        "learns, % of gold",
        "best F possible",
    ]
    return markdown_table(header, rows)


def joined_table(comparison: Comparison) -> str:
    """Markdown table of F by the number of test docs that are joined, a row for each
    head."""
    heads = comparison["heads"]
    numbers = list(heads[0]["joined"])
    rows = [
        [head["recognizer"], *(percent(head["joined"][n]["f"]) for n in numbers)]
        for head in heads
    ]
    return markdown_table(["F by docs joined", *numbers], rows)


def labels_table(comparison: Comparison) -> str:
    """Markdown table of F (P / R) in percent, a row for each label."""
    heads = comparison["heads"]
    rows = []
    for label, n_spans in sorted(comparison["labels"].items()):
        scores = [head["per_type"][label] for head in heads]
        cells = [
            f"{percent(s['f'])} ({percent(s['p'])} / {percent(s['r'])})" for s in scores
        ]
        rows.append([label, n_spans, *cells])
    names = [f"{head['recognizer']}: F (P / R)" for head in heads]
    return markdown_table(["label", "gold spans", *names], rows)


def plot(comparison: Comparison) -> Figure:
    """F of each head, its words per second in training and in prediction, and its F by
    the number of test docs that are joined."""
    figure, axes = plt.subplots(
        1, 4, figsize=(18, 4), width_ratios=(1, 1, 1, 0.8), layout="constrained"
    )
    heads = sorted(comparison["heads"], key=lambda head: head["all"]["f"]["mean"])
    for head in heads:
        name, f = head["recognizer"], head["all"]["f"]
        axes[0].errorbar(
            100 * f["mean"],
            name,
            xerr=100 * (f["sd"] or 0),
            fmt="o",
            color=STYLES[name]["color"],
        )
        axes[0].scatter(100 * head["ceiling"], name, marker="|", s=200, color="black")
    axes[0].grid(axis="x", alpha=0.3)
    axes[0].set_xlabel("F (mean; line: standard deviation; black: best possible)")
    axes[0].set_title("Test part")
    for ax, phase in zip(axes[1:3], ("training", "prediction"), strict=True):
        ax.sharey(axes[0])
        plot_speeds(
            ax, {head["recognizer"]: head["words_per_second"][phase] for head in heads}
        )
        ax.set_title(phase.capitalize())
        ax.tick_params(labelleft=False)
    for head in heads:
        f_by_number = {int(n): 100 * x["f"]["mean"] for n, x in head["joined"].items()}
        style = STYLES[head["recognizer"]]
        axes[3].plot(f_by_number.keys(), f_by_number.values(), marker="o", **style)
    axes[3].set_xscale("log")
    axes[3].set_xticks(list(f_by_number), list(map(str, f_by_number)))
    axes[3].grid(axis="y", alpha=0.3)
    axes[3].set_xlabel("test docs joined to one")
    axes[3].set_title("F by doc length")
    # Over all three: the name of a pretrained model can be long.
    figure.suptitle(f"{comparison['dataset']}, encoder {comparison['encoder']}")
    return figure


if __name__ == "__main__":
    typer.run(compare_plots)
