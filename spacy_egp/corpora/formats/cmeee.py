"""CMeEE's JSON: nested entities in Chinese pediatrics.

Source: https://tianchi.aliyun.com/dataset/95414 (CBLUE)
"""

from typing import Any, ClassVar

from pydantic import BaseModel

from ...errors import Errors
from ..format import task_format
from ..records import BadRecord, Offsets, TextRecord
from ..schema import Number, Task


class CmeeeEntity(BaseModel):
    """A span in characters and its text."""

    start_idx: Number
    end_idx: Number
    type: str
    entity: str | None = None


class CmeeeTask(Task):
    """A text with entities, whose end is inclusive or exclusive.

    Both conventions are published. The text in "entity" tells for each entity: if
    its length is end_idx - start_idx, the end is exclusive. An entity without it is
    malformed, because there is nothing to tell by.
    """

    EXAMPLE: ClassVar[str] = (
        '{"text": "小儿肺炎", "entities": '
        '[{"start_idx": 0, "end_idx": 3, "type": "dis", "entity": "小儿肺炎"}]}'
    )

    text: str
    entities: list[CmeeeEntity] | None

    @staticmethod
    def matches(task: dict[str, Any]) -> bool:
        entities = task.get("entities")
        return isinstance(entities, list) and any(
            isinstance(entity, dict) and "start_idx" in entity for entity in entities
        )

    def to_record(self, source: str) -> TextRecord:
        record = TextRecord(source=source, document=source, text=self.text, spans=[])
        for entity in self.entities or []:
            start, end = entity.start_idx, entity.end_idx
            if entity.entity is None:
                problem = Errors.EGP230.format(start=start, end=end)
                record.bad.append(BadRecord(source, problem))
                continue
            is_exclusive = end - start == len(entity.entity)
            end = end if is_exclusive else end + 1
            record.spans.append(Offsets(start, end, entity.type, entity.entity))
        return record


FORMAT = task_format("cmeee", CmeeeTask)
