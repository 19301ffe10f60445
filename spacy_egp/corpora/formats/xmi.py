"""UIMA CAS XMI, which INCEpTION and other tools of UIMA write, with its type system.

Source: https://uima.apache.org/d/uimaj-current/references.html#ugr.ref.xmi
"""

import io
import os
from collections.abc import Iterator
from typing import Any

from ...errors import Errors
from ..cas import read_cas
from ..files import ByteStream, FilePath, bare_name, find_beside
from ..format import Format, Options, Sample
from ..records import BadRecord, Entry

ANNOTATION, TYPE_SYSTEM = "XMI", "typeSystemDescription"
TYPE_SYSTEM_NAME = "TypeSystem.xml"


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
    if Sample(path).root != TYPE_SYSTEM:
        yield from read_cas(path, file, _find_type_system(path), _load)


def _find_type_system(path: FilePath) -> FilePath:
    """RETURNS (FilePath): The file of the same name with .xml, or that which INCEpTION
    writes for a folder."""
    own_name = f"{os.path.splitext(bare_name(path))[0]}.xml"
    for name in (own_name, TYPE_SYSTEM_NAME):
        if found := find_beside(path, name):
            return found
    raise BadRecord(str(path), Errors.EGP256.format(name=own_name))


def _load(cassis: Any, data: io.BytesIO, types: Any) -> Any:
    return cassis.load_cas_from_xmi(data, typesystem=types)


FORMAT = Format("xmi", matches_xmi, read_xmi)
