"""The elements of an XML file, one after another, each with its line."""

import re
from collections.abc import Collection, Iterator
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from ..errors import Errors
from .files import MAX_PARTS, MAX_RECORD, ByteStream, FilePath
from .records import MAX_CHARS, BadRecord

CHUNK_SIZE = 2**16
# No annotation is nested more deeply than this.
MAX_DEPTH = 200
COMMENT = re.compile(rb"<!--.*?-->", re.DOTALL)
START = re.compile(rb"<(?:[\w.-]+:)?([A-Za-z_][\w.-]*)[\s/>]")


class Located(Element):
    """An element with the line on which it begins.

    line (int): The line, from 1.
    """

    line = 0


def find_root(head: bytes) -> str:
    """RETURNS (str): The name of the first element, without its namespace, if these are
    the first bytes of an XML file."""
    if not head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"<"):
        return ""
    match = START.search(COMMENT.sub(b"", head))
    return match[1].decode() if match else ""


def read_elements(
    path: FilePath, file: ByteStream, tags: Collection[str]
) -> Iterator[Located]:
    """Read an XML file, holding one element at a time.

    path (FilePath): The file's name.
    file (ByteStream): The open file, in the encoding that it declares.
    tags (Collection[str]): The elements to read. Those inside others are only read as
        parts of these.
    YIELDS (Located): The elements, complete.
    RAISES (BadRecord): If the file stops being XML at some line, or an element is too
        large or too deep.
    """
    reader = _Reader(tags)
    # Read as much again as there is of an element, because expat starts over with an
    # incomplete tag.
    while chunk := file.read(max(CHUNK_SIZE, reader.n_bytes)):
        yield from _parse(path, reader, chunk)
    yield from _parse(path, reader, b"", is_final=True)


def _parse(
    path: FilePath, reader: "_Reader", chunk: bytes, is_final: bool = False
) -> Iterator[Located]:
    error = None
    try:
        reader.feed(chunk, is_final)
    except _LimitError as limit_error:
        error = str(limit_error)
    # The last two are raised if the file declares an encoding that Python or expat
    # lacks.
    except (expat.ExpatError, LookupError, ValueError) as parse_error:
        error = Errors.EGP290.format(error=str(parse_error)[:MAX_CHARS])
    # Elements that are complete before an error are yielded, too.
    yield from reader.complete
    reader.complete.clear()
    if error is not None:
        source = f"{path}:{reader.parser.CurrentLineNumber}"
        raise BadRecord(source, error)


class _LimitError(ValueError):
    """The error of a file that is too large or too deep. Its message has a code."""


class _Reader:
    """Builds the elements with some tags, and drops all others.

    tags (Collection[str]): The tags.
    """

    def __init__(self, tags: Collection[str]) -> None:
        self.tags = tags
        self.complete: list[Located] = []
        self.builder: TreeBuilder | None = None
        self.depth = self.outside = self.n_bytes = self.n_parts = 0
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._add_text
        # An external DTD, which is not read, may define it.
        self.parser.SkippedEntityHandler = self._skip_entity

    def feed(self, chunk: bytes, is_final: bool) -> None:
        self.n_bytes += len(chunk)
        if self.n_bytes > MAX_RECORD:
            raise _LimitError(Errors.EGP235.format(max_bytes=MAX_RECORD))
        self.parser.Parse(chunk, is_final)

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise _LimitError(Errors.EGP291.format(max_depth=MAX_DEPTH))
        if self.builder is None:
            self.n_bytes = 0
            if tag not in self.tags:
                return
            self.builder = TreeBuilder(element_factory=Located)
            self.n_parts = 0
            self.outside = self.depth - 1
        self.n_parts += 1
        if self.n_parts > MAX_PARTS:
            raise _LimitError(Errors.EGP293.format(max_parts=MAX_PARTS))
        element = self.builder.start(tag, attributes)
        assert isinstance(element, Located)
        element.line = self.parser.CurrentLineNumber

    def _end(self, tag: str) -> None:
        self.depth -= 1
        if self.builder is None:
            self.n_bytes = 0
            return
        self.builder.end(tag)
        if self.depth == self.outside:
            element = self.builder.close()
            assert isinstance(element, Located)
            self.complete.append(element)
            self.builder = None
            self.n_bytes = 0

    def _add_text(self, text: str) -> None:
        if self.builder is None:
            self.n_bytes = 0
        else:
            self.builder.data(text)

    def _skip_entity(self, name: str, is_parameter_entity: bool) -> None:
        if not is_parameter_entity:
            raise _LimitError(Errors.EGP292.format(name=name))
