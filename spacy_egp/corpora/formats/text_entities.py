"""JSON objects with a text and its entities, as many libraries and data sets have them.

Sources: what `spacy egp annotate` writes; SpanMarker, EDS-NLP and data sets on Hugging
Face's hub. Each entity is an object or a list of start, end (exclusive) and label.
"""

from typing import Any, ClassVar

from pydantic import AliasChoices, Field

from ..format import task_format
from ..json_span import JsonSpan, divide_spans
from ..records import TextRecord, Unannotated
from ..schema import Linked, Task, count_links

TEXT_KEYS = ("text", "note_text", "sentence", "content")
SPAN_KEYS = ("entities", "spans", "ents", "annotations")


class TextEntitiesTask(Linked, Task):
    """A text with half-open character offsets."""

    EXAMPLE: ClassVar[str] = '{"text": "Ann left", "entities": [[0, 3, "PER"]]}'

    text: str = Field(validation_alias=AliasChoices(*TEXT_KEYS))
    entities: list[JsonSpan] | None = Field(
        None, validation_alias=AliasChoices(*SPAN_KEYS)
    )

    @staticmethod
    def matches(task: dict[str, Any]) -> bool:
        has_text = any(isinstance(task.get(key), str) for key in TEXT_KEYS)
        keys = [key for key in SPAN_KEYS if key in task]
        return has_text and any(isinstance(task[k], list | None) for k in keys)

    def to_record(self, source: str) -> TextRecord | Unannotated:
        if "entities" not in self.model_fields_set:
            return Unannotated(source, "there are no entities")
        spans, discontinuous = divide_spans(source, self.text, self.entities or [])
        return TextRecord(
            source=source,
            document=source,
            text=self.text,
            spans=spans,
            discontinuous=discontinuous,
            other=count_links(vars(self)),
        )


FORMAT = task_format("text-entities", TextEntitiesTask)
