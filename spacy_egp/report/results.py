"""All numbers of a report."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from functools import reduce
from importlib.metadata import version
from operator import add
from typing import Any, TypeVar, cast

import numpy as np
from spacy.language import Language
from spacy.training import Example

from ..checks.check import Result
from ..component import EGPRecognizer
from ..decoding import SPANS_PER_DOC, SPANS_PER_TOKEN
from ..errors import Errors
from .comparison import Comparison
from .doc_lengths import DOC_LENGTHS, DocScore, score_docs, score_joined
from .evaluation import Counts, Evaluation, evaluate
from .examples import (
    CHARACTERS_OF_LABEL,
    Context,
    ErrorExample,
    MostProbable,
    shorten,
)
from .heatmap import Heatmap, Sentences
from .statistics import (
    DEPTHS,
    LENGTHS,
    CalibrationBin,
    Confusion,
    ErrorKind,
    Score,
    add_up,
    calibrate,
    calibration_error,
    classify_errors,
    confuse_labels,
    count_errors,
    explain_alone,
    find_best_threshold,
    macro_average,
    name_groups,
    score_depths,
    score_labels,
    score_lengths,
    score_relaxed,
    score_seen,
    score_thresholds,
)
from .texts import Texts
from .training_log import Checkpoint
from .tuning import LabelThreshold, count_spans, suggest_thresholds

SETTINGS = (
    "spans_key",
    "threshold",
    "max_length",
    "learned_length",
    "within_sentences",
    "overlap",
)
PACKAGES = ("spacy-egp", "spacy", "thinc", "torch")
# A larger loss of F on joined docs is reported in the notes.
LOSS_OF_F = 0.02
# Labels that a note lists.
MAX_NAMED = 10

_T = TypeVar("_T")


@dataclass(frozen=True)
class Results:
    """How good a component is on annotated docs, and where it fails.

    date (str): Day of the evaluation (UTC).
    model (str): Name or path of the pipeline.
    pipeline (Dict[str, str]): The pipeline's name, version and language.
    component (str): Name of the component.
    data (str): Path of the annotated docs.
    settings (Dict[str, Any]): The component's settings.
    architecture (str): The name of its model.
    versions (Dict[str, str]): Versions of packages.
    counts (Counts): What was evaluated, and what was left out.
    overall (Score): The score of all spans.
    macro_f (float): The mean F of the labels that have gold spans.
    relaxed (Dict[str, Score]): Less strict scores: "exact", "partial" and "type".
    labels (Dict[str, Score]): Scores by label, frequent ones first.
    thresholds (Dict[float, Score]): Overall scores by threshold.
    best_threshold (float): The one with the best F.
    label_thresholds (Dict[str, LabelThreshold]): The thresholds by label with the best
        F of all spans, frequent labels first: what `spacy egp threshold --by-label`
        would choose among these thresholds.
    lengths (Dict[str, Score]): Scores by number of tokens.
    depths (Dict[str, Score]): Scores by nesting depth.
    docs (Dict[str, DocScore]): Scores by tokens of the doc.
    joined (Dict[int, DocScore]): Scores by the number of consecutive docs that are
        joined into one.
    seen (Optional[Dict[str, Score]]): Scores of spans whose text is an entity of the
        training docs, and of others; None without training docs.
    errors (Dict[ErrorKind, Dict[str, int]]): The numbers of "wrong" and "missed" spans
        by kind of error.
    confusion (List[Confusion]): Gold and predicted labels of spans with equal
        boundaries.
    calibration (List[CalibrationBin]): Share of gold spans by probability.
    calibration_error (float): The mean difference of the two.
    wrong (List[ErrorExample]): The most probable wrong spans.
    missed (List[ErrorExample]): The most probable missed spans.
    training (Optional[List[Checkpoint]]): The evaluations during training; None
        without a training folder.
    comparison (Optional[Comparison]): What changes from another pipeline to this one;
        None without another one.
    annotation (Optional[Result]): What may be wrong with the gold spans; None if they
        were not checked.
    """

    date: str
    model: str
    pipeline: dict[str, str]
    component: str
    data: str
    settings: dict[str, Any]
    architecture: str
    versions: dict[str, str]
    counts: Counts
    overall: Score
    macro_f: float
    relaxed: dict[str, Score]
    labels: dict[str, Score]
    thresholds: dict[float, Score]
    best_threshold: float
    label_thresholds: dict[str, LabelThreshold]
    lengths: dict[str, Score]
    depths: dict[str, Score]
    docs: dict[str, DocScore]
    joined: dict[int, DocScore]
    seen: dict[str, Score] | None
    errors: dict[ErrorKind, dict[str, int]]
    confusion: list[Confusion]
    calibration: list[CalibrationBin]
    calibration_error: float
    wrong: list[ErrorExample]
    missed: list[ErrorExample]
    training: list[Checkpoint] | None
    comparison: Comparison | None
    annotation: Result | None

    def to_dict(self) -> dict[str, Any]:
        """RETURNS (Dict[str, Any]): All numbers and lists, for JSON."""
        # asdict does not copy Counters correctly.
        return {
            **asdict(replace(self, annotation=None)),
            "counts": vars(self.counts),
            "annotation": self.annotation and self.annotation.to_dict(),
        }


@dataclass(frozen=True)
class Findings:
    """The numbers, and what the page shows beside them.

    results (Results): The numbers.
    wrong (List[Context]): The contexts of `results.wrong`.
    missed (List[Context]): Those of `results.missed`.
    heatmaps (List[Heatmap]): Scores of a few sentences.
    """

    results: Results
    wrong: list[Context]
    missed: list[Context]
    heatmaps: list[Heatmap]


def find_results(
    nlp: Language,
    name: str,
    read_examples: Callable[[], Iterable[Example]],
    *,
    model: str,
    data: str,
    texts: Texts,
    training: list[Checkpoint] | None = None,
    comparison: Comparison | None = None,
    annotation: Result | None = None,
) -> Findings:
    """Compute all numbers of a report in bounded memory, however many docs and spans
    there are.

    nlp (Language): The pipeline.
    name (str): Name of its `egp_ner`.
    read_examples (Callable[[], Iterable[Example]]): Reads the annotated docs, each time
        from the start.
    model (str): Name or path of the pipeline.
    data (str): Path of the docs.
    texts (Texts): The texts of entities.
    training (List[Checkpoint] | None): The evaluations during training.
    comparison (Comparison | None): What changes from another pipeline to this one.
    annotation (Result | None): What may be wrong with the gold spans.
    RETURNS (Findings): The numbers and what the page shows.
    RAISES (ValueError): If no doc has the component's spans key.
    """
    component = cast(EGPRecognizer, nlp.get_pipe(name))
    tally = _Tally(component, texts)
    for evaluation in evaluate(nlp, name, read_examples()):
        tally.add(evaluation)
    if not tally.counts.docs:
        error = Errors.EGP304 if tally.counts.not_annotated else Errors.EGP307
        raise ValueError(
            error.format(
                n_docs=tally.counts.not_annotated,
                spans_key=component.key,
                name=name,
                path=data,
            )
        )
    by_support = sorted(tally.labels.items(), key=lambda item: -item[1].support)
    by_label = suggest_thresholds(
        tally.spans, np.asarray(list(tally.thresholds)), component.labels
    )
    calibration = [one for _, one in sorted(tally.calibration.items())]
    all_docs = reduce(add, tally.docs.values())
    results = Results(
        date=datetime.now(UTC).date().isoformat(),
        model=model,
        pipeline={key: str(nlp.meta[key]) for key in ("name", "version", "lang")},
        component=component.name,
        data=data,
        settings={setting: component.cfg[setting] for setting in SETTINGS},
        architecture=_name_architecture(nlp, name),
        versions={package: version(package) for package in PACKAGES},
        counts=tally.counts,
        overall=all_docs.score,
        macro_f=macro_average(tally.labels.values()),
        relaxed=tally.relaxed,
        labels=dict(by_support),
        thresholds=tally.thresholds,
        best_threshold=find_best_threshold(tally.thresholds),
        label_thresholds={
            label: by_label[label] for label, _ in by_support if label in by_label
        },
        lengths=_name(tally.lengths, LENGTHS),
        depths=_name(tally.depths, DEPTHS),
        docs=_name(tally.docs, DOC_LENGTHS),
        joined={1: all_docs, **score_joined(nlp, name, read_examples, all_docs)},
        seen=None if texts.train_entities is None else tally.seen,
        errors={
            kind: {side: tally.errors[kind, side] for side in ("wrong", "missed")}
            for kind in ErrorKind
        },
        confusion=[
            Confusion(gold, predicted, count)
            for (gold, predicted), count in tally.confusion.most_common()
        ],
        calibration=calibration,
        calibration_error=calibration_error(calibration),
        wrong=tally.wrong.examples,
        missed=tally.missed.examples,
        training=training,
        comparison=comparison,
        annotation=annotation,
    )
    return Findings(
        results,
        tally.wrong.contexts,
        tally.missed.contexts,
        tally.sentences.make_heatmaps(),
    )


def _name_architecture(nlp: Language, name: str) -> str:
    """The words of the model's registered name: "Efficient GlobalPointer"."""
    registered = nlp.get_pipe_config(name)["model"]["@architectures"]
    short = registered.removeprefix("spacy-egp.").rsplit(".v", 1)[0]
    return short.replace("EfficientGlobal", "Efficient Global")


