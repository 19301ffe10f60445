"""A span in JSON, under the names that tools give to its parts."""

from typing import Any

from pydantic import AliasChoices, BaseModel, Field, model_validator

from .records import MAX_CHARS, Offsets, SpanText, excerpt
from .schema import Number

START = AliasChoices("start", "start_offset", "start_char", "start_idx", "begin")
END = AliasChoices("end", "end_offset", "end_char", "end_idx")
LABEL = AliasChoices("label", "type", "entity_type", "entity_group", "tag")


class Piece(BaseModel):
    """A stretch of characters, the end exclusive."""

    start: Number = Field(validation_alias=START)
    end: Number = Field(validation_alias=END)


class JsonSpan(Piece):
    """A labelled span in characters, the end exclusive.

    Either an object, whose offsets are its own or (EDS-NLP) those of its fragments, or
    a list of start, end, label and anything else.
    """

    label: str = Field(validation_alias=LABEL)
    text: str | None = None
    fragments: list[Piece] = Field(default_factory=list)

    @model_validator(mode="before")
    @classmethod
    def _name_parts(cls, value: Any) -> Any:
        if isinstance(value, (list, tuple)):
            return dict(zip(("start", "end", "label"), value, strict=False))
        pieces = value.get("fragments") if isinstance(value, dict) else None
        if isinstance(pieces, list) and pieces and "start" not in value:
            first, last = pieces[0], pieces[-1]
            if isinstance(first, dict) and isinstance(last, dict):
                return {**value, "begin": first.get("begin"), "end": last.get("end")}
        return value

    def to_offsets(self) -> Offsets:
        """RETURNS (Offsets): The span in the form that all formats share."""
        return Offsets(self.start, self.end, self.label, self.text)


def divide_spans(
    source: str, text: str, spans: list[JsonSpan]
) -> tuple[list[Offsets], list[SpanText]]:
    """Divide spans into those of one piece and those of several.

    source (str): The file and the line.
    text (str): The whole text.
    spans (list[JsonSpan]): All spans.
    RETURNS (tuple[list[Offsets], list[SpanText]]): Those of one piece, and the others.
    """
    whole = [span.to_offsets() for span in spans if len(span.fragments) < 2]
    pieces = [span for span in spans if len(span.fragments) > 1]
    return whole, [
        SpanText(
            source,
            s.label,
            " ".join(excerpt(text, p.start, p.end) for p in s.fragments[:MAX_CHARS]),
        )
        for s in pieces
    ]
