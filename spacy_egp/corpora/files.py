"""The files of a corpus: folders and zip archives walked, gzip decompressed."""

import gzip
import os
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

from spacy.cli._util import walk_directory

FilePath = Path | zipfile.Path
ByteStream = IO[bytes] | gzip.GzipFile


def walk_files(paths: Iterable[Path]) -> Iterator[FilePath]:
    """Find the files in folders and zip archives, sorted by name.

    paths (Iterable[Path]): Files, folders and zip archives.
    YIELDS (FilePath): The files, without hidden ones.
    """
    for path in paths:
        # walk_directory takes the "." in a relative path for a hidden folder.
        for file_path in walk_directory(Path(os.path.abspath(path))):
            if file_path.suffix == ".zip" and zipfile.is_zipfile(file_path):
                yield from _walk_archive(file_path)
            else:
                yield file_path


def _walk_archive(path: Path) -> Iterator[zipfile.Path]:
    archive = zipfile.ZipFile(path)
    for name in sorted(archive.namelist()):
        member = zipfile.Path(archive, name)
        if member.is_file() and not member.name.startswith("."):
            yield member


def file_size(path: FilePath) -> int:
    """RETURNS (int): The bytes of the file, compressed if its name ends in .gz."""
    if isinstance(path, zipfile.Path):
        return path.root.getinfo(path.at).file_size
    return path.stat().st_size


def replace_suffix(path: FilePath, suffix: str) -> FilePath:
    """RETURNS (FilePath): The file of the same name with another suffix."""
    if isinstance(path, zipfile.Path):
        return zipfile.Path(path.root, os.path.splitext(path.at)[0] + suffix)
    return path.with_suffix(suffix)


def decompress(path: FilePath, file: IO[bytes]) -> ByteStream:
    """Decompress a file whose name ends in .gz.

    path (FilePath): The file's name.
    file (IO[bytes]): The open file.
    RETURNS (ByteStream): The decompressed stream, or the same file.
    """
    return gzip.open(file) if path.name.endswith(".gz") else file
