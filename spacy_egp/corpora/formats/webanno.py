"""WebAnno TSV 3, which INCEpTION writes, with stacked annotations.

Source: https://inception-project.github.io/releases/36.0/docs/user-guide.html
"""

import re
from collections.abc import Iterable, Iterator
from functools import partial
from typing import NamedTuple

from ...errors import Errors
from ..files import ByteStream, FilePath, read_lines
from ..format import Format, Options, Sample
from ..line_blocks import Line, read_blocks
from ..records import BadRecord, Entry, Offsets, TokenRecord, shorten
from ..uima_layers import LINKS, find_label_features, has_entities, short_name

HEADER = "#FORMAT=WebAnno TSV"
TOKEN = re.compile(r"\d+-\d+")
SUBTOKEN = re.compile(r"\d+-\d+\.\d+")
OFFSETS = re.compile(r"(\d{1,9})-(\d{1,9})")
# An annotation ends at a bar, unless that is escaped; an id tells stacked ones apart.
BAR = re.compile(r"(?<!\\)\|")
WITH_ID = re.compile(r"(?P<label>.*?)(?<!\\)\[(?P<id>\d{1,9})\]", re.DOTALL)
# What stands for a feature that is not set.
NO_LABEL = "*"
# The prefix of the names of columns with the roles of linked annotations.
ROLE = "ROLE_"
ESCAPE = re.compile(r"\\(.)")
# Number, offsets and text of a token.
N_TOKEN_COLUMNS = 3


class Layer(NamedTuple):
    """A layer of annotations.

    name (str): The last part of its type, which is the label if there is no feature.
    columns (tuple[int, ...]): The columns of its label, the likeliest first.
    has_label (bool): Whether these have labels.
    links (tuple[int, ...]): The columns of the roles of linked annotations.
    """

    name: str
    columns: tuple[int, ...]
    has_label: bool = True
    links: tuple[int, ...] = ()


def matches_webanno(sample: Sample) -> bool:
    """RETURNS (bool): Whether the file begins as its format demands."""
    return sample.text.startswith(HEADER)


def read_webanno(path: FilePath, file: ByteStream, options: Options) -> Iterator[Entry]:
    """Read the sentences, which blank lines separate. Each becomes a doc.

    path (FilePath): The file's name.
    file (ByteStream): The open file.
    options (Options): Not used.
    YIELDS (Entry): One record per sentence; its document is the file.
    """
    head = _Head()
    yield from read_blocks(path, read_lines(file), partial(_read_block, path, head))


class _Head:
    """The layers, which the first lines name."""

    def __init__(self) -> None:
        self.layers: list[Layer] = []
        self.others: list[Layer] = []
        self.n_columns = N_TOKEN_COLUMNS

    def add(self, line: str) -> None:
        type_name, *features = line.partition("=")[2].split("|")
        name, first = short_name(type_name), self.n_columns
        if line.startswith("#T_SP=") and has_entities(type_name):
            links = [i for i, name in enumerate(features) if name.startswith(ROLE)]
            # The column after the roles has the annotations with these roles.
            others = {*links, *(i + 1 for i in links)}
            own = [i for i, name in enumerate(features) if name and i not in others]
            found = find_label_features([features[i] for i in own])
            labels = [own[i] for i in found]
            columns = tuple(first + i for i in labels) or (first,)
            link_columns = tuple(first + i for i in links)
            self.layers.append(Layer(name, columns, bool(labels), link_columns))
        else:
            self.others.append(Layer(name, (first,)))
        # A layer without features has a column nevertheless.
        self.n_columns += len(features) or 1


def _read_block(path: FilePath, head: _Head, lines: list[Line]) -> Iterator[Entry]:
    rows = []
    for number, line in lines:
        if line.startswith(("#T_SP=", "#T_CH=", "#T_RL=")):
            head.add(line)
        elif not line.startswith("#"):
            rows.append((number, line))
    if rows:
        yield _read_sentence(path, rows, head)


def _read_sentence(path: FilePath, rows: list[Line], head: _Head) -> TokenRecord:
    layers = head.layers
    source = f"{path}:{rows[0][0]}"
    record = TokenRecord(
        source=source, document=str(path), words=[], spans=[], spaces=[]
    )
    previous_end = None
    tokens: list[list[str]] = []
    for number, line in rows:
        columns = line.split("\t")
        offsets = OFFSETS.fullmatch(columns[1]) if len(columns) > 2 else None
        if SUBTOKEN.fullmatch(columns[0]):
            record.bad.extend(
                BadRecord(
                    f"{path}:{number}", Errors.EGP246.format(label=shorten(label))
                )
                for layer in layers
                for label, _ in _read_cells(columns, layer.columns)
            )
            continue
        if not TOKEN.fullmatch(columns[0]) or offsets is None or not columns[2]:
            problem = Errors.EGP247.format(line=shorten(line))
            raise BadRecord(f"{path}:{number}", problem)
        if record.spaces is not None and previous_end is not None:
            record.spaces.append(int(offsets[1]) > previous_end)
        previous_end = int(offsets[2])
        record.words.append(columns[2])
        tokens.append(columns)
    if record.spaces is not None:
        record.spaces.append(False)
    for layer in layers:
        for span in _read_spans(tokens, layer.columns):
            if not layer.has_label:
                span = span._replace(label=layer.name)
            if span.label == NO_LABEL:
                record.other["spans without a label"] += 1
            else:
                record.spans.append(span)
        for column in layer.links:
            roles = [span.label for span in _read_spans(tokens, (column,))]
            record.other[LINKS] += sum(
                len(role.split(";")) for role in roles if role != NO_LABEL
            )
    for layer in head.others:
        record.other[layer.name] += sum(1 for _ in _read_spans(tokens, layer.columns))
    return record


def _get(columns: list[str], i: int) -> str:
    return columns[i] if i < len(columns) else "_"


def _read_spans(
    tokens: Iterable[list[str]], columns: tuple[int, ...]
) -> Iterator[Offsets]:
    stacked: dict[tuple[str, str], tuple[int, int]] = {}
    for i, token in enumerate(tokens):
        for label, number in _read_cells(token, columns):
            if number:
                start, _ = stacked.get((label, number), (i, i))
                stacked[label, number] = (start, i + 1)
            else:
                yield Offsets(i, i + 1, label)
    for (label, _), (start, end) in stacked.items():
        yield Offsets(start, end, label)


def _read_cells(
    token: list[str], columns: tuple[int, ...]
) -> Iterator[tuple[str, str]]:
    """YIELDS (tuple[str, str]): The label of each annotation on a token, by the first
    column that has one, and its id."""
    for cells in zip(*(_split_cell(_get(token, i)) for i in columns), strict=False):
        yield next((cell for cell in cells if cell[0] != NO_LABEL), cells[0])


def _split_cell(cell: str) -> Iterator[tuple[str, str]]:
    """YIELDS (tuple[str, str]): Labels and ids, which are empty if there are none."""
    if cell in ("_", ""):
        return
    for part in BAR.split(cell):
        match = WITH_ID.fullmatch(part)
        label, number = (match["label"], match["id"]) if match else (part, "")
        yield ESCAPE.sub(r"\1", label), number


FORMAT = Format("webanno", matches_webanno, read_webanno)
