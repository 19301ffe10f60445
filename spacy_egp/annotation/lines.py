"""Files with a document per line: JSON objects, or plain text. In UTF-8."""

import json
from collections.abc import Callable, Iterator
from itertools import islice
from typing import IO, Any

from spacy.tokens import Doc
from spacy.vocab import Vocab

from ..corpora.values import make_object
from ..errors import Errors
from .documents import Hash, Record, Slice
from .rows import dump_line

# A part ends early once it has this many bytes: its documents are in memory together.
BYTES_PER_PART = 2**23


def cut_lines(file: IO[bytes], docs_per_part: int) -> Iterator[Slice]:
    """Cut a file into slices, in one pass that holds a line at a time.

    file (IO[bytes]): The open file.
    docs_per_part (int): The largest number of lines in a slice.
    YIELDS (Slice): The slices.
    """
    offset, first = 0, 1
    n_lines = n_bytes = 0
    hash = Hash()
    for line in file:
        n_lines += 1
        n_bytes += len(line)
        hash.update(line)
        if n_lines == docs_per_part or n_bytes >= BYTES_PER_PART:
            yield Slice(offset, first, n_lines, hash.hexdigest())
            offset += n_bytes
            first += n_lines
            n_lines = n_bytes = 0
            hash = Hash()
    if n_lines:
        yield Slice(offset, first, n_lines, hash.hexdigest())


def _read_lines(file: IO[bytes], slice: Slice) -> Iterator[tuple[int, bytes]]:
    """The lines and their numbers. RAISES (ValueError): After the last one, if they are
    not those of the slice."""
    _skip(file, slice.offset)
    hash = Hash()
    for number, line in enumerate(islice(file, slice.n_docs), slice.first):
        hash.update(line)
        yield number, line
    slice.check(hash)


def _skip(file: IO[bytes], n_bytes: int) -> None:
    """Go to the beginning of a slice. Zstandard's files do not support seeking."""
    if file.seekable():
        file.seek(n_bytes)
        return
    while n_bytes and (content := file.read(min(n_bytes, BYTES_PER_PART))):
        n_bytes -= len(content)


def read_text(
    file: IO[bytes], url: str, slice: Slice, text_column: str, vocab: Vocab
) -> Iterator[Record]:
    """Read a text per line. An empty line is an empty document, so that the lines of
    the input and the rows of the output correspond.

    file (IO[bytes]): The open file.
    url (str): Its name.
    slice (Slice): What to read.
    text_column (str): The column to put the text in.
    vocab (Vocab): Not used.
    YIELDS (Record): A record per line.
    """
    for number, line in _read_lines(file, slice):
        source = f"{url}:{number}"
        try:
            text = line.decode("utf-8-sig" if number == 1 else "utf8").rstrip("\r\n")
            yield Record(source, text, {text_column: text})
        except UnicodeDecodeError as error:
            yield Record(source, error, {})


def read_jsonl(
    file: IO[bytes], url: str, slice: Slice, text_column: str, vocab: Vocab
) -> Iterator[Record]:
    """Read a JSON object per line, without empty lines.

    file (IO[bytes]): The open file.
    url (str): Its name.
    slice (Slice): What to read.
    text_column (str): The key of the text.
    vocab (Vocab): Not used.
    YIELDS (Record): A record per object.
    """
    for number, line in _read_lines(file, slice):
        source = f"{url}:{number}"
        if line.strip():
            try:
                columns = json.loads(line, object_pairs_hook=make_object)
                if not isinstance(columns, dict) or text_column not in columns:
                    raise ValueError(Errors.EGP421.format(column=text_column))
                yield Record(source, columns[text_column], columns)
            except (ValueError, RecursionError) as error:
                yield Record(source, error, {})


class JsonlWriter:
    """Writes a JSON object per document.

    file (IO[bytes]): The open file of the part.
    make_row (Callable[[Record, Doc], dict[str, Any]]): Makes the object.
    """

    def __init__(
        self, file: IO[bytes], make_row: Callable[[Record, Doc], dict[str, Any]]
    ) -> None:
        self.file = file
        self.make_row = make_row

    def encode(self, record: Record, doc: Doc) -> bytes:
        """record (Record): The document. doc (Doc): Its annotation.
        RETURNS (bytes): The line.
        """
        return dump_line(self.make_row(record, doc))

    def write(self, item: bytes) -> None:
        """item (bytes): The line of a document."""
        self.file.write(item)

    def close(self) -> None:
        """There is nothing left: each line is written at once."""


class JsonArrayWriter(JsonlWriter):
    """Writes an array with a JSON object per document, a line each.

    file (IO[bytes]): The open file of the part.
    make_row (Callable[[Record, Doc], dict[str, Any]]): Makes the object.
    """

    begin = b"["

    def write(self, item: bytes) -> None:
        """item (bytes): The line of a document."""
        self.file.write(self.begin + b"\n" + item.rstrip())
        self.begin = b","

    def close(self) -> None:
        """Write the end of the array."""
        self.file.write(b"[]\n" if self.begin == b"[" else b"\n]\n")
