"""doccano's JSONL: the export of a sequence labeling project.

Source: https://doccano.github.io/doccano/tutorial/
"""

from itertools import chain
from typing import Any, ClassVar

from ..format import task_format
from ..json_span import JsonSpan
from ..records import TextRecord, Unannotated
from ..schema import Linked, Task, count_links


class DoccanoTask(Linked, Task):
    """A text with half-open character offsets.

    They are in "label", in older exports in "labels", and in the export with
    relations in "entities".
    """

    EXAMPLE: ClassVar[str] = '{"text": "Ann left", "label": [[0, 3, "PER"]]}'

    text: str
    label: list[JsonSpan] | None = None
    labels: list[JsonSpan] | None = None
    entities: list[JsonSpan] | None = None

    @staticmethod
    def matches(task: dict[str, Any]) -> bool:
        has_text = isinstance(task.get("text"), str)
        if has_text and isinstance(task.get("label", task.get("labels")), list):
            return True
        entities = task.get("entities")
        return isinstance(entities, list) and any(
            isinstance(entity, dict) and "start_offset" in entity for entity in entities
        )

    def to_record(self, source: str) -> TextRecord | Unannotated:
        # null, as pandas writes it, says that there are none.
        if not self.model_fields_set & {"label", "labels", "entities"}:
            return Unannotated(source, "there is no label")
        spans = chain(self.label or [], self.labels or [], self.entities or [])
        return TextRecord(
            source=source,
            document=source,
            text=self.text,
            spans=[span.to_offsets() for span in spans],
            other=count_links(vars(self)),
        )


FORMAT = task_format("doccano", DoccanoTask)
