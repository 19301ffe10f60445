"""Label Studio's exports JSON and JSON-MIN of a project that labels text.

Source: https://labelstud.io/guide/export.html
"""

from collections import Counter
from typing import Any, ClassVar

from pydantic import BaseModel, Field

from ..errors import Errors
from .records import BadRecord, Offsets, TextRecord, Unannotated, check_text
from .tasks import Task


class Region(BaseModel):
    """A piece of text with half-open character offsets and any number of labels."""

    start: int
    end: int
    text: str | None = None
    labels: list[str] = Field(default_factory=list)


class Result(BaseModel):
    """A region, if the type is "labels", or anything else that was annotated."""

    type: str
    value: dict[str, Any] = Field(default_factory=dict)


class Annotation(BaseModel):
    """The work of one annotator on a task."""

    result: list[Result]
    was_cancelled: bool = False
    ground_truth: bool = False


class LabelStudioTask(Task):
    """A task of the export JSON, with the work of one or several annotators.

    The annotation that is marked as ground truth is converted, or else the first
    that was not cancelled. Further ones are counted.
    """

    EXAMPLE: ClassVar[str] = (
        '{"data": {"text": "Ann left"}, "annotations": [{"result": [{"type": "labels", '
        '"value": {"start": 0, "end": 3, "labels": ["PER"]}}]}]}'
    )

    data: dict[str, Any]
    annotations: list[Annotation]

    @staticmethod
    def matches(task: dict[str, Any]) -> bool:
        return "data" in task and "annotations" in task

    def to_record(self, source: str) -> TextRecord | Unannotated:
        annotations = [item for item in self.annotations if not item.was_cancelled]
        if not annotations:
            return Unannotated(source, "there is no annotation that is not cancelled")
        chosen = max(annotations, key=lambda annotation: annotation.ground_truth)
        other = Counter(r.type for r in chosen.result if r.type != "labels")
        other["annotations by others"] = len(annotations) - 1
        regions = [Region(**r.value) for r in chosen.result if r.type == "labels"]
        return _make_record(source, self._find_text(source), regions, other)

    def _find_text(self, source: str) -> str:
        texts = {key: value for key, value in self.data.items() if type(value) is str}
        if "text" not in texts and len(texts) != 1:
            raise BadRecord(source, Errors.EGP231.format(keys=list(self.data)))
        return texts["text"] if "text" in texts else texts.popitem()[1]


class LabelStudioMinTask(Task):
    """A task of the export JSON-MIN."""

    EXAMPLE: ClassVar[str] = (
        '{"text": "Ann left", "label": [{"start": 0, "end": 3, "labels": ["PER"]}]}'
    )

    text: str
    label: list[Region]

    @staticmethod
    def matches(task: dict[str, Any]) -> bool:
        label = task.get("label")
        return isinstance(label, list) and any(isinstance(item, dict) for item in label)

    def to_record(self, source: str) -> TextRecord:
        return _make_record(source, self.text, self.label, Counter())


def _make_record(
    source: str, text: str, regions: list[Region], other: Counter[str]
) -> TextRecord:
    spans: list[Offsets] = []
    for region in regions:
        # Some versions count an emoji as two characters, which the text reveals.
        if region.text is not None:
            check_text(source, text, region.start, region.end, region.text)
        spans.extend(Offsets(region.start, region.end, lab) for lab in region.labels)
    other["regions without a label"] = sum(not region.labels for region in regions)
    return TextRecord(
        source=source, document=source, text=text, spans=spans, other=other
    )
