"""BioC in XML and JSON: documents of passages, as PubMed and PubTator deliver them.

Sources: https://bioc.sourceforge.net; https://www.ncbi.nlm.nih.gov/research/pubtator3
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator
from itertools import accumulate
from typing import Any, ClassVar

from pydantic import BaseModel, Field, TypeAdapter, field_validator

from ...errors import Errors
from ..elements import Located, read_elements
from ..files import ByteStream, FilePath
from ..format import Format, Options, Sample
from ..records import (
    BadRecord,
    Entry,
    Offsets,
    SpanText,
    TextRecord,
    Unannotated,
    shorten,
)
from ..schema import Number, Schema, validate
from ..values import read_values

COLLECTION = "collection"
DOCUMENT = "document"
# Lists of documents in JSON.
DOCUMENT_KEYS = ("documents", "PubTator3")


class Location(BaseModel):
    """Where a piece of an annotation is.

    offset (int): The first character, counted from the beginning of the document.
    length (int): The number of characters.
    """

    offset: Number
    length: Number


class Annotation(BaseModel):
    """An entity."""

    infons: dict[str, Any] = Field(default_factory=dict)
    text: str | None = None
    locations: list[Location] = Field(default_factory=list)
    line: int | None = None

    @field_validator("locations", mode="plain")
    @classmethod
    def _read_locations(cls, value: Any) -> list[Location]:
        # Validate all of them: without one of its pieces, an annotation would be
        # another one.
        return TypeAdapter(list[Location]).validate_python(value or [])

    @property
    def label(self) -> str:
        """The infon "type", or another one whose name ends in "type"."""
        keys = sorted(self.infons, key=lambda key: key != "type")
        types = (self.infons[key] for key in keys if key.lower().endswith("type"))
        return str(next(types, None) or "")


class Sentence(BaseModel):
    """A stretch of text."""

    offset: Number
    text: str | None = None
    annotations: list[Annotation] | None = None
    relations: list[Any] | None = None


class Passage(Sentence):
    """A title or a paragraph, whose text is its own or that of its sentences."""

    sentences: list[Sentence] | None = None


class Document(Schema):
    """A document. Each becomes a doc."""

    EXAMPLE: ClassVar[str] = (
        '{"id": "1", "passages": [{"offset": 0, "text": "Ann left", "annotations": '
        '[{"infons": {"type": "PER"}, "text": "Ann", "locations": [{"offset": 0, '
        '"length": 3}]}]}]}'
    )

    passages: list[Passage] | None = None
    annotations: list[Annotation] | None = None
    relations: list[Any] | None = None

    @staticmethod
    def matches(task: dict[str, Any]) -> bool:
        return isinstance(task.get("passages"), list)


def matches_bioc(sample: Sample) -> bool:
    """RETURNS (bool): Whether there are documents with passages."""
    if sample.root:
        return sample.root == COLLECTION and b"<document" in sample.head
    return any(
        Document.matches(document)
        for value in sample.values
        for document in _find_documents(value)
        if isinstance(document, dict)
    )


def read_bioc(path: FilePath, file: ByteStream, options: Options) -> Iterator[Entry]:
    """Read the documents.

    path (FilePath): The file's name.
    file (ByteStream): The open file: XML or JSON.
    options (Options): Not used.
    YIELDS (Entry): One record per document.
    """
    is_xml = file.peek(1)[:4].lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")
    documents = _read_xml(path, file) if is_xml else _read_json(path, file)
    for source, document in documents:
        if isinstance(document, ValueError):
            yield BadRecord(source, str(document))
        elif not isinstance(document, dict):
            problem = Errors.EGP219.format(
                value=shorten(document), example=Document.EXAMPLE
            )
            yield BadRecord(source, problem)
        else:
            for item in validate(Document, source, document):
                if isinstance(item, BadRecord):
                    yield item
                else:
                    yield _make_record(path, *item)


def _read_json(path: FilePath, file: ByteStream) -> Iterator[tuple[str, Any]]:
    for number, value in read_values(path, file):
        for document in _find_documents(value):
            yield f"{path}:{number}", document


def _find_documents(value: Any) -> list[Any]:
    if isinstance(value, dict):
        for key in DOCUMENT_KEYS:
            if isinstance(value.get(key), list):
                return value[key]
    return [value]


def _read_xml(path: FilePath, file: ByteStream) -> Iterator[tuple[str, Any]]:
    for element in read_elements(path, file, {DOCUMENT}):
        yield f"{path}:{element.line}", _to_dict(element)


def _to_dict(element: Located) -> dict[str, Any]:
    """RETURNS (dict[str, Any]): The element as it is in JSON: elements with the same
    name are in a list under the plural of this name."""
    result: dict[str, Any] = {"line": element.line, "infons": {}, **element.attrib}
    for child in element:
        assert isinstance(child, Located)
        if child.tag == "infon":
            result["infons"][child.get("key", "")] = child.text
        elif child.tag in ("id", "offset", "text"):
            result[child.tag] = child.text or ""
        elif child.tag == "location":
            result.setdefault("locations", []).append(child.attrib)
        else:
            result.setdefault(f"{child.tag}s", []).append(_to_dict(child))
    return result


def _make_record(
    path: FilePath, source: str, document: Document
) -> TextRecord | Unannotated:
    if not document.passages:
        return Unannotated(source, "there is no passage")
    units: list[Sentence] = []
    # Annotations, and the text that they are about, if that is known.
    annotations: list[tuple[Annotation, Sentence | None]] = []
    n_relations = len(document.relations or [])
    for passage in document.passages:
        sentences = passage.sentences or []
        parts = [] if passage.text else sentences
        units += parts or [passage]
        annotations += [
            (a, None if parts else passage) for a in passage.annotations or []
        ]
        n_relations += len(passage.relations or [])
        for sentence in sentences:
            owner = sentence if parts else passage
            annotations += [(a, owner) for a in sentence.annotations or []]
            n_relations += len(sentence.relations or [])
    annotations += [(annotation, None) for annotation in document.annotations or []]
    starts = list(accumulate((len(u.text or "") + 1 for u in units), initial=0))
    shifts = {id(u): start - u.offset for u, start in zip(units, starts, strict=False)}
    record = TextRecord(
        source=source,
        document=source,
        text=" ".join(unit.text or "" for unit in units),
        spans=[],
        other=Counter(relations=n_relations),
    )
    ordered = sorted(units, key=lambda unit: unit.offset)
    offsets = [unit.offset for unit in ordered]
    for annotation, unit in annotations:
        if not annotation.locations:
            record.other["annotations without a location"] += 1
            continue
        if unit is None:
            i = bisect_right(offsets, annotation.locations[0].offset)
            unit = ordered[max(0, i - 1)]
        _add_span(record, path, annotation, shifts[id(unit)])
    return record


def _add_span(
    record: TextRecord, path: FilePath, annotation: Annotation, shift: int
) -> None:
    source = f"{path}:{annotation.line}" if annotation.line else record.source
    if len(annotation.locations) > 1:
        span = SpanText(source, annotation.label, annotation.text or "")
        record.discontinuous.append(span)
        return
    [location] = annotation.locations
    start, end = location.offset + shift, location.offset + location.length + shift
    record.spans.append(Offsets(start, end, annotation.label, annotation.text, source))


FORMAT = Format("bioc", matches_bioc, read_bioc)
