"""What the project's figures share: the look of each component, bars, files."""

from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

STYLES: dict[str, dict[str, Any]] = {
    "egp_ner": {"color": "#d62728", "linewidth": 2.5, "zorder": 3},
    "egp_ner, max_length 32": {"color": "#d62728", "linestyle": "--"},
    "egp_ner, within sentences": {"color": "#d62728", "linestyle": ":"},
    "egp_ner, loss by doc": {"color": "#e377c2"},
    "egp_ner, hidden biases": {"color": "#8c564b"},
    "egp_ner, GlobalPointer": {"color": "#ff9896"},
    "dense": {"color": "#7f7f7f"},
    "biaffine": {"color": "#ff7f0e"},
    "CRF": {"color": "#2ca02c"},
    "ner": {"color": "#9467bd"},
    "spancat 1-8": {"color": "#1f77b4"},
    "spancat 1-16": {"color": "#aec7e8"},
    "matrix product": {"color": "black", "linestyle": ":"},
    "tok2vec alone": {"color": "#c7c7c7"},
}


def plot_speeds(ax: Axes, speeds: dict[str, dict[str, float]]) -> None:
    """Draw words per second as bars.

    ax (Axes): Where to draw.
    speeds (Dict[str, Dict[str, float]]): Median, minimum and maximum, by the name of
        the component.
    """
    medians = [speed["median"] for speed in speeds.values()]
    below = [speed["median"] - speed["min"] for speed in speeds.values()]
    above = [speed["max"] - speed["median"] for speed in speeds.values()]
    colors = [STYLES[name]["color"] for name in speeds]
    ax.barh(list(speeds), medians, xerr=(below, above), color=colors, ecolor="#555555")
    ax.set_xlabel("words per second (median; line: slowest to fastest round)")


def save_figure(figure: Figure, path: Path) -> None:
    """Write a figure as PNG.

    figure (Figure): The figure.
    path (Path): Where to write, without the suffix.
    """
    figure.savefig(path.with_name(f"{path.name}.png"), dpi=110)
