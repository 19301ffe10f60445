"""Sentences of two or three lines: the tokens, their parts of speech if these are
given, and the entities, such as 0,2 G#DNA|3,4 G#protein.

Sources: https://github.com/berlino/overlapping-ner-em18 for three lines and exclusive
ends, as in later work on GENIA, ACE and NNE; others have two lines and inclusive ends.
"""

import re
from collections.abc import Iterator
from functools import partial
from itertools import groupby

from ...errors import Errors
from ..files import ByteStream, FilePath, read_lines
from ..format import Format, Options, Sample
from ..line_blocks import Line, read_blocks, read_head
from ..records import BadRecord, Entry, Offsets, TokenRecord, shorten

ENTITY = re.compile(r"(?P<start>\d{1,9}),(?P<end>\d{1,9}) (?P<label>[^|]*\S)")
# The number of lines that tell whether the end is inclusive.
MAX_LAYOUT_LINES = 10_000


def matches_span_lines(sample: Sample) -> bool:
    """RETURNS (bool): Whether one of the first lines has entities."""
    return not sample.root and any(
        len(block) > 1 and _has_entities(block[-1])
        for block in _divide(sample.text.split("\n"))
    )


def read_span_lines(
    path: FilePath, file: ByteStream, options: Options
) -> Iterator[Entry]:
    """Read the sentences, which blank lines separate. Each becomes a doc.

    path (FilePath): The file's name.
    file (ByteStream): The open file.
    options (Options): Not used.
    YIELDS (Entry): One record per sentence.
    """
    texts, lines = read_head(read_lines(file), MAX_LAYOUT_LINES)
    # An entity of one token has the same start and end, if the end is inclusive.
    is_inclusive = any(
        match["start"] == match["end"]
        for block in _divide(texts)
        for match in map(ENTITY.fullmatch, _split(block[-1]))
        if match
    )
    read = partial(_read_block, path, int(is_inclusive))
    yield from read_blocks(path, lines, read)


def _divide(lines: list[str]) -> Iterator[list[str]]:
    for is_blank, block in groupby(lines, key=lambda line: not line.strip()):
        if not is_blank:
            yield [line.strip() for line in block]


def _split(line: str) -> list[str]:
    return [part.strip() for part in line.split("|") if part.strip()]


def _has_entities(line: str) -> bool:
    return any(map(ENTITY.fullmatch, _split(line)))


def _read_block(path: FilePath, n_more: int, lines: list[Line]) -> Iterator[Entry]:
    (number, line), *others = lines
    source, words = f"{path}:{number}", line.split()
    record = TokenRecord(source=source, document=str(path), words=words, spans=[])
    # Without entities, their line is blank or missing.
    if others and not _has_entities(others[-1][1]):
        if len(others) > 1 or len(others[0][1].split()) != len(words):
            number, line = others[-1]
            problem = Errors.EGP253.format(line=shorten(line))
            raise BadRecord(f"{path}:{number}", problem)
    elif others:
        if len(others) > 2:
            problem = Errors.EGP254.format(n_lines=len(lines))
            raise BadRecord(source, problem)
        number, line = others[-1]
        for part in _split(line):
            _add_entity(record, f"{path}:{number}", part, n_more)
    yield record


def _add_entity(record: TokenRecord, source: str, part: str, n_more: int) -> None:
    match = ENTITY.fullmatch(part)
    if match is None:
        problem = Errors.EGP253.format(line=shorten(part))
        record.bad.append(BadRecord(source, problem))
        return
    start, end = int(match["start"]), int(match["end"]) + n_more
    record.spans.append(Offsets(start, end, match["label"], source=source))


FORMAT = Format("span-lines", matches_span_lines, read_span_lines)
