"""The files of a corpus: folders and zip archives walked, gzip decompressed."""

import gzip
import io
import os
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from ..errors import Errors
from .records import BadRecord, LeftOut

# The bytes of a record, and its lines, elements or items of lists. One of a million
# characters with 100,000 spans has less; more may fill the memory when it is read.
MAX_RECORD = 2**24
MAX_PARTS = 2**19
# Text is hardly ever compressed more than this.
MAX_RATIO = 200
FREE_BYTES = 2**26
# What `spacy egp annotate` writes beside its parts.
MANIFEST = "_manifest.json"
OF_MANIFEST = frozenset({MANIFEST, "_done", "_failed"})
DAMAGED = (EOFError, OSError, zipfile.BadZipFile, zlib.error)

FilePath = Path | zipfile.Path
ByteStream = io.BufferedReader


def walk_files(
    paths: Iterable[Path],
) -> Iterator[tuple[Path, FilePath | BadRecord | LeftOut]]:
    """Find the files in folders and zip archives, sorted by name. What is named twice,
    or is in another one, is found once.

    paths (Iterable[Path]): Files, folders and zip archives.
    YIELDS (tuple[Path, FilePath | BadRecord | LeftOut]): The path it was found by, and
        a file. Hidden ones are left out, and so are pipes and devices, because reading
        them may never end.
    """
    visited: set[str] = set()
    for path in paths:
        for file_path in _walk_folder(Path(os.path.abspath(path)), visited):
            if not file_path.is_file():
                yield path, LeftOut(str(file_path), Errors.EGP233)
            elif file_path.suffix == ".zip":
                yield from ((path, member) for member in _walk_archive(file_path))
            else:
                yield path, file_path


def _walk_folder(path: Path, visited: set[str]) -> Iterator[Path]:
    is_folder = path.is_dir()
    # Links may lead back into a folder above.
    name = os.path.realpath(path) if is_folder else str(path)
    if name in visited:
        return
    visited.add(name)
    if not is_folder:
        yield path
        return
    names = set(os.listdir(path))
    if MANIFEST in names:
        names -= OF_MANIFEST
    for name in sorted(names):
        if not name.startswith("."):
            yield from _walk_folder(path / name, visited)


def _walk_archive(path: Path) -> Iterator[zipfile.Path | BadRecord]:
    try:
        archive = zipfile.ZipFile(path)
    except (*DAMAGED, ValueError) as error:
        yield BadRecord(str(path), Errors.EGP211.format(error=error))
        return
    for name in sorted(set(archive.namelist())):
        member = zipfile.Path(archive, name)
        if member.is_file() and not member.name.startswith("."):
            yield member


def bare_name(path: FilePath) -> str:
    """RETURNS (str): The file's name without that of a compression."""
    return path.name.removesuffix(".gz")


def file_size(path: FilePath) -> int:
    """RETURNS (int): The bytes of the file; those of an archive decompressed, others
    compressed if the name ends in .gz."""
    if isinstance(path, zipfile.Path):
        return path.root.getinfo(path.at).file_size
    return path.stat().st_size


def replace_suffix(path: FilePath, suffix: str) -> FilePath:
    """RETURNS (FilePath): The file of the same name with another suffix."""
    if isinstance(path, zipfile.Path):
        return zipfile.Path(path.root, os.path.splitext(path.at)[0] + suffix)
    return path.with_suffix(suffix)


@contextmanager
def open_file(path: FilePath) -> Iterator[ByteStream]:
    """Open a file, decompressed if its name ends in .gz.

    path (FilePath): The file's name.
    YIELDS (ByteStream): The open file. Reading it is an OSError (or another of DAMAGED)
        if it is damaged, or decompresses to more than is plausible.
    """
    try:
        file = path.open("rb")
    # What zipfile raises for encrypted files and for unknown methods of compression.
    except (RuntimeError, NotImplementedError) as error:
        raise zipfile.BadZipFile(error) from error
    with file:
        size = _stored_size(path)
        if path.name.endswith(".gz"):
            with gzip.open(file) as decompressed:
                yield io.BufferedReader(_Limited(decompressed, size), 2**16)
        elif isinstance(file, io.BufferedReader):
            yield file
        else:
            yield io.BufferedReader(_Limited(file, size), 2**16)


def _stored_size(path: FilePath) -> int:
    if isinstance(path, zipfile.Path):
        return path.root.getinfo(path.at).compress_size
    return path.stat().st_size


class _Limited(io.RawIOBase):
    """A stream that ends with an error when it has got out of all proportion.

    file (IO[bytes] | gzip.GzipFile): The decompressed stream.
    size (int): The bytes that it is decompressed from.
    """

    def __init__(self, file: IO[bytes] | gzip.GzipFile, size: int) -> None:
        self.file = file
        self.n_left = size * MAX_RATIO + FREE_BYTES

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer)
        data = self.file.read(len(view))
        self.n_left -= len(data)
        if self.n_left < 0:
            raise zipfile.BadZipFile(Errors.EGP234.format(ratio=MAX_RATIO))
        view[: len(data)] = data
        return len(data)


def decompress(data: bytes) -> bytes:
    """RETURNS (bytes): The data that zlib has compressed.
    RAISES (zlib.error | zipfile.BadZipFile): If it is damaged or not plausible."""
    max_length = len(data) * MAX_RATIO + FREE_BYTES
    decompressor = zlib.decompressobj()
    decompressed = decompressor.decompress(data, max_length)
    if decompressor.unconsumed_tail:
        raise zipfile.BadZipFile(Errors.EGP234.format(ratio=MAX_RATIO))
    return decompressed


def read_lines(file: ByteStream) -> Iterator[tuple[int, bytes | None]]:
    """Read a file line by line, however long these are.

    file (ByteStream): The open file.
    YIELDS (tuple[int, bytes | None]): The number of the line and the line, or None in
        place of one that is longer than MAX_RECORD bytes.
    """
    number = 0
    while line := file.readline(MAX_RECORD):
        if len(line) < MAX_RECORD or line.endswith(b"\n"):
            # Old files end their lines with a carriage return alone, but two of them
            # before a line feed are the end of one line.
            content = line.rstrip(b"\r\n")
            *parts, last = content.splitlines(keepends=True) or [b""]
            for part in (*parts, last + line[len(content) :]):
                number += 1
                yield number, part
            continue
        number += 1
        while line and not line.endswith(b"\n"):
            line = file.readline(MAX_RECORD)
        yield number, None


def read_whole(path: FilePath, file: ByteStream) -> str:
    """Read a file that is one record.

    path (FilePath): The file's name.
    file (ByteStream): The open file.
    RETURNS (str): Its text, without a byte order mark.
    RAISES (BadRecord): If the file is not UTF-8 or too long.
    """
    data = file.read(MAX_RECORD + 1)
    if len(data) > MAX_RECORD:
        raise BadRecord(str(path), Errors.EGP235.format(max_bytes=MAX_RECORD))
    return decode(str(path), data)


def split_lines(source: str, text: str) -> list[str]:
    """RETURNS (list[str]): The lines. Not those of splitlines(), which also breaks them
    where the text has exotic separators.
    RAISES (BadRecord): If there are too many."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if text.count("\n") > MAX_PARTS:
        raise BadRecord(source, Errors.EGP293.format(max_parts=MAX_PARTS))
    return text.split("\n")


def decode(source: str, data: bytes) -> str:
    """RETURNS (str): The text, without a byte order mark.
    RAISES (BadRecord): If it is not UTF-8."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadRecord(source, Errors.EGP212.format(error=error)) from error
