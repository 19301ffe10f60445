"""Tabulate and plot what `compare.py` has found."""

from pathlib import Path
from typing import Annotated, Any

import matplotlib.pyplot as plt
import srsly
import typer
from figures import STYLES, plot_speeds, save_figure
from markdown_table import markdown_table
from matplotlib.figure import Figure

Comparison = dict[str, Any]


def compare_plots(
    input_path: Annotated[Path, typer.Argument(help="JSON file of compare.py")],
) -> None:
    """Write tables (Markdown) and a plot (PNG and SVG) beside the JSON file."""
    comparison = srsly.read_json(input_path)
    tables = [describe(comparison), heads_table(comparison), labels_table(comparison)]
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
        f"{learn_rate or 'of the config'}, seeds {seeds}. Scores on the test part in "
        f"percent, strict, over all gold spans; mean and standard deviation of the "
        f"seeds. Trained on {' and '.join(sorted(machines))}, commit "
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
                *(_percent(head["all"][measure]) for measure in "fpr"),
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


def labels_table(comparison: Comparison) -> str:
    """Markdown table of F (P / R) in percent, a row for each label."""
    heads = comparison["heads"]
    rows = []
    for label, n_spans in sorted(comparison["labels"].items()):
        scores = [head["per_type"][label] for head in heads]
        cells = [
            f"{_percent(s['f'])} ({_percent(s['p'])} / {_percent(s['r'])})"
            for s in scores
        ]
        rows.append([label, n_spans, *cells])
    names = [f"{head['recognizer']}: F (P / R)" for head in heads]
    return markdown_table(["label", "gold spans", *names], rows)


def _percent(score: dict[str, Any]) -> str:
    spread = "" if score["sd"] is None else f" ± {100 * score['sd']:.1f}"
    return f"{100 * score['mean']:.1f}{spread}"


def plot(comparison: Comparison) -> Figure:
    """F of each head, and its words per second in training and in prediction."""
    figure, axes = plt.subplots(
        1, 3, figsize=(14, 4), sharey=True, layout="constrained"
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
    for ax, phase in zip(axes[1:], ("training", "prediction"), strict=True):
        plot_speeds(
            ax, {head["recognizer"]: head["words_per_second"][phase] for head in heads}
        )
        ax.set_title(phase.capitalize())
    # Over all three: the name of a pretrained model can be long.
    figure.suptitle(f"{comparison['dataset']}, encoder {comparison['encoder']}")
    return figure


if __name__ == "__main__":
    typer.run(compare_plots)
