"""Parquet files. Needs pyarrow, which is an extra."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq
from spacy.tokens import Doc
from spacy.vocab import Vocab

from ..errors import Errors
from .lines import BYTES_PER_PART
from .records import Record, Slice
from .rows import SPANS_COLUMN, dump_json, list_new_spans

ROWS_PER_BATCH = 1000
# Rows of the output are in memory until there are so many bytes of them.
BYTES_PER_ROW_GROUP = 2**24
# A row by itself takes some hundred bytes more for each column than among others.
ROWS_PER_CHUNK = 100
SPAN = pa.struct(
    {
        "start_char": pa.int64(),
        "end_char": pa.int64(),
        "label": pa.string(),
        "score": pa.float64(),
        "start_token": pa.int64(),
        "end_token": pa.int64(),
    }
)
SPANS = pa.list_(SPAN)


class Row(Mapping[str, Any]):
    """A row of a file. Its values are made Python's only where they are asked for, so
    that a Parquet file of the output has them as they were.

    rows (pa.RecordBatch): The row.
    """

    def __init__(self, rows: pa.RecordBatch) -> None:
        self.rows = rows

    def __getitem__(self, name: str) -> Any:
        value = self.rows[name][0]
        try:
            return value.as_py()
        except (ImportError, OverflowError, ValueError):
            # A time that Python cannot represent.
            return value.cast(pa.string()).as_py()

    def __iter__(self) -> Iterator[str]:
        return iter(self.rows.schema.names)

    def __len__(self) -> int:
        return self.rows.num_columns


def cut_parquet(file: IO[bytes], docs_per_part: int) -> Iterator[Slice]:
    """Cut a file into slices, by its metadata.

    file (IO[bytes]): The open file.
    docs_per_part (int): The largest number of rows in a slice.
    YIELDS (Slice): The slices.
    """
    metadata = pq.ParquetFile(file).metadata
    groups = [metadata.row_group(i) for i in range(metadata.num_row_groups)]
    n_bytes = max(1, sum(group.total_byte_size for group in groups))
    n_rows = max(1, min(docs_per_part, BYTES_PER_PART * metadata.num_rows // n_bytes))
    for offset in range(0, metadata.num_rows, n_rows):
        yield Slice(offset, offset + 1, min(n_rows, metadata.num_rows - offset))


def read_parquet(
    file: IO[bytes], url: str, slice: Slice, text_column: str, vocab: Vocab
) -> Iterator[Record]:
    """Read rows. The row groups that they are in are decoded from their beginning.

    file (IO[bytes]): The open file.
    url (str): Its name.
    slice (Slice): What to read.
    text_column (str): The column of the text.
    vocab (Vocab): Not used.
    YIELDS (Record): A record per row.
    RAISES (ValueError): If there is no such column.
    """
    parquet = pq.ParquetFile(file)
    names = parquet.schema_arrow.names
    if text_column not in names:
        raise ValueError(
            Errors.EGP408.format(url=url, column=text_column, columns=", ".join(names))
        )
    for number, row in enumerate(_read_rows(parquet, slice), slice.first):
        yield Record(f"{url}, row {number}", row[text_column], row)


def _read_rows(parquet: pq.ParquetFile, slice: Slice) -> Iterator[Row]:
    groups = range(parquet.num_row_groups)
    ends = list(accumulate(parquet.metadata.row_group(i).num_rows for i in groups))
    begins = [0, *ends]
    stop = slice.offset + slice.n_docs
    needed = [i for i in groups if ends[i] > slice.offset and begins[i] < stop]
    n_before, n_missing = slice.offset - begins[needed[0]], slice.n_docs
    for batch in parquet.iter_batches(
        ROWS_PER_BATCH, row_groups=needed, use_threads=False
    ):
        rows = batch.slice(n_before, n_missing)
        for i in range(len(rows)):
            yield Row(rows.slice(i, 1))
        n_before = max(0, n_before - len(batch))
        n_missing -= len(rows)


def read_schema(file: IO[bytes]) -> pa.Schema:
    """RETURNS (pa.Schema): The columns of a Parquet file."""
    return pq.ParquetFile(file).schema_arrow.remove_metadata()


def infer_schema(rows: Sequence[Mapping[str, Any]]) -> pa.Schema:
    """Find types for columns of JSON.

    rows (Sequence[Mapping[str, Any]]): The columns of the first documents.
    RETURNS (pa.Schema): Numbers, truth values, and text for all else.
    """
    names = dict.fromkeys(name for row in rows for name in row)
    return pa.schema(
        {name: _infer_type([row.get(name) for row in rows]) for name in names}
    )


def _infer_type(values: list[Any]) -> pa.DataType:
    try:
        dtype = pa.array(values).type
    except (pa.ArrowException, OverflowError, ValueError):
        return pa.string()
    return pa.string() if pa.types.is_nested(dtype) or dtype == pa.null() else dtype


class ParquetWriter:
    """Writes a row per document: the columns of the input, then the spans.

    file (IO[bytes]): The open file of the part.
    spans_key (str): Key of the spans in doc.spans.
    schema (pa.Schema): The columns of the input. In a column of text, values that are
        not text are written as JSON.
    """

    def __init__(self, file: IO[bytes], spans_key: str, schema: pa.Schema) -> None:
        self.spans_key = spans_key
        self.schema = schema
        self.types = {field.name: field.type for field in schema}
        self.writer = pq.ParquetWriter(
            file, schema.append(pa.field(SPANS_COLUMN, SPANS))
        )
        self.rows: list[pa.RecordBatch] = []
        self.row_group: list[pa.Table] = []
        self.n_bytes = 0

    def encode(self, record: Record, doc: Doc) -> pa.RecordBatch:
        """record (Record): The document. doc (Doc): Its annotation.
        RETURNS (pa.RecordBatch): The row.
        RAISES (ValueError): If a column is not in the schema, or a value not of its
            type.
        """
        spans = list_new_spans(record, doc, self.spans_key)
        if isinstance(record.columns, Row):
            rows = record.columns.rows.cast(self.schema)
        else:
            columns = {name: self._fit(name, x) for name, x in record.columns.items()}
            rows = pa.RecordBatch.from_pylist([columns], self.schema)
        return rows.append_column(SPANS_COLUMN, pa.array([spans], SPANS))

    def _fit(self, name: str, value: Any) -> Any:
        if name not in self.types:
            raise ValueError(Errors.EGP426.format(column=name))
        if self.types[name] == pa.string() and not isinstance(value, str | None):
            return dump_json(value)
        if pa.types.is_integer(self.types[name]) and isinstance(value, float):
            # Arrow would cut it to an integer.
            raise ValueError(Errors.EGP427.format(column=name, value=value))
        return value

    def write(self, item: pa.RecordBatch) -> None:
        """item (pa.RecordBatch): The row of a document."""
        self.rows.append(item)
        self.n_bytes += item.nbytes
        if len(self.rows) == ROWS_PER_CHUNK:
            self._join_rows()
        if self.n_bytes >= BYTES_PER_ROW_GROUP:
            self._write_row_group()

    def _join_rows(self) -> None:
        if self.rows:
            self.row_group.append(pa.Table.from_batches(self.rows).combine_chunks())
            self.rows = []

    def _write_row_group(self) -> None:
        self._join_rows()
        if self.row_group:
            self.writer.write_table(pa.concat_tables(self.row_group).combine_chunks())
        self.row_group = []
        self.n_bytes = 0

    def close(self) -> None:
        """Write the rows that are left, and what a file ends with."""
        self._write_row_group()
        self.writer.close()
