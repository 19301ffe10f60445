"""What annotation tools and benchmarks export: JSON objects with a schema."""

from abc import abstractmethod
from collections.abc import Iterator
from itertools import islice
from typing import Any, ClassVar

from pydantic import BaseModel, ValidationError

from ..errors import Errors
from .files import ByteStream, FilePath
from .json_objects import read_values
from .records import BadRecord, Entry, TextRecord, Unannotated


class Task(BaseModel):
    """One annotated text. The fields of a subclass are the schema of its format.

    EXAMPLE (str): A short valid object, shown where one does not fit the schema.
    """

    EXAMPLE: ClassVar[str]

    @staticmethod
    @abstractmethod
    def matches(task: dict[str, Any]) -> bool:
        """RETURNS (bool): Whether the object has the keys that tell this format."""

    @abstractmethod
    def to_record(self, source: str) -> TextRecord | Unannotated:
        """Bring the task into the form that all formats share.

        source (str): The file and the line.
        RETURNS (TextRecord | Unannotated): The text and its spans.
        RAISES (BadRecord): If the task contradicts itself.
        """


def matches_tasks(schema: type[Task], path: FilePath, file: ByteStream) -> bool:
    """RETURNS (bool): Whether one of the first objects in the file is of the format."""
    values = (value for _, value in islice(read_values(file), 100))
    return any(schema.matches(value) for value in values if isinstance(value, dict))


def read_tasks(schema: type[Task], path: FilePath, file: ByteStream) -> Iterator[Entry]:
    """Read the tasks in a JSONL file or a JSON array.

    schema (type[Task]): The format.
    path (FilePath): The file's name.
    file (ByteStream): The open file.
    YIELDS (Entry): One record per task.
    """
    for number, value in read_values(file):
        try:
            yield _read_task(schema, value, f"{path}:{number}")
        except BadRecord as error:
            yield error


def _read_task(schema: type[Task], value: Any, source: str) -> TextRecord | Unannotated:
    if isinstance(value, ValueError):
        raise BadRecord(source, str(value)) from value
    if not isinstance(value, dict):
        problem = Errors.EGP219.format(value=value, example=schema.EXAMPLE)
        raise BadRecord(source, problem)
    try:
        return schema(**value).to_record(source)
    except ValidationError as error:
        first = error.errors()[0]
        problem = Errors.EGP220.format(
            location=".".join(str(key) for key in first["loc"]),
            error=first["msg"],
            value=first["input"],
            example=schema.EXAMPLE,
        )
        raise BadRecord(source, problem) from error
