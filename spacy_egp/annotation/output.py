"""The folder of the output: its parts, and the manifest that tells what they are made
from."""

import json
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import PurePosixPath
from typing import IO, Any
from uuid import uuid4

import fsspec
from spacy.util import dict_to_dot

from ..errors import Errors
from .records import Failure
from .rows import dump_line
from .summary import Counts

# Readers of a folder of Parquet files leave out names that begin with "_" or ".".
MANIFEST = "_manifest.json"
DONE = "_done"
FAILED = "_failed"


class Output:
    """A folder with a file per part, and beside them

    - _manifest.json: the model, the input and the settings;
    - _failed: for a part with documents that failed, their sources and the reasons;
    - _done: for a part that is complete, its counts, which are written last.

    A file is written under a temporary name, which begins with ".", and renamed.

    url (str): The folder, local or of any file system that fsspec knows.
    """

    def __init__(self, url: str) -> None:
        self.fs, self.path = fsspec.url_to_fs(url)
        self.url = self.fs.unstrip_protocol(self.path)

    def begin(self, manifest: dict[str, Any]) -> None:
        """Begin a run, or go on with one that was interrupted.

        manifest (dict[str, Any]): All that the output depends on.
        RAISES (FileExistsError): If there is something else, or parts of a run with
            another manifest.
        """
        names = self._names()
        others = [name for name in names if not name.startswith((".", "_"))]
        if self.fs.isfile(self.path) or (others and MANIFEST not in names):
            raise FileExistsError(Errors.EGP412.format(url=self.url))
        if self._names(DONE):
            self._check(manifest)
        self.clean()
        for path in (self.path, self._join(DONE), self._join(FAILED)):
            self.fs.makedirs(path, exist_ok=True)
        with self._write(MANIFEST) as file:
            file.write(json.dumps(manifest, indent=2).encode())

    def _check(self, manifest: dict[str, Any]) -> None:
        previous = dict_to_dot(json.loads(self.fs.cat_file(self._join(MANIFEST))))
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
                if name.startswith("."):
                    self.fs.rm(self._join(*folder, name))

    def read_done(self) -> dict[int, Counts]:
        """RETURNS (dict[int, Counts]): The complete parts and their counts."""
        written = {PurePosixPath(name).stem for name in self._names()}
        names = [name for name in self._names(DONE) if name[:-5] in written]
        paths = [self._join(DONE, name) for name in names]
        contents = self.fs.cat(paths) if paths else {}
        return {
            int(name.removeprefix("part-").removesuffix(".json")): Counts.from_dict(
                json.loads(contents[path])
            )
            for name, path in zip(names, paths, strict=True)
        }

    def open_part(self, number: int, suffix: str) -> AbstractContextManager[IO[bytes]]:
        """Open the file of a part. It has its name when the context ends.

        number (int): The number of the part.
        suffix (str): The suffix of its format.
        RETURNS (ContextManager[IO[bytes]]): The file, opened for writing.
        """
        return self._write(f"{_part_name(number)}{suffix}")

    def finish_part(
        self, number: int, failures: Sequence[Failure], counts: Counts
    ) -> None:
        """Make a part count whose documents are written.

        number (int): The number of the part.
        failures (Sequence[Failure]): Those that failed.
        counts (Counts): Its counts.
        """
        name = _part_name(number)
        if failures:
            with self._write(FAILED, f"{name}.jsonl") as file:
                file.writelines(dump_line(f._asdict()) for f in failures)
        with self._write(DONE, f"{name}.json") as file:
            file.write(dump_line(counts.to_dict()))

    def _names(self, *folder: str) -> list[str]:
        path = self._join(*folder)
        if not self.fs.isdir(path):
            return []
        # Some file systems keep listings; workers have written since.
        paths = self.fs.ls(path, detail=False, refresh=True)
        return [PurePosixPath(path).name for path in paths]

    def _join(self, *names: str) -> str:
        return "/".join([self.path, *names])

    @contextmanager
    def _write(self, *names: str) -> Iterator[IO[bytes]]:
        *folder, name = names
        temporary = self._join(*folder, f".{name}-{uuid4().hex}")
        with self.fs.open(temporary, "wb") as file:
            yield file
        self.fs.mv(temporary, self._join(*names))


def _part_name(number: int) -> str:
    return f"part-{number:06}"
