"""The folder of the output: its parts, and the manifest that tells what they are made
from."""

import json
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import PurePosixPath
from typing import IO, Any
from uuid import uuid4

import fsspec
from fsspec.implementations.local import LocalFileSystem
from spacy.util import dict_to_dot

from ..errors import Errors
from .documents import Failure
from .names import full_name
from .rows import dump_line
from .summary import Counts

# Readers of a folder of Parquet files leave out names that begin with "_" or ".".
MANIFEST = "_manifest.json"
DONE = "_done"
FAILED = "_failed"
# What damaged JSON raises, or JSON of another form.
DAMAGED = (AttributeError, KeyError, RecursionError, TypeError, ValueError)
COUNTS = re.compile(r"part-(\d{6,})\.json")
# The names of this module's own files while they are written. Nothing else is removed.
TEMPORARY = re.compile(r"\.(_manifest|part-\d{6,})\.[a-z]+-[0-9a-f]{32}")


class Output:
    """A folder with a file per part, and next to them

    - _manifest.json: the model, the input and the settings;
    - _failed: for a part with documents that failed, their sources and the reasons;
    - _done: for a part that is complete, its counts, which are written last.

    A file is written under a temporary name, which begins with ".", and renamed.

    url (str): The folder, local or of any file system that fsspec knows.
    """

    def __init__(self, url: str) -> None:
        self.fs, self.path = fsspec.url_to_fs(url)
        self.url = full_name(self.fs, self.path)
        self.is_local = isinstance(self.fs, LocalFileSystem)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Keep other runs on this machine out of a local folder. The system releases
        the lock however this process ends.

        RAISES (FileExistsError): If another run has the lock.
        """
        if not self.is_local or os.name != "posix":
            yield
            return
        from fcntl import LOCK_EX, LOCK_NB, flock

        if not self.fs.exists(self.path):
            self.fs.makedirs(self.path)
        folder = os.open(self.path, os.O_RDONLY)
        try:
            try:
                flock(folder, LOCK_EX | LOCK_NB)
            except BlockingIOError as error:
                raise FileExistsError(Errors.EGP440.format(url=self.url)) from error
            except OSError:
                # This file system has no locks.
                pass
            yield
        finally:
            os.close(folder)

    def begin(self, manifest: dict[str, Any]) -> None:
        """Begin a run, or continue one that was interrupted.

        manifest (dict[str, Any]): All that the output depends on.
        RAISES (FileExistsError): If there is something else, or parts of a run with
            another manifest.
        """
        names = self._names()
        others = [name for name in names if not name.startswith((".", "_"))]
        if self.fs.isfile(self.path) or (others and MANIFEST not in names):
            raise FileExistsError(Errors.EGP412.format(url=self.url))
        if any(COUNTS.fullmatch(name) for name in self._names(DONE)):
            self._check(manifest)
        self.clean()
        for path in (self.path, self._join(DONE), self._join(FAILED)):
            self.fs.makedirs(path, exist_ok=True)
        with self._write(MANIFEST) as file:
            file.write(json.dumps(manifest, indent=2).encode())

    def _check(self, manifest: dict[str, Any]) -> None:
        try:
            previous = dict_to_dot(json.loads(self.fs.cat_file(self._join(MANIFEST))))
        except (FileNotFoundError, *DAMAGED) as error:
            raise FileExistsError(Errors.EGP437.format(url=self.url)) from error
        current = dict_to_dot(manifest)
        for name in previous | current:
            old, new = previous.get(name), current.get(name)
            if old != new:
                raise FileExistsError(
                    Errors.EGP413.format(url=self.url, setting=name, old=old, new=new)
                )

    def clean(self) -> None:
        """Remove what is left of workers that were killed while they wrote."""
        for folder in ([], [DONE], [FAILED]):
            for name in self._names(*folder):
                if TEMPORARY.fullmatch(name):
                    self.fs.rm(self._join(*folder, name))

    def read_done(self, suffix: str) -> dict[int, Counts]:
        """Find the complete parts. One with documents for which memory or time ran out
        is not complete, nor is one whose counts are damaged.

        suffix (str): The suffix of their format.
        RETURNS (dict[int, Counts]): Their numbers and counts.
        """
        written = {name.removesuffix(suffix) for name in self._names()}
        numbers = {
            self._join(DONE, name): int(match[1])
            for name in self._names(DONE)
            if (match := COUNTS.fullmatch(name)) and PurePosixPath(name).stem in written
        }
        contents = self.fs.cat(list(numbers)) if numbers else {}
        done = {}
        for path, number in numbers.items():
            try:
                counts = Counts.from_dict(json.loads(contents[path]))
            except DAMAGED:
                continue
            if not counts.temporary:
                done[number] = counts
        return done

    def open_part(self, number: int, suffix: str) -> AbstractContextManager[IO[bytes]]:
        """Open the file of a part. It gets its name when the context ends.

        number (int): The number of the part.
        suffix (str): The suffix of its format.
        RETURNS (ContextManager[IO[bytes]]): The file, opened for writing.
        """
        return self._write(f"{_part_name(number)}{suffix}")

    def finish_part(
        self, number: int, failures: Sequence[Failure], counts: Counts
    ) -> None:
        """Mark a part as complete after its documents are written.

        number (int): The number of the part.
        failures (Sequence[Failure]): Those that failed.
        counts (Counts): Its counts.
        """
        name = _part_name(number)
        failed = (FAILED, f"{name}.jsonl")
        if failures:
            with self._write(*failed) as file:
                file.writelines(dump_line(f._asdict()) for f in failures)
        elif self.fs.exists(self._join(*failed)):
            self.fs.rm(self._join(*failed))
        with self._write(DONE, f"{name}.json") as file:
            file.write(dump_line(counts.to_dict()))

    def _names(self, *folder: str) -> list[str]:
        path = self._join(*folder)
        if not self.fs.isdir(path):
            return []
        # Some file systems cache listings, and workers have written since.
        paths = self.fs.ls(path, detail=False, refresh=True)
        return [PurePosixPath(path).name for path in paths]

    def _join(self, *names: str) -> str:
        return "/".join([self.path, *names])

    @contextmanager
    def _write(self, *names: str) -> Iterator[IO[bytes]]:
        *folder, name = names
        temporary = self._join(*folder, f".{name}-{uuid4().hex}")
        try:
            with self.fs.open(temporary, "wb") as file:
                yield file
                if self.is_local:
                    file.flush()
                    os.fsync(file.fileno())
        except BaseException:
            with suppress(Exception):
                self.fs.rm(temporary)
            raise
        self.fs.mv(temporary, self._join(*names))
        if self.is_local:
            _sync_folder(self._join(*folder))


def _sync_folder(path: str) -> None:
    """Make the names in a folder survive a power failure, if the system can."""
    if os.name == "posix":
        folder = os.open(path, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _part_name(number: int) -> str:
    return f"part-{number:06}"
