"""JSON values streamed from a file that has one per line or one array of them."""

import codecs
import json
import re
from collections.abc import Iterator
from typing import Any

from ..errors import Errors
from .files import ByteStream

CHUNK_SIZE = 2**16
SEPARATOR = re.compile(r"[\s,]*")


def read_values(file: ByteStream) -> Iterator[tuple[int, Any]]:
    """Read the lines of a JSONL file or the items of a JSON array one by one.

    file (ByteStream): The open file, in UTF-8.
    YIELDS (tuple[int, Any]): The line and the value there. A ValueError stands for a
        value that is not valid JSON; an array cannot be read any further after one.
    """
    head = file.read(CHUNK_SIZE).removeprefix(codecs.BOM_UTF8)
    file.seek(0)
    return _read_array(file) if head.lstrip().startswith(b"[") else _read_lines(file)


def _read_lines(file: ByteStream) -> Iterator[tuple[int, Any]]:
    for number, line in enumerate(file, 1):
        if line.strip():
            try:
                yield number, json.loads(line)
            except ValueError as error:
                yield number, ValueError(Errors.EGP217.format(error=error))


def _read_array(file: ByteStream) -> Iterator[tuple[int, Any]]:
    # Bytes that are not UTF-8 become surrogates, which a TextRecord rejects.
    decoder = codecs.getincrementaldecoder("utf-8-sig")("surrogateescape")
    parse = json.JSONDecoder().raw_decode
    text = decoder.decode(file.read(CHUNK_SIZE))
    position = text.index("[") + 1
    number = 1 + text.count("\n", 0, position)
    while True:
        gap = SEPARATOR.match(text, position)
        start = gap.end() if gap else position
        number += text.count("\n", position, start)
        if text.startswith("]", start):
            return
        try:
            value, position = parse(text, start)
        except json.JSONDecodeError as error:
            # The item may be incomplete. As much again is read as there is of it, so
            # that a large item is not parsed too often.
            chunk = file.read(max(CHUNK_SIZE, len(text) - start))
            if not chunk:
                number += text.count("\n", start, error.pos)
                yield number, ValueError(Errors.EGP218.format(error=error.msg))
                return
            text, position = text[start:] + decoder.decode(chunk), 0
        else:
            yield number, value
            number += text.count("\n", start, position)
