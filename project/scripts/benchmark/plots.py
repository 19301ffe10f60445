"""Plot what `measure.py` has measured, and tabulate batches and blocks."""

from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Annotated, Any

import matplotlib.pyplot as plt
import srsly
import typer
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from scripts.shared.figures import STYLES, plot_speeds, save_figure
from scripts.shared.markdown_table import markdown_table

Results = list[dict[str, Any]]

AXES = {
    "tokens": "tokens of one doc, 10 labels",
    "labels": "labels, one doc of 512 tokens",
    "docs": "docs of 20 tokens, 10 labels",
}


def benchmark_plots(
    input_path: Annotated[Path, typer.Argument(help="JSON file of measure.py")],
) -> None:
    """Write plots (PNG and SVG) and tables (Markdown) beside the JSON file."""
    results = srsly.read_json(input_path)
    heads = [result for result in results["heads"] if "given_up" not in result]
    figures = {
        "pipelines": plot_pipelines(results["pipelines"]),
        "training": plot_heads(heads, "training"),
        "prediction": plot_heads(heads, "prediction"),
    }
    for name, figure in figures.items():
        save_figure(figure, input_path.with_name(f"{input_path.stem}-{name}"))
    tables = f"{batches_table(results['heads'])}\n{blocks_table(heads)}"
    input_path.with_suffix(".md").write_text(tables, encoding="utf8")


def plot_pipelines(results: Results) -> Figure:
    """Bars of words per second, in training and in prediction."""
    figure, axes = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
    for ax, phase in zip(axes, ("training", "prediction"), strict=True):
        of_phase = [result for result in results if result["phase"] == phase]
        of_phase.sort(key=lambda result: result["words_per_second"]["median"])
        plot_speeds(ax, {r["pipeline"]: r["words_per_second"] for r in of_phase})
        ax.set_title(f"Whole pipelines: {phase}")
    return figure


def plot_heads(results: Results, phase: str) -> Figure:
    """Time and memory of the heads alone against each axis."""
    figure, grid = plt.subplots(2, len(AXES), figsize=(13, 7.5), layout="constrained")
    for (time_ax, memory_ax), (axis, title) in zip(grid.T, AXES.items(), strict=True):
        of_axis = [r for r in results if (r["axis"], r["phase"]) == (axis, phase)]
        for head in STYLES:
            points = [result for result in of_axis if result["head"] == head]
            sizes = [result[axis] for result in points]
            seconds = [result["seconds"] for result in points]
            megabytes = [max(result["memory_mb"], 0.1) for result in points]
            style = {"marker": "o", "markersize": 4, "label": head, **STYLES[head]}
            time_ax.plot(sizes, [s["median"] for s in seconds], **style)
            time_ax.fill_between(
                sizes,
                [s["min"] for s in seconds],
                [s["max"] for s in seconds],
                color=STYLES[head]["color"],
                alpha=0.15,
            )
            memory_ax.plot(sizes, megabytes, **style)
        _label(time_ax, title, "seconds")
        _label(memory_ax, title, "growth of peak memory, MB")
    lines, names = grid[0, 0].get_legend_handles_labels()
    shown = [
        (x, name) for x, name in zip(lines, names, strict=True) if len(x.get_xdata())
    ]
    figure.legend(*zip(*shown, strict=True), loc="outside lower center", ncols=5)
    figure.suptitle(
        f"The heads alone: {phase}. A line ends where a step takes seconds, or "
        "does not fit in memory"
    )
    return figure


def _label(ax: Axes, x: str, y: str) -> None:
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_xlabel(x)
    ax.set_ylabel(y)
    ax.grid(alpha=0.3)


def batches_table(results: Results) -> str:
    """Markdown table of time and memory of each batch, `egp_ner` beside the others."""
    rows = []
    batches = [result for result in results if result["axis"] == "batches"]
    by_batch = itemgetter("phase", "docs", "tokens", "labels")
    for (phase, *size), group in groupby(batches, key=by_batch):
        same_size = list(group)
        ours = same_size[0]
        for result in same_size:
            cells = [" x ".join(map(str, size)), phase, result["head"]]
            rows.append([*cells, *_figures(result, ours)])
    return markdown_table(
        ["docs x tokens x labels", "phase", "head", "ms (min-max)", "MB", "/ egp_ner"],
        rows,
    )


def blocks_table(results: Results) -> str:
    """Markdown table of time and memory of `egp_ner` by the pairs in a block."""
    rows = []
    for result in results:
        if result["axis"] == "pairs_per_block":
            size = f"{result['pairs_per_block']:,}"
            rows.append([size, result["phase"], *_figures(result, result)[:2]])
    return markdown_table(["pairs per block", "phase", "ms (min-max)", "MB"], rows)


def _figures(result: dict[str, Any], ours: dict[str, Any]) -> list[str]:
    if "given_up" in result:
        return [f"given up: {result['given_up']}", "", ""]
    median, least, most = (1000 * x for x in result["seconds"].values())
    ratio = result["seconds"]["median"] / ours["seconds"]["median"]
    return [
        f"{median:.1f} ({least:.1f}-{most:.1f})",
        f"{result['memory_mb']:.0f}",
        "" if result is ours else f"{ratio:.1f}x",
    ]


if __name__ == "__main__":
    typer.run(benchmark_plots)
