"""What a reader of the input hands to the annotation."""

from collections.abc import Mapping
from functools import partial
from hashlib import blake2b
from typing import Any, NamedTuple

from ..errors import Errors

# The hash that tells whether a file has changed.
Hash = partial(blake2b, digest_size=16)


class Slice(NamedTuple):
    """A stretch of an input file, the input of one part.

    offset (int): Where it begins: in bytes for lines, otherwise in documents.
    first (int): Number of its first line, row or doc in the file, from 1.
    n_docs (int): Lines, rows or docs.
    digest (str): Hash of what is in the file there, which a worker must find again.
    """

    offset: int
    first: int
    n_docs: int
    digest: str

    def check(self, hash: blake2b) -> None:
        """hash (blake2b): Hash of what a worker has read.
        RAISES (ValueError): If it differs from the digest.
        """
        if hash.hexdigest() != self.digest:
            raise ValueError(Errors.EGP430)


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
    temporary (bool): Whether memory or time ran out, so that the next run of the same
        command tries it again.
    """

    source: str
    reason: str
    temporary: bool = False
