"""A document and its spans as a row of columns."""

import json
from math import isfinite
from typing import Any

from spacy.tokens import Doc, SpanGroup

from ..errors import Errors
from .records import Record

SPANS_COLUMN = "spans"


def make_row(record: Record, doc: Doc, spans_key: str) -> dict[str, Any]:
    """Add the spans to the columns of the input.

    record (Record): The document.
    doc (Doc): Its annotation.
    spans_key (str): Key of the spans in doc.spans.
    RETURNS (dict[str, Any]): The row.
    RAISES (ValueError): If the input has the column already.
    """
    return {**record.columns, SPANS_COLUMN: list_new_spans(record, doc, spans_key)}


def list_new_spans(record: Record, doc: Doc, spans_key: str) -> list[dict[str, Any]]:
    """List the spans of a doc whose record has none.

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
            "label": span.label_,
            "score": score,
            "start_token": span.start,
            "end_token": span.end,
        }
        for span, score in zip(spans, _list_scores(spans), strict=True)
    ]


def _list_scores(spans: SpanGroup) -> list[float | None]:
    """A score for each span, None where there is none. Components that add spans put
    them behind those with scores; where spans were removed, nobody knows whose scores
    are left."""
    given = spans.attrs.get("scores", ())
    if len(given) > len(spans):
        given = ()
    scores = [round(float(score), 6) if isfinite(score) else None for score in given]
    return scores + [None] * (len(spans) - len(scores))


def dump_json(value: Any) -> str:
    """RETURNS (str): The JSON of a value; dates and the like become text."""
    return json.dumps(value, ensure_ascii=False, default=str)


def dump_line(row: dict[str, Any]) -> bytes:
    """RETURNS (bytes): The row as a line of JSON."""
    # Surrogates are not valid in UTF-8, but as escapes in JSON they are.
    return f"{dump_json(row)}\n".encode(errors="backslashreplace")
