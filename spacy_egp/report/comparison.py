"""What gets better and worse from one pipeline to another on the same docs."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from spacy.language import Language
from spacy.training import Example
from spacy.util import minibatch

from .evaluation import evaluate
from .statistics import Score

# Samples for the significance. Each has as many docs as there are, with replacement.
N_SAMPLES = 2000
SEED = 0
# Docs that both pipelines have evaluated before the next ones are read.
DOCS_PER_PART = 200
# A difference of F is significant below this probability.
SIGNIFICANCE = 0.05

ReadExamples = Callable[[], Iterable[Example]]
# First token, token after the last one and label.
SpanKey = tuple[int, int, str]


@dataclass
class Changes:
    """How the spans of a label change from the other pipeline to this one.

    found (int): Gold spans that only this one predicts.
    lost (int): Gold spans that only the other one predicts.
    new_wrong (int): Wrong spans that only this one predicts.
    old_wrong (int): Wrong spans that only the other one predicts.
    """

    found: int = 0
    lost: int = 0
    new_wrong: int = 0
    old_wrong: int = 0

    @property
    def balance(self) -> int:
        """RETURNS (int): What got better minus what got worse."""
        return self.found + self.old_wrong - self.lost - self.new_wrong


@dataclass(frozen=True)
class Comparison:
    """A pipeline and another one on the same docs.

    model (str): Name or path of the other pipeline.
    this (Score): The score of this one.
    other (Score): The score of the other one.
    f_difference (float): F of this one minus F of the other one.
    interval (Tuple[float, float]): The 95% interval of the difference in samples of the
        docs.
    p_value (float): The probability that the difference is due to the choice of docs
        alone (two-sided).
    samples (int): The number of samples.
    seed (int): The seed of the random numbers that choose them.
    labels (Dict[str, Changes]): What changes, by label; most changes first.
    """

    model: str
    this: Score
    other: Score
    f_difference: float
    interval: tuple[float, float]
    p_value: float
    samples: int
    seed: int
    labels: dict[str, Changes]

    @property
    def is_significant(self) -> bool:
        """RETURNS (bool): Whether the difference is unlikely to be due to chance."""
        return self.p_value < SIGNIFICANCE


def compare(
    this: tuple[Language, str, ReadExamples],
    other: tuple[Language, str, ReadExamples],
    model: str,
) -> Comparison:
    """Compare two pipelines with the same spans key, each at its own threshold.

    this (Tuple[Language, str, Callable[[], Iterable[Example]]]): A pipeline, the name
        of its `egp_ner`, and what reads the annotated docs.
    other (Tuple[Language, str, Callable[[], Iterable[Example]]]): The other one.
    model (str): Its name or path.
    RETURNS (Comparison): What changes from the other one to this one.
    """
    labels: defaultdict[str, Changes] = defaultdict(Changes)
    counts: list[list[tuple[int, int, int]]] = []
    for ours, theirs in zip(_find_spans(*this), _find_spans(*other), strict=True):
        for (gold, new), (_, old) in zip(ours, theirs, strict=True):
            counts.append(
                [(len(gold), len(x), len(gold & x)) for x in (new, old)],
            )
            for kind, changed in (
                ("found", gold & new - old),
                ("lost", gold & old - new),
                ("new_wrong", new - old - gold),
                ("old_wrong", old - new - gold),
            ):
                for *_, label in changed:
                    changes = labels[label]
                    setattr(changes, kind, getattr(changes, kind) + 1)
    by_doc = np.asarray(counts, dtype="int64").reshape(-1, 2, 3)
    now, before = (Score.count(*row) for row in by_doc.sum(axis=0).tolist())
    differences = bootstrap(by_doc)
    low, high = np.quantile(differences, [0.025, 0.975]).tolist()
    by_changes = sorted(
        labels.items(), key=lambda item: (-sum(vars(item[1]).values()), item[0])
    )
    return Comparison(
        model=model,
        this=now,
        other=before,
        f_difference=now.f - before.f,
        interval=(low, high),
        p_value=p_value(differences),
        samples=N_SAMPLES,
        seed=SEED,
        labels=dict(by_changes),
    )


def describe_comparison(comparison: Comparison) -> str:
    """RETURNS (str): The difference of F and how certain it is, in a sentence."""
    low, high = (100 * x for x in comparison.interval)
    sure = "" if comparison.is_significant else "not "
    return (
        f"F changes by {100 * comparison.f_difference:+.1f} from {comparison.model}, "
        f"95% interval {low:+.1f} to {high:+.1f}, p = {comparison.p_value:.3f}: "
        f"{sure}significant"
    )


def _find_spans(
    nlp: Language, name: str, read_examples: ReadExamples
) -> Iterator[list[tuple[set[SpanKey], set[SpanKey]]]]:
    """The gold and the predicted spans of each doc, a part of the docs at a time."""
    for part in minibatch(read_examples(), DOCS_PER_PART):
        found: list[tuple[set[SpanKey], set[SpanKey]]] = []
        for evaluation in evaluate(nlp, name, part, thresholds=np.empty(0)):
            spans = evaluation.spans
            docs: list[tuple[set[SpanKey], set[SpanKey]]] = [
                (set(), set()) for _ in evaluation.examples
            ]
            for side, is_side in enumerate((spans.is_gold, spans.is_predicted)):
                for i in np.flatnonzero(is_side).tolist():
                    doc, start, end, label = spans.row(i)
                    docs[doc][side].add((start, end, evaluation.labels[label]))
            found += docs
        yield found


def bootstrap(by_doc: np.ndarray) -> np.ndarray:
    """Sample docs with replacement (the paired bootstrap).

    by_doc (np.ndarray): For each doc and each of two pipelines, the numbers of gold,
        predicted and correct spans; int64 of shape (docs, 2, 3).
    RETURNS (np.ndarray): The differences of F of `N_SAMPLES` samples, float64.
    """
    rng = np.random.default_rng(SEED)
    n_docs = len(by_doc)
    differences = np.empty(N_SAMPLES)
    for k in range(N_SAMPLES):
        times = np.bincount(rng.integers(n_docs, size=n_docs), minlength=n_docs)
        gold, predicted, correct = np.tensordot(times, by_doc, axes=1).T
        f = 2 * correct / np.maximum(gold + predicted, 1)
        differences[k] = f[0] - f[1]
    return differences


def p_value(differences: np.ndarray) -> float:
    """RETURNS (float): Twice the share of samples on the rarer side of 0, at most 1.
    One more sample is counted there, so that it is never 0."""
    n = len(differences)
    rarer = min((differences <= 0).sum(), (differences >= 0).sum())
    return min(1.0, 2 * (int(rarer) + 1) / (n + 1))
