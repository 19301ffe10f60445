"""The formats by name, and the detection of a file's format."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

from ..errors import Errors
from .brat import matches_brat, read_brat
from .cluener import CluenerTask
from .cmeee import CmeeeTask
from .docbin import matches_docbin, read_docbin
from .doccano import DoccanoTask
from .files import ByteStream, FilePath, decompress
from .iob import matches_iob, read_iob
from .label_studio import LabelStudioMinTask, LabelStudioTask
from .prodigy import ProdigyTask
from .records import BadRecord, Entry
from .tasks import Task, matches_tasks, read_tasks


class Format(NamedTuple):
    """A way to write a corpus.

    matches (Callable): Takes a file's name and the open file, and says whether the file
        is in this format.
    read (Callable): Takes the same and yields an entry per doc.
    """

    matches: Callable[[FilePath, ByteStream], bool]
    read: Callable[[FilePath, ByteStream], Iterator[Entry]]


def get_formats(source_key: str | None = None) -> dict[str, Format]:
    """List the formats in the order in which they are tried on a file.

    source_key (str | None): Key of the spans in .spacy files. If None, doc.ents.
    RETURNS (dict[str, Format]): The formats by name.
    """
    return {
        "spacy": Format(matches_docbin, partial(read_docbin, source_key)),
        "brat": Format(matches_brat, read_brat),
        "iob": Format(matches_iob, read_iob),
        "prodigy": _make_task_format(ProdigyTask),
        "label-studio": _make_task_format(LabelStudioTask),
        "label-studio-min": _make_task_format(LabelStudioMinTask),
        "cluener": _make_task_format(CluenerTask),
        "cmeee": _make_task_format(CmeeeTask),
        "doccano": _make_task_format(DoccanoTask),
    }


def _make_task_format(schema: type[Task]) -> Format:
    return Format(partial(matches_tasks, schema), partial(read_tasks, schema))


def detect_format(path: FilePath, formats: dict[str, Format]) -> str:
    """Find a file's format by its name and its first records.

    path (FilePath): The file.
    formats (dict[str, Format]): The formats by name.
    RETURNS (str): The name of the format.
    RAISES (BadRecord): If the file is in none of the formats.
    """
    for name, format in formats.items():
        with path.open("rb") as file:
            if format.matches(path, decompress(path, file)):
                return name
    raise BadRecord(str(path), Errors.EGP210.format(formats=", ".join(formats)))
