"""The score matrices of a few sentences: what the model sees."""

import base64
from dataclasses import dataclass, replace

import numpy as np
from spacy.tokens import Doc
from spacy.training import Example

from ..component import EGPRecognizer
from ..decoding import score_matrix
from .evaluation import Evaluation
from .examples import CHARACTERS_OF_LABEL, CHARACTERS_OF_TOKEN, shorten
from .statistics import span_depths

MAX_SENTENCES = 8
# The most tokens and labels of a doc that are shown. They bound the page's size.
MAX_TOKENS = 40
MAX_LABELS = 12
# Scores are stored as 16-bit integers, in units of 1 / SCALE.
SCALE = 256


@dataclass(frozen=True)
class Heatmap:
    """The scores of a stretch of n tokens of a doc.

    doc (int): Index of the doc among those evaluated.
    first (int): The first token of the stretch.
    n_doc_tokens (int): Tokens of the doc.
    tokens (List[str]): The n tokens.
    spaces (List[bool]): Whether each of them is followed by a space.
    labels (List[str]): The labels shown: those of spans first, then by score.
    n_labels (int): The number of all labels.
    scores (List[str]): For each label shown, the scores (logits) of the n * (n + 1) / 2
        pairs of a start token and an end token not before it, row by row, as
        little-endian int16 in units of 1 / `SCALE`, in Base64.
    gold (List[Tuple[int, int, int]]): Start token, end token (inclusive) and index of
        the label of the gold spans with labels that are shown.
    predicted (List[Tuple[int, int, int]]): The same for the predicted spans.
    """

    doc: int
    first: int
    n_doc_tokens: int
    tokens: list[str]
    spaces: list[bool]
    labels: list[str]
    n_labels: int
    scores: list[str]
    gold: list[tuple[int, int, int]]
    predicted: list[tuple[int, int, int]]


@dataclass(frozen=True)
class _Candidate:
    """A doc that may be shown.

    doc (int): Its index among those evaluated.
    example (Example): The doc.
    depth (int): The deepest nesting of its gold spans.
    n_errors (int): Its wrong and missed spans.
    deepest (int): The start of the deepest span.
    error (int): The start of the first error, or else of the deepest span.
    """

    doc: int
    example: Example
    depth: int
    n_errors: int
    deepest: int
    error: int

    @property
    def by_depth(self) -> tuple[int, int, int]:
        return -self.depth, -self.n_errors, self.doc

    @property
    def by_errors(self) -> tuple[int, int, int]:
        return -self.n_errors, -self.depth, self.doc


