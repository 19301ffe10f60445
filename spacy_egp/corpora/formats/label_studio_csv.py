"""Label Studio's export CSV (or TSV): the rows of JSON-MIN, with JSON in the cells.

Source: https://labelstud.io/guide/export.html
"""

import csv
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ...errors import Errors
from ..files import MAX_RECORD, ByteStream, FilePath, decode, read_lines
from ..format import Format, Options, Sample
from ..records import BadRecord, Entry
from ..schema import validate
from ..values import make_object
from .label_studio_min import LabelStudioMinTask

DELIMITERS = ",\t;"
# Columns that no other CSV has, and regions in a cell.
COLUMNS = ("annotation_id", "lead_time")
REGIONS = ('""labels""', '""hypertextlabels""', '""paragraphlabels""')


def matches_csv(sample: Sample) -> bool:
    """RETURNS (bool): Whether there are the columns or cells of Label Studio."""
    header = sample.text.partition("\n")[0].rstrip()
    names = [name.strip('"') for name in header.split(_find_delimiter(header))]
    has_regions = any(region in sample.text for region in REGIONS)
    return len(names) > 1 and (has_regions or any(name in names for name in COLUMNS))


def read_csv(path: FilePath, file: ByteStream, options: Options) -> Iterator[Entry]:
    """Read the rows. Each becomes a doc.

    path (FilePath): The file's name.
    file (ByteStream): The open file.
    options (Options): Not used.
    YIELDS (Entry): One record per row.
    """
    lines = _read_text(path, file)
    header = next(lines, "")
    delimiter = _find_delimiter(header)
    with _long_fields():
        names = next(csv.reader([header], delimiter=delimiter), [])
    rows = csv.reader(lines, delimiter=delimiter)
    while True:
        source = f"{path}:{rows.line_num + 2}"
        try:
            with _long_fields():
                row = next(rows, None)
        except csv.Error as error:
            raise BadRecord(source, Errors.EGP251.format(error=error)) from error
        if row is None:
            return
        if row:
            yield from _read_row(source, names, row)


@contextmanager
def _long_fields() -> Iterator[None]:
    """Raise the limit of the process for a field: the default is too small for a
    document."""
    limit = csv.field_size_limit(MAX_RECORD)
    try:
        yield
    finally:
        csv.field_size_limit(limit)


def _read_text(path: FilePath, file: ByteStream) -> Iterator[str]:
    for number, line in read_lines(file):
        source = f"{path}:{number}"
        if line is None:
            raise BadRecord(source, Errors.EGP235.format(max_bytes=MAX_RECORD))
        yield decode(source, line)


def _find_delimiter(header: str) -> str:
    return max(DELIMITERS, key=header.count)


def _read_row(source: str, names: list[str], row: list[str]) -> Iterator[Entry]:
    if len(row) != len(names):
        problem = Errors.EGP258.format(n_cells=len(row), n_columns=len(names))
        yield BadRecord(source, problem)
        return
    try:
        task = {name: _read_cell(cell) for name, cell in zip(names, row, strict=True)}
    except (ValueError, RecursionError) as error:
        yield BadRecord(source, Errors.EGP217.format(error=error))
        return
    # An empty cell stands for an empty control, which has no key in JSON-MIN.
    task = {k: v for k, v in task.items() if v != "" or k == "annotation_id"}
    task["annotation_id"] = task.get("annotation_id", "unknown") or None
    for item in validate(LabelStudioMinTask, source, task):
        if isinstance(item, BadRecord):
            yield item
            continue
        try:
            yield item[1].to_record(source)
        except BadRecord as error:
            yield error


def _read_cell(cell: str) -> Any:
    # Text may begin with a bracket, too.
    is_json = cell.startswith('[{"')
    return json.loads(cell, object_pairs_hook=make_object) if is_json else cell


FORMAT = Format("label-studio-csv", matches_csv, read_csv)
