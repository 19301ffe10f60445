"""The page: one HTML file without anything from elsewhere."""

import base64
import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from .evaluation import Evaluation
from .examples import MARKS, render_context
from .heatmap import N_LABELS, N_TOKENS, make_heatmaps
from .plots import (
    plot_calibration,
    plot_groups,
    plot_thresholds,
    plot_training_loss,
    plot_training_scores,
)
from .results import Results, describe_left_out
from .statistics import Confusion

# The most labels in the confusion matrix of the page.
N_CONFUSED_LABELS = 20


def render_page(results: Results, evaluation: Evaluation) -> str:
    """Render the page.

    results (Results): The numbers.
    evaluation (Evaluation): The docs and spans that they are of.
    RETURNS (str): The HTML.
    """
    environment = Environment(
        loader=PackageLoader("spacy_egp", "report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["percent"] = lambda share: f"{100 * share:.1f}"
    environment.filters["count"] = lambda number: f"{number:,}"
    script = (files(__package__) / "page.js").read_text("utf8")
    digest = base64.b64encode(hashlib.sha256(script.encode("utf8")).digest()).decode()
    errors = results.errors.values()
    boundaries = results.boundaries.values()
    return environment.get_template("page.html").render(
        results=results,
        notes=describe_left_out(results),
        plots=_plots(results),
        confusion=_confusion_matrix(results.confusion),
        largest_boundary=max(max(ends.values()) for ends in boundaries),
        n_wrong=sum(numbers["wrong"] for numbers in errors),
        n_missed=sum(numbers["missed"] for numbers in errors),
        wrong_contexts=[render_context(evaluation, e) for e in results.wrong],
        missed_contexts=[render_context(evaluation, e) for e in results.missed],
        marks=MARKS,
        heatmaps=[asdict(heatmap) for heatmap in make_heatmaps(evaluation)],
        max_tokens=N_TOKENS,
        max_labels=N_LABELS,
        script=Markup(script),
        script_hash=f"sha256-{digest}",
    )


def _plots(results: Results) -> dict[str, Markup]:
    threshold = results.settings["threshold"]
    plots = {
        "thresholds": plot_thresholds(
            results.thresholds, threshold, results.best_threshold
        ),
        "calibration": plot_calibration(results.calibration),
        "lengths": plot_groups(results.lengths, "Tokens", "F by length"),
        "depths": plot_groups(results.depths, "Depth", "F by nesting depth"),
    }
    if results.seen is not None:
        title = "F of seen and unseen entities"
        plots["seen"] = plot_groups(results.seen, "Entity", title)
    if results.training:
        plots["training_scores"] = plot_training_scores(results.training)
        plots["training_loss"] = plot_training_loss(results.training)
    return plots


def _confusion_matrix(pairs: Sequence[Confusion]) -> dict[str, Any]:
    """Rows and columns of the labels with the most errors, and of None."""
    counts = {(pair.gold, pair.predicted): pair.count for pair in pairs}
    errors: Counter[str] = Counter()
    for (gold, predicted), count in counts.items():
        if gold != predicted:
            errors.update({label: count for label in (gold, predicted) if label})
    labels = [label for label, _ in errors.most_common(N_CONFUSED_LABELS)]
    names = [*sorted(labels), None]
    return {
        "names": names,
        "rows": [
            {
                "gold": gold,
                "counts": [counts.get((gold, name), 0) for name in names],
                "labels": [n for n in names if n == gold or (gold, n) in counts],
            }
            for gold in names
        ],
        "n_left_out": len(errors) - len(labels),
    }
