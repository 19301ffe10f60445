"""GLiNER's JSON: tokens with spans, whose end is inclusive.

Source: https://github.com/urchade/GLiNER
"""

from typing import Any, ClassVar

from ..format import task_format
from ..records import Offsets, TokenRecord
from ..schema import Linked, Number, Task, count_links


class GlinerTask(Linked, Task):
    """A tokenized text."""

    EXAMPLE: ClassVar[str] = (
        '{"tokenized_text": ["Ann", "left"], "ner": [[0, 0, "PER"]]}'
    )

    tokenized_text: list[str]
    ner: list[tuple[Number, Number, str]] | None

    @staticmethod
    def matches(task: dict[str, Any]) -> bool:
        return "tokenized_text" in task

    def to_record(self, source: str) -> TokenRecord:
        return TokenRecord(
            source=source,
            document=source,
            words=self.tokenized_text,
            spans=[
                Offsets(start, last + 1, label) for start, last, label in self.ner or []
            ],
            other=count_links(vars(self)),
        )


FORMAT = task_format("gliner", GlinerTask)
