"""What a format is: a name, how its files are recognized, and how they are read."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import islice
from typing import Any, NamedTuple

from ..errors import Errors
from .elements import find_root
from .files import MAX_PARTS, ByteStream, FilePath, bare_name, open_file
from .records import BadRecord, Entry
from .schema import Schema, Task, read_tasks
from .values import count_parts, is_parquet, looks_like_values, read_values

HEAD_SIZE = 2**16
MAX_VALUES = 100


class Options(NamedTuple):
    """What a user says about the input.

    source_key (str | None): Key of the spans in .spacy files. If None, doc.ents.
    columns (tuple[str, ...]): Columns with the annotation, by number from 1 or name.
        If there are none, they are detected.
    label_names (tuple[str, ...]): The names of tags that are given as numbers.
    """

    source_key: str | None = None
    columns: tuple[str, ...] = ()
    label_names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Sample:
    """The beginning of a file, which shows its format. It is read when needed.

    path (FilePath): The file's name.
    """

    path: FilePath

    @property
    def name(self) -> str:
        """The file's name without that of a compression."""
        return bare_name(self.path)

    @cached_property
    def head(self) -> bytes:
        """The first bytes."""
        with open_file(self.path) as file:
            return file.read(HEAD_SIZE)

    @cached_property
    def text(self) -> str:
        """The first lines, all of them complete; none of Parquet.

        RAISES (BadRecord): If they are not UTF-8.
        """
        if is_parquet(self.path):
            return ""
        head = self.head
        if len(head) == HEAD_SIZE:
            head = head[: max(head.rfind(b"\n"), head.rfind(b"\r")) + 1]
        try:
            text = head.decode("utf-8-sig")
            return text.replace("\r\n", "\n").replace("\r", "\n")
        except UnicodeDecodeError as error:
            problem = Errors.EGP212.format(error=error)
            raise BadRecord(str(self.path), problem) from error

    @cached_property
    def root(self) -> str:
        """The name of the first element, if this is XML."""
        return find_root(self.head)

    @cached_property
    def values(self) -> list[Any]:
        """The first objects, if these are JSON or rows of Parquet."""
        if not looks_like_values(self.path, self.head):
            return []
        values: list[Any] = []
        n_parts = 0
        with open_file(self.path) as file:
            for _, value in islice(read_values(self.path, file), MAX_VALUES):
                values.append(value)
                n_parts += count_parts(value)
                # The objects are in memory together.
                if n_parts > MAX_PARTS:
                    break
        return values


@dataclass(frozen=True)
class Format:
    """A way to write a corpus.

    name (str): The name that users give.
    matches (Callable): Takes the beginning of a file and returns whether the file is in
        this format.
    read (Callable): Takes a file's name, the open file and the options, and yields an
        entry per doc.
    """

    name: str
    matches: Callable[[Sample], bool]
    read: Callable[[FilePath, ByteStream, Options], Iterator[Entry]]


def task_format(name: str, schema: type[Task]) -> Format:
    """Make a format of JSON objects that have a schema.

    name (str): The format's name.
    schema (type[Task]): The schema of an object.
    RETURNS (Format): The format.
    """
    return Format(name, partial(matches_objects, schema), partial(_read, schema))


def matches_objects(schema: type[Schema], sample: Sample) -> bool:
    """RETURNS (bool): Whether one of the first objects in the file has the schema."""
    objects = (value for value in sample.values if isinstance(value, dict))
    return any(schema.matches(value) for value in objects)


def _read(
    schema: type[Task], path: FilePath, file: ByteStream, options: Options
) -> Iterator[Entry]:
    return read_tasks(schema, path, file)
