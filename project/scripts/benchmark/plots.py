"""Plot what `measure.py` has measured."""

from typing import Any

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from scripts.shared.figures import STYLES, plot_speeds

Results = list[dict[str, Any]]

AXES = {
    "tokens": "tokens of one doc, 10 labels",
    "labels": "labels, one doc of 512 tokens",
    "docs": "docs of 20 tokens, 10 labels",
}


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