class _Tally:
    """Adds up the results of parts of the docs.

    component (EGPRecognizer): The component.
    texts (Texts): The texts of entities.
    """

    def __init__(self, component: EGPRecognizer, texts: Texts) -> None:
        self.texts = texts
        self.counts = Counts()
        self.labels: dict[str, Score] = {}
        self.relaxed: dict[str, Score] = {}
        self.thresholds: dict[float, Score] = {}
        self.spans = np.zeros((1, 1, 1, 1), dtype="int64")
        self.lengths: dict[int, Score] = {}
        self.depths: dict[int, Score] = {}
        self.docs: dict[int, DocScore] = {}
        self.seen: dict[str, Score] = {}
        self.calibration: dict[int, CalibrationBin] = {}
        self.errors: Counter[tuple[str, str]] = Counter()
        self.confusion: Counter[tuple[str | None, str | None]] = Counter()
        self.wrong = MostProbable()
        self.missed = MostProbable()
        self.sentences = Sentences(component)

    def add(self, evaluation: Evaluation) -> None:
        """Add the next docs."""
        spans = evaluation.spans
        texts = self.texts.look_up(evaluation)
        kinds = explain_alone(
            classify_errors(spans), texts.is_elsewhere, texts.is_unknown
        )
        lengths = np.asarray([len(eg.reference) for eg in evaluation.examples], int)
        labels = score_labels(spans, evaluation.labels)
        self.counts += evaluation.counts
        self.labels = add_up([self.labels, labels])
        self.relaxed = add_up([self.relaxed, score_relaxed(spans)])
        self.thresholds = add_up([self.thresholds, score_thresholds(spans)])
        self.spans = self.spans + count_spans(evaluation)
        self.lengths = add_up([self.lengths, score_lengths(spans)])
        self.depths = add_up([self.depths, score_depths(spans)])
        self.docs = add_up([self.docs, score_docs(spans, lengths)])
        self.seen = add_up([self.seen, score_seen(spans, texts.is_seen)])
        self.calibration = add_up([self.calibration, calibrate(spans)])
        self.errors += count_errors(spans, kinds)
        self.confusion += confuse_labels(spans, evaluation.labels)
        self.wrong.add(evaluation, spans.is_wrong, kinds)
        self.missed.add(evaluation, spans.is_missed, kinds)
        self.sentences.add(evaluation)


