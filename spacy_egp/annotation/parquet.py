"""Parquet files. Needs pyarrow, which is an extra."""

from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import IO, Any

import pyarrow as pa
from pyarrow.parquet import ParquetFile, write_table
from spacy.tokens import Doc
from spacy.vocab import Vocab

from ..errors import Errors
from .lines import BYTES_PER_PART
from .records import Record, Slice
from .rows import SPANS_COLUMN, dump_json, make_row

ROWS_PER_BATCH = 1000
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


def cut_parquet(file: IO[bytes], docs_per_part: int) -> Iterator[Slice]:
    """Cut a file into slices, by its metadata.

    file (IO[bytes]): The open file.
    docs_per_part (int): The largest number of rows in a slice.
    YIELDS (Slice): The slices.
    """
    metadata = ParquetFile(file).metadata
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
    parquet = ParquetFile(file)
    names = parquet.schema_arrow.names
    if text_column not in names:
        raise ValueError(
            Errors.EGP408.format(url=url, column=text_column, columns=", ".join(names))
        )
    for number, columns in enumerate(_read_rows(parquet, slice), slice.first):
        yield Record(f"{url}, row {number}", columns[text_column], columns)


def _read_rows(parquet: ParquetFile, slice: Slice) -> Iterator[dict[str, Any]]:
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
        yield from rows.to_pylist()
        n_before = max(0, n_before - len(batch))
        n_missing -= len(rows)


def read_schema(file: IO[bytes]) -> pa.Schema:
    """RETURNS (pa.Schema): The columns of a Parquet file."""
    return ParquetFile(file).schema_arrow.remove_metadata()


def infer_schema(rows: Sequence[dict[str, Any]]) -> pa.Schema:
    """Find types for columns of JSON.

    rows (Sequence[dict[str, Any]]): The columns of the first documents.
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

    spans_key (str): Key of the spans in doc.spans.
    schema (pa.Schema): The columns of the input. In a column of text, values that are
        not text are written as JSON.
    """

    suffix = ".parquet"

    def __init__(self, spans_key: str, schema: pa.Schema) -> None:
        self.spans_key = spans_key
        self.schema = schema
        self.rows: list[dict[str, Any]] = []

    def add(self, record: Record, doc: Doc) -> None:
        """record (Record): The document. doc (Doc): Its annotation.
        RAISES (ValueError): If a column is not in the schema, or a value not of its
            type.
        """
        columns = {name: self._fit(name, x) for name, x in record.columns.items()}
        # A value of another type must fail its own document, not the part.
        pa.RecordBatch.from_pylist([columns], self.schema)
        row = make_row(record._replace(columns=columns), doc, self.spans_key)
        self.rows.append(row)

    def _fit(self, name: str, value: Any) -> Any:
        if name not in self.schema.names:
            raise ValueError(Errors.EGP426.format(column=name))
        dtype = self.schema.field(name).type
        if dtype == pa.string() and not isinstance(value, str | None):
            return dump_json(value)
        if pa.types.is_integer(dtype) and isinstance(value, float):
            # Arrow would cut it to an integer.
            raise ValueError(Errors.EGP427.format(column=name, value=value))
        return value

    def write(self, file: IO[bytes]) -> None:
        """file (IO[bytes]): The open file."""
        schema = self.schema.append(pa.field(SPANS_COLUMN, pa.list_(SPAN)))
        write_table(pa.Table.from_pylist(self.rows, schema), file)
