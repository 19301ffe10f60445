"""Files of lines in which blank lines separate sentences or documents."""

from collections.abc import Callable, Iterable, Iterator
from itertools import chain, groupby, islice

from ..errors import Errors
from .files import MAX_PARTS, MAX_RECORD, FilePath, decode
from .records import BadRecord, Entry

Line = tuple[int, str]


def read_blocks(
    path: FilePath,
    lines: Iterable[tuple[int, bytes | None]],
    read: Callable[[list[Line]], Iterator[Entry]],
) -> Iterator[Entry]:
    """Read the stretches of lines between blank lines.

    path (FilePath): The file's name.
    lines (Iterable[tuple[int, bytes | None]]): The numbered lines, as read_lines()
        yields them.
    read (Callable): Takes the lines of a block and yields its entries. A BadRecord that
        it raises stands for the rest of the block.
    YIELDS (Entry): The entries of all blocks.
    """
    for is_blank, block in groupby(lines, key=_is_blank):
        if is_blank:
            continue
        try:
            yield from read(list(_decode(path, block)))
        except BadRecord as error:
            yield error


def read_head(
    lines: Iterator[tuple[int, bytes | None]], n_lines: int
) -> tuple[list[str], Iterator[tuple[int, bytes | None]]]:
    """Look at the first lines, which show the layout.

    lines (Iterator[tuple[int, bytes | None]]): The numbered lines.
    n_lines (int): The largest number of them. There are fewer if they are long.
    RETURNS (tuple[list[str], Iterator[tuple[int, bytes | None]]]): Their text, whether
        valid or not, and all lines, from the first on.
    """
    head = []
    n_bytes = 0
    for line in islice(lines, n_lines):
        head.append(line)
        n_bytes += len(line[1] or b"")
        if n_bytes > MAX_RECORD:
            break
    texts = [(line or b"").decode("utf-8-sig", errors="replace") for _, line in head]
    return texts, chain(head, lines)


def _is_blank(line: tuple[int, bytes | None]) -> bool:
    return line[1] is not None and not line[1].strip(b" \t\r\n")


def _decode(
    path: FilePath, lines: Iterable[tuple[int, bytes | None]]
) -> Iterator[Line]:
    n_bytes = 0
    for n_lines, (number, line) in enumerate(lines, 1):
        source = f"{path}:{number}"
        if n_lines > MAX_PARTS:
            raise BadRecord(source, Errors.EGP293.format(max_parts=MAX_PARTS))
        n_bytes += MAX_RECORD if line is None else len(line)
        if line is None or n_bytes > MAX_RECORD:
            raise BadRecord(source, Errors.EGP235.format(max_bytes=MAX_RECORD))
        yield number, decode(source, line).rstrip("\r\n")
