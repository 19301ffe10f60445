"""The plots of the report: SVG for inclusion in the page, in the page's colors."""

import io
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import matplotlib
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator

from .statistics import CalibrationBin, Score
from .training_log import Checkpoint

# matplotlib needs fixed colors; the page has one each for light and dark mode.
COLORS = {
    "#000001": "var(--ink)",
    "#000002": "var(--muted)",
    "#000003": "var(--line)",
    "#000004": "var(--accent)",
    "#000005": "var(--second)",
    "#000006": "var(--third)",
}
INK, MUTED, LINE, ACCENT, SECOND, THIRD = COLORS
STYLE: dict[Any, Any] = {
    "axes.edgecolor": LINE,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "axes.labelcolor": MUTED,
    "axes.spines.left": False,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "font.size": 10,
    "grid.color": LINE,
    "legend.frameon": False,
    "legend.labelcolor": INK,
    "lines.linewidth": 1.8,
    "svg.fonttype": "none",
    # The same numbers give the same file.
    "svg.hashsalt": "spacy-egp",
    "text.color": INK,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "ytick.left": False,
}


# Precision, recall and F: name, color and dashes, to be told apart without colors.
MEASURES = {
    "p": ("Precision", SECOND, "--"),
    "r": ("Recall", THIRD, ":"),
    "f": ("F", ACCENT, "-"),
}


@matplotlib.rc_context(STYLE)
def plot_thresholds(
    scores: Mapping[float, Score], thresholds: Collection[float], best: float
) -> Markup:
    """Plot precision, recall and F by threshold.

    scores (Mapping[float, Score]): The scores by threshold.
    thresholds (Collection[float]): The component's threshold, or those of its labels.
    best (float): The threshold with the best F.
    RETURNS (Markup): The plot.
    """
    figure = Figure(figsize=(5, 2.7))
    axes = figure.subplots()
    _plot_measures(axes, list(scores), list(scores.values()))
    for threshold in thresholds:
        axes.axvline(threshold, color=MUTED, linewidth=1)
    axes.plot([best], [scores[best].f], "o", color=ACCENT, markersize=8)
    axes.set(xlabel="Threshold (line: the component's, dot: the best F)", xlim=(0, 1))
    _zoom(axes, scores.values())
    return _to_svg(figure, "thresholds", "Precision, recall and F by threshold")


@matplotlib.rc_context(STYLE)
def plot_groups(scores: Mapping[str, Score], name: str, title: str) -> Markup:
    """Plot F of groups of spans.

    scores (Mapping[str, Score]): The scores by group.
    name (str): What the groups are.
    title (str): The plot's title.
    RETURNS (Markup): The plot.
    """
    figure = Figure(figsize=(4, 2.4))
    axes = figure.subplots()
    bars = axes.bar(list(scores), [score.f for score in scores.values()], color=ACCENT)
    axes.bar_label(bars, [f"{100 * score.f:.0f}" for score in scores.values()])
    axes.set(xlabel=name, ylim=(0, 1.1))
    # Few bars are no wider than those of five groups.
    margin = max(len(scores), 5) / 2
    center = (len(scores) - 1) / 2
    axes.set_xlim(center - margin, center + margin)
    axes.yaxis.set_major_locator(FixedLocator([0, 0.5, 1]))
    return _to_svg(figure, name, title)


@matplotlib.rc_context(STYLE)
def plot_joined(scores: Mapping[int, Score]) -> Markup:
    """Plot precision, recall and F by the number of docs that are joined.

    scores (Mapping[int, Score]): The scores by number.
    RETURNS (Markup): The plot.
    """
    figure = Figure(figsize=(4, 2.4))
    axes = figure.subplots()
    names = list(map(str, scores))
    _plot_measures(axes, range(len(names)), list(scores.values()), marker="o")
    _zoom(axes, scores.values())
    axes.set_xticks(range(len(names)), names)
    axes.set(xlabel="Joined docs")
    return _to_svg(figure, "joined", "Precision, recall and F by docs joined")


