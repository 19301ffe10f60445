"""Find the files of a corpus in folders and zip archives, and decompress them."""

import gzip
import io
import os
import tempfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import IO, Any

from ..errors import Errors
from .records import BadRecord, LeftOut

# The most bytes of a record, and its most lines, elements or list items. A record of a
# million characters with 100,000 spans has fewer. Larger ones may fill the memory.
MAX_RECORD = 2**24
MAX_PARTS = 2**19
# Text hardly ever has a higher compression ratio.
MAX_RATIO = 200
FREE_BYTES = 2**26
# What `spacy egp annotate` writes next to its parts.
MANIFEST = "_manifest.json"
OF_MANIFEST = frozenset({MANIFEST, "_done", "_failed"})
# In INCEpTION's projects, the text of a document, next to what people have annotated.
INITIAL = "INITIAL_CAS."
DAMAGED = (EOFError, OSError, zipfile.BadZipFile, zlib.error)
GZIP, ZIP = ".gz", ".zip"
# The most archives inside each other. INCEpTION's projects have two; one more may be
# around them.
MAX_ARCHIVES = 4
# The most files in archives inside another one, where a file can have hardly any bytes
# but takes memory.
MAX_FILES = 2**18
# The bytes before each name in the list of files at the end of an archive.
SIGNATURE = b"PK\x01\x02"
CHUNK_SIZE = 2**20

FilePath = Path | zipfile.Path
ByteStream = io.BufferedReader


def walk_files(
    paths: Iterable[Path],
) -> Iterator[tuple[Path, FilePath | BadRecord | LeftOut]]:
    """Find the files in folders and zip archives, sorted by name. A file is found once,
    even if it is named twice or is inside another input.

    paths (Iterable[Path]): Files, folders and zip archives.
    YIELDS (tuple[Path, FilePath | BadRecord | LeftOut]): The path where a file was
        found, and the file. Hidden files are left out, and so are pipes and devices,
        because reading them may never end. A file in an archive can be read until the
        next one is yielded.
    """
    for path, file_path in walk_folders(paths):
        if not file_path.is_file():
            yield path, LeftOut(str(file_path), Errors.EGP233)
        else:
            yield from ((path, found) for found in _walk_file(file_path))


def walk_folders(paths: Iterable[Path]) -> Iterator[tuple[Path, Path]]:
    """Find the files in folders as walk_files() does, but not those in archives.

    paths (Iterable[Path]): Files and folders.
    YIELDS (tuple[Path, Path]): The path where a file was found, and the file.
    """
    visited: set[str] = set()
    for path in paths:
        for file_path in _walk_folder(Path(os.path.abspath(path)), visited):
            yield path, file_path


def _walk_folder(path: Path, visited: set[str]) -> Iterator[Path]:
    is_folder = path.is_dir()
    # Links may lead back to a folder above.
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


class _Allowance:
    """The bytes and files that an archive may have, with those of archives inside it.

    size (int): The bytes of the outermost archive.
    """

    def __init__(self, size: int) -> None:
        self.n_bytes = size * MAX_RATIO + FREE_BYTES
        self.n_files = MAX_FILES

    def take_bytes(self, archive: zipfile.ZipFile) -> None:
        # No more bytes of a file are read than the archive says.
        self.n_bytes -= sum(info.file_size for info in archive.infolist())
        if self.n_bytes < 0:
            raise zipfile.BadZipFile(Errors.EGP234.format(ratio=MAX_RATIO))

    def take_files(self, n_files: int) -> None:
        self.n_files -= n_files
        if self.n_files < 0:
            raise zipfile.BadZipFile(Errors.EGP282.format(max_files=MAX_FILES))


def _walk_file(
    path: FilePath, allowance: _Allowance | None = None, depth: int = 1
) -> Iterator[FilePath | BadRecord | LeftOut]:
    """YIELDS (FilePath | BadRecord | LeftOut): The file, or those in it."""
    if path.name.startswith(INITIAL):
        yield LeftOut(str(path), Errors.EGP284)
    elif path.suffix == ZIP:
        yield from _walk_archive(path, allowance, depth)
    else:
        yield path


