"""The entries of a whole corpus, file after file."""

import gzip
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator

from ..errors import Errors
from .files import FilePath, decompress, file_size
from .formats import Format, detect_format
from .records import BadRecord, Entry

DAMAGED = (EOFError, gzip.BadGzipFile, zipfile.BadZipFile, zlib.error)


def read_corpus(
    files: Iterable[FilePath],
    formats: dict[str, Format],
    format: str | None,
    progress: Callable[[int], object],
) -> Iterator[Entry]:
    """Read the files, holding one record at a time.

    files (Iterable[FilePath]): The files.
    formats (dict[str, Format]): The formats by name.
    format (str | None): The name of their format. If None, it is detected per file.
    progress (Callable[[int], object]): Called with the number of bytes just read.
    YIELDS (Entry): One record per doc, or what stands in its place.
    """
    for path in files:
        try:
            file_format = formats[format or detect_format(path, formats)]
            yield from _read_file(path, file_format, progress)
        except BadRecord as error:
            yield error
        except DAMAGED as error:
            yield BadRecord(str(path), Errors.EGP211.format(error=error))


def _read_file(
    path: FilePath, format: Format, progress: Callable[[int], object]
) -> Iterator[Entry]:
    with path.open("rb") as file:
        position = 0
        for entry in format.read(path, decompress(path, file)):
            yield entry
            progress(file.tell() - position)
            position = file.tell()
        progress(file_size(path) - position)