@matplotlib.rc_context(STYLE)
def plot_calibration(bins: Sequence[CalibrationBin], few: int) -> Markup:
    """Plot the share of gold spans by probability, with the numbers of spans.

    bins (Sequence[CalibrationBin]): The ranges of probabilities.
    few (int): Ranges with fewer spans are drawn as hints.
    RETURNS (Markup): The plot.
    """
    figure = Figure(figsize=(5, 2.7))
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], "--", color=MUTED, linewidth=1)
    axes.bar(
        [one.lower for one in bins],
        [one.gold for one in bins],
        width=[one.upper - one.lower for one in bins],
        align="edge",
        color=LINE,
    )
    for one in bins:
        axes.plot(
            [one.probability],
            [one.gold],
            "o",
            color=ACCENT,
            markerfacecolor=ACCENT if one.count >= few else "none",
            clip_on=False,
        )
        center = (one.lower + one.upper) / 2
        axes.text(center, 1.06, f"{one.count:,}", ha="center", fontsize=7, color=MUTED)
    axes.set(xlabel="Probability", ylabel="Share of gold spans", xlim=(0, 1))
    axes.set_ylim(0, 1.04)
    return _to_svg(figure, "calibration", "Share of gold spans by probability")


@matplotlib.rc_context(STYLE)
def plot_training_scores(checkpoints: Sequence[Checkpoint]) -> Markup:
    """Plot precision, recall and F by training step.

    checkpoints (Sequence[Checkpoint]): The evaluations of a training run.
    RETURNS (Markup): The plot.
    """
    figure = Figure(figsize=(5, 2.7))
    axes = figure.subplots()
    _plot_measures(axes, [checkpoint.step for checkpoint in checkpoints], checkpoints)
    axes.set(xlabel="Step")
    title = "Scores on the development docs by training step"
    return _to_svg(figure, "training-scores", title)


@matplotlib.rc_context(STYLE)
def plot_training_loss(checkpoints: Sequence[Checkpoint]) -> Markup:
    """Plot the loss by training step.

    checkpoints (Sequence[Checkpoint]): The evaluations of a training run.
    RETURNS (Markup): The plot.
    """
    figure = Figure(figsize=(5, 2.7))
    axes = figure.subplots()
    steps = [checkpoint.step for checkpoint in checkpoints]
    axes.plot(steps, [checkpoint.loss for checkpoint in checkpoints], color=ACCENT)
    axes.set(xlabel="Step", ylabel="Mean loss of a step")
    axes.set_ylim(bottom=0)
    return _to_svg(figure, "training-loss", "Loss by training step")


def _plot_measures(
    axes: Axes,
    x: Sequence[float],
    scores: Sequence[Score] | Sequence[Checkpoint],
    marker: str = "",
) -> None:
    for name, (label, color, dashes) in MEASURES.items():
        y = [getattr(score, name) for score in scores]
        axes.plot(x, y, dashes, color=color, label=label, marker=marker)
    axes.set_ylim(0, 1.04)
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=3)


def _zoom(axes: Axes, scores: Iterable[Score]) -> None:
    """Limit the axis to the scores that occur: good models have flat curves near 1."""
    least = min(min(score.p, score.r, score.f) for score in scores)
    margin = 0.04 * max(1 - least, 0.01)
    axes.set_ylim(least - margin, 1 + margin)


def _to_svg(figure: Figure, name: str, title: str) -> Markup:
    """The figure as an SVG element, whose ids begin with the name."""
    file = io.StringIO()
    figure.set_layout_engine("constrained")
    no_metadata = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    figure.savefig(file, format="svg", transparent=True, metadata=no_metadata)
    svg = file.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r'( id="|href="#|url\(#)', rf"\1{name}-", svg)
    svg = re.sub("|".join(COLORS), lambda match: COLORS[match[0]], svg)
    return Markup(svg.replace("<svg", f'<svg role="img" aria-label="{title}"', 1))
