"""Label Studio's export JSON-MIN, in which the keys are the names of its controls.

Source: https://labelstud.io/guide/export.html
"""

from typing import Any, ClassVar

from pydantic import ConfigDict

from ...errors import Errors
from ..format import task_format
from ..records import BadRecord, TextRecord, Unannotated, shorten
from ..regions import REGION_TYPES, find_text, read_regions
from ..schema import Task

# What Label Studio tells about the task and the annotator.
METADATA = frozenset(
    {
        "id",
        "agreement",
        "annotation_id",
        "annotator",
        "created_at",
        "lead_time",
        "updated_at",
    }
)


class LabelStudioMinTask(Task):
    """A task of the export JSON-MIN.

    It has no key for a control with which nothing was marked. A task that nobody has
    seen has null for "annotation_id".
    """

    EXAMPLE: ClassVar[str] = (
        '{"text": "Ann left", "label": [{"start": 0, "end": 3, "labels": ["PER"]}]}'
    )

    model_config = ConfigDict(extra="allow")

    @staticmethod
    def matches(task: dict[str, Any]) -> bool:
        return "annotation_id" in task or any(map(_is_control, task.values()))

    def to_record(self, source: str) -> TextRecord | Unannotated:
        task = self.model_extra or {}
        if "annotation_id" in task and task["annotation_id"] is None:
            return Unannotated(source, "nobody looked")
        controls = {key: value for key, value in task.items() if _is_control(value)}
        regions = [
            (_find_type(region), region)
            for control in controls.values()
            for region in control
        ]
        data = {key: task[key] for key in task if key not in {*METADATA, *controls}}
        text = find_text(data, regions)
        if text is None:
            raise BadRecord(source, Errors.EGP231.format(keys=shorten(list(data))))
        record = TextRecord(source=source, document=source, text=text.text, spans=[])
        read_regions(record, text, regions)
        return record


def _is_control(value: Any) -> bool:
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(item, dict) for item in value)
        and any(name in item for item in value for name in REGION_TYPES)
    )


def _find_type(region: dict[str, Any]) -> str:
    return next((name for name in REGION_TYPES if name in region), "labels")


FORMAT = task_format("label-studio-min", LabelStudioMinTask)
