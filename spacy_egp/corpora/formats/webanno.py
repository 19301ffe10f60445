"""WebAnno TSV 3, which INCEpTION writes, with stacked annotations.

Source: https://inception-project.github.io/releases/36.0/docs/user-guide.html
"""

import re
from collections.abc import Iterable, Iterator
from functools import partial
from typing import NamedTuple

from ...errors import Errors
from ..blocks import Line, read_blocks
from ..files import ByteStream, FilePath, read_lines
from ..format import Format, Options, Sample
from ..layers import find_label_feature, has_entities, short_name
from ..records import BadRecord, Entry, Offsets, TokenRecord, shorten

HEADER = "#FORMAT=WebAnno TSV"
TOKEN = re.compile(r"\d+-\d+")
SUBTOKEN = re.compile(r"\d+-\d+\.\d+")
OFFSETS = re.compile(r"(\d{1,9})-(\d{1,9})")
# An annotation ends at a bar, unless that is escaped; an id tells stacked ones apart.
BAR = re.compile(r"(?<!\\)\|")
WITH_ID = re.compile(r"(?P<label>.*?)(?<!\\)\[(?P<id>\d{1,9})\]", re.DOTALL)
# What stands for a feature that is not set.
NO_LABEL = "*"
ESCAPE = re.compile(r"\\(.)")
# Number, offsets and text of a token.
N_TOKEN_COLUMNS = 3


class Layer(NamedTuple):
    """A layer of spans.

    name (str): Its type.
    column (int): The column of its label.
    has_label (bool): Whether it has one. Its name is the label of a layer without.
    """

    name: str
    column: int
    has_label: bool = True


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
        name, *features = line.partition("=")[2].split("|")
        if line.startswith("#T_SP=") and has_entities(name):
            label = find_label_feature([feature for feature in features if feature])
            column = self.n_columns + (label or 0)
            self.layers.append(Layer(name, column, label is not None))
        else:
            self.others.append(Layer(name, self.n_columns))
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
    cells: dict[Layer, list[str]] = {layer: [] for layer in layers}
    for number, line in rows:
        columns = line.split("\t")
        offsets = OFFSETS.fullmatch(columns[1]) if len(columns) > 2 else None
        if SUBTOKEN.fullmatch(columns[0]):
            for layer in layers:
                labels = _split_cell(_get(columns, layer.column))
                record.bad.extend(
                    BadRecord(
                        f"{path}:{number}", Errors.EGP246.format(label=shorten(label))
                    )
                    for label, _ in labels
                )
            continue
        if not TOKEN.fullmatch(columns[0]) or offsets is None or not columns[2]:
            problem = Errors.EGP247.format(line=shorten(line))
            raise BadRecord(f"{path}:{number}", problem)
        if record.spaces is not None and previous_end is not None:
            record.spaces.append(int(offsets[1]) > previous_end)
        previous_end = int(offsets[2])
        record.words.append(columns[2])
        for layer in layers:
            cells[layer].append(_get(columns, layer.column))
        for layer in head.others:
            n_other = sum(1 for _ in _split_cell(_get(columns, layer.column)))
            record.other[short_name(layer.name)] += n_other
    if record.spaces is not None:
        record.spaces.append(False)
    for layer in layers:
        for span in _read_layer(cells[layer]):
            if not layer.has_label:
                span = span._replace(label=short_name(layer.name))
            if span.label == NO_LABEL:
                record.other["spans without a label"] += 1
            else:
                record.spans.append(span)
    return record


def _get(columns: list[str], i: int) -> str:
    return columns[i] if i < len(columns) else "_"


def _read_layer(cells: Iterable[str]) -> Iterator[Offsets]:
    stacked: dict[tuple[str, str], tuple[int, int]] = {}
    for i, cell in enumerate(cells):
        for label, number in _split_cell(cell):
            if number:
                start, _ = stacked.get((label, number), (i, i))
                stacked[label, number] = (start, i + 1)
            else:
                yield Offsets(i, i + 1, label)
    for (label, _), (start, end) in stacked.items():
        yield Offsets(start, end, label)


def _split_cell(cell: str) -> Iterator[tuple[str, str]]:
    """YIELDS (tuple[str, str]): Labels and ids, which are empty if there are none."""
    if cell in ("_", ""):
        return
    for part in BAR.split(cell):
        match = WITH_ID.fullmatch(part)
        label, number = (match["label"], match["id"]) if match else (part, "")
        # An annotation without a label is none that could be learned.
        yield ESCAPE.sub(r"\1", label), number


FORMAT = Format("webanno", matches_webanno, read_webanno)
