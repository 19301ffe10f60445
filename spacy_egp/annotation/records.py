"""What a reader of the input hands to the annotation."""

from collections.abc import Mapping
from typing import Any, NamedTuple


class Slice(NamedTuple):
    """A stretch of an input file, the input of one part.

    offset (int): Where it begins: in bytes for lines, otherwise in documents.
    first (int): Number of its first line, row or doc in the file, from 1.
    n_docs (int): Lines, rows or docs.
    """

    offset: int
    first: int
    n_docs: int


class Record(NamedTuple):
    """A document of the input.

    source (str): The file and the number of the line, row or doc, from 1.
    content (Any): The text or the Doc, or an Exception in place of a document that
        cannot be read.
    columns (Mapping[str, Any]): All columns of the input, the text's included.
    """

    source: str
    content: Any
    columns: Mapping[str, Any]


class Failure(NamedTuple):
    """A document that could not be annotated.

    source (str): The file and the number of the line, row or doc, from 1.
    reason (str): Why.
    """

    source: str
    reason: str
