"""Documents as tasks of annotation tools, with the spans as predictions that a person
corrects. `spacy egp convert` reads what the tools export."""

from typing import Any

from spacy.tokens import Doc

from ..errors import Errors
from .documents import Record
from .rows import list_spans


def make_prodigy_task(
    record: Record, doc: Doc, spans_key: str, text_column: str
) -> dict[str, Any]:
    """Make a task for Prodigy's `spans.manual`.

    record (Record): The document.
    doc (Doc): Its annotation.
    spans_key (str): Key of the spans in doc.spans.
    text_column (str): The column of the text.
    RETURNS (dict[str, Any]): The task. Other columns are keys of it.
    RAISES (ValueError): If another column has the name of one of Prodigy's keys.

    Source: https://prodi.gy/docs/api-interfaces#spans_manual
    """
    tokens = [
        {
            "text": token.text,
            "start": token.idx,
            "end": token.idx + len(token),
            "id": token.i,
            "ws": bool(token.whitespace_),
        }
        for token in doc
    ]
    spans = [
        {
            "start": span["start_char"],
            "end": span["end_char"],
            "token_start": span["start_token"],
            # Prodigy's is inclusive.
            "token_end": span["end_token"] - 1,
            "label": span["label"],
            "score": span["score"],
        }
        for span in list_spans(doc, spans_key)
    ]
    task = {"text": doc.text, "tokens": tokens, "spans": spans}
    return _add_columns(task, record, text_column)


def make_doccano_task(
    record: Record, doc: Doc, spans_key: str, text_column: str
) -> dict[str, Any]:
    """Make a task for a doccano project of sequence labeling. The project must allow
    overlapping spans.

    record (Record): The document.
    doc (Doc): Its annotation.
    spans_key (str): Key of the spans in doc.spans.
    text_column (str): The column of the text.
    RETURNS (dict[str, Any]): The task. Other columns are keys of it.
    RAISES (ValueError): If another column is called "text" or "label".

    Source: https://doccano.github.io/doccano/tutorial/
    """
    spans = [
        [span["start_char"], span["end_char"], span["label"]]
        for span in list_spans(doc, spans_key)
    ]
    return _add_columns({"text": doc.text, "label": spans}, record, text_column)


def make_label_studio_task(
    record: Record, doc: Doc, spans_key: str, text_column: str
) -> dict[str, Any]:
    """Make a task for Label Studio, with the names of its template for named entities:
    the control "label" and the object "text".

    record (Record): The document.
    doc (Doc): Its annotation.
    spans_key (str): Key of the spans in doc.spans.
    text_column (str): The column of the text.
    RETURNS (dict[str, Any]): The task. Other columns are in "data".
    RAISES (ValueError): If another column is called "text".

    Source: https://labelstud.io/guide/predictions
    """
    result = [
        {
            "id": str(number),
            "from_name": "label",
            "to_name": "text",
            "type": "labels",
            "value": {
                "start": span["start_char"],
                "end": span["end_char"],
                "text": span["text"],
                "labels": [span["label"]],
            },
            "score": span["score"],
        }
        for number, span in enumerate(list_spans(doc, spans_key))
    ]
    return {
        "data": _add_columns({"text": doc.text}, record, text_column),
        "predictions": [{"model_version": "spacy-egp", "result": result}],
    }


def _add_columns(
    task: dict[str, Any], record: Record, text_column: str
) -> dict[str, Any]:
    others = {name: x for name, x in record.columns.items() if name != text_column}
    for name in others:
        if name in task:
            raise ValueError(Errors.EGP425.format(column=name))
    return {**task, **others}