class Sentences:
    """Docs with deep nesting and docs with many errors.

    component (EGPRecognizer): The component.
    """

    def __init__(self, component: EGPRecognizer) -> None:
        self.component = component
        self._deepest: list[_Candidate] = []
        self._worst: list[_Candidate] = []

    def add(self, evaluation: Evaluation) -> None:
        """Choose among the next docs.

        evaluation (Evaluation): The spans and docs.
        """
        candidates = _find_candidates(evaluation)
        self._deepest += candidates
        self._deepest = sorted(self._deepest, key=lambda one: one.by_depth)
        del self._deepest[MAX_SENTENCES // 2 :]
        self._worst += candidates
        self._worst = sorted(self._worst, key=lambda one: one.by_errors)
        del self._worst[MAX_SENTENCES:]

    def make_heatmaps(self) -> list[Heatmap]:
        """Compute the scores of the docs.

        RETURNS (List[Heatmap]): At most `MAX_SENTENCES`, one per doc; none if no doc
            has tokens.
        """
        chosen = {one.doc: (one, one.deepest) for one in self._deepest}
        for one in self._worst:
            if len(chosen) < MAX_SENTENCES:
                chosen.setdefault(one.doc, (one, one.error))
        return [
            _make_heatmap(self.component, one.doc, one.example, at)
            for one, at in chosen.values()
        ]


def _find_candidates(evaluation: Evaluation) -> list[_Candidate]:
    spans = evaluation.spans
    n_docs = len(evaluation.examples)
    is_error = spans.is_wrong | spans.is_missed
    depth = np.where(spans.is_gold, span_depths(spans), 0)
    n_errors = np.bincount(spans.doc, weights=is_error, minlength=n_docs)
    # The rows of each doc with the deepest spans first, and with errors first.
    deepest = np.lexsort((-depth, spans.doc))
    errors = np.lexsort((-depth, ~is_error, spans.doc))
    firsts = np.searchsorted(spans.doc, np.arange(n_docs + 1)).tolist()
    candidates = []
    for doc, example in enumerate(evaluation.examples):
        has_spans = firsts[doc] < firsts[doc + 1]
        i = int(deepest[firsts[doc]]) if has_spans else None
        j = int(errors[firsts[doc]]) if has_spans else None
        if len(example.predicted):
            candidates.append(
                _Candidate(
                    doc=evaluation.first_doc + doc,
                    example=example,
                    depth=0 if i is None else int(depth[i]),
                    n_errors=int(n_errors[doc]),
                    deepest=0 if i is None else int(spans.start[i]),
                    error=0 if j is None else int(spans.start[j]),
                )
            )
    return candidates


def _make_heatmap(
    component: EGPRecognizer, doc: int, example: Example, at: int
) -> Heatmap:
    predicted = example.predicted
    first = int(np.clip(at - MAX_TOKENS // 2, 0, max(len(predicted) - MAX_TOKENS, 0)))
    tokens = list(predicted[first : first + MAX_TOKENS])
    label_ids = {label: i for i, label in enumerate(component.labels)}
    group = example.reference.spans[component.key]
    gold = [
        (span.start, span.end - 1, label_ids[span.label_])
        for span in example.get_aligned_spans_y2x(group, allow_overlap=True)
        if span.label_ in label_ids
    ]
    spans = component.predict([predicted])
    found = np.stack([spans.start, spans.last, spans.label], axis=1)

    scores = _score_window(component, predicted, first, len(tokens))
    gold_there, found_there = (
        _in_window(np.asarray(rows, np.int64).reshape(-1, 3), first, len(tokens))
        for rows in (gold, found)
    )
    used = {*gold_there[:, 2].tolist(), *found_there[:, 2].tolist()}
    by_score = np.argsort(-scores.max(axis=(1, 2)), kind="stable").tolist()
    shown = sorted(by_score, key=lambda label: label not in used)[:MAX_LABELS]

    def of_shown(rows: np.ndarray) -> list[tuple[int, int, int]]:
        return [
            (start, last, shown.index(label))
            for start, last, label in rows[np.isin(rows[:, 2], shown)].tolist()
        ]

    names = [component.labels[label] for label in shown]
    return Heatmap(
        doc=doc,
        first=first,
        n_doc_tokens=len(predicted),
        tokens=[shorten(token.text, CHARACTERS_OF_TOKEN) for token in tokens],
        spaces=[bool(token.whitespace_) for token in tokens],
        labels=[shorten(name, CHARACTERS_OF_LABEL) for name in names],
        n_labels=len(component.labels),
        scores=[_encode(scores[label]) for label in shown],
        gold=of_shown(gold_there),
        predicted=of_shown(found_there),
    )


def _in_window(spans: np.ndarray, first: int, n_tokens: int) -> np.ndarray:
    """Spans (start, last, label) inside a stretch of tokens, counted from its start."""
    is_inside = (spans[:, 0] >= first) & (spans[:, 1] < first + n_tokens)
    return spans[is_inside] - [first, first, 0]


def _score_window(
    component: EGPRecognizer, doc: Doc, first: int, n_tokens: int
) -> np.ndarray:
    """Scores of pairs in a stretch of tokens, float32 of shape (C, n, n)."""
    features = component.model.predict([doc])
    window = slice(first, first + n_tokens)
    return score_matrix(
        replace(
            features,
            query=features.query[window],
            key=features.key[window],
            start=features.start[window],
            end=features.end[window],
            lengths=component.model.ops.asarray1i([n_tokens]),
        )
    )


def _encode(scores: np.ndarray) -> str:
    upper = scores[np.triu_indices(len(scores))] * SCALE
    return base64.b64encode(
        upper.clip(-(2**15), 2**15 - 1).astype("<i2").tobytes()
    ).decode()
