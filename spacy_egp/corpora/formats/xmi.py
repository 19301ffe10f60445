"""UIMA CAS XMI, which INCEpTION and other tools of UIMA write, with its type system.

Source: https://github.com/dkpro/dkpro-cassis, which reads it
"""

import io
import os
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from ...errors import Errors
from ..files import ByteStream, FilePath, bare_name, find_beside, open_file, read_whole
from ..format import Format, Options, Sample
from ..layers import find_label_feature, has_entities, short_name
from ..records import BadRecord, Entry, Offsets, TextRecord
from ..tokenization import match_words

ANNOTATION, TYPE_SYSTEM = "XMI", "typeSystemDescription"
TYPE_SYSTEM_NAME = "TypeSystem.xml"
TOKEN = "Token"
# What is no annotation of a person.
TECHNICAL = ("DocumentAnnotation", "DocumentMetaData", "Sentence")
STRING = "uima.cas.String"
RELATION = frozenset({"Governor", "Dependent"})


def matches_xmi(sample: Sample) -> bool:
    """RETURNS (bool): Whether this is a CAS, or a type system."""
    return sample.root in (ANNOTATION, TYPE_SYSTEM)


def read_xmi(path: FilePath, file: ByteStream, options: Options) -> Iterator[Entry]:
    """Read a CAS. Each view with a text becomes a doc.

    path (FilePath): The file's name.
    file (ByteStream): The open file.
    options (Options): Not used.
    YIELDS (Entry): A record for an .xmi file and the type system beside it; nothing for
        the latter.
    RAISES (ImportError): If dkpro-cassis is not installed.
    """
    if Sample(path).root == TYPE_SYSTEM:
        return
    try:
        from cassis import load_cas_from_xmi, load_typesystem
    except ImportError as error:
        raise ImportError(Errors.EGP255) from error
    type_path = _find_type_system(path)
    try:
        with open_file(type_path) as type_file:
            data = read_whole(type_path, type_file).encode()
        types = load_typesystem(io.BytesIO(data))
        data = read_whole(path, file).encode()
        cas = load_cas_from_xmi(io.BytesIO(data), typesystem=types)
        views = [cas.get_view(view.sofa.sofaID) for view in cas.views]
        records = [_read_view(str(path), view) for view in views if view.sofa_string]
    except BadRecord:
        raise
    # Damaged files make lxml and cassis raise whatever they like.
    except Exception as error:
        problem = Errors.EGP257.format(error=f"{type(error).__name__}: {error}")
        raise BadRecord(str(path), problem) from error
    yield from records


def _find_type_system(path: FilePath) -> FilePath:
    """RETURNS (FilePath): The file of the same name with .xml, or that which INCEpTION
    writes for a folder."""
    own_name = f"{os.path.splitext(bare_name(path))[0]}.xml"
    for name in (own_name, TYPE_SYSTEM_NAME):
        if found := find_beside(path, name):
            return found
    raise BadRecord(str(path), Errors.EGP256.format(name=own_name))


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
            _add_span(record, annotation, name)
        elif name not in TECHNICAL:
            record.other[name] += 1
    # Some pipelines of UIMA have tokens of words only.
    return replace(record, tokens=match_words(words, text) if words else None)


def _add_span(record: TextRecord, annotation: Any, name: str) -> None:
    features = annotation.type.all_features
    names = [f.name for f in features if f.rangeType.name == STRING]
    i = find_label_feature(names)
    label = name if i is None else annotation[names[i]]
    if label:
        record.spans.append(Offsets(annotation.begin, annotation.end, label))
    else:
        record.other["spans without a label"] += 1


FORMAT = Format("xmi", matches_xmi, read_xmi)
