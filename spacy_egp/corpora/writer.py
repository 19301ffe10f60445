"""Docs in spaCy's binary format: one file, or a folder of files of bounded size."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from spacy.tokens import Doc, DocBin
from spacy.training.corpus import FILE_TYPE

from ..errors import Errors

TOKENS_PER_FILE = 100_000


class DocWriter:
    """Writes docs into a .spacy file or a folder; spaCy's Corpus reads both.

    A DocBin is written as a whole, so the memory for a file grows with the corpus, by
    about 700 bytes per token. In a folder, a numbered file is written for every
    TOKENS_PER_FILE tokens, and memory only grows with the vocabulary.

    path (Path): A file that ends in .spacy, or the name of a folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.n_files = 0
        self._begin_file()

    def _begin_file(self) -> None:
        self.doc_bin = DocBin(store_user_data=True)
        self.n_tokens = 0

    def add(self, doc: Doc) -> None:
        """doc (Doc): The next doc."""
        self.doc_bin.add(doc)
        self.n_tokens += len(doc)
        if self.path.suffix != FILE_TYPE and self.n_tokens >= TOKENS_PER_FILE:
            self._write_file()
            self._begin_file()

    def close(self) -> None:
        """Write what is not written yet. Without docs, write an empty DocBin."""
        if len(self.doc_bin) or not self.n_files:
            self._write_file()

    def _write_file(self) -> None:
        self.n_files += 1
        path = self.path
        if path.suffix != FILE_TYPE:
            path = path / f"{self.n_files:04}{FILE_TYPE}"
        path.parent.mkdir(parents=True, exist_ok=True)
        self.doc_bin.to_disk(path)


def part_path(output: Path, part: str) -> Path:
    """Name the output of one part of a split: corpus-dev.spacy, or corpus/dev.

    output (Path): A .spacy file or a folder.
    part (str): The part, or an empty string for the whole corpus.
    RETURNS (Path): Where to write the part.
    """
    if not part:
        return output
    if output.suffix == FILE_TYPE:
        return output.with_name(f"{output.stem}-{part}{FILE_TYPE}")
    return output / part


@contextmanager
def temporary_output(output: Path) -> Iterator[Path]:
    """Write under a temporary name first, so that an error leaves nothing half-written.

    output (Path): A .spacy file or a folder.
    YIELDS (Path): The same name in a temporary folder. Its content is moved to the
        folder of the output at the end.
    RAISES (FileExistsError): If the output is a folder that exists already.
    """
    if output.is_dir():
        raise FileExistsError(Errors.EGP102.format(path=output))
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(
        prefix=f".{output.name}-", dir=output.parent
    ) as folder:
        yield Path(folder) / output.name
        for path in Path(folder).iterdir():
            os.replace(path, output.parent / path.name)
