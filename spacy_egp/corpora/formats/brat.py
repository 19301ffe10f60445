"""brat's standoff files: a text in NAME.txt and its annotation in NAME.ann, or in
NAME.a1 and NAME.a2 as in BioNLP's shared tasks.

Source: https://brat.nlplab.org/standoff.html
"""

import os
import re
from collections.abc import Iterator
from itertools import pairwise

from ...errors import Errors
from ..files import (
    ByteStream,
    FilePath,
    bare_name,
    find_beside,
    open_file,
    read_whole,
    split_lines,
)
from ..format import Format, Options, Sample
from ..records import (
    WORD,
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
TEXT, CONFIGURATION = ".txt", ".conf"
# Of BioNLP's shared tasks: what is given, and what is to be found.
FIRST, SECOND = ".a1", ".a2"
ANNOTATION = (".ann", FIRST, SECOND)


def matches_brat(sample: Sample) -> bool:
    """RETURNS (bool): Whether the file's name says that it is of a brat folder."""
    is_text = sample.name.endswith(TEXT) and _is_annotated(sample.path)
    return is_text or sample.name.endswith((*ANNOTATION, CONFIGURATION))


def _is_annotated(path: FilePath) -> bool:
    return any(_find_partner(path, suffix) for suffix in ANNOTATION)


def _find_partner(path: FilePath, suffix: str) -> FilePath | None:
    return find_beside(path, _partner_name(path, suffix))


def _partner_name(path: FilePath, suffix: str) -> str:
    return os.path.splitext(bare_name(path))[0] + suffix


def read_brat(path: FilePath, file: ByteStream, options: Options) -> Iterator[Entry]:
    """Read an annotated document. Each becomes a doc.

    path (FilePath): The name of a file in a brat folder.
    file (ByteStream): The open file.
    options (Options): Not used.
    YIELDS (Entry): A record for an .ann file (or .a1 and .a2) and the .txt file beside
        it; nothing for the latter, nor for brat's configuration files.
    """
    suffix = os.path.splitext(bare_name(path))[1]
    if suffix == TEXT:
        if not _is_annotated(path):
            yield Unannotated(str(path), "there is no .ann file")
    elif suffix == SECOND:
        # This file is read together with the first one.
        if not _find_partner(path, FIRST):
            yield _read_document(path, file)
    elif suffix in ANNOTATION:
        yield _read_document(path, file)
    elif suffix != CONFIGURATION:
        yield LeftOut(str(path), Errors.EGP226)


def _read_document(path: FilePath, file: ByteStream) -> TextRecord:
    text_path = _find_partner(path, TEXT)
    if text_path is None:
        name = _partner_name(path, TEXT)
        raise BadRecord(str(path), Errors.EGP227.format(name=name))
    with open_file(text_path) as text_file:
        text = read_whole(text_path, text_file)
    annotations = {path: read_whole(path, file)}
    second_path = _find_partner(path, SECOND)
    if bare_name(path).endswith(FIRST) and second_path:
        with open_file(second_path) as second_file:
            annotations[second_path] = read_whole(second_path, second_file)
    # Git may have added the carriage returns after the annotation.
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
    rest: Iterator[str] = iter(())
    texts: dict[int, list[str]] = {}
    for number, line in enumerate(split_lines(str(path), annotation), 1):
        source = f"{path}:{number}"
        if not line.strip():
            continue
        # Some tools leave the line breaks in the text of a span.
        if _begins_with(rest, line):
            texts[len(record.spans) - 1].append(line)
            continue
        rest = iter(())
        try:
            if line.startswith("T"):
                span = _read_span(source, record.text, line)
                if isinstance(span, Offsets):
                    rest = _find_rest(record.text, span)
                    texts[len(record.spans)] = [span.text or ""]
                    record.spans.append(span)
                else:
                    record.discontinuous.append(span)
            else:
                record.other[_read_kind(source, line)] += 1
        except BadRecord as error:
            record.bad.append(error)
    for i, lines in texts.items():
        if len(lines) > 1:
            record.spans[i] = record.spans[i]._replace(text=" ".join(lines))


def _find_rest(text: str, span: Offsets) -> Iterator[str]:
    """RETURNS (Iterator[str]): The words of a span that follow those in its line; none
    if the line has other words or no text."""
    words = (match[0] for match in WORD.finditer(text, span.start, span.end))
    if span.text is not None and _begins_with(words, span.text):
        return words
    return iter(())


def _begins_with(words: Iterator[str], line: str) -> bool:
    """RETURNS (bool): Whether the next of the words are those of the line."""
    return all(word == next(words, None) for word in line.split())


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
    # brat breaks a span at the end of a line. Pieces with no word in between are one.
    if any(gap.strip() for gap in gaps):
        return SpanText(source, match["label"], match["text"])
    # If pieces overlap or were sorted, the text of the whole span differs.
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