def _walk_archive(
    path: FilePath, allowance: _Allowance | None, depth: int
) -> Iterator[FilePath | BadRecord | LeftOut]:
    allowance = allowance or _Allowance(_stored_size(path))
    with ExitStack() as stack:
        try:
            if depth > MAX_ARCHIVES:
                problem = Errors.EGP283.format(max_archives=MAX_ARCHIVES)
                raise zipfile.BadZipFile(problem)
            archive = stack.enter_context(_open_archive(path, allowance))
            allowance.take_bytes(archive)
        except (*DAMAGED, ValueError) as error:
            yield BadRecord(str(path), Errors.EGP211.format(error=error))
            return
        for name in sorted(set(archive.namelist())):
            member = zipfile.Path(archive, name)
            if not member.is_file() or member.name.startswith("."):
                continue
            yield from _walk_file(member, allowance, depth + 1)


@contextmanager
def _open_archive(path: FilePath, allowance: _Allowance) -> Iterator[zipfile.ZipFile]:
    if isinstance(path, Path):
        with zipfile.ZipFile(path) as archive:
            yield archive
        return
    # An archive is read from its end. That is not possible inside another archive.
    with tempfile.TemporaryFile() as file:
        end = b""
        with open_file(path) as source:
            for chunk in iter(partial(source.read, CHUNK_SIZE), b""):
                allowance.take_files((end + chunk).count(SIGNATURE))
                end = chunk[1 - len(SIGNATURE) :]
                file.write(chunk)
        with zipfile.ZipFile(file) as archive:
            archive.filename = str(path)
            yield archive


def bare_name(path: FilePath) -> str:
    """RETURNS (str): The file's name without that of a compression."""
    return path.name.removesuffix(GZIP)


def find_beside(path: FilePath, name: str) -> FilePath | None:
    """RETURNS (FilePath | None): The file with a name in the folder of another file,
    plain or gzipped, if there is one."""
    # The folder of a file at the top of an archive is the archive.
    folder: Any = path.parent
    candidates = (folder / name, folder / f"{name}{GZIP}")
    return next((path for path in candidates if path.is_file()), None)


def file_size(path: FilePath) -> int:
    """RETURNS (int): The bytes of the file: decompressed for a file in an archive, and
    otherwise as stored, even if the name ends in .gz."""
    if isinstance(path, zipfile.Path):
        return path.root.getinfo(path.at).file_size
    return path.stat().st_size


@contextmanager
def open_file(path: FilePath) -> Iterator[ByteStream]:
    """Open a file, decompressed if its name ends in .gz.

    path (FilePath): The file's name.
    YIELDS (ByteStream): The open file. Reading it raises an OSError (or another of
        DAMAGED) if it is damaged, or decompresses to more than is plausible.
    """
    try:
        file = path.open("rb")
    # zipfile raises these for encrypted files and unknown compression methods.
    except (RuntimeError, NotImplementedError) as error:
        raise zipfile.BadZipFile(error) from error
    with file:
        size = _stored_size(path)
        if path.name.endswith(GZIP):
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
    """A stream that raises an error once it is implausibly large.

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
    """Read a file line by line, however long the lines are.

    file (ByteStream): The open file.
    YIELDS (tuple[int, bytes | None]): The number of the line and the line, or None in
        place of one that is longer than MAX_RECORD bytes.
    """
    number = 0
    while line := file.readline(MAX_RECORD):
        if len(line) < MAX_RECORD or line.endswith(b"\n"):
            # In old files, a carriage return alone ends a line, but two of them before
            # a line feed end a single line.
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
    """RETURNS (list[str]): The lines. Unlike splitlines(), this does not break them at
    exotic separators in the text.
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
