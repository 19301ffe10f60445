"""Values streamed from a file: the lines of JSONL, arrays and objects of JSON, one
after the other, and the rows of Parquet."""

import codecs
import json
import re
from collections import Counter
from collections.abc import Collection, Iterator
from typing import Any

from ..errors import Errors
from .files import MAX_PARTS, MAX_RECORD, ByteStream, FilePath, bare_name, read_lines
from .parquet import BYTES_PER_ITEM, read_rows
from .records import shorten

CHUNK_SIZE = 2**16
SEPARATOR = re.compile(r"[\s,]*")
# A bracket and what follows it in JSON. No token of a column format looks like this.
JSON = re.compile(rb'\s*(\{\s*("|\})|\[\s*(["{\[\]]))')
# The first item of an array tells whether the array holds tasks, or is itself a task
# such as ["Ann left", {...}].
CONTAINERS = (dict, list)

Value = tuple[int, Any]


def looks_like_values(path: FilePath, head: bytes) -> bool:
    """RETURNS (bool): Whether the file is one that read_values() reads."""
    is_json = JSON.match(head.removeprefix(codecs.BOM_UTF8)) is not None
    return is_json or is_parquet(path)


def is_parquet(path: FilePath) -> bool:
    """RETURNS (bool): Whether the file's name says that it is Parquet."""
    return bare_name(path).endswith(".parquet")


def read_values(path: FilePath, file: ByteStream) -> Iterator[Value]:
    """Read the values in a file one by one, those of an array as its items.

    path (FilePath): The file's name.
    file (ByteStream): The open file: Parquet by its name, otherwise JSON in UTF-8.
    YIELDS (tuple[int, Any]): The line (the row of Parquet) and the value there. A
        ValueError stands for one that cannot be read.
    """
    if is_parquet(path):
        return ((number, _bound(row)) for number, row in read_rows(file))
    return read_json(file)


def read_json(file: ByteStream) -> Iterator[Value]:
    """Read lines, arrays and objects of JSON.

    Of JSONL, only a bad line is lost; of other JSON, all that follows an error.

    file (ByteStream): The open file, in UTF-8.
    YIELDS (tuple[int, Any]): The line and the value there.
    """
    head = file.peek(CHUNK_SIZE)
    return _read_lines(file) if _has_lines(head) else _read_stream(file)


def _has_lines(head: bytes) -> bool:
    """RETURNS (bool): Whether the first line is a whole value, or meant to be one."""
    line, end, _ = head.removeprefix(codecs.BOM_UTF8).lstrip().partition(b"\n")
    line = line.rstrip()
    if line.startswith(b"["):
        return line[1:].lstrip().startswith(b'"') and line.endswith(b"]")
    return not (end and line.endswith((b"{", b"[", b",", b":")))


def _read_lines(file: ByteStream) -> Iterator[Value]:
    for number, line in read_lines(file):
        if line is None:
            yield number, ValueError(Errors.EGP235.format(max_bytes=MAX_RECORD))
        elif line.strip():
            yield from ((number, value) for value in _parse_line(line))


def _parse_line(line: bytes) -> list[Any]:
    try:
        value = json.loads(line.decode("utf-8-sig"), object_pairs_hook=make_object)
    except UnicodeDecodeError as error:
        return [ValueError(Errors.EGP212.format(error=error))]
    except (ValueError, RecursionError) as error:
        return [ValueError(Errors.EGP217.format(error=error))]
    is_array = isinstance(value, list) and all(isinstance(v, CONTAINERS) for v in value)
    return [_bound(item) for item in (value if is_array else [value])]


def make_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make an object of JSON, for `object_pairs_hook`. Without it, the last value of a
    key would silently replace the others.

    pairs (list[tuple[str, Any]]): Keys and values.
    RETURNS (dict[str, Any]): The object.
    RAISES (ValueError): If a key occurs twice.
    """
    value = dict(pairs)
    if len(value) < len(pairs):
        counts = Counter(key for key, _ in pairs)
        [(key, _)] = counts.most_common(1)
        raise ValueError(Errors.EGP296.format(key=shorten(key)))
    return value


def _bound(value: Any) -> Any:
    """RETURNS (Any): The value, or an error if it has too many parts."""
    if count_parts(value) > MAX_PARTS:
        return ValueError(Errors.EGP293.format(max_parts=MAX_PARTS))
    return value


def count_parts(value: Any) -> int:
    """Measure how much memory a value takes.

    value (Any): A value of JSON.
    RETURNS (int): The number of list items. A text counts as the number of items that
        take as much memory. Above MAX_PARTS, the number is not exact.
    """
    n_parts = 0
    containers: list[Any] = [[value]]
    while containers and n_parts <= MAX_PARTS:
        inner = []
        for container in containers:
            if isinstance(container, dict):
                items: Collection[Any] = container.values()
            else:
                items = container
                n_parts += len(items)
            n_chars = sum(len(item) for item in items if isinstance(item, str))
            n_parts += n_chars // BYTES_PER_ITEM
            inner += [item for item in items if isinstance(item, CONTAINERS)]
        containers = inner
    return n_parts


def _read_stream(file: ByteStream) -> Iterator[Value]:
    # Bytes that are not UTF-8 become surrogates, which are not accepted in a text.
    decoder = codecs.getincrementaldecoder("utf-8-sig")("surrogateescape")
    parse = json.JSONDecoder(object_pairs_hook=make_object).raw_decode
    text, position, number, in_array = "", 0, 1, False
    while True:
        gap = SEPARATOR.match(text, position)
        start = gap.end() if gap else position
        number += text.count("\n", position, start)
        problem, n_lines = "the file ends", 0
        try:
            if in_array and text.startswith("]", start):
                in_array, position = False, start + 1
                continue
            if not in_array and _begins_array(text, start):
                in_array, position = True, start + 1
                continue
            value, position = parse(text, start)
            # A number may continue in the next chunk.
            if position < len(text) or isinstance(value, (*CONTAINERS, str)):
                yield number, _bound(value)
                number += text.count("\n", start, position)
                continue
        except json.JSONDecodeError as error:
            problem = error.msg
            n_lines = text.count("\n", start, error.pos)
        except (ValueError, RecursionError) as error:
            yield number, ValueError(Errors.EGP218.format(error=error))
            return
        # The value may be incomplete. Read as much again as there is of it, so that a
        # large value is not parsed too often.
        n_chars = len(text) - start
        if n_chars >= MAX_RECORD:
            problem = Errors.EGP235.format(max_bytes=MAX_RECORD)
        chunk = file.read(min(max(CHUNK_SIZE, n_chars), max(0, MAX_RECORD - n_chars)))
        if not chunk:
            if start == len(text) and not in_array:
                return
            yield number + n_lines, ValueError(Errors.EGP218.format(error=problem))
            return
        text, position = text[start:] + decoder.decode(chunk), 0


def _begins_array(text: str, start: int) -> bool:
    """RETURNS (bool): Whether an array of tasks begins here.
    RAISES (json.JSONDecodeError): If that is still to be read."""
    if not text.startswith("[", start):
        return False
    gap = SEPARATOR.match(text, start + 1)
    first = gap.end() if gap else start + 1
    if first == len(text):
        raise json.JSONDecodeError("the file ends", text, start)
    return text[first] != '"'
