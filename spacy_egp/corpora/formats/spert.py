"""SpERT's JSON: tokens with entities. Locate-and-label, PIQN and Triaffine use it, too.

Source: https://github.com/lavis-nlp/spert
"""

from typing import Any, ClassVar

from pydantic import BaseModel

from ..format import task_format
from ..records import Offsets, TokenRecord
from ..schema import Linked, Number, Task, count_links


class SpertEntity(BaseModel):
    """A span in tokens, the end exclusive."""

    start: Number
    end: Number
    type: str


class SpertTask(Linked, Task):
    """A tokenized sentence."""

    EXAMPLE: ClassVar[str] = (
        '{"tokens": ["Ann", "left"], "entities": '
        '[{"start": 0, "end": 1, "type": "PER"}]}'
    )

    tokens: list[str]
    entities: list[SpertEntity] | None

    @staticmethod
    def matches(task: dict[str, Any]) -> bool:
        tokens, entities = task.get("tokens"), task.get("entities")
        return (
            isinstance(tokens, list)
            and isinstance(entities, list)
            and any(isinstance(token, str) for token in tokens)
            and all(isinstance(e, dict) and "span" not in e for e in entities)
        )

    def to_record(self, source: str) -> TokenRecord:
        return TokenRecord(
            source=source,
            document=source,
            words=self.tokens,
            spans=[Offsets(e.start, e.end, e.type) for e in self.entities or []],
            other=count_links(vars(self)),
        )


FORMAT = task_format("spert", SpertTask)
