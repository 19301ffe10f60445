"""The page: one self-contained HTML file of bounded size."""

import base64
import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from importlib.resources import files
from itertools import islice
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from .comparison import describe_comparison
from .doc_lengths import MAX_JOINED_TOKENS
from .examples import CHARACTERS_OF_LABEL, MARKS, shorten
from .heatmap import MAX_LABELS, MAX_TOKENS
from .plots import (
    plot_calibration,
    plot_groups,
    plot_joined,
    plot_thresholds,
    plot_training_loss,
    plot_training_scores,
)
from .results import (
    Findings,
    Results,
    describe_joined,
    describe_left_out,
)
from .statistics import Confusion

# The most labels in the table and the filter of the page, and in its confusion matrix.
MAX_LISTED_LABELS = 500
MAX_CONFUSED_LABELS = 20
# Rows of each table of what may be wrong with the annotation, and readings of a string.
MAX_FAULTS = 50
MAX_READINGS = 5
# Bins of the calibration with fewer spans are only hints.
N_FEW = 20


def render_page(findings: Findings) -> str:
    """Render the page.

    findings (Findings): The numbers, contexts and scores.
    RETURNS (str): The HTML.
    """
    results = findings.results
    environment = Environment(
        loader=PackageLoader("spacy_egp", "report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["percent"] = lambda share: f"{100 * share:.1f}"
    environment.filters["count"] = lambda number: f"{number:,}"
    environment.filters["label"] = partial(shorten, max_characters=CHARACTERS_OF_LABEL)
    label_ids = {label: i for i, label in enumerate(results.labels)}
    environment.filters["label_id"] = label_ids.__getitem__
    script = (files(__package__) / "page.js").read_text("utf8")
    digest = base64.b64encode(hashlib.sha256(script.encode("utf8")).digest()).decode()
    errors = results.errors.values()
    joined = describe_joined(results)
    comparison = results.comparison
    return environment.get_template("page.html").render(
        results=results,
        notes=([joined] if joined else []) + describe_left_out(results),
        plots=_plots(results),
        comparison=comparison and describe_comparison(comparison),
        changes=dict(islice(comparison.labels.items(), MAX_LISTED_LABELS))
        if comparison
        else {},
        labels=dict(islice(results.labels.items(), MAX_LISTED_LABELS)),
        confusion=_confusion_matrix(results.confusion),
        n_wrong=sum(numbers["wrong"] for numbers in errors),
        n_missed=sum(numbers["missed"] for numbers in errors),
        wrong_contexts=findings.wrong,
        missed_contexts=findings.missed,
        marks=MARKS,
        heatmaps=[asdict(heatmap) for heatmap in findings.heatmaps],
        max_tokens=MAX_TOKENS,
        max_labels=MAX_LABELS,
        few=N_FEW,
        max_faults=MAX_FAULTS,
        max_readings=MAX_READINGS,
        max_joined_tokens=MAX_JOINED_TOKENS,
        script=Markup(script),
        script_hash=f"sha256-{digest}",
    )


def _plots(results: Results) -> dict[str, Markup]:
    threshold = results.settings["threshold"]
    plots = {
        "thresholds": plot_thresholds(
            results.thresholds,
            set(threshold.values()) if isinstance(threshold, dict) else {threshold},
            results.best_threshold,
        ),
        "calibration": plot_calibration(results.calibration, N_FEW),
        "lengths": plot_groups(results.lengths, "Tokens", "F by length"),
        "depths": plot_groups(results.depths, "Depth", "F by nesting depth"),
        "docs": plot_groups(
            {group: one.score for group, one in results.docs.items()},
            "Tokens of the doc",
            "F by tokens of the doc",
        ),
    }
    if len(results.joined) > 1:
        plots["joined"] = plot_joined(
            {number: one.score for number, one in results.joined.items()}
        )
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
    labels = [label for label, _ in errors.most_common(MAX_CONFUSED_LABELS)]
    names = [*sorted(labels), None]
    return {
        "names": names,
        "rows": [
            {
                "gold": gold,
                "counts": [counts.get((gold, name), 0) for name in names],
                "labels": [n for n in labels if n == gold or (gold, n) in counts],
            }
            for gold in names
        ],
        "n_left_out": len(errors) - len(labels),
    }
