"""doccano's JSONL: the export of a sequence labeling project.

Source: https://doccano.github.io/doccano/tutorial/
"""

from collections import Counter
from itertools import chain
from typing import Any, ClassVar

from pydantic import BaseModel, Field

from .records import Offsets, TextRecord, Unannotated
from .tasks import Task


class DoccanoEntity(BaseModel):
    """A span in characters, as the export with relations has it."""

    start_offset: int
    end_offset: int
    label: str


class DoccanoTask(Task):
    """A text with half-open character offsets.

    They are in "label", in older exports in "labels", and in the export with
    relations in "entities".
    """

    EXAMPLE: ClassVar[str] = '{"text": "Ann left", "label": [[0, 3, "PER"]]}'

    text: str
    label: list[Offsets] | None = None
    labels: list[Offsets] | None = None
    entities: list[DoccanoEntity] | None = None
    relations: list[Any] = Field(default_factory=list)

    @staticmethod
    def matches(task: dict[str, Any]) -> bool:
        if isinstance(task.get("label", task.get("labels")), list):
            return True
        return any("start_offset" in entity for entity in task.get("entities", []))

    def to_record(self, source: str) -> TextRecord | Unannotated:
        if self.label is None and self.labels is None and self.entities is None:
            return Unannotated(source, "there is no label")
        entities = (
            Offsets(entity.start_offset, entity.end_offset, entity.label)
            for entity in self.entities or []
        )
        return TextRecord(
            source=source,
            document=source,
            text=self.text,
            spans=list(chain(self.label or [], self.labels or [], entities)),
            other=Counter(relations=len(self.relations)),
        )
