"""brat's standoff files: a text in NAME.txt and its annotation in NAME.ann, or in
NAME.a1 and NAME.a2 as in BioNLP's shared tasks.

Source: https://brat.nlplab.org/standoff.html
"""

import re
from collections.abc import Iterator
from itertools import pairwise

from ...errors import Errors
from ..files import ByteStream, FilePath, open_file, read_whole, replace_suffix
from ..format import Format, Options, Sample
from ..records import (
    BadRecord,
    Entry,
    LeftOut,
    Offsets,
    SpanText,
    TextRecord,
    Unannotated,
    count_confirmed,
    shorten,
)

# More digits than any text needs, but not so many that they are slow to read.
SPAN = re.compile(
    r"T\S*\t(?P<label>\S+) (?P<pieces>\d{1,9} \d{1,9}(;\d{1,9} \d{1,9})*)\t(?P<text>.*)"
)
ID = re.compile(r"[A-Z]\d|[*#]")
OTHER_KINDS = {
    "*": "equivalences",
    "#": "notes",
    "A": "attributes",
    "E": "events",
    "M": "attributes",
    "N": "normalizations",
    "R": "relations",
}
ANNOTATION = (".ann", ".a1", ".a2")


def matches_brat(sample: Sample) -> bool:
    """RETURNS (bool): Whether the file's name says that it is of a brat folder."""
    is_text = sample.name.endswith(".txt") and _is_annotated(sample.path)
    return is_text or sample.name.endswith((*ANNOTATION, ".conf"))


def _is_annotated(path: FilePath) -> bool:
    return any(replace_suffix(path, suffix).exists() for suffix in ANNOTATION)


def read_brat(path: FilePath, file: ByteStream, options: Options) -> Iterator[Entry]:
    """Read an annotated document. Each becomes a doc.

    path (FilePath): The name of a file in a brat folder.
    file (ByteStream): The open file.
    options (Options): Not used.
    YIELDS (Entry): A record for an .ann file (or .a1 and .a2) and the .txt file beside
        it; nothing for the latter, nor for brat's configuration files.
    """
    if path.name.endswith((".ann", ".a1")) or (
        path.name.endswith(".a2") and not replace_suffix(path, ".a1").exists()
    ):
        yield _read_document(path, file)
    elif path.name.endswith(".txt"):
        if not _is_annotated(path):
            yield Unannotated(str(path), "there is no .ann file")
    elif not path.name.endswith((".a2", ".conf")):
        yield LeftOut(str(path), Errors.EGP226)


def _read_document(path: FilePath, file: ByteStream) -> TextRecord:
    text_path = replace_suffix(path, ".txt")
    if not text_path.exists():
        raise BadRecord(str(path), Errors.EGP227.format(name=text_path.name))
    with open_file(text_path) as text_file:
        text = read_whole(text_path, text_file)
    annotations = {path: read_whole(path, file)}
    second_path = replace_suffix(path, ".a2")
    if path.name.endswith(".a1") and second_path.exists():
        with open_file(second_path) as second_file:
            annotations[second_path] = read_whole(second_path, second_file)
    # Git may have put the carriage returns there after the annotation.
    texts = dict.fromkeys((text, text.replace("\r\n", "\n")))
    records = [
        TextRecord(source=str(path), document=str(path), text=text, spans=[])
        for text in texts
    ]
    for record in records:
        for annotation_path, annotation in annotations.items():
            _read_annotation(annotation_path, annotation, record)
    return max(records, key=lambda record: count_confirmed(record.text, record.spans))


def _read_annotation(path: FilePath, annotation: str, record: TextRecord) -> None:
    # Not splitlines(), which also breaks lines where the text has exotic separators.
    lines = annotation.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    for number, line in enumerate(lines, 1):
        source = f"{path}:{number}"
        if _continues(record, line):
            continue
        try:
            if line.startswith("T"):
                span = _read_span(source, record.text, line)
                if isinstance(span, Offsets):
                    record.spans.append(span)
                else:
                    record.discontinuous.append(span)
            elif line.strip():
                record.other[_read_kind(source, line)] += 1
        except BadRecord as error:
            record.bad.append(error)


def _continues(record: TextRecord, line: str) -> bool:
    """Take a line for more of the last span's text, if the document confirms that: some
    tools leave the line breaks in it."""
    last = record.spans[-1] if record.spans else None
    if last is None or last.text is None or not line.strip():
        return False
    words = record.text[last.start : last.end].split()
    joined = f"{last.text} {line}"
    if joined.split() != words[: len(joined.split())]:
        return False
    record.spans[-1] = last._replace(text=joined)
    return True


def _read_span(source: str, text: str, line: str) -> Offsets | SpanText:
    match = SPAN.fullmatch(line)
    if match is None:
        raise BadRecord(source, Errors.EGP228.format(line=shorten(line)))
    # Some tools sort the pieces as strings.
    pieces = sorted(
        (int(start), int(end))
        for start, end in (piece.split() for piece in match["pieces"].split(";"))
    )
    start, end = pieces[0][0], max(end for _, end in pieces)
    gaps = (text[left[1] : right[0]] for left, right in pairwise(pieces))
    # brat breaks a span at the end of a line. With no word in between, it is one.
    if any(gap.strip() for gap in gaps):
        return SpanText(source, match["label"], match["text"])
    # Of pieces that overlap or are sorted, the text of the whole is another.
    expected = match["text"] if len(pieces) == 1 else None
    return Offsets(start, end, match["label"], expected, source)


def _read_kind(source: str, line: str) -> str:
    # What is left of a text with a line break, as in NEREL.
    if "\t" not in line and not ID.match(line):
        return "lines without a tab"
    if line[0] not in OTHER_KINDS:
        kinds = " ".join(["T", *OTHER_KINDS])
        raise BadRecord(source, Errors.EGP229.format(line=shorten(line), kinds=kinds))
    return OTHER_KINDS[line[0]]


FORMAT = Format("brat", matches_brat, read_brat)
