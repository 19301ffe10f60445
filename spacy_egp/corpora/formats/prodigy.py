"""Prodigy's JSONL: what `prodigy db-out` writes for span annotation.

Source: https://prodi.gy/docs/api-interfaces#spans_manual
"""

from typing import Any, ClassVar

from pydantic import BaseModel, Field

from ..format import task_format
from ..json_span import JsonSpan
from ..records import TextRecord, Unannotated
from ..schema import Linked, Task, count_links
from ..tokenization import align_words

# The interfaces in which an answer is about the spans that are shown.
BINARY_VIEWS = ("ner", "spans")


class ProdigyToken(BaseModel):
    """A token of Prodigy's tokenizer."""

    text: str


class ProdigyTask(Linked, Task):
    """A text with half-open character offsets and, if given, tokens."""

    EXAMPLE: ClassVar[str] = (
        '{"text": "Ann left", "spans": [{"start": 0, "end": 3, "label": "PER"}]}'
    )

    text: str
    spans: list[JsonSpan] | None = None
    tokens: list[ProdigyToken] | None = None
    answer: str | None = None
    view: str | None = Field(None, validation_alias="_view_id")
    is_binary: bool | None = Field(None, validation_alias="_is_binary")

    @staticmethod
    def matches(task: dict[str, Any]) -> bool:
        return "text" in task and not task.keys().isdisjoint(
            ("spans", "answer", "_view_id", "_input_hash")
        )

    def to_record(self, source: str) -> TextRecord | Unannotated:
        if self.answer not in ("accept", None):
            return Unannotated(source, f"the answer is {self.answer!r}")
        is_binary = self.is_binary
        if is_binary is None:
            is_binary = self.view in BINARY_VIEWS and self.answer is not None
        if is_binary:
            return Unannotated(
                source, "a binary answer is about one span, and others may be missing"
            )
        # Where nothing was highlighted, Prodigy may write no spans.
        if self.answer is None and "spans" not in self.model_fields_set:
            return Unannotated(source, "there are no spans")
        words = [token.text for token in self.tokens or []]
        return TextRecord(
            source=source,
            document=source,
            text=self.text,
            tokens=align_words(source, words, self.text) if words else None,
            spans=[span.to_offsets() for span in self.spans or []],
            other=count_links(vars(self)),
        )


FORMAT = task_format("prodigy", ProdigyTask)
