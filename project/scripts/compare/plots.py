"""Plot what `train.py` has found."""

from typing import Any

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from scripts.shared.figures import STYLES, plot_speeds


def plot(comparison: dict[str, Any]) -> Figure:
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
    # Above all three plots: the name of a pretrained model can be long.
    figure.suptitle(f"{comparison['dataset']}, encoder {comparison['encoder']}")
    return figure
