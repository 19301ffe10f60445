"""One pass of a pipeline over annotated docs: their gold and likely spans."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, cast

import numpy as np
from spacy.attrs import ORTH
from spacy.language import Language
from spacy.tokens import Span
from spacy.training import Example
from spacy.util import minibatch

from ..component import EGPRecognizer
from ..decoding import SELECTIONS, ScoredSpans, to_probability, to_score
from ..errors import Errors
from ..features import PointerFeatures
from ..limits import Exclusion
from .spans import SpanTable, merge_tables

# Spans with a smaller probability than the first one are only looked at if they are
# gold: a model gives a small probability to almost every pair of tokens.
THRESHOLDS = np.arange(5, 100, 5) / 100


@dataclass
class Counts:
    """What was evaluated, and what was left out or can only be missed.

    docs (int): Docs with gold spans or the empty spans key, which were evaluated.
    tokens (int): Their tokens.
    not_annotated (int): Docs left out, as they lack the spans key.
    duplicates (int): Gold spans left out, as the doc has the same tokens and label.
    unaligned (int): Predicted spans left out, as they do not fit the gold tokens.
    unpredictable (Counter[Exclusion]): Gold spans that cannot be predicted, by reason.
    unknown_labels (Counter[str]): Gold spans with a label that the component lacks.
    """

    docs: int = 0
    tokens: int = 0
    not_annotated: int = 0
    duplicates: int = 0
    unaligned: int = 0
    unpredictable: Counter[Exclusion] = field(default_factory=Counter)
    unknown_labels: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class Evaluation:
    """A component's and the annotated spans of docs.

    component (EGPRecognizer): The component.
    examples (List[Example]): The docs, annotated and predicted by the components
        before it.
    labels (Tuple[str, ...]): The component's labels, then others that are gold.
    spans (SpanTable): The gold and the likely spans.
    counts (Counts): What was evaluated, and what was left out.
    """

    component: EGPRecognizer
    examples: list[Example]
    labels: tuple[str, ...]
    spans: SpanTable
    counts: Counts

    def text(self, i: int) -> str:
        """RETURNS (str): The text of the i-th span of the table."""
        doc, start, end, _ = self.spans.row(i)
        return str(self.examples[doc].reference[start:end].text)


def evaluate(nlp: Language, name: str, examples: Iterable[Example]) -> Evaluation:
    """Run a pipeline up to an `egp_ner` over annotated docs.

    What is predicted at the component's threshold, and what of it is correct, is as in
    spaCy's `Scorer`: predictions are aligned to the tokens of the gold docs.

    nlp (Language): The pipeline.
    name (str): Name of the `egp_ner`.
    examples (Iterable[Example]): The annotated docs.
    RETURNS (Evaluation): Their gold and likely spans.
    RAISES (ValueError): If no doc has the component's spans key.
    """
    component = cast(EGPRecognizer, nlp.get_pipe(name))
    evaluator = _Evaluator(component)
    annotated = [example for example in examples if evaluator.is_annotated(example)]
    if not annotated:
        raise ValueError(
            Errors.EGP304.format(
                n_docs=evaluator.counts.not_annotated,
                spans_key=component.key,
                name=name,
            )
        )
    batches = minibatch(_run_before(nlp, name, annotated), nlp.batch_size)
    tables = [table for batch in batches for table in evaluator.evaluate(batch)]
    return Evaluation(
        component=component,
        examples=annotated,
        labels=tuple(evaluator.label_ids),
        spans=merge_tables(tables),
        counts=evaluator.counts,
    )


def _run_before(nlp: Language, name: str, examples: list[Example]) -> Iterator[Example]:
    """Run the components before the one called `name`."""
    before = nlp.pipe_names[: nlp.pipe_names.index(name)]
    with nlp.select_pipes(enable=before):
        docs = nlp.pipe(example.predicted for example in examples)
        for example, doc in zip(examples, docs, strict=True):
            example.predicted = doc
            yield example


class _Evaluator:
    """Collects the spans of one batch of docs after the other.

    component (EGPRecognizer): The component.
    """

    def __init__(self, component: EGPRecognizer) -> None:
        self.component = component
        self.threshold = float(component.cfg["threshold"])
        self.thresholds = np.union1d(THRESHOLDS, [self.threshold])
        self.label_ids = {label: i for i, label in enumerate(component.labels)}
        self.counts = Counts()

    def is_annotated(self, example: Example) -> bool:
        """Whether a doc has the spans key; counts those that lack it."""
        is_annotated = self.component.key in example.reference.spans
        self.counts.not_annotated += not is_annotated
        return is_annotated

    def evaluate(self, examples: list[Example]) -> list[SpanTable]:
        """The likely and the gold spans of the next docs."""
        docs = [example.predicted for example in examples]
        features = self.component.model.predict(docs)
        likely = self.component.find_spans(docs, features, self.thresholds[0])
        tables = [self._likely(examples, likely), self._gold(examples, features)]
        self.counts.docs += len(examples)
        self.counts.tokens += sum(len(example.reference) for example in examples)
        return tables

    def _likely(self, examples: list[Example], spans: ScoredSpans) -> SpanTable:
        """The spans above the lowest threshold, on the tokens of the gold docs."""
        selected = self._select(spans)
        bounds = np.stack([spans.start, spans.end + 1], axis=1)
        differs = np.asarray([not _has_equal_tokens(example) for example in examples])
        for i in np.flatnonzero(differs[spans.doc]):
            example = examples[spans.doc[i]]
            span = Span(example.predicted, *bounds[i].tolist())
            aligned = _align(span, example.get_aligned_spans_x2y)
            bounds[i] = (aligned.start, aligned.end) if aligned else (0, 0)
        fits = bounds[:, 1] > 0
        is_own = self.thresholds == self.threshold
        self.counts.unaligned += int(selected[~fits][:, is_own].sum())
        return SpanTable(
            doc=spans.doc[fits] + self.counts.docs,
            start=bounds[fits, 0],
            end=bounds[fits, 1],
            label=spans.label[fits],
            is_gold=np.zeros(fits.sum(), dtype=bool),
            probability=to_probability(spans.score[fits]),
            selected=selected[fits],
            thresholds=self.thresholds,
            threshold=self.threshold,
        )

    def _select(self, spans: ScoredSpans) -> np.ndarray:
        """Whether each span is predicted at each threshold, bool of shape (N, K)."""
        select = SELECTIONS[self.component.cfg["overlap"]]
        selected = np.zeros((len(spans), len(self.thresholds)), dtype=bool)
        # Selections look at tokens and scores only: the label tells which are left.
        indexed = replace(spans, label=np.arange(len(spans)))
        for k, threshold in enumerate(map(to_score, self.thresholds)):
            above = indexed.take(np.flatnonzero(spans.score > threshold))
            selected[select(above, threshold).label, k] = True
        return selected

    def _gold(self, examples: list[Example], features: PointerFeatures) -> SpanTable:
        """The gold spans, with the probabilities of those that can be predicted."""
        rows: list[tuple[int, int, int, int]] = []
        pairs: list[tuple[int, int, int, int]] = []
        first = 0
        for i, example in enumerate(examples, self.counts.docs):
            group = example.reference.spans[self.component.key]
            spans = {(span.start, span.end, span.label): span for span in group}
            self.counts.duplicates += len(group) - len(spans)
            is_aligned = _has_equal_tokens(example)
            for span in spans.values():
                label = self.label_ids.setdefault(span.label_, len(self.label_ids))
                on_predicted = self._predictable(example, span, is_aligned)
                if on_predicted is not None:
                    start, end = on_predicted.start, on_predicted.end - 1
                    pairs.append((len(rows), first + start, first + end, label))
                rows.append((i, span.start, span.end, label))
            first += len(example.predicted)
        columns = np.asarray(rows, np.int64).reshape(-1, 4).T
        probability = np.full(len(rows), np.nan, dtype="float32")
        at, *pair = np.asarray(pairs, np.int64).reshape(-1, 4).T
        probability[at] = to_probability(self._pair_scores(features, *pair))
        return SpanTable(
            doc=columns[0],
            start=columns[1],
            end=columns[2],
            label=columns[3],
            is_gold=np.ones(len(rows), dtype=bool),
            probability=probability,
            selected=np.zeros((len(rows), len(self.thresholds)), dtype=bool),
            thresholds=self.thresholds,
            threshold=self.threshold,
        )

    def _predictable(
        self, example: Example, span: Span, is_aligned: bool
    ) -> Span | None:
        """A gold span on the predicted doc's tokens, None if it cannot be predicted."""
        if self.label_ids[span.label_] >= len(self.component.labels):
            self.counts.unknown_labels[span.label_] += 1
            return None
        aligned: Span | None = span
        if not is_aligned:
            aligned = _align(span, example.get_aligned_spans_y2x)
        if aligned is None:
            reason: Exclusion | None = Exclusion.MISALIGNED
        else:
            reason = self.component.limits.exclusion(example.predicted, aligned)
        if reason is None:
            return aligned
        self.counts.unpredictable[reason] += 1
        return None

    def _pair_scores(
        self,
        features: PointerFeatures,
        start: np.ndarray,
        end: np.ndarray,
        label: np.ndarray,
    ) -> np.ndarray:
        """Scores of pairs of tokens of the batch, by the formula of PointerFeatures."""
        ops = self.component.model.ops
        query: Any = features.query
        key: Any = features.key
        start_scores: Any = features.start
        end_scores: Any = features.end
        head = label * query.shape[1] // start_scores.shape[1]
        start, end, label, head = (ops.xp.asarray(x) for x in (start, end, label, head))
        shared = (query[start, head] * key[end, head]).sum(axis=1)
        return ops.to_numpy(
            shared + start_scores[start, label] + end_scores[end, label]
        )


def _has_equal_tokens(example: Example) -> bool:
    predicted, reference = (doc.to_array(ORTH) for doc in (example.x, example.y))
    return np.array_equal(predicted, reference)


def _align(span: Span, align: Callable[..., list[Span]]) -> Span | None:
    """The span on the other doc's tokens, None if it does not fit them."""
    return next(iter(align([span], allow_overlap=True)), None)
