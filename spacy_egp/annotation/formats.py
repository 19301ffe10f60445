"""The formats by name: how files are cut and read, and how parts are written."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import PurePosixPath
from types import ModuleType
from typing import IO, Any, NamedTuple, Protocol

from spacy.tokens import Doc
from spacy.vocab import Vocab

from ..errors import Errors
from .docbin import DocBinWriter, cut_docbin, read_docbin
from .documents import Record, Slice
from .lines import JsonArrayWriter, JsonlWriter, cut_lines, read_jsonl, read_text
from .rows import make_row
from .tasks import make_doccano_task, make_label_studio_task, make_prodigy_task

# Compressions as fsspec calls them.
COMPRESSED = {".gz": "gzip", ".bz2": "bz2", ".xz": "xz", ".zst": "zstd"}
SUFFIXES = (".parquet", ".jsonl", ".ndjson", ".txt", ".spacy")
# The formats of the output and the suffixes of their files.
OUTPUTS = {
    "jsonl": ".jsonl",
    "parquet": ".parquet",
    "spacy": ".spacy",
    "prodigy": ".jsonl",
    "doccano": ".jsonl",
    "label-studio": ".json",
}
ROWS = {
    "jsonl": make_row,
    "prodigy": make_prodigy_task,
    "doccano": make_doccano_task,
    "label-studio": make_label_studio_task,
}


class Reader(NamedTuple):
    """A format of the input.

    cut (Callable): Takes the open file and the largest number of documents in a slice,
        and yields the slices.
    read (Callable): Takes the open file, its name, a slice, the name of the text's
        column and the vocab, and yields a record per document.
    """

    cut: Callable[[IO[bytes], int], Iterator[Slice]]
    read: Callable[[IO[bytes], str, Slice, str, Vocab], Iterator[Record]]


class Writer(Protocol):
    """A format of the output: writes the documents of a part to a file, one by one."""

    def encode(self, record: Record, doc: Doc) -> Any:
        """Convert a document to what `write` takes. An error fails the document."""

    def write(self, item: Any) -> None:
        """Write a document. An error fails the file."""

    def close(self) -> None:
        """Write what is left. The file stays open."""


def import_parquet() -> ModuleType:
    """RETURNS (ModuleType): The module of Parquet files.
    RAISES (ImportError): If the extra is not installed.
    """
    try:
        from . import parquet
    except ImportError as error:
        raise ImportError(Errors.EGP410) from error
    return parquet


def input_suffix(url: str) -> str:
    """RETURNS (str): The suffix of a file's name, apart from that of a compression."""
    path = PurePosixPath(url)
    return PurePosixPath(path.stem).suffix if path.suffix in COMPRESSED else path.suffix


def get_reader(url: str) -> Reader:
    """Find the format of an input file by its name.

    url (str): The file.
    RETURNS (Reader): The format.
    RAISES (ValueError): If the name has none of the known suffixes.
    """
    suffix = input_suffix(url)
    if suffix in (".jsonl", ".ndjson"):
        return Reader(cut_lines, read_jsonl)
    if suffix == ".txt":
        return Reader(cut_lines, read_text)
    if suffix == ".spacy":
        return Reader(cut_docbin, read_docbin)
    if suffix == ".parquet":
        parquet = import_parquet()
        return Reader(parquet.cut_parquet, parquet.read_parquet)
    raise ValueError(
        Errors.EGP406.format(
            url=url, suffixes=", ".join(SUFFIXES), compressed=", ".join(COMPRESSED)
        )
    )


def make_writer(
    format: str, file: IO[bytes], spans_key: str, text_column: str, schema: Any
) -> Writer:
    """Begin a part.

    format (str): One of OUTPUTS.
    file (IO[bytes]): The open file of the part.
    spans_key (str): Key of the spans in doc.spans.
    text_column (str): The column of the text.
    schema (pyarrow.Schema | None): The columns of the input, for Parquet.
    RETURNS (Writer): The writer.
    """
    if format == "parquet":
        return import_parquet().ParquetWriter(file, spans_key, schema)
    if format == "spacy":
        return DocBinWriter(file, text_column)
    make = partial(ROWS[format], spans_key=spans_key, text_column=text_column)
    if OUTPUTS[format] == ".json":
        return JsonArrayWriter(file, make)
    return JsonlWriter(file, make)
