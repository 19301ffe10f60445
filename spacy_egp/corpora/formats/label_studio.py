"""Label Studio's export JSON of a project that labels text.

Source: https://labelstud.io/guide/export.html
"""

from typing import Any, ClassVar

from pydantic import AliasChoices, BaseModel, Field

from ...errors import Errors
from ..format import task_format
from ..records import BadRecord, TextRecord, Unannotated, shorten
from ..regions import REGION_TYPES, find_text, read_regions
from ..schema import Task


class Result(BaseModel):
    """A region if it has a type of text, or anything else that was annotated."""

    type: str | None = None
    value: dict[str, Any] = Field(default_factory=dict)


class Annotation(BaseModel):
    """The work of one annotator on a task."""

    result: list[Result] | None = None
    was_cancelled: bool | None = Field(
        None, validation_alias=AliasChoices("was_cancelled", "skipped")
    )
    ground_truth: bool | None = None


class LabelStudioTask(Task):
    """A task of the export JSON, with the work of one or several annotators.

    The annotation that is marked as ground truth is converted, or else the first
    that was not cancelled. Further ones are counted. Before version 1.0, annotations
    were called completions.
    """

    EXAMPLE: ClassVar[str] = (
        '{"data": {"text": "Ann left"}, "annotations": [{"result": [{"type": "labels", '
        '"value": {"start": 0, "end": 3, "labels": ["PER"]}}]}]}'
    )

    data: dict[str, Any]
    annotations: list[Annotation] | None = Field(
        validation_alias=AliasChoices("annotations", "completions")
    )

    @staticmethod
    def matches(task: dict[str, Any]) -> bool:
        return "data" in task and ("annotations" in task or "completions" in task)

    def to_record(self, source: str) -> TextRecord | Unannotated:
        annotations = [
            annotation
            for annotation in self.annotations or []
            if not annotation.was_cancelled
        ]
        if not annotations:
            return Unannotated(source, "there is no annotation that is not cancelled")
        chosen = max(annotations, key=lambda annotation: bool(annotation.ground_truth))
        results = chosen.result or []
        regions = [(r.type, r.value) for r in results if r.type in REGION_TYPES]
        text = find_text(self.data, regions)
        if text is None:
            raise BadRecord(source, Errors.EGP231.format(keys=shorten(list(self.data))))
        record = TextRecord(source=source, document=source, text=text.text, spans=[])
        read_regions(record, text, regions)
        record.other.update(
            r.type or "without a type" for r in results if r.type not in REGION_TYPES
        )
        record.other["annotations by others"] = len(annotations) - 1
        return record


FORMAT = task_format("label-studio", LabelStudioTask)
