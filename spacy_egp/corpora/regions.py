"""Label Studio's regions of a text, of HTML, and of the paragraphs of a dialogue."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from pydantic import BaseModel, ValidationError

from ..errors import Errors
from .records import BadRecord, Offsets, TextRecord, has_words, shorten
from .schema import Number

REGION_TYPES = ("labels", "hypertextlabels", "paragraphlabels")
EXAMPLE = '{"start": 0, "end": 3, "labels": ["PER"]}'

Region = tuple[str, dict[str, Any]]


class Text(NamedTuple):
    """The text that regions refer to.

    text (str): The text.
    paragraphs (list[int] | None): Where its paragraphs begin, if it has any.
    """

    text: str
    paragraphs: list[int] | None = None


class TextRegion(BaseModel):
    """Half-open character offsets, and the text there."""

    start: Number
    end: Number
    text: str | None = None


class GlobalRegion(BaseModel):
    """A region of HTML, which has offsets in the whole text in addition to its path."""

    globalOffsets: TextRegion | None = None
    text: str | None = None


class ParagraphRegion(BaseModel):
    """A region that begins and ends in a paragraph."""

    start: Number
    end: Number
    startOffset: Number
    endOffset: Number
    text: str | None = None


def find_text(data: Mapping[str, Any], regions: Sequence[Region]) -> Text | None:
    """Find the text among the data of a task: the only one, the one called "text", or
    the one that agrees with the regions.

    data (Mapping[str, Any]): The data.
    regions (Sequence[tuple[str, dict]]): Types and values of the regions.
    RETURNS (Text | None): The text, if it is clear.
    """
    texts = {key: value for key, value in data.items() if isinstance(value, str)}
    if not texts or any(type == "paragraphlabels" for type, _ in regions):
        dialogues = [value for value in data.values() if _is_dialogue(value)]
        return _join(dialogues[0]) if len(dialogues) == 1 else None
    if "text" in texts:
        return Text(texts["text"])
    if len(texts) > 1:
        texts = {key: text for key, text in texts.items() if _confirms(text, regions)}
    return Text(texts.popitem()[1]) if len(texts) == 1 else None


def _is_dialogue(value: Any) -> bool:
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(v, dict) and isinstance(v.get("text"), str) for v in value)
    )


def _join(dialogue: list[dict[str, str]]) -> Text:
    starts, position = [], 0
    for paragraph in dialogue:
        starts.append(position)
        position += len(paragraph["text"]) + 1
    return Text("\n".join(paragraph["text"] for paragraph in dialogue), starts)


def _confirms(text: str, regions: Sequence[Region]) -> bool:
    values = [value for _, value in regions]
    return bool(values) and all(
        isinstance(value.get("text"), str) and value["text"] in text for value in values
    )


def read_regions(record: TextRecord, text: Text, regions: Sequence[Region]) -> None:
    """Add spans to a record.

    record (TextRecord): The record, which gets a span for each label of a region.
    text (Text): The text.
    regions (Sequence[tuple[str, dict]]): Types and values of the regions.
    """
    for type, value in regions:
        labels = value.get(type)
        if not isinstance(labels, list) or not labels:
            record.other["regions without a label"] += 1
            continue
        try:
            start, end, expected = _read_region(record.source, text, type, value)
        except BadRecord as error:
            record.bad.append(error)
            continue
        record.spans.extend(
            Offsets(start, end, str(label), expected) for label in labels
        )


def _read_region(
    source: str, text: Text, type: str, value: dict[str, Any]
) -> tuple[int, int, str | None]:
    try:
        if type == "paragraphlabels":
            return _read_paragraphs(source, text, ParagraphRegion.model_validate(value))
        if type == "hypertextlabels":
            return _read_html(source, text, GlobalRegion.model_validate(value))
        region = TextRegion.model_validate(value)
    except ValidationError as error:
        first = error.errors()[0]
        problem = Errors.EGP220.format(
            location=".".join(map(str, first["loc"])),
            error=first["msg"],
            value=shorten(first["input"]),
            example=EXAMPLE,
        )
        raise BadRecord(source, problem) from error
    return region.start, region.end, region.text


def _read_html(
    source: str, text: Text, region: GlobalRegion
) -> tuple[int, int, str | None]:
    offsets = region.globalOffsets
    # The offsets count the characters that a browser shows. In a text without markup,
    # these are all of its characters.
    if offsets is None or region.text is None or not region.text.strip():
        raise BadRecord(source, Errors.EGP242.format(text=shorten(region.text)))
    if not has_words(text.text, offsets.start, offsets.end, region.text):
        raise BadRecord(source, Errors.EGP242.format(text=shorten(region.text)))
    return offsets.start, offsets.end, None


def _read_paragraphs(
    source: str, text: Text, region: ParagraphRegion
) -> tuple[int, int, str | None]:
    starts = text.paragraphs
    if starts is None or not 0 <= region.start <= region.end < len(starts):
        problem = Errors.EGP243.format(start=region.start, end=region.end)
        raise BadRecord(source, problem)
    start = starts[region.start] + region.startOffset
    return start, starts[region.end] + region.endOffset, region.text
