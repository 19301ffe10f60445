"""CMeEE's JSON: nested entities in Chinese pediatrics.

Source: https://tianchi.aliyun.com/dataset/95414 (CBLUE)
"""

from typing import Any, ClassVar

from pydantic import BaseModel

from ..errors import Errors
from .records import BadRecord, Offsets, TextRecord, check_text
from .tasks import Task


class CmeeeEntity(BaseModel):
    """A span in characters and its text."""

    start_idx: int
    end_idx: int
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
    entities: list[CmeeeEntity]

    @staticmethod
    def matches(task: dict[str, Any]) -> bool:
        return any("start_idx" in entity for entity in task.get("entities", []))

    def to_record(self, source: str) -> TextRecord:
        spans = [self._to_offsets(entity, source) for entity in self.entities]
        return TextRecord(source=source, document=source, text=self.text, spans=spans)

    def _to_offsets(self, entity: CmeeeEntity, source: str) -> Offsets:
        if entity.entity is None:
            problem = Errors.EGP230.format(start=entity.start_idx, end=entity.end_idx)
            raise BadRecord(source, problem)
        is_exclusive = entity.end_idx - entity.start_idx == len(entity.entity)
        end = entity.end_idx if is_exclusive else entity.end_idx + 1
        check_text(source, self.text, entity.start_idx, end, entity.entity)
        return Offsets(entity.start_idx, end, entity.type)
