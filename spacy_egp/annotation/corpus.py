"""The input as a whole: its files, and the parts that they are cut into."""

import gzip
import io
import lzma
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import IO, Any, NamedTuple

import fsspec
from spacy.vocab import Vocab

from ..errors import Errors
from .formats import get_reader, import_parquet, input_suffix
from .records import Record, Slice

DAMAGED = (
    EOFError,
    KeyError,
    ValueError,
    gzip.BadGzipFile,
    lzma.LZMAError,
    zlib.error,
)


class Part(NamedTuple):
    """The unit of work and of restart: a slice of an input file and its number.

    number (int): From 0, in the order of the input.
    url (str): The file.
    slice (Slice): The stretch of the file.
    """

    number: int
    url: str
    slice: Slice


def find_files(url: str) -> dict[str, str]:
    """Find the input files, in the order of their names.

    url (str): A file, a folder or a pattern, local or of any file system that fsspec
        knows. In folders, names that begin with "." or "_" are left out.
    RETURNS (dict[str, str]): Their URLs, and for each a hash that tells whether the
        file has changed.
    RAISES (FileNotFoundError): If there are none.
    """
    fs, path = fsspec.url_to_fs(url)
    if fs.isdir(path):
        paths = [file for file in fs.find(path) if not _is_hidden(file, path)]
    else:
        paths = [path] if fs.isfile(path) else fs.glob(path)
    if not paths:
        raise FileNotFoundError(Errors.EGP404.format(url=url))
    return {fs.unstrip_protocol(path): fs.ukey(path) for path in sorted(paths)}


def _is_hidden(path: str, folder: str) -> bool:
    inner = PurePosixPath(path).relative_to(folder)
    return any(name.startswith((".", "_")) for name in inner.parts)


def cut_files(urls: Sequence[str], docs_per_part: int) -> list[Part]:
    """Cut files into parts, which depend on the files and this number only.

    urls (Sequence[str]): The files.
    docs_per_part (int): The largest number of documents in a part.
    RETURNS (list[Part]): The parts.
    RAISES (ValueError): If a file is damaged or in an unknown format.
    """
    parts: list[Part] = []
    for url in urls:
        reader = get_reader(url)
        try:
            with _open(url) as file:
                for slice in reader.cut(file, docs_per_part):
                    parts.append(Part(len(parts), url, slice))
        except DAMAGED as error:
            raise ValueError(Errors.EGP407.format(url=url, error=error)) from error
    return parts


def read_part(part: Part, text_column: str, vocab: Vocab) -> Iterator[Record]:
    """Read the documents of a part.

    part (Part): The part.
    text_column (str): The column of the text.
    vocab (Vocab): The pipeline's vocab.
    YIELDS (Record): A record per document.
    """
    read = get_reader(part.url).read
    with _open(part.url) as file:
        yield from read(file, part.url, part.slice, text_column, vocab)


def find_schema(parts: Sequence[Part], text_column: str) -> Any:
    """Find the columns of the input, for output in Parquet: those of a Parquet file, or
    of the documents in the first part.

    parts (Sequence[Part]): All parts.
    text_column (str): The column of the text.
    RETURNS (pyarrow.Schema): The columns.
    RAISES (ValueError): If input files in Parquet differ in their columns.
    """
    parquet = import_parquet()
    schemas = {}
    for url in dict.fromkeys(part.url for part in parts):
        if input_suffix(url) == ".parquet":
            with _open(url) as file:
                schemas[url] = parquet.read_schema(file)
    if not schemas:
        records = read_part(parts[0], text_column, Vocab())
        return parquet.infer_schema([record.columns for record in records])
    first, *others = schemas
    for url in others:
        if schemas[url] != schemas[first]:
            raise ValueError(Errors.EGP409.format(url=url, first=first))
    return schemas[first]


@contextmanager
def _open(url: str) -> Iterator[IO[bytes]]:
    """Open a file, decompressed, for reading it in any order."""
    with fsspec.open(url, "rb", compression="infer") as file:
        # Files of fsspec are slow at reading lines.
        yield io.BufferedReader(file)
