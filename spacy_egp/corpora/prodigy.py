"""Prodigy's JSONL: what `prodigy db-out` writes for span annotation.

Source: https://prodi.gy/docs/api-interfaces#spans_manual
"""

from collections import Counter
from typing import Any, ClassVar

from pydantic import BaseModel, Field
from spacy.util import get_words_and_spaces

from ..errors import Errors
from .records import BadRecord, Offsets, TextRecord, Unannotated
from .tasks import Task


class ProdigyToken(BaseModel):
    """A token of Prodigy's tokenizer."""

    text: str


class ProdigySpan(BaseModel):
    """A span in characters."""

    start: int
    end: int
    label: str


class ProdigyTask(Task):
    """A text with half-open character offsets and, if given, tokens."""

    EXAMPLE: ClassVar[str] = (
        '{"text": "Ann left", "spans": [{"start": 0, "end": 3, "label": "PER"}]}'
    )

    text: str
    spans: list[ProdigySpan] | None = None
    tokens: list[ProdigyToken] | None = None
    answer: str = "accept"
    relations: list[Any] = Field(default_factory=list)

    @staticmethod
    def matches(task: dict[str, Any]) -> bool:
        return "spans" in task

    def to_record(self, source: str) -> TextRecord | Unannotated:
        if self.answer != "accept":
            return Unannotated(source, f"the answer is {self.answer!r}")
        if self.spans is None:
            return Unannotated(source, "there are no spans")
        return TextRecord(
            source=source,
            document=source,
            text=self.text,
            tokens=self._align_tokens(source),
            spans=[Offsets(span.start, span.end, span.label) for span in self.spans],
            other=Counter(relations=len(self.relations)),
        )

    def _align_tokens(self, source: str) -> tuple[list[str], list[bool]] | None:
        if self.tokens is None:
            return None
        try:
            return get_words_and_spaces(
                [token.text for token in self.tokens], self.text
            )
        except ValueError as error:
            raise BadRecord(source, Errors.EGP232) from error
