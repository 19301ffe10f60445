"""CLUENER 2020's JSONL: ten types of entities in Chinese news.

Source: https://github.com/CLUEbenchmark/CLUENER2020
"""

from typing import Any, ClassVar

from ..format import task_format
from ..records import Offsets, TextRecord
from ..schema import Number, Task


class CluenerTask(Task):
    """A text with offsets by label and text. The end is inclusive."""

    EXAMPLE: ClassVar[str] = (
        '{"text": "叶老桂认为", "label": {"name": {"叶老桂": [[0, 2]]}}}'
    )

    text: str
    label: dict[str, dict[str, list[tuple[Number, Number]]]]

    @staticmethod
    def matches(task: dict[str, Any]) -> bool:
        return isinstance(task.get("label"), dict)

    def to_record(self, source: str) -> TextRecord:
        spans = [
            Offsets(start, last + 1, label, text)
            for label, offsets_by_text in self.label.items()
            for text, offsets in offsets_by_text.items()
            for start, last in offsets
        ]
        return TextRecord(source=source, document=source, text=self.text, spans=spans)


FORMAT = task_format("cluener", CluenerTask)
