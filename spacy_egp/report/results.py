"""All numbers of a report."""

from collections.abc import Collection
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import numpy as np

from .evaluation import Counts, Evaluation
from .examples import ErrorExample, most_confident
from .statistics import (
    ERRORS,
    CalibrationBin,
    Confusion,
    Score,
    calibrate,
    calibration_error,
    classify_errors,
    confuse_labels,
    count_boundaries,
    find_best_threshold,
    score_depths,
    score_labels,
    score_lengths,
    score_overall,
    score_seen,
    score_thresholds,
)
from .training_log import Checkpoint

SETTINGS = ("spans_key", "threshold", "max_length", "within_sentences", "overlap")
PACKAGES = ("spacy-egp", "spacy", "thinc", "torch")


@dataclass(frozen=True)
class Results:
    """How good a component is on annotated docs, and where it fails.

    model (str): Name or path of the pipeline.
    component (str): Name of the component.
    data (str): Path of the annotated docs.
    settings (Dict[str, Any]): The component's settings.
    versions (Dict[str, str]): Versions of packages.
    counts (Counts): What was evaluated, and what was left out.
    overall (Score): The score of all spans.
    labels (Dict[str, Score]): Scores by label.
    thresholds (Dict[float, Score]): Overall scores by threshold.
    best_threshold (float): The one with the best F.
    lengths (Dict[str, Score]): Scores by number of tokens.
    depths (Dict[str, Score]): Scores by nesting depth.
    seen (Optional[Dict[str, Score]]): Scores of spans whose text is an entity of the
        training docs, and of others; None without training docs.
    errors (Dict[str, Dict[str, int]]): By what an error differs in from the closest
        error of the other side, the numbers of "wrong" and "missed" spans.
    confusion (List[Confusion]): Gold and predicted labels of equal boundaries.
    boundaries (Dict[str, Dict[str, int]]): Wrong boundaries by start and end.
    calibration (List[CalibrationBin]): Share of gold spans by probability.
    calibration_error (float): The mean difference of the two.
    wrong (List[ErrorExample]): The most confident wrong spans.
    missed (List[ErrorExample]): The most confident missed spans.
    training (Optional[List[Checkpoint]]): The evaluations during training; None
        without a training folder.
    """

    model: str
    component: str
    data: str
    settings: dict[str, Any]
    versions: dict[str, str]
    counts: Counts
    overall: Score
    labels: dict[str, Score]
    thresholds: dict[float, Score]
    best_threshold: float
    lengths: dict[str, Score]
    depths: dict[str, Score]
    seen: dict[str, Score] | None
    errors: dict[str, dict[str, int]]
    confusion: list[Confusion]
    boundaries: dict[str, dict[str, int]]
    calibration: list[CalibrationBin]
    calibration_error: float
    wrong: list[ErrorExample]
    missed: list[ErrorExample]
    training: list[Checkpoint] | None


def summarize(
    evaluation: Evaluation,
    *,
    model: str,
    data: str,
    entities: Collection[str] | None = None,
    training: list[Checkpoint] | None = None,
) -> Results:
    """Compute all numbers of a report.

    evaluation (Evaluation): The docs' gold and likely spans.
    model (str): Name or path of the pipeline.
    data (str): Path of the docs.
    entities (Collection[str] | None): Texts of the entities of the training docs.
    training (List[Checkpoint] | None): The evaluations during training.
    RETURNS (Results): The numbers.
    """
    spans, component = evaluation.spans, evaluation.component
    thresholds = score_thresholds(spans)
    calibration = calibrate(spans)
    kinds = classify_errors(spans)
    return Results(
        model=model,
        component=component.name,
        data=data,
        settings={name: component.cfg[name] for name in SETTINGS},
        versions={package: version(package) for package in PACKAGES},
        counts=evaluation.counts,
        overall=score_overall(spans),
        labels=score_labels(spans, evaluation.labels),
        thresholds=thresholds,
        best_threshold=find_best_threshold(thresholds),
        lengths=score_lengths(spans),
        depths=score_depths(spans),
        seen=None if entities is None else _score_seen(evaluation, entities),
        errors=_count_errors(evaluation, kinds),
        confusion=confuse_labels(spans, evaluation.labels),
        boundaries=count_boundaries(spans),
        calibration=calibration,
        calibration_error=calibration_error(calibration),
        wrong=most_confident(evaluation, spans.is_wrong, kinds),
        missed=most_confident(evaluation, spans.is_missed, kinds),
        training=training,
    )


def _score_seen(evaluation: Evaluation, entities: Collection[str]) -> dict[str, Score]:
    n_spans = len(evaluation.spans)
    is_seen = [evaluation.text(i) in entities for i in range(n_spans)]
    return score_seen(evaluation.spans, np.asarray(is_seen, dtype=bool))


def _count_errors(
    evaluation: Evaluation, kinds: dict[int, str]
) -> dict[str, dict[str, int]]:
    counts = {kind: {"wrong": 0, "missed": 0} for kind in ERRORS}
    for i, kind in kinds.items():
        counts[kind]["missed" if evaluation.spans.is_gold[i] else "wrong"] += 1
    return counts


def describe_left_out(results: Results) -> list[str]:
    """Say what was left out or could only be missed, for a person to act on.

    results (Results): The numbers.
    RETURNS (List[str]): Sentences, none if there is nothing to say.
    """
    counts, key = results.counts, results.settings["spans_key"]
    unknown = ", ".join(f"{k} ({n})" for k, n in counts.unknown_labels.most_common())
    sentences = {
        f"gold span(s) have labels that the component lacks, and count as missed: "
        f"{unknown}": counts.unknown_labels.total(),
        "duplicate gold span(s) count once": counts.duplicates,
        "predicted span(s) left out that do not fit the gold tokens": counts.unaligned,
        f"doc(s) left out that are not annotated: doc.spans has no key '{key}'": (
            counts.not_annotated
        ),
        **{
            f"gold span(s) {reason.description} count as missed": count
            for reason, count in counts.unpredictable.items()
        },
    }
    return [f"{count:,} {text}" for text, count in sentences.items() if count]
