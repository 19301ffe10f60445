"""A document and its spans as a row of columns."""

import json
from base64 import b64encode
from functools import partial
from math import isfinite
from typing import Any

import numpy as np
from spacy.tokens import Doc, SpanGroup

from ..errors import Errors
from .documents import Record

SPANS_COLUMN = "spans"


def make_row(
    record: Record, doc: Doc, spans_key: str, text_column: str
) -> dict[str, Any]:
    """Add the spans to the columns of the input.

    record (Record): The document.
    doc (Doc): Its annotation.
    spans_key (str): Key of the spans in doc.spans.
    text_column (str): Not used: the text is one of the columns.
    RETURNS (dict[str, Any]): The row.
    RAISES (ValueError): If the input has the column already.
    """
    return {**record.columns, SPANS_COLUMN: list_new_spans(record, doc, spans_key)}


def list_new_spans(record: Record, doc: Doc, spans_key: str) -> list[dict[str, Any]]:
    """List the spans of a doc whose record must not have any.

    record (Record): The document.
    doc (Doc): Its annotation.
    spans_key (str): Key of the spans in doc.spans.
    RETURNS (list[dict[str, Any]]): The spans.
    RAISES (ValueError): If the input has the column already.
    """
    if SPANS_COLUMN in record.columns:
        raise ValueError(Errors.EGP425.format(column=SPANS_COLUMN))
    return list_spans(doc, spans_key)


def list_spans(doc: Doc, spans_key: str) -> list[dict[str, Any]]:
    """List the spans of a doc, in characters and in tokens.

    doc (Doc): The doc.
    spans_key (str): Key of the spans in doc.spans.
    RETURNS (list[dict[str, Any]]): The spans. Ends are exclusive; the score is the
        probability to six decimals, or None for a span that has none.
    """
    spans = doc.spans[spans_key]
    return [
        {
            "start_char": span.start_char,
            "end_char": span.end_char,
            "text": span.text,
            "label": span.label_,
            "score": score,
            "start_token": span.start,
            "end_token": span.end,
        }
        for span, score in zip(spans, _list_scores(spans), strict=True)
    ]


def _list_scores(spans: SpanGroup) -> list[float | None]:
    """A score for each span, None if it has none. Components that add spans put them
    after those with scores. If spans were removed, it is unknown whose scores are left.
    """
    given = spans.attrs.get("scores", ())
    if len(given) > len(spans):
        given = ()
    scores = [round(float(score), 6) if isfinite(score) else None for score in given]
    return scores + [None] * (len(spans) - len(scores))


def dump_json(value: Any) -> str:
    """Write a value as JSON, which has fewer types than Python and Parquet.

    value (Any): The value.
    RETURNS (str): The JSON. NaN and infinite numbers are null, bytes are in base64,
        NumPy's arrays are lists, dates and the like are text.
    """
    dump = partial(json.dumps, ensure_ascii=False, allow_nan=False, default=_simplify)
    try:
        return dump(value)
    except ValueError:
        return dump(_replace_nan(value))


def _simplify(value: Any) -> Any:
    if isinstance(value, bytes):
        return b64encode(value).decode()
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    return str(value)


def _replace_nan(value: Any) -> Any:
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, float) and not isfinite(value):
        return None
    if isinstance(value, dict):
        return {key: _replace_nan(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_replace_nan(inner) for inner in value]
    return value


def dump_line(row: dict[str, Any]) -> bytes:
    """RETURNS (bytes): The row as a line of JSON."""
    # Surrogates are not valid in UTF-8, but as escapes in JSON they are.
    return f"{dump_json(row)}\n".encode(errors="backslashreplace")
