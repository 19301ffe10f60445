"""UIMA's CAS as records, in whatever format it is written.

Source: https://github.com/dkpro/dkpro-cassis, which reads it
"""

import io
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from ..errors import Errors
from .files import ByteStream, FilePath, open_file, read_whole
from .records import BadRecord, Offsets, TextRecord
from .tokenization import match_words
from .uima_layers import LINKS, find_label_features, has_entities, short_name

TOKEN = "Token"
# What is not annotated by a person.
TECHNICAL = ("DocumentAnnotation", "DocumentMetaData", "Sentence")
STRINGS = ("uima.cas.String", "uima.cas.StringArray")
RELATION = frozenset({"Governor", "Dependent"})


def read_cas(
    path: FilePath,
    file: ByteStream,
    type_path: FilePath | None,
    load: Callable[[Any, io.BytesIO, Any], Any],
) -> Iterator[TextRecord]:
    """Read a CAS. Each view with a text becomes a doc.

    path (FilePath): The file's name.
    file (ByteStream): The open file.
    type_path (FilePath | None): The file with its type system, if that is a separate
        file.
    load (Callable): Takes the package cassis, the data, and the type system or None,
        and returns the CAS.
    YIELDS (TextRecord): The records.
    RAISES (ImportError): If dkpro-cassis is not installed.
    """
    try:
        import cassis
    except ImportError as error:
        raise ImportError(Errors.EGP255) from error
    try:
        types = None
        if type_path:
            with open_file(type_path) as type_file:
                types = cassis.load_typesystem(_read_data(type_path, type_file))
        cas = load(cassis, _read_data(path, file), types)
        views = [cas.get_view(view.sofa.sofaID) for view in cas.views]
        records = [_read_view(str(path), view) for view in views if view.sofa_string]
    except BadRecord:
        raise
    # Damaged files make lxml and cassis raise errors of any type.
    except Exception as error:
        problem = Errors.EGP257.format(error=f"{type(error).__name__}: {error}")
        raise BadRecord(str(path), problem) from error
    yield from records


def _read_data(path: FilePath, file: ByteStream) -> io.BytesIO:
    return io.BytesIO(read_whole(path, file).encode())


def _read_view(source: str, view: Any) -> TextRecord:
    text = view.sofa_string
    record = TextRecord(source=source, document=source, text=text, spans=[])
    words = []
    for annotation in view.select_all_annotations():
        name = short_name(annotation.type.name)
        features = annotation.type.all_features
        if name == TOKEN:
            words.append(text[annotation.begin : annotation.end])
        elif {feature.name for feature in features} >= RELATION:
            record.other["relations"] += 1
        elif has_entities(annotation.type.name) and name not in TECHNICAL:
            _add_spans(record, annotation, name)
        elif name not in TECHNICAL:
            record.other[name] += 1
    # In some UIMA pipelines, only words are tokens.
    return replace(record, tokens=match_words(words, text) if words else None)


def _add_spans(record: TextRecord, annotation: Any, name: str) -> None:
    features = annotation.type.all_features
    names = [f.name for f in features if f.rangeType.name in STRINGS]
    values = [annotation[names[i]] for i in find_label_features(names)]
    # A feature may have several values.
    labels = next(filter(None, map(_list_items, values)), [] if names else [name])
    begin, end = annotation.begin, annotation.end
    record.spans.extend(Offsets(begin, end, label) for label in labels)
    record.other["spans without a label"] += not labels
    record.other[LINKS] += sum(
        hasattr(item, "type")
        for feature in features
        if feature.name != "sofa"
        for item in _list_items(annotation[feature.name])
    )


def _list_items(value: Any) -> list[Any]:
    """RETURNS (list[Any]): The items of an array, or the value, if there are any."""
    items = getattr(value, "elements", [value])
    return [item for item in items or [] if item not in (None, "")]
