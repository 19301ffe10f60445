"""One pass of a pipeline over annotated docs: their gold and likely spans."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import cast

import numpy as np
from spacy.attrs import ORTH
from spacy.language import Language
from spacy.tokens import Span
from spacy.training import Example

from ..blocks import Heads, send
from ..component import EGPRecognizer
from ..decoding import (
    SPANS_PER_DOC,
    SPANS_PER_TOKEN,
    ScoredSpans,
    to_probability,
)
from ..features import PointerFeatures
from ..limits import Exclusion
from ..overlap import SELECTIONS
from ..thresholds import Threshold, lowest_threshold
from .alignment import align_bounds
from .spans import SpanTable, merge_tables

# Spans with a smaller probability than the first one are only looked at if they are
# gold: a model gives a small probability to almost every pair of tokens.
THRESHOLDS = np.arange(5, 100, 5) / 100
# Docs are evaluated together until they can have this many likely spans, which bounds
# the memory, whatever the model predicts.
SPANS_PER_PART = 1_000_000


@dataclass
class Counts:
    """What was evaluated, and what was left out or can only be missed.

    docs (int): Docs that were evaluated: those with the spans key, even an empty one.
    tokens (int): Their tokens.
    not_annotated (int): Docs left out, as they lack the spans key.
    duplicates (int): Gold spans left out, as another one has the same tokens and label.
    unaligned (int): Predicted spans left out, as they do not fit the gold tokens.
    truncated_docs (int): Docs with more likely spans than the decoder keeps; it keeps
        the best ones.
    unpredictable (Counter[Exclusion]): Gold spans that cannot be predicted, by reason.
    unknown_labels (Counter[str]): Gold spans with a label that the component lacks.
    """

    docs: int = 0
    tokens: int = 0
    not_annotated: int = 0
    duplicates: int = 0
    unaligned: int = 0
    truncated_docs: int = 0
    unpredictable: Counter[Exclusion] = field(default_factory=Counter)
    unknown_labels: Counter[str] = field(default_factory=Counter)

    def __add__(self, other: "Counts") -> "Counts":
        names = [one.name for one in fields(self)]
        return Counts(**{x: getattr(self, x) + getattr(other, x) for x in names})


@dataclass(frozen=True)
class Evaluation:
    """The spans of a component and the annotated spans, of some of the docs.

    component (EGPRecognizer): The component.
    first_doc (int): Index of the first of them among all docs that are evaluated.
    examples (List[Example]): The docs, annotated and processed by the components
        before it.
    labels (Tuple[str, ...]): The component's labels, then others that are gold.
    spans (SpanTable): The gold and the likely spans.
    counts (Counts): What was evaluated, and what was left out.
    """

    component: EGPRecognizer
    first_doc: int
    examples: list[Example]
    labels: tuple[str, ...]
    spans: SpanTable
    counts: Counts


def evaluate(
    nlp: Language,
    name: str,
    examples: Iterable[Example],
    thresholds: np.ndarray = THRESHOLDS,
) -> Iterator[Evaluation]:
    """Run a pipeline up to an `egp_ner` over annotated docs, part by part.

    The predicted and the correct spans at the component's threshold are those of
    spaCy's `Scorer`: predictions are aligned to the tokens of the gold docs.

    nlp (Language): The pipeline.
    name (str): Name of the `egp_ner`.
    examples (Iterable[Example]): The annotated docs.
    thresholds (np.ndarray): Probabilities, increasing, at which to look at predictions
        in addition to the component's own; float64 of shape (K,).
    YIELDS (Evaluation): Gold and likely spans of a part of the docs, which is small
        enough to bound the memory.
    """
    component = cast(EGPRecognizer, nlp.get_pipe(name))
    evaluator = _Evaluator(component, thresholds)
    first_doc = 0
    for part in _split(examples, len(component.labels), nlp.batch_size):
        annotated = [eg for eg in part if component.key in eg.reference.spans]
        _run_before(nlp, name, annotated)
        counts = Counts(
            docs=len(annotated),
            tokens=sum(len(example.reference) for example in annotated),
            not_annotated=len(part) - len(annotated),
        )
        spans = evaluator.evaluate(annotated, counts)
        labels = tuple(evaluator.label_ids)
        yield Evaluation(component, first_doc, annotated, labels, spans, counts)
        first_doc += len(annotated)


def _split(
    examples: Iterable[Example], n_labels: int, n_docs: int
) -> Iterator[list[Example]]:
    """Split examples. A part ends once its docs can have `SPANS_PER_PART` spans, or it
    has `n_docs` docs."""
    part: list[Example] = []
    n_spans = 0
    for example in examples:
        n_tokens = len(example.predicted)
        n_pairs = n_tokens * (n_tokens + 1) // 2
        n_kept = max(SPANS_PER_DOC, SPANS_PER_TOKEN * n_tokens)
        n_spans += min(n_pairs * n_labels, n_kept)
        part.append(example)
        if n_spans >= SPANS_PER_PART or len(part) >= n_docs:
            yield part
            part, n_spans = [], 0
    if part:
        yield part


def _run_before(nlp: Language, name: str, examples: Sequence[Example]) -> None:
    """Run the components before the one called `name`."""
    before = nlp.pipe_names[: nlp.pipe_names.index(name)]
    with nlp.select_pipes(enable=before):
        docs = nlp.pipe([example.predicted for example in examples])
        for example, doc in zip(examples, docs, strict=True):
            example.predicted = doc


class _Evaluator:
    """Finds the spans of one part of the docs after another.

    component (EGPRecognizer): The component.
    thresholds (np.ndarray): Thresholds in addition to the component's lowest one.
    """

    def __init__(self, component: EGPRecognizer, thresholds: np.ndarray) -> None:
        self.component = component
        lowest = lowest_threshold(component.threshold)
        self.thresholds = np.union1d(thresholds, [lowest])
        self.label_ids = {label: i for i, label in enumerate(component.labels)}

    def evaluate(self, examples: Sequence[Example], counts: Counts) -> SpanTable:
        """The likely and the gold spans of docs; adds to the counts."""
        docs = [example.predicted for example in examples]
        if any(map(len, docs)):
            features = self.component.model.predict(docs)
            likely = self.component.find_spans(docs, features, self.thresholds[0])
        else:
            features, likely = None, ScoredSpans.empty()
        counts.truncated_docs += len(likely.truncated_docs)
        return merge_tables(
            [
                self._likely(examples, likely, counts),
                self._gold(examples, features, counts),
            ]
        )

    def _likely(
        self, examples: Sequence[Example], spans: ScoredSpans, counts: Counts
    ) -> SpanTable:
        """The spans above the lowest threshold, on the tokens of the gold docs."""
        selected = np.stack(
            [self._select(spans, x) for x in self.thresholds.tolist()], axis=1
        )
        is_predicted = self._select(spans, self.component.threshold)
        bounds = np.stack([spans.start, spans.last + 1], axis=1)
        firsts = np.searchsorted(spans.doc, np.arange(len(examples) + 1))
        for i, example in enumerate(examples):
            if not _has_equal_tokens(example):
                rows = slice(firsts[i], firsts[i + 1])
                x2y = example.alignment.x2y
                bounds[rows] = align_bounds(example.x, example.y, x2y, bounds[rows])
        fits = bounds[:, 1] > 0
        counts.unaligned += int(is_predicted[~fits].sum())
        return SpanTable(
            doc=spans.doc[fits],
            start=bounds[fits, 0],
            end=bounds[fits, 1],
            label=spans.label[fits],
            is_gold=np.zeros(fits.sum(), dtype=bool),
            probability=to_probability(spans.score[fits]),
            selected=selected[fits],
            is_predicted=is_predicted[fits],
            thresholds=self.thresholds,
        )

    def _select(self, spans: ScoredSpans, threshold: Threshold) -> np.ndarray:
        """Whether each span is predicted at a threshold, bool of shape (N,)."""
        floor = self.component.min_scores(threshold)[spans.label]
        above = np.flatnonzero(spans.score > floor)
        # Selections ignore labels: numbers in their place tell which spans are left.
        indexed = replace(spans, label=np.arange(len(spans))).take(above)
        selected = np.zeros(len(spans), dtype=bool)
        selected[SELECTIONS[self.component.overlap](indexed, floor[above]).label] = True
        return selected

    def _gold(
        self,
        examples: Sequence[Example],
        features: PointerFeatures | None,
        counts: Counts,
    ) -> SpanTable:
        """The gold spans, with the probabilities of those that can be predicted."""
        rows: list[tuple[int, int, int, int]] = []
        pairs: list[tuple[int, int, int, int]] = []
        first = 0
        for i, example in enumerate(examples):
            group = example.reference.spans[self.component.key]
            spans = {(span.start, span.end, span.label): span for span in group}
            counts.duplicates += len(group) - len(spans)
            is_aligned = _has_equal_tokens(example)
            for span in spans.values():
                label = self.label_ids.setdefault(span.label_, len(self.label_ids))
                on_predicted = self._predictable(example, span, is_aligned, counts)
                if on_predicted is not None:
                    start, end = on_predicted.start, on_predicted.end - 1
                    pairs.append((len(rows), first + start, first + end, label))
                rows.append((i, span.start, span.end, label))
            first += len(example.predicted)
        columns = np.asarray(rows, np.int64).reshape(-1, 4).T
        probability = np.full(len(rows), np.nan, dtype="float32")
        if features is not None:
            at, *pair = np.asarray(pairs, np.int64).reshape(-1, 4).T
            probability[at] = to_probability(_score_spans(features, *pair))
        return SpanTable(
            doc=columns[0],
            start=columns[1],
            end=columns[2],
            label=columns[3],
            is_gold=np.ones(len(rows), dtype=bool),
            probability=probability,
            selected=np.zeros((len(rows), len(self.thresholds)), dtype=bool),
            is_predicted=np.zeros(len(rows), dtype=bool),
            thresholds=self.thresholds,
        )

    def _predictable(
        self, example: Example, span: Span, is_aligned: bool, counts: Counts
    ) -> Span | None:
        """A gold span on the predicted doc's tokens, None if it cannot be predicted."""
        if self.label_ids[span.label_] >= len(self.component.labels):
            counts.unknown_labels[span.label_] += 1
            return None
        aligned: Span | None = span
        if not is_aligned:
            found = example.get_aligned_spans_y2x([span], allow_overlap=True)
            aligned = next(iter(found), None)
        if aligned is None:
            reason: Exclusion | None = Exclusion.MISALIGNED
        else:
            reason = self.component.limits.exclusion(example.predicted, aligned)
        if reason is None:
            return aligned
        counts.unpredictable[reason] += 1
        return None


def _score_spans(
    features: PointerFeatures, start: np.ndarray, end: np.ndarray, label: np.ndarray
) -> np.ndarray:
    """Scores of U spans, by their start and end (inclusive) among the tokens of all
    docs, and label; float32 of shape (U,)."""
    heads = Heads.from_features(features)
    head, label = np.divmod(label, heads.start.shape[1])
    first = head * (len(heads.start) // heads.n_heads)
    starts, ends, labels = send(heads.device, start + first, end + first, label)
    scores = heads.pair_scores(starts, ends).gather(1, labels[:, None])[:, 0]
    return scores.numpy(force=True)


def _has_equal_tokens(example: Example) -> bool:
    predicted, reference = (doc.to_array(ORTH) for doc in (example.x, example.y))
    return np.array_equal(predicted, reference)
