"""brat's standoff files: a text in NAME.txt and its annotation in NAME.ann.

Source: https://brat.nlplab.org/standoff.html
"""

import re
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

from ..errors import Errors
from .files import ByteStream, FilePath, replace_suffix
from .records import (
    BadRecord,
    Entry,
    Offsets,
    SpanText,
    TextRecord,
    Unannotated,
    check_text,
)

SPAN = re.compile(r"T\S*\t(?P<label>\S+) (?P<pieces>\d+ \d+(;\d+ \d+)*)\t(?P<text>.*)")
OTHER_KINDS = {
    "*": "equivalences",
    "#": "notes",
    "A": "attributes",
    "E": "events",
    "M": "attributes",
    "N": "normalizations",
    "R": "relations",
}


def matches_brat(path: FilePath, file: ByteStream) -> bool:
    """RETURNS (bool): Whether the file's name says that it is of a brat folder."""
    is_text = path.name.endswith(".txt") and replace_suffix(path, ".ann").exists()
    return is_text or path.name.endswith((".ann", ".conf"))


def read_brat(path: FilePath, file: ByteStream) -> Iterator[Entry]:
    """Read an annotated document. Each becomes a doc.

    path (FilePath): The name of a file in a brat folder.
    file (ByteStream): The open file.
    YIELDS (Entry): A record for an .ann file and the .txt file beside it; nothing for
        the latter, nor for brat's configuration files.
    """
    if path.name.endswith(".ann"):
        try:
            yield _read_document(path, file)
        except BadRecord as error:
            yield error
    elif path.name.endswith(".txt"):
        if not replace_suffix(path, ".ann").exists():
            yield Unannotated(str(path), "there is no .ann file")
    elif not path.name.endswith(".conf"):
        yield BadRecord(str(path), Errors.EGP226)


def _read_document(path: FilePath, file: ByteStream) -> TextRecord:
    text_path = replace_suffix(path, ".txt")
    if not text_path.exists():
        raise BadRecord(str(path), Errors.EGP227.format(name=text_path.name))
    text = _decode(text_path, text_path.read_bytes())
    spans, discontinuous, other = [], [], Counter[str]()
    # Not splitlines(), which also breaks lines where the text has exotic separators.
    lines = _decode(path, file.read()).replace("\r\n", "\n").split("\n")
    for number, line in enumerate(lines, 1):
        if line.startswith("T"):
            span = _read_span(f"{path}:{number}", text, line)
            if isinstance(span, Offsets):
                spans.append(span)
            else:
                discontinuous.append(span)
        elif line:
            other[_read_kind(f"{path}:{number}", line)] += 1
    return TextRecord(
        source=str(path),
        document=str(path),
        text=text,
        spans=spans,
        discontinuous=discontinuous,
        other=other,
    )


def _decode(path: FilePath, data: bytes) -> str:
    try:
        return data.decode("utf8")
    except UnicodeDecodeError as error:
        raise BadRecord(str(path), Errors.EGP212.format(error=error)) from error


def _read_span(source: str, text: str, line: str) -> Offsets | SpanText:
    match = SPAN.fullmatch(line)
    if match is None:
        raise BadRecord(source, Errors.EGP228.format(line=line))
    pieces = [
        (int(start), int(end))
        for start, end in (piece.split() for piece in match["pieces"].split(";"))
    ]
    start, end = pieces[0][0], pieces[-1][1]
    gaps = (text[left[1] : right[0]] for left, right in pairwise(pieces))
    # brat breaks a span at the end of a line. With no word in between, it is one.
    if any(gap.strip() for gap in gaps):
        return SpanText(source, match["label"], match["text"])
    check_text(source, text, start, end, match["text"])
    return Offsets(start, end, match["label"])


def _read_kind(source: str, line: str) -> str:
    if line[0] not in OTHER_KINDS:
        kinds = " ".join(["T", *OTHER_KINDS])
        raise BadRecord(source, Errors.EGP229.format(line=line, kinds=kinds))
    return OTHER_KINDS[line[0]]
