"""What annotation tools and benchmarks export: JSON objects with a schema."""

from abc import abstractmethod
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, ClassVar, TypeVar

from pydantic import BaseModel, BeforeValidator, ValidationError
from pydantic_core import ErrorDetails

from ..errors import Errors
from .files import ByteStream, FilePath
from .records import BadRecord, Entry, Record, Unannotated, shorten
from .values import read_values

ModelT = TypeVar("ModelT", bound="Schema")
Key = str | int


def _refuse_truth(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError(Errors.EGP298)
    return value


# An offset or an index. Pydantic would take true for 1.
Number = Annotated[int, BeforeValidator(_refuse_truth)]
# A record with more errors is bad as a whole: each error takes memory.
MAX_ERRORS = 50_000


class Schema(BaseModel):
    """An object of a format. The fields of a subclass are its schema.

    EXAMPLE (str): A short valid object, shown where one does not fit the schema.
    """

    EXAMPLE: ClassVar[str]

    @staticmethod
    @abstractmethod
    def matches(task: dict[str, Any]) -> bool:
        """RETURNS (bool): Whether the object has the keys that mark this format."""


class Task(Schema):
    """One annotated text."""

    @abstractmethod
    def to_record(self, source: str) -> Record | Unannotated:
        """Convert the task to the form that all formats share.

        source (str): The file and the line.
        RETURNS (Record | Unannotated): The text and its spans.
        RAISES (BadRecord): If the task contradicts itself.
        """


class Linked(BaseModel):
    """What may hold links between spans: lists, or objects with an item for each."""

    relations: Any = None
    events: Any = None
    clusters: Any = None


def count_links(values: Mapping[str, Any]) -> Counter[str]:
    """RETURNS (Counter[str]): The number of links of each kind among the values of an
    object, by key."""
    found = {kind: values.get(kind) for kind in Linked.model_fields}
    return Counter(
        {kind: len(x) for kind, x in found.items() if isinstance(x, list | dict)}
    )


def check_lengths(
    source: str, sentences: Sequence[Any], spans: Sequence[Any] | None
) -> None:
    """RAISES (BadRecord): If there are spans, but not one list of them per sentence."""
    if spans and len(spans) != len(sentences):
        problem = Errors.EGP265.format(n_sentences=len(sentences), n_lists=len(spans))
        raise BadRecord(source, problem)


def read_tasks(schema: type[Task], path: FilePath, file: ByteStream) -> Iterator[Entry]:
    """Read the tasks in a file.

    schema (type[Task]): The format.
    path (FilePath): The file's name.
    file (ByteStream): The open file.
    YIELDS (Entry): One record per task, and what cannot be read of it.
    """
    for item in read_objects(schema, path, file):
        if isinstance(item, BadRecord):
            yield item
            continue
        source, task = item
        try:
            yield task.to_record(source)
        except BadRecord as error:
            yield error


def read_objects(
    schema: type[ModelT], path: FilePath, file: ByteStream
) -> Iterator[tuple[str, ModelT] | BadRecord]:
    """Read the objects in a file.

    schema (type[Schema]): Their schema.
    path (FilePath): The file's name.
    file (ByteStream): The open file.
    YIELDS (tuple[str, Schema] | BadRecord): The file and line, and the object there.
        List items that do not fit the schema are left out, and yielded as BadRecords.
    """
    for number, value in read_values(path, file):
        source = f"{path}:{number}"
        if isinstance(value, ValueError):
            yield BadRecord(source, str(value))
        elif not isinstance(value, dict):
            shown = shorten(value)
            yield BadRecord(
                source, Errors.EGP219.format(value=shown, example=schema.EXAMPLE)
            )
        else:
            yield from validate(schema, source, value)


def validate(
    schema: type[ModelT], source: str, value: dict[str, Any]
) -> Iterator[tuple[str, ModelT] | BadRecord]:
    """Check an object as read_objects() does. The object is changed.

    schema (type[Schema]): Its schema.
    source (str): The file and the line.
    value (dict[str, Any]): The object.
    YIELDS (tuple[str, Schema] | BadRecord): What cannot be read, and then the object if
        anything is left.
    """
    try:
        yield source, schema.model_validate(value)
    except ValidationError as error:
        if error.error_count() > MAX_ERRORS:
            problem = Errors.EGP294.format(
                n_errors=error.error_count(), example=schema.EXAMPLE
            )
            yield BadRecord(source, problem)
            return
        # One error for each item that is left out, as it is one span.
        bad_items: dict[tuple[Key, ...], ErrorDetails] = {}
        for detail in error.errors(include_url=False):
            bad_items.setdefault(_find_item(value, detail["loc"]), detail)
        yield from (
            BadRecord(source, _describe(schema, detail))
            for detail in bad_items.values()
        )
        if all(bad_items):
            for *keys, last in sorted(bad_items, key=_last_first):
                parent: Any = value
                for key in keys:
                    parent = parent[key]
                del parent[last]
            yield from validate(schema, source, value)


def _find_item(value: Any, location: tuple[Key, ...]) -> tuple[Key, ...]:
    """RETURNS (tuple[Key, ...]): The path of the innermost object or list in a list
    that holds the location, or of the outermost scalar; empty if there is none."""
    item: tuple[Key, ...] = ()
    for i, key in enumerate(location):
        try:
            parent, value = value, value[key]
        except (IndexError, KeyError, TypeError):
            break
        if isinstance(parent, list) and (isinstance(value, (dict, list)) or not item):
            item = location[: i + 1]
    return item


def _last_first(path: tuple[Key, ...]) -> tuple[tuple[str, int], ...]:
    return tuple((str(k), 0) if isinstance(k, str) else ("", -k) for k in path)


def _describe(schema: type[Schema], detail: ErrorDetails) -> str:
    return Errors.EGP220.format(
        location=".".join(str(key) for key in detail["loc"]),
        error=detail["msg"],
        value=shorten(detail["input"]),
        example=schema.EXAMPLE,
    )
