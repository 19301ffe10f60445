"""Argilla's JSON: records with answers to span questions, nested or flattened, and the
token classification of version 1.

Source: https://docs.argilla.io/latest/how_to_guides/import_export/
"""

from collections.abc import Iterator
from typing import Any, ClassVar

from pydantic import ConfigDict, ValidationError

from ...errors import Errors
from ..format import task_format
from ..json_span import JsonSpan
from ..records import BadRecord, TextRecord, Unannotated, shorten
from ..regions import find_text
from ..schema import Task
from ..tokenization import align_words

RESPONSES = ".responses"
# What Argilla says about a record in addition to its fields.
METADATA = frozenset({"id", "_server_id", "status", "external_id"})

# The answer of an annotator to a question, and whether it is submitted.
Answer = tuple[Any, bool]


class ArgillaTask(Task):
    """A record.

    The first answer that is submitted is converted; further ones are counted.
    """

    EXAMPLE: ClassVar[str] = (
        '{"fields": {"text": "Ann left"}, "responses": {"spans": [{"value": '
        '[{"start": 0, "end": 3, "label": "PER"}], "user_id": "1"}]}}'
    )

    model_config = ConfigDict(extra="allow")

    @staticmethod
    def matches(task: dict[str, Any]) -> bool:
        is_nested = isinstance(task.get("fields"), dict) and "responses" in task
        is_flat = any(key.endswith(RESPONSES) for key in task)
        return is_nested or is_flat or _is_old(task)

    def to_record(self, source: str) -> TextRecord | Unannotated:
        task = self.model_extra or {}
        if _is_old(task):
            return _read_old(source, task)
        fields = task.get("fields")
        data = fields if isinstance(fields, dict) else _find_fields(task)
        text = find_text(data, [])
        if text is None:
            raise BadRecord(source, Errors.EGP259.format(keys=shorten(list(data))))
        record = TextRecord(source=source, document=source, text=text.text, spans=[])
        is_answered = False
        for question, answers in _read_answers(task):
            given = [v for v, is_given in answers if is_given and v is not None]
            is_answered |= bool(given)
            if given and _is_spans(given[0]):
                _add_spans(record, given[0])
            elif given:
                record.other[f"answers to {question}"] += 1
            record.other["annotations by others"] += max(0, len(given) - 1)
        if not is_answered:
            return Unannotated(source, "there is no answer that is submitted")
        return record


def _is_old(task: dict[str, Any]) -> bool:
    return "annotation" in task and "prediction" in task and "tokens" in task


def _read_old(source: str, task: dict[str, Any]) -> TextRecord | Unannotated:
    spans, text, words = task["annotation"], task.get("text"), task["tokens"]
    if spans is None or task.get("status") == "Discarded":
        return Unannotated(source, "nobody has validated it")
    if not isinstance(text, str) or not _is_spans(spans):
        shown = shorten(task)
        problem = Errors.EGP219.format(value=shown, example=ArgillaTask.EXAMPLE)
        raise BadRecord(source, problem)
    record = TextRecord(
        source=source,
        document=source,
        text=text,
        tokens=align_words(source, list(map(str, words)), text) if words else None,
        spans=[],
    )
    # In lists the label comes first.
    _add_spans(record, [s[1:3] + s[:1] if isinstance(s, list) else s for s in spans])
    return record


def _find_fields(task: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in task.items() if k not in METADATA and "." not in k}


def _read_answers(task: dict[str, Any]) -> Iterator[tuple[str, list[Answer]]]:
    responses = task.get("responses")
    if isinstance(responses, dict):
        for question, answers in responses.items():
            items = [a for a in answers or [] if isinstance(a, dict)]
            yield (
                question,
                [(a.get("value"), _is_given(a.get("status"))) for a in items],
            )
    for key, values in task.items():
        if key.endswith(RESPONSES) and isinstance(values, list):
            statuses = task.get(f"{key}.status") or [None] * len(values)
            answers = zip(values, map(_is_given, statuses), strict=False)
            yield key.removesuffix(RESPONSES), list(answers)


def _is_given(status: Any) -> bool:
    return status in (None, "submitted")


def _is_spans(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(v, (dict, list)) for v in value)


def _add_spans(record: TextRecord, values: list[Any]) -> None:
    for value in values:
        try:
            record.spans.append(JsonSpan.model_validate(value).to_offsets())
        except ValidationError as error:
            first = error.errors()[0]
            problem = Errors.EGP220.format(
                location=".".join(map(str, first["loc"])),
                error=first["msg"],
                value=shorten(value),
                example=ArgillaTask.EXAMPLE,
            )
            record.bad.append(BadRecord(record.source, problem))


FORMAT = task_format("argilla", ArgillaTask)
