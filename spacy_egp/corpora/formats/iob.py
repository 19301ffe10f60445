"""CoNLL-like files: one token per line, with IOB tags in one column or several.

Sources: GENIA and GermEval 2014 as prepared for nested NER; the GermEval 2014 TSV, with
an index before the token and the origin of each sentence in a comment above it; CoNLL
2003 for the -DOCSTART- lines; People's Daily with spaces between the columns; Wojood
and LitBank, with as many tags as a token has; NameTag, with tags joined by a bar; HIPE
2022 and CoNLL-U Plus, with names of the columns; Few-NERD, with bare labels.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, combinations, islice

from ...errors import Errors, Warnings
from ..files import ByteStream, FilePath, read_lines
from ..format import Format, Options, Sample
from ..line_blocks import Line, read_blocks, read_head
from ..records import BadRecord, Entry, Notice, Offsets, TokenRecord, shorten
from ..tags import TagError, is_outside, is_tag, read_tags, read_types, split_tags
from ..values import JSON

# The number of lines that tell the columns.
MAX_LAYOUT_LINES = 1000
# The rest of a line is one column.
MAX_COLUMNS = 1000
DOCUMENT_START = "-DOCSTART-"
# Label Studio's columns after the token. The label that follows may contain spaces.
LABEL_STUDIO_COLUMNS = ["-X-", "_"]
GLOBAL_COLUMNS = re.compile(r"#\s*global\.columns\s*=\s*(?P<names>.*)")
COMMENT = re.compile(r"#\s*(?P<key>\S[^=]*?)\s*=\s*(?P<value>.*)")
DOCUMENT_KEYS = ("newdoc", "newdoc id", "doc_id", "document_id")
WORD_NAMES = ("form", "text", "token", "tokens", "word", "words")
PREFIXES = frozenset("BIEMSLUO")
CHUNKS = frozenset(
    [
        "ADJP",
        "ADVP",
        "CONJP",
        "INTJ",
        "LST",
        "NP",
        "PP",
        "PRT",
        "SBAR",
        "UCP",
        "VP",
    ]  # CoNLL 2000 and 2003
)


@dataclass(frozen=True)
class Layout:
    """What the columns of a file are.

    word (int): The column of the token.
    tags (tuple[int, ...]): The columns with annotation.
    is_ragged (bool): Whether all columns from the first of them on have annotation,
        however many there are.
    has_types (bool): Whether the annotation is bare labels without prefixes.
    has_tabs (bool): Whether tabs divide the columns.
    header (tuple[str, ...]): The names of the columns, if the file has any.
    """

    word: int
    tags: tuple[int, ...]
    is_ragged: bool
    has_types: bool
    has_tabs: bool
    header: tuple[str, ...]

    def cells(self, columns: Sequence[str]) -> list[str]:
        """RETURNS (list[str]): The cells with annotation in a row."""
        if self.is_ragged:
            return list(columns[self.tags[0] :])
        return [columns[i] for i in self.tags if i < len(columns)]

    def is_token(self, line: str) -> bool:
        """RETURNS (bool): Whether a line that begins like a comment is a token."""
        columns = split_columns(line)
        cells = self.cells(columns)
        return (
            ("\t" in line) == self.has_tabs
            and bool(cells)
            and all(is_outside(cell) or _has_tags(cell) for cell in cells)
        )


def matches_iob(sample: Sample) -> bool:
    """RETURNS (bool): Whether the first lines are tokens with IOB tags."""
    if JSON.match(sample.text.encode()):
        return False
    lines = list(islice(_significant(sample.text.split("\n")), MAX_LAYOUT_LINES))
    rows = [split_columns(line) for line in lines]
    has_tabs = any("\t" in line.rstrip() for line in lines)
    word, names = _find_word(rows, None)
    rows = rows[bool(names) :]
    tags = _find_tags(rows, word)
    # In prose, too, a word may look like a tag.
    is_table = has_tabs or len(rows) > 1
    is_annotated = sum(any(i < len(row) for i in tags) for row in rows) > len(rows) / 2
    if is_table and tags and is_annotated:
        return True
    return has_tabs and bool(_find_types(rows, word))


def read_iob(path: FilePath, file: ByteStream, options: Options) -> Iterator[Entry]:
    """Read the sentences, which blank lines separate. Each becomes a doc.

    path (FilePath): The file's name.
    file (ByteStream): The open file.
    options (Options): The columns with annotation, if a user names them.
    YIELDS (Entry): One record per sentence. Its document is named by the last comment
        or -DOCSTART- line; without any, it is the file.
    """
    texts, lines = read_head(read_lines(file), MAX_LAYOUT_LINES)
    if not any(text.strip() for text in texts):
        return
    layout = find_layout(path, texts, options.columns)
    yield from _compare_columns(path, texts, layout)
    reader = _SentenceReader(path, layout)
    yield from read_blocks(path, lines, reader)


class _SentenceReader:
    """Reads sentences, keeping track of what comes before them.

    path (FilePath): The file's name.
    layout (Layout): Its columns.
    """

    def __init__(self, path: FilePath, layout: Layout) -> None:
        self.path = path
        self.layout = layout
        self.document = str(path)

    def __call__(self, rows: list[Line]) -> Iterator[Entry]:
        while rows and self._is_heading(rows[0][1]):
            number, line = rows.pop(0)
            # Equal comments name the same document, while every -DOCSTART- begins a new
            # one.
            if line.startswith(DOCUMENT_START):
                self.document = f"{self.path}:{number}"
            elif tuple(split_columns(line)) != self.layout.header:
                self.document = _find_document(line) or self.document
        if rows:
            yield from _read_sentence(self.path, self.document, rows, self.layout)

    def _is_heading(self, line: str) -> bool:
        if line.startswith("#"):
            return not self.layout.is_token(line)
        is_header = tuple(split_columns(line)) == self.layout.header
        return line.startswith(DOCUMENT_START) or is_header


def _find_document(comment: str) -> str | None:
    """RETURNS (str | None): The document that a comment names, if it does."""
    match = COMMENT.match(comment)
    if match is None:
        return comment
    key = match["key"].lower().rpartition(":")[2]
    return match["value"] if key in DOCUMENT_KEYS else None


def split_columns(line: str) -> list[str]:
    """RETURNS (list[str]): The cells, without spaces around those after the first."""
    line = line.rstrip(" \t\r\n")
    if "\t" in line:
        first, *others = line.split("\t", MAX_COLUMNS)
        return [first, *(cell.strip(" ") for cell in others)]
    # Not line.split(), which loses tokens that are a no-break or an ideographic space.
    columns = [column for column in line.split(" ", MAX_COLUMNS) if column]
    if columns[1:3] == LABEL_STUDIO_COLUMNS:
        columns[3:] = [" ".join(columns[3:])]
    return columns


def _significant(lines: Iterable[str]) -> Iterator[str]:
    """The lines that are certainly not headings."""
    for line in lines:
        if line.strip(" \t\r\n") and not line.startswith(("#", DOCUMENT_START)):
            yield line


# The columns


def find_layout(
    path: FilePath, lines: Sequence[str], named: tuple[str, ...] = ()
) -> Layout:
    """Find out what the columns are from the first lines of a file.

    path (FilePath): The file's name.
    lines (Sequence[str]): The lines.
    named (tuple[str, ...]): The columns with annotation, by number from 1 or by name.
        If there are none, they are those that have IOB tags.
    RETURNS (Layout): The columns.
    RAISES (BadRecord): If there is no annotation, or it is not clear what it is.
    """
    significant = list(_significant(lines))
    # A file may have nothing but number signs for tokens.
    rows = [split_columns(line) for line in significant] or [
        split_columns(line) for line in lines if line.strip()
    ]
    word, names = _find_word(rows, _read_global_columns(lines))
    is_header = bool(names) and bool(rows) and tuple(rows[0]) == names
    rows = rows[is_header:]
    tags = _find_tags(rows, word)
    has_types = not tags and bool(_find_types(rows, word))
    if named:
        tags = _find_named(path, named, names, rows)
        cells = [row[i] for row in rows for i in tags if i < len(row)]
        has_types = not any(map(_has_tags, cells))
    elif has_types:
        tags = _find_types(rows, word)
    elif not tags and any(len(row) > word + 1 for row in rows):
        # The cells after the token are tags, but wrong ones.
        tags = (word + 1,)
    elif not tags:
        problem = Errors.EGP222.format(columns=_list_columns(names, rows))
        raise BadRecord(_source(path, lines), problem)
    elif _is_ambiguous(rows, word, tags):
        problem = Errors.EGP240.format(columns=_list_columns(names, rows))
        raise BadRecord(str(path), problem)
    n_columns = max(map(len, rows), default=0)
    return Layout(
        word=word,
        tags=tags,
        is_ragged=not named and tags == tuple(range(tags[0], n_columns)),
        has_types=has_types,
        has_tabs=any("\t" in line.rstrip() for line in significant),
        header=names if is_header else (),
    )


def _source(path: FilePath, lines: Sequence[str]) -> str:
    numbers = (i for i, line in enumerate(lines, 1) if next(_significant([line]), None))
    return f"{path}:{next(numbers, 1)}"


def _list_columns(names: Sequence[str], rows: Sequence[Sequence[str]] = ()) -> str:
    columns = names or max(rows, key=len, default=())
    return ", ".join(f"{i}: {shorten(name)}" for i, name in enumerate(columns, 1))


def _read_global_columns(lines: Sequence[str]) -> tuple[str, ...] | None:
    for line in lines[:10]:
        if match := GLOBAL_COLUMNS.match(line):
            return tuple(match["names"].split())
    return None


def _find_word(
    rows: list[list[str]], names: tuple[str, ...] | None
) -> tuple[int, tuple[str, ...]]:
    """RETURNS (tuple[int, tuple[str, ...]]): The column of the token, and the names of
    the columns, if there are any."""
    if names is None and len(rows) > 1 and rows[0][0].lower() in WORD_NAMES:
        tags_below = any(map(_has_tags, chain.from_iterable(rows[1:])))
        if tags_below and not any(_has_tags(c) or c == "O" for c in rows[0]):
            names = tuple(rows[0])
    if names is not None:
        lower = [name.lower() for name in names]
        return next((i for i, n in enumerate(lower) if n in WORD_NAMES), 0), names
    return int(_has_index(rows)), ()


def _has_index(rows: list[list[str]]) -> bool:
    """An index counts the tokens from 1, and what follows it is not always a tag."""
    expected = 1
    for row in rows:
        if row[0] not in ("1", str(expected)):
            return False
        expected = int(row[0]) + 1
    seconds = [row[1] for row in rows if len(row) > 1]
    return not all(_has_tags(cell) or cell == "O" for cell in seconds)


def _has_tags(cell: str) -> bool:
    return any(map(is_tag, split_tags(cell)))


def _find_tags(rows: list[list[str]], word: int) -> tuple[int, ...]:
    """RETURNS (tuple[int, ...]): The columns in which tags are no coincidence."""
    n_columns = max(map(len, rows), default=0)
    columns = []
    for i in range(word + 1, n_columns):
        cells = Counter(row[i] for row in rows if i < len(row))
        n_outside = sum(n for cell, n in cells.items() if is_outside(cell))
        n_tags = sum(n for cell, n in cells.items() if _has_tags(cell))
        n_others = cells.total() - n_outside - n_tags
        is_empty = set(cells) <= {"_", ""}
        # A majority of O is no proof, as bare labels have that, too.
        if not is_empty and n_others <= min(n_tags, cells.total() / 2):
            columns.append(i)
    # A column of "O" alone counts only beside others, or as the only one.
    return tuple(columns)


def _find_types(rows: list[list[str]], word: int) -> tuple[int, ...]:
    """RETURNS (tuple[int, ...]): The last column, if it has bare labels beside O."""
    last = max(map(len, rows), default=0) - 1
    if last <= word:
        return ()
    cells = Counter(row[last] for row in rows if last < len(row))
    has_all = cells.total() == len(rows)
    # Prefixes without a label tell no types.
    is_label = all(" " not in cell for cell in cells) and not set(cells) <= PREFIXES
    return (last,) if has_all and is_label and 3 * cells["O"] >= len(rows) else ()


def _find_named(
    path: FilePath,
    named: tuple[str, ...],
    names: tuple[str, ...],
    rows: list[list[str]],
) -> tuple[int, ...]:
    n_columns = max(map(len, rows), default=0)
    found = []
    for name in named:
        if name in names:
            found.append(names.index(name))
        elif name.isdecimal() and 0 < int(name[:9]) <= n_columns:
            found.append(int(name) - 1)
        else:
            problem = Errors.EGP241.format(
                name=name, columns=_list_columns(names, rows)
            )
            raise BadRecord(str(path), problem)
    return tuple(found)


def _is_ambiguous(rows: list[list[str]], word: int, tags: tuple[int, ...]) -> bool:
    """Whether some columns with tags may not be levels of entities. This is likely if
    there are other columns, such as parts of speech. Chunks are not entities either."""
    if len(tags) < 2:
        return False
    others = set(range(word + 1, max(map(len, rows)))) - set(tags)
    varying = [i for i in others if len({row[i] for row in rows if i < len(row)}) > 1]
    labels = [
        {tag[2:] for row in rows if i < len(row) for tag in [row[i]] if is_tag(tag)}
        for i in tags
    ]
    return bool(varying) or any(label and label <= CHUNKS for label in labels)


def _compare_columns(
    path: FilePath, lines: Sequence[str], layout: Layout
) -> Iterator[Notice]:
    """Notice columns with mostly equal tags: gold and predicted tags are not levels of
    nesting."""
    if layout.has_types:
        return
    rows = [split_columns(line) for line in _significant(lines)]
    for first, second in combinations(layout.tags, 2):
        pairs = [(r[first], r[second]) for r in rows if len(r) > second]
        tagged = [(a, b) for a, b in pairs if is_tag(a) or is_tag(b)]
        n_equal = sum(a == b for a, b in tagged)
        if 2 * n_equal > len(tagged):
            text = Warnings.EGPW201.format(first=first + 1, second=second + 1)
            yield Notice(str(path), text)


# The sentences


def _read_sentence(
    path: FilePath, document: str, rows: list[Line], layout: Layout
) -> Iterator[Entry]:
    words, cells = [], []
    bad = []
    for number, line in rows:
        columns = split_columns(line)
        row_cells = layout.cells(columns)
        if not row_cells:
            problem = Errors.EGP222.format(columns=_list_columns(columns))
            bad.append(BadRecord(f"{path}:{number}", problem))
        elif not columns[layout.word]:
            problem = Errors.EGP223.format(columns=shorten(columns))
            bad.append(BadRecord(f"{path}:{number}", problem))
        else:
            words.append(columns[layout.word])
            cells.append(row_cells)
    if bad:
        yield from bad
        return
    try:
        spans = _read_spans(cells, layout)
    except TagError as error:
        yield BadRecord(f"{path}:{rows[error.token][0]}", str(error))
        return
    source = f"{path}:{rows[0][0]}"
    yield TokenRecord(source=source, document=document, words=words, spans=spans)


def _read_spans(cells: list[list[str]], layout: Layout) -> list[Offsets]:
    if not layout.has_types:
        return read_tags(cells)
    columns = zip(*cells, strict=True)
    return list(chain.from_iterable(map(read_types, columns)))


FORMAT = Format("iob", matches_iob, read_iob)
