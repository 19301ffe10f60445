"""UIMA CAS JSON, which INCEpTION writes, with the types that it needs.

Source: https://github.com/apache/uima-uimaj-io-jsoncas
"""

import io
from collections.abc import Iterator
from typing import Any

from ..cas import read_cas
from ..files import ByteStream, FilePath
from ..format import Format, Options, Sample
from ..records import Entry

FEATURE_STRUCTURES = "%FEATURE_STRUCTURES"


def matches_cas_json(sample: Sample) -> bool:
    """RETURNS (bool): Whether this is a CAS."""
    return any(
        isinstance(value, dict) and FEATURE_STRUCTURES in value
        for value in sample.values
    )


def read_cas_json(
    path: FilePath, file: ByteStream, options: Options
) -> Iterator[Entry]:
    """Read a CAS. Each view with a text becomes a doc.

    path (FilePath): The file's name.
    file (ByteStream): The open file.
    options (Options): Not used.
    YIELDS (Entry): A record for each view.
    RAISES (ImportError): If dkpro-cassis is not installed.
    """
    yield from read_cas(path, file, None, _load)


def _load(cassis: Any, data: io.BytesIO, types: Any) -> Any:
    return cassis.load_cas_from_json(data)


FORMAT = Format("cas-json", matches_cas_json, read_cas_json)
