"""CoNLL-U with entities in brackets, as GUM and CorefUD have them.

Sources: https://universaldependencies.org/format.html;
https://wiki.universaldependencies.org/ud-corefud
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from ...errors import Errors
from ..files import ByteStream, FilePath, read_lines
from ..format import Format, Options, Sample
from ..line_blocks import Line, read_blocks
from ..records import BadRecord, Entry, Offsets, SpanText, TokenRecord, shorten

N_COLUMNS = 10
WORD_ID = re.compile(r"\d+")
RANGE_ID = re.compile(r"\d+-(\d+)")
ENTITY = re.compile(r"(?:^|\|)Entity=([^|]+)")
# From an entity to those that it belongs to.
LINKS = re.compile(r"(?:^|\|)(?:Bridge|SplitAnte)=([^|]+)")
FIELDS = re.compile(r"#\s*global\.Entity\s*=\s*(\S+)")
NEW_DOCUMENT = re.compile(r"#\s*newdoc(?:\s+id\s*=)?\s*(?P<name>.*)")
BRACKET = re.compile(r"\((?P<opened>[^()]+)(?P<closed>\))?|(?P<closing>[^()]+)\)")
# The part of a discontinuous mention, such as e1[2/3].
PART = re.compile(r"\[\d+/\d+\]")
TYPE_FIELDS = ("etype", "entity", "type")


def matches_conllu(sample: Sample) -> bool:
    """RETURNS (bool): Whether there are rows of CoNLL-U, with entities in brackets or
    in a file with a name of this format."""
    rows = (line.split("\t") for line in sample.text.split("\n") if "\t" in line)
    is_named = sample.name.endswith(".conllu")
    return any(
        len(row) == N_COLUMNS and (is_named or ENTITY.search(row[-1])) for row in rows
    )


def read_conllu(path: FilePath, file: ByteStream, options: Options) -> Iterator[Entry]:
    """Read the sentences, which blank lines separate. Each becomes a doc.

    path (FilePath): The file's name.
    file (ByteStream): The open file.
    options (Options): Not used.
    YIELDS (Entry): One record per sentence; its document is named by "# newdoc".
    """
    head = _Head(str(path), ["eid", "etype"])
    yield from read_blocks(path, read_lines(file), partial(_read_block, path, head))


@dataclass
class _Head:
    """What comments have said so far.

    document (str): The document.
    fields (list[str]): The parts of an entity, as "# global.Entity" names them.
    """

    document: str
    fields: list[str]


def _read_block(path: FilePath, head: _Head, lines: list[Line]) -> Iterator[Entry]:
    rows = []
    for number, line in lines:
        if not line.startswith("#"):
            rows.append((number, line.split("\t")))
        elif match := NEW_DOCUMENT.match(line):
            head.document = match["name"] or f"{path}:{number}"
        elif match := FIELDS.match(line):
            head.fields = match[1].split("-")
    if rows:
        yield _read_sentence(path, head, rows)


def _read_sentence(
    path: FilePath, head: _Head, rows: list[tuple[int, list[str]]]
) -> TokenRecord:
    source = f"{path}:{rows[0][0]}"
    words: list[str] = []
    spaces: list[bool] = []
    brackets: list[tuple[str, str]] = []
    n_links = 0
    last_of_range, has_space_after_range = 0, True
    for number, columns in rows:
        if len(columns) != N_COLUMNS:
            problem = Errors.EGP248.format(line=shorten(columns))
            raise BadRecord(f"{path}:{number}", problem)
        has_space = "SpaceAfter=No" not in columns[-1].split("|")
        if match := RANGE_ID.fullmatch(columns[0][:20]):
            last_of_range, has_space_after_range = int(match[1]), has_space
        if not WORD_ID.fullmatch(columns[0][:20]):
            # Words that are written as one, or words that are only implied.
            continue
        position = int(columns[0][:20])
        if position <= last_of_range:
            has_space = has_space_after_range and position == last_of_range
        words.append(columns[1])
        spaces.append(has_space)
        entities = ENTITY.search(columns[-1])
        n_links += sum(len(x.split(",")) for x in LINKS.findall(columns[-1]))
        brackets.append((f"{path}:{number}", entities[1] if entities else ""))
    record = TokenRecord(
        source=source,
        document=head.document,
        words=words,
        spans=[],
        spaces=spaces,
        other=Counter(relations=n_links),
    )
    _read_brackets(record, brackets, head.fields)
    return record


def _read_brackets(
    record: TokenRecord, brackets: list[tuple[str, str]], fields: list[str]
) -> None:
    opened: dict[str, list[tuple[int, str]]] = {}
    for i, (source, value) in enumerate(brackets):
        for match in BRACKET.finditer(value):
            if match["opened"]:
                key, label = _read_fields(match["opened"], fields)
                opened.setdefault(key, []).append((i, label))
                if not match["closed"]:
                    continue
            else:
                key = match["closing"]
                # Older files repeat the type before the number.
                key = key if key in opened else _read_fields(key, fields)[0]
            if not opened.get(key):
                problem = Errors.EGP249.format(entity=shorten(key))
                record.bad.append(BadRecord(source, problem))
                continue
            start, label = opened[key].pop()
            _add_span(record, source, start, i + 1, key, label)
    for key, spans in opened.items():
        for start, _ in spans:
            problem = Errors.EGP249.format(entity=shorten(key))
            record.bad.append(BadRecord(brackets[start][0], problem))


def _read_fields(entity: str, fields: list[str]) -> tuple[str, str]:
    """RETURNS (tuple[str, str]): The number of the entity and its type."""
    values = entity.split("-")
    column = next((fields.index(name) for name in TYPE_FIELDS if name in fields), 1)
    # Before fields were named, the type came first: (person-1.
    if len(values) == 2 and values[1].isdecimal() and not values[0].isdecimal():
        return entity, values[0]
    return values[0], values[column] if column < len(values) else ""


def _add_span(
    record: TokenRecord, source: str, start: int, end: int, key: str, label: str
) -> None:
    if PART.search(key):
        text = " ".join(record.words[start:end])
        record.discontinuous.append(SpanText(source, label, text))
    else:
        record.spans.append(Offsets(start, end, label, source=source))


FORMAT = Format("conllu", matches_conllu, read_conllu)
