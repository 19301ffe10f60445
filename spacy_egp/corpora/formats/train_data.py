"""spaCy's TRAIN_DATA of version 2, which many tools and tutorials still write.

Sources: https://spacy.io/usage/v2#training; NER Annotator
(https://github.com/tecoholic/ner-annotator), which puts it under "annotations".
"""

from collections.abc import Iterator
from typing import Any

from pydantic import Field

from ...errors import Errors
from ..files import ByteStream, FilePath
from ..format import Format, Options, Sample
from ..json_span import JsonSpan
from ..records import BadRecord, Entry, TextRecord, Unannotated, shorten
from ..schema import Linked, Schema, count_links, validate
from ..values import read_values

EXAMPLE = '["Ann left", {"entities": [[0, 3, "PER"]]}]'


class Annotation(Linked):
    """What spaCy's GoldParse took. Only the spans are read."""

    entities: list[JsonSpan] | None = None
    spans: dict[str, list[JsonSpan]] = Field(default_factory=dict)


class Example(Schema):
    """A text and its annotation."""

    EXAMPLE = EXAMPLE

    text: str
    annotation: Annotation

    @staticmethod
    def matches(task: dict[str, Any]) -> bool:
        return False


def matches_train_data(sample: Sample) -> bool:
    """RETURNS (bool): Whether one of the first values is a text and its annotation."""
    return any(_is_pair(value) or _is_project(value) for value in sample.values)


def _is_pair(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) == 2
        and isinstance(value[0], str)
        and isinstance(value[1], dict)
    )


def _is_project(value: Any) -> bool:
    if not isinstance(value, dict) or "text" in value:
        return False
    items = value.get("annotations")
    return isinstance(items, list) and any(map(_is_pair, items))


def read_train_data(
    path: FilePath, file: ByteStream, options: Options
) -> Iterator[Entry]:
    """Read pairs of a text and its annotation.

    path (FilePath): The file's name.
    file (ByteStream): The open file.
    options (Options): The key in "spans", if these are to be read, not "entities".
    YIELDS (Entry): One record per text.
    """
    for number, value in read_values(path, file):
        source = f"{path}:{number}"
        if isinstance(value, ValueError):
            yield BadRecord(source, str(value))
        elif _is_project(value):
            # NER Annotator writes null for a text that nobody has seen.
            for item in value["annotations"]:
                yield from _read_pair(source, item, options)
        else:
            yield from _read_pair(source, value, options)


def _read_pair(source: str, value: Any, options: Options) -> Iterator[Entry]:
    if value is None:
        yield Unannotated(source, "it is null")
        return
    if not _is_pair(value):
        problem = Errors.EGP219.format(value=shorten(value), example=EXAMPLE)
        yield BadRecord(source, problem)
        return
    text, annotation = value
    item = {"text": text, "annotation": annotation}
    for result in validate(Example, source, item):
        if isinstance(result, BadRecord):
            yield result
        else:
            yield _make_record(source, result[1], options.source_key)


def _make_record(source: str, example: Example, key: str | None) -> Entry:
    annotation = example.annotation
    if key is not None:
        spans = annotation.spans.get(key)
    elif "entities" in annotation.model_fields_set:
        spans = annotation.entities or []
    else:
        spans = None
    if spans is None:
        return Unannotated(source, 'there are no "entities"')
    return TextRecord(
        source=source,
        document=source,
        text=example.text,
        spans=[span.to_offsets() for span in spans],
        other=count_links(vars(annotation)),
    )


FORMAT = Format("train-data", matches_train_data, read_train_data)
