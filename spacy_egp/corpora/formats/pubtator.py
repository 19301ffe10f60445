"""PubTator: titles and abstracts with annotation, whose offsets count over both.

Source: https://www.ncbi.nlm.nih.gov/research/pubtator3/
"""

import re
from collections.abc import Iterator
from functools import partial

from ...errors import Errors
from ..files import ByteStream, FilePath, read_lines
from ..format import Format, Options, Sample
from ..line_blocks import Line, read_blocks
from ..records import BadRecord, Entry, Offsets, TextRecord, shorten

SECTION = re.compile(r"(?P<id>[^|\t]+)\|(?P<kind>[a-z])\|(?P<text>.*)")
OFFSET = re.compile(r"\d{1,9}")


def matches_pubtator(sample: Sample) -> bool:
    """RETURNS (bool): Whether the first line is a title."""
    match = SECTION.match(sample.text.lstrip().partition("\n")[0])
    return match is not None and match["kind"] == "t"


def read_pubtator(
    path: FilePath, file: ByteStream, options: Options
) -> Iterator[Entry]:
    """Read the documents, which blank lines separate. Each becomes a doc.

    path (FilePath): The file's name.
    file (ByteStream): The open file.
    options (Options): Not used.
    YIELDS (Entry): One record per document.
    """
    yield from read_blocks(path, read_lines(file), partial(_read_document, path))


def _read_document(path: FilePath, lines: list[Line]) -> Iterator[TextRecord]:
    source = f"{path}:{lines[0][0]}"
    matches = [(number, line, SECTION.fullmatch(line)) for number, line in lines]
    sections = [match["text"] for _, _, match in matches if match]
    # Offsets count one character between title and abstract.
    record = TextRecord(
        source=source, document=source, text=" ".join(sections), spans=[]
    )
    for number, line, match in matches:
        if match:
            continue
        columns = line.split("\t")
        if len(columns) > 4 and all(map(OFFSET.fullmatch, columns[1:3])):
            start, end = map(int, columns[1:3])
            span = Offsets(start, end, columns[4], columns[3], f"{path}:{number}")
            record.spans.append(span)
        elif len(columns) > 2 and not OFFSET.fullmatch(columns[1]):
            record.other["relations"] += 1
        else:
            problem = Errors.EGP250.format(line=shorten(line))
            record.bad.append(BadRecord(f"{path}:{number}", problem))
    yield record


FORMAT = Format("pubtator", matches_pubtator, read_pubtator)
