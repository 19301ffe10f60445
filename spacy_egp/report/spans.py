"""The table of spans from which all statistics follow."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class SpanTable:
    """The N distinct spans that are gold or likely, on the tokens of the gold docs,
    ordered by doc, start, end and label.

    doc (np.ndarray): Index of the doc, int64 of shape (N,).
    start (np.ndarray): First token, int64 of shape (N,).
    end (np.ndarray): Token after the last one, int64 of shape (N,).
    label (np.ndarray): Index of the label, int64 of shape (N,).
    is_gold (np.ndarray): Whether the span is annotated, bool of shape (N,).
    probability (np.ndarray): What the component gives it, float32 of shape (N,); nan
        for gold spans that it cannot predict.
    selected (np.ndarray): Whether the component predicts the span at each of K
        thresholds, bool of shape (N, K).
    is_predicted (np.ndarray): Whether it does so at its own threshold, bool of shape
        (N,).
    thresholds (np.ndarray): The thresholds, increasing, float64 of shape (K,). Spans
        with a probability above the first one are likely.
    """

    doc: np.ndarray
    start: np.ndarray
    end: np.ndarray
    label: np.ndarray
    is_gold: np.ndarray
    probability: np.ndarray
    selected: np.ndarray
    is_predicted: np.ndarray
    thresholds: np.ndarray

    def __len__(self) -> int:
        return len(self.doc)

    @property
    def is_wrong(self) -> np.ndarray:
        """RETURNS (np.ndarray): Whether a predicted span is not gold, bool of shape
        (N,)."""
        return self.is_predicted & ~self.is_gold

    @property
    def is_missed(self) -> np.ndarray:
        """RETURNS (np.ndarray): Whether a gold span is not predicted, bool of shape
        (N,)."""
        return self.is_gold & ~self.is_predicted

    def positions(self) -> tuple[np.ndarray, np.ndarray]:
        """RETURNS (Tuple[np.ndarray, np.ndarray]): Starts and ends as positions in a
        sequence of all docs, in which spans of different docs neither overlap nor
        touch; int64 of shape (N,)."""
        shift = self.doc * (int(self.end.max(initial=0)) + 1)
        return self.start + shift, self.end + shift

    def row(self, i: int) -> tuple[int, int, int, int]:
        """RETURNS (Tuple[int, int, int, int]): Doc, start, end and label of a span."""
        columns = (self.doc, self.start, self.end, self.label)
        doc, start, end, label = (int(column[i]) for column in columns)
        return doc, start, end, label


def merge_tables(tables: Sequence[SpanTable]) -> SpanTable:
    """Merge tables with the same thresholds; rows of the same span become one.

    tables (Sequence[SpanTable]): At least one table, in any order.
    RETURNS (SpanTable): The spans of all of them.
    """

    def joined(column: str) -> np.ndarray:
        return np.concatenate([getattr(table, column) for table in tables])

    columns = [joined(column) for column in ("doc", "start", "end", "label")]
    rows, row_of = np.unique(np.stack(columns, axis=1), axis=0, return_inverse=True)
    selected = np.zeros((len(rows), len(tables[0].thresholds)), dtype=bool)
    np.logical_or.at(selected, row_of, joined("selected"))
    is_predicted = np.zeros(len(rows), dtype=bool)
    np.logical_or.at(is_predicted, row_of, joined("is_predicted"))
    is_gold = np.zeros(len(rows), dtype=bool)
    np.logical_or.at(is_gold, row_of, joined("is_gold"))
    probability = np.full(len(rows), np.nan, dtype="float32")
    np.fmax.at(probability, row_of, joined("probability"))
    doc, start, end, label = rows.T
    return SpanTable(
        doc=doc,
        start=start,
        end=end,
        label=label,
        is_gold=is_gold,
        probability=probability,
        selected=selected,
        is_predicted=is_predicted,
        thresholds=tables[0].thresholds,
    )
