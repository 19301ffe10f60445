"""The score matrices of a few sentences: what GlobalPointer sees."""

import base64
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from spacy.tokens import Doc, Span

from ..component import EGPRecognizer
from ..decoding import score_matrix
from .evaluation import Evaluation
from .statistics import nesting_depths

N_SENTENCES = 8
# The most tokens and labels that are shown of a doc, which bound the page's size.
N_TOKENS = 40
N_LABELS = 12
# Scores are stored as 16-bit integers, in units of 1 / SCALE.
SCALE = 256


@dataclass(frozen=True)
class Heatmap:
    """The scores of a stretch of n tokens of a doc.

    doc (int): Index of the doc among those evaluated.
    first (int): The first token of the stretch.
    n_doc_tokens (int): Tokens of the doc.
    tokens (List[str]): The n tokens.
    labels (List[str]): The labels shown: those of spans first, then by score.
    n_labels (int): The number of all labels.
    scores (List[str]): Of each label shown, the scores (logits) of the n * (n + 1) / 2
        pairs of a start token and an end token not before it, row by row, as
        little-endian int16 in units of 1 / `SCALE`, in Base64.
    gold (List[Tuple[int, int, str]]): Start token, end token (inclusive) and label of
        the gold spans.
    predicted (List[Tuple[int, int, str]]): The same of the predicted spans.
    """

    doc: int
    first: int
    n_doc_tokens: int
    tokens: list[str]
    labels: list[str]
    n_labels: int
    scores: list[str]
    gold: list[tuple[int, int, str]]
    predicted: list[tuple[int, int, str]]


def make_heatmaps(evaluation: Evaluation) -> list[Heatmap]:
    """Choose docs with deep nesting and docs with many errors, and compute their
    scores.

    evaluation (Evaluation): The spans and docs.
    RETURNS (List[Heatmap]): At most `N_SENTENCES`, one for a doc.
    """
    return [_make_heatmap(evaluation, doc, at) for doc, at in _choose(evaluation)]


def _choose(evaluation: Evaluation) -> list[tuple[int, int]]:
    """Docs, and a token of interest in each."""
    spans = evaluation.spans
    is_error = spans.is_wrong | spans.is_missed
    depth = np.where(spans.is_gold, nesting_depths(spans), 0)
    n_errors = np.bincount(spans.doc, weights=is_error)[spans.doc]
    by_depth = np.lexsort((-n_errors, -depth))
    by_errors = np.lexsort((-depth, ~is_error, -n_errors))
    chosen: dict[int, int] = {}
    for order, n_docs in ((by_depth, N_SENTENCES // 2), (by_errors, N_SENTENCES)):
        for i in order.tolist():
            if len(chosen) == n_docs:
                break
            chosen.setdefault(int(spans.doc[i]), int(spans.start[i]))
    return list(chosen.items()) or [(0, 0)]


def _make_heatmap(evaluation: Evaluation, doc: int, at: int) -> Heatmap:
    component, example = evaluation.component, evaluation.examples[doc]
    predicted = example.predicted
    first = int(np.clip(at - N_TOKENS // 2, 0, max(len(predicted) - N_TOKENS, 0)))
    tokens = [token.text for token in predicted[first : first + N_TOKENS]]

    def in_window(spans: Iterable[Span]) -> list[tuple[int, int, str]]:
        bounds = [(s.start - first, s.end - 1 - first, s.label_) for s in spans]
        return [span for span in bounds if span[0] >= 0 and span[1] < len(tokens)]

    group = example.reference.spans[component.key]
    gold = in_window(example.get_aligned_spans_y2x(group, allow_overlap=True))
    component.set_annotations([predicted], component.predict([predicted]))
    found = in_window(predicted.spans[component.key])

    scores = _score_window(component, predicted, first, len(tokens))
    used = {label for *_, label in [*gold, *found]}
    by_score = np.argsort(-scores.max(axis=(1, 2)), kind="stable").tolist()
    by_use = sorted(by_score, key=lambda label: component.labels[label] not in used)
    shown = by_use[:N_LABELS]
    return Heatmap(
        doc=doc,
        first=first,
        n_doc_tokens=len(predicted),
        tokens=tokens,
        labels=[component.labels[label] for label in shown],
        n_labels=len(component.labels),
        scores=[_encode(scores[label]) for label in shown],
        gold=gold,
        predicted=found,
    )


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
