"""Pyramid's JSON: tokens with entities, each of which has a span.

Source: https://github.com/LorrinWWW/Pyramid
"""

from typing import Any, ClassVar

from pydantic import BaseModel

from ..format import task_format
from ..records import Offsets, TokenRecord
from ..schema import Linked, Number, Task, count_links


class PyramidEntity(BaseModel):
    """A span in tokens, the end exclusive."""

    entity_type: str
    span: tuple[Number, Number]


class PyramidTask(Linked, Task):
    """A tokenized sentence."""

    EXAMPLE: ClassVar[str] = (
        '{"tokens": ["Ann", "left"], "entities": '
        '[{"entity_type": "PER", "span": [0, 1]}]}'
    )

    tokens: list[str]
    entities: list[PyramidEntity] | None

    @staticmethod
    def matches(task: dict[str, Any]) -> bool:
        entities = task.get("entities")
        return (
            isinstance(task.get("tokens"), list)
            and isinstance(entities, list)
            and any(isinstance(e, dict) and "span" in e for e in entities)
        )

    def to_record(self, source: str) -> TokenRecord:
        return TokenRecord(
            source=source,
            document=source,
            words=self.tokens,
            spans=[Offsets(*e.span, e.entity_type) for e in self.entities or []],
            other=count_links(vars(self)),
        )


FORMAT = task_format("pyramid", PyramidTask)
