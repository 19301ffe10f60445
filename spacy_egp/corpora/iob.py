"""CoNLL-like files: one token per line, then one IOB column per nesting level.

Sources: GENIA and GermEval 2014 as prepared for nested NER; the GermEval 2014 TSV, with
an index before the token and the origin of each sentence in a comment above it; CoNLL
2003 for the -DOCSTART- lines; People's Daily with spaces between the columns.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import groupby, pairwise

from spacy.training.iob_utils import iob_to_biluo, tags_to_entities

from ..errors import Errors
from .files import ByteStream, FilePath
from .records import BadRecord, Entry, Offsets, TokenRecord

HEAD_SIZE = 2**12
DOCUMENT_START = "-DOCSTART-"
# IOB, IOB2 and IOBES; the latter is also written as BILUO and as BMES.
TAG = re.compile(r"O|[BIEMSLU]-\S.*")
BILUO_PREFIXES = {"E": "L", "M": "I", "S": "U"}

Line = tuple[int, bytes]
Row = tuple[int, list[str]]


def matches_iob(path: FilePath, file: ByteStream) -> bool:
    """RETURNS (bool): Whether one of the first lines is a token with an IOB tag."""
    # Not by lines, because a whole corpus can be one line of JSON.
    head = file.read(HEAD_SIZE).decode("utf8", errors="replace")
    return any(_is_token(_split_columns(line)) for line in head.split("\n"))


def read_iob(path: FilePath, file: ByteStream) -> Iterator[Entry]:
    """Read the sentences, which blank lines separate. Each becomes a doc.

    path (FilePath): The file's name.
    file (ByteStream): The open file.
    YIELDS (Entry): One record per sentence. Its document is named by the last comment
        or -DOCSTART- line; without any, it is the file.
    """
    document = str(path)
    for is_blank, lines in groupby(enumerate(file, 1), key=_is_blank):
        if is_blank:
            continue
        try:
            rows = _read_rows(path, lines)
            while rows and _is_heading(rows[0][1]):
                document = _name_document(path, rows.pop(0))
            if rows:
                yield _read_sentence(path, document, rows)
        except BadRecord as error:
            yield error


def _is_blank(line: Line) -> bool:
    return not line[1].strip(b" \t\r\n")


def _read_rows(path: FilePath, lines: Iterable[Line]) -> list[Row]:
    rows = []
    for number, line in lines:
        try:
            # Only the first line can start with a byte order mark.
            text = line.decode("utf-8-sig" if number == 1 else "utf8")
        except UnicodeDecodeError as error:
            problem = Errors.EGP212.format(error=error)
            raise BadRecord(f"{path}:{number}", problem) from error
        rows.append((number, _split_columns(text)))
    return rows


def _split_columns(line: str) -> list[str]:
    line = line.rstrip("\r\n")
    if "\t" in line:
        return line.split("\t")
    # Not line.split(), which loses tokens that are a no-break or an ideographic space.
    return [column for column in line.split(" ") if column]


def _is_token(columns: list[str]) -> bool:
    return len(columns) > 1 and TAG.fullmatch(columns[-1]) is not None


def _is_heading(columns: list[str]) -> bool:
    is_comment = columns[0].startswith("#") and not _is_token(columns)
    return is_comment or columns[0] == DOCUMENT_START


def _name_document(path: FilePath, heading: Row) -> str:
    number, columns = heading
    # The same comment names the same origin, while every -DOCSTART- begins a document.
    return f"{path}:{number}" if columns[0] == DOCUMENT_START else " ".join(columns)


def _read_sentence(path: FilePath, document: str, rows: list[Row]) -> TokenRecord:
    first_tag = 2 if _has_index(rows) else 1
    n_columns = len(rows[0][1])
    for number, columns in rows:
        _check_columns(f"{path}:{number}", columns, n_columns, first_tag)
    spans = []
    for level in range(first_tag, n_columns):
        tags = [(number, columns[level]) for number, columns in rows]
        spans.extend(_read_level(path, tags))
    words = [columns[first_tag - 1] for _, columns in rows]
    source = f"{path}:{rows[0][0]}"
    return TokenRecord(source=source, document=document, words=words, spans=spans)


def _has_index(rows: list[Row]) -> bool:
    """An index counts the tokens from 1, and what follows it is not always a tag."""
    first = [columns[0] for _, columns in rows]
    counts = [str(i) for i in range(1, len(rows) + 1)]
    return first == counts and not all(
        TAG.fullmatch(columns[1]) for _, columns in rows if len(columns) > 1
    )


def _check_columns(
    source: str, columns: list[str], n_columns: int, first_tag: int
) -> None:
    if len(columns) != n_columns or n_columns <= first_tag:
        problem = Errors.EGP222.format(
            columns=columns, n_columns=len(columns), expected=n_columns
        )
        raise BadRecord(source, problem)
    if not columns[first_tag - 1]:
        raise BadRecord(source, Errors.EGP223.format(columns=columns))
    for tag in columns[first_tag:]:
        if not TAG.fullmatch(tag):
            raise BadRecord(source, Errors.EGP224.format(tag=tag))


def _read_level(path: FilePath, tags: list[tuple[int, str]]) -> list[Offsets]:
    """RETURNS (list[Offsets]): The spans of one column of numbered tags."""
    # In IOB, I- begins a span if there is none to continue: iob_to_biluo knows that.
    biluo = [BILUO_PREFIXES.get(tag[0], tag[0]) + tag[1:] for _, tag in tags]
    for (previous, tag), (number, original) in zip(
        pairwise(["O", *biluo]), tags, strict=True
    ):
        is_open = previous in (f"B{tag[1:]}", f"I{tag[1:]}")
        is_closed = previous in (f"L{tag[1:]}", f"U{tag[1:]}")
        if (tag[0] == "L" and not is_open) or (tag[0] == "I" and is_closed):
            problem = Errors.EGP225.format(tag=original)
            raise BadRecord(f"{path}:{number}", problem)
    entities = tags_to_entities(iob_to_biluo(biluo))
    return [Offsets(start, last + 1, label) for label, start, last in entities]