def _name(scores: Mapping[int, _T], firsts: Sequence[int]) -> dict[str, _T]:
    """Scores by the names of groups, in order."""
    return {
        name: scores[first]
        for first, name in name_groups(firsts).items()
        if first in scores
    }


def describe_left_out(results: Results) -> list[str]:
    """Say what was left out or could only be missed, for a person to act on.

    results (Results): The numbers.
    RETURNS (List[str]): Sentences, none if there is nothing to say.
    """
    counts, key = results.counts, results.settings["spans_key"]
    named = counts.unknown_labels.most_common(MAX_NAMED)
    unknown = ", ".join(
        f"{shorten(label, CHARACTERS_OF_LABEL)} ({n:,})" for label, n in named
    )
    n_others = len(counts.unknown_labels) - len(named)
    if n_others:
        unknown += f" and {n_others:,} others"
    sentences = {
        f"gold span(s) have labels that the component lacks, and count as missed: "
        f"{unknown}": counts.unknown_labels.total(),
        "duplicate gold span(s) count once": counts.duplicates,
        "predicted span(s) left out that do not fit the gold tokens": counts.unaligned,
        f"doc(s) left out that are not annotated: doc.spans has no key '{key}'": (
            counts.not_annotated
        ),
        f"doc(s) have more than {SPANS_PER_DOC:,} likely spans (or {SPANS_PER_TOKEN} "
        f"for each token): only the best of them count": counts.truncated_docs,
        **{
            f"gold span(s) {reason.description} count as missed": count
            for reason, count in counts.unpredictable.items()
        },
    }
    return [f"{count:,} {text}" for text, count in sentences.items() if count]


def describe_joined(results: Results) -> str | None:
    """Warn of a pipeline that fails on longer docs.

    results (Results): The numbers.
    RETURNS (Optional[str]): A sentence; None if F on joined docs is at most `LOSS_OF_F`
        lower than on single ones.
    """
    number, worst = min(results.joined.items(), key=lambda item: item[1].score.f)
    if worst.score.f >= results.overall.f - LOSS_OF_F:
        return None
    return (
        f"F falls from {100 * results.overall.f:.1f} to {100 * worst.score.f:.1f} when "
        f"{number} docs are joined, with {worst.predicted_per_1000:,.0f} "
        f"predicted spans per 1,000 tokens instead of {worst.gold_per_1000:,.0f} gold "
        f"ones: train on docs as long as those that you annotate, or set max_length"
    )
