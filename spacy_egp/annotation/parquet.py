"""Parquet files. Needs pyarrow, which is an extra."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import accumulate, chain, islice, repeat
from typing import IO, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from spacy.tokens import Doc
from spacy.vocab import Vocab

from ..errors import Errors
from .documents import Hash, Record, Slice
from .lines import BYTES_PER_PART
from .rows import SPANS_COLUMN, dump_json, list_new_spans

DAMAGED = (OSError, pa.ArrowException)
ROWS_PER_BATCH = 1000
# Rows of the output are kept in memory until they have this many bytes.
BYTES_PER_ROW_GROUP = 2**24
# A single row takes some hundred bytes more per column than a row among others.
ROWS_PER_CHUNK = 100
SPAN = pa.struct(
    {
        "start_char": pa.int64(),
        "end_char": pa.int64(),
        "text": pa.string(),
        "label": pa.string(),
        "score": pa.float64(),
        "start_token": pa.int64(),
        "end_token": pa.int64(),
    }
)
SPANS = pa.list_(SPAN)


class Row(Mapping[str, Any]):
    """A row of a file. Its values are only converted to Python's when they are needed,
    so Parquet files of the output have them as they were.

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

    def as_stored(self, schema: pa.Schema) -> pa.RecordBatch:
        """schema (pa.Schema): The columns of the file.
        RETURNS (pa.RecordBatch): The row with its texts as they are in the file.
        """
        columns = [
            column if column.type == dtype else column.cast(dtype)
            for column, dtype in zip(self.rows.columns, schema.types, strict=True)
        ]
        return pa.RecordBatch.from_arrays(columns, schema=schema)

    def __iter__(self) -> Iterator[str]:
        return iter(self.rows.schema.names)

    def __len__(self) -> int:
        return self.rows.num_columns


def cut_parquet(file: IO[bytes], docs_per_part: int) -> Iterator[Slice]:
    """Cut a file into slices, in one pass that holds a batch of rows at a time.

    file (IO[bytes]): The open file.
    docs_per_part (int): The largest number of rows in a slice.
    YIELDS (Slice): The slices.
    """
    parquet = _open_parquet(file)
    ends = _row_group_ends(parquet)
    digests = [
        Hash(_read_bytes(file, parquet.metadata.row_group(i))).digest()
        for i in range(parquet.num_row_groups)
    ]
    offset = n_rows = n_bytes = 0
    row_bytes = map(partial(_row_bytes, parquet), range(parquet.num_row_groups))
    for n_row_bytes in chain.from_iterable(row_bytes):
        n_rows += 1
        n_bytes += n_row_bytes
        last = offset + n_rows == ends[-1]
        if n_rows == docs_per_part or n_bytes >= BYTES_PER_PART or last:
            hash = Hash()
            for group in _find_row_groups(ends, offset, n_rows):
                hash.update(digests[group])
            yield Slice(offset, offset + 1, n_rows, hash.hexdigest())
            offset += n_rows
            n_rows = n_bytes = 0


def read_parquet(
    file: IO[bytes], url: str, slice: Slice, text_column: str, vocab: Vocab
) -> Iterator[Record]:
    """Read rows. Their row groups are decoded from the beginning. An error takes the
    place of a row that cannot be decoded.

    file (IO[bytes]): The open file.
    url (str): Its name.
    slice (Slice): What to read.
    text_column (str): The column of the text.
    vocab (Vocab): Not used.
    YIELDS (Record): A record per row.
    RAISES (ValueError): If the row groups have changed.
    """
    parquet = _open_parquet(file)
    ends = _row_group_ends(parquet)
    groups = _find_row_groups(ends, slice.offset, slice.n_docs)
    hash = Hash()
    for group in groups:
        content = _read_bytes(file, parquet.metadata.row_group(group))
        hash.update(Hash(content).digest())
    slice.check(hash)
    begin = slice.offset - (ends[groups[0] - 1] if groups[0] else 0)
    rows = chain.from_iterable(map(partial(_read_rows, parquet), groups))
    stretch = islice(rows, begin, begin + slice.n_docs)
    for number, row in enumerate(stretch, slice.first):
        source = f"{url}, row {number}"
        if isinstance(row, Row):
            yield Record(source, row[text_column], row)
        else:
            yield Record(source, row, {})


def _open_parquet(file: IO[bytes]) -> pq.ParquetFile:
    """Open a file so that each distinct text is in memory once, as it mostly is in the
    file. A text that a small file repeats could take any amount of memory otherwise."""
    texts = [
        field.name
        for field in pq.ParquetFile(file).schema_arrow
        if _is_text(field.type)
    ]
    return pq.ParquetFile(file, read_dictionary=texts)


def _is_text(dtype: pa.DataType) -> bool:
    return dtype in (pa.string(), pa.large_string(), pa.binary(), pa.large_binary())


def _row_group_ends(parquet: pq.ParquetFile) -> list[int]:
    groups = range(parquet.num_row_groups)
    return list(accumulate(parquet.metadata.row_group(i).num_rows for i in groups))


def _find_row_groups(ends: list[int], offset: int, n_rows: int) -> range:
    """The row groups that some rows are in."""
    return range(bisect_right(ends, offset), bisect_left(ends, offset + n_rows) + 1)


def _read_bytes(file: IO[bytes], group: pq.RowGroupMetaData) -> bytes:
    """What a row group takes in the file."""
    begins, ends = [], []
    for column in map(group.column, range(group.num_columns)):
        begins.append(column.dictionary_page_offset or column.data_page_offset)
        ends.append(begins[-1] + column.total_compressed_size)
    file.seek(min(begins))
    return file.read(max(ends) - min(begins))


def _read_batches(parquet: pq.ParquetFile, group: int) -> Iterator[pa.RecordBatch]:
    metadata = parquet.metadata.row_group(group)
    n_rows = BYTES_PER_PART * metadata.num_rows // max(1, metadata.total_byte_size)
    return parquet.iter_batches(
        max(1, min(n_rows, ROWS_PER_BATCH)), row_groups=[group], use_threads=False
    )


def _row_bytes(parquet: pq.ParquetFile, group: int) -> Iterator[int]:
    """The bytes of each row of a row group; none for rows that cannot be decoded."""
    n_missing = parquet.metadata.row_group(group).num_rows
    try:
        for batch in _read_batches(parquet, group):
            n_missing -= len(batch)
            n_bytes = sum(map(_value_bytes, batch.columns), np.zeros(len(batch)))
            yield from n_bytes.astype(int).tolist()
    except DAMAGED:
        yield from repeat(0, n_missing)


def _value_bytes(column: pa.Array) -> np.ndarray:
    """The bytes of each value of a column; for other types than text, their mean."""
    if not pa.types.is_dictionary(column.type):
        return np.full(len(column), column.nbytes / max(1, len(column)))
    if not _is_text(column.type.value_type):
        return np.zeros(len(column))
    n_bytes = pc.binary_length(column.dictionary).take(column.indices)
    return n_bytes.fill_null(0).to_numpy()


def _read_rows(parquet: pq.ParquetFile, group: int) -> Iterator["Row | Exception"]:
    """All rows of a row group, with an error in place of those not decoded."""
    n_missing = parquet.metadata.row_group(group).num_rows
    try:
        for batch in _read_batches(parquet, group):
            for i in range(len(batch)):
                yield Row(batch.slice(i, 1))
            n_missing -= len(batch)
    except DAMAGED as error:
        yield from repeat(ValueError(Errors.EGP431.format(error=error)), n_missing)


def read_schema(file: IO[bytes]) -> pa.Schema:
    """RETURNS (pa.Schema): The columns of a Parquet file."""
    return pq.ParquetFile(file).schema_arrow.remove_metadata()


def check_schema(url: str, schema: pa.Schema, text_column: str) -> None:
    """Check that the columns of a file can be told apart, and that the text is there.

    url (str): The file.
    schema (pa.Schema): Its columns.
    text_column (str): The column of the text.
    RAISES (ValueError): If not.
    """
    names = schema.names
    if text_column not in names:
        raise ValueError(
            Errors.EGP408.format(url=url, column=text_column, columns=", ".join(names))
        )
    for name in names:
        if names.count(name) > 1:
            raise ValueError(Errors.EGP432.format(url=url, column=name))


def infer_schema(rows: Sequence[Mapping[str, Any]], text_column: str) -> pa.Schema:
    """Find types for columns of JSON.

    rows (Sequence[Mapping[str, Any]]): The columns of the first documents.
    text_column (str): The column of the text.
    RETURNS (pa.Schema): Numbers, truth values, and text for everything else. Columns
        that make their documents fail are left out.
    """
    names = dict.fromkeys(name for row in rows for name in row)
    types = {
        name: _infer_type([row.get(name) for row in rows])
        for name in names
        if name != SPANS_COLUMN and _is_unicode(name)
    }
    return pa.schema({**types, text_column: pa.string()})


def _is_unicode(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text)


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
            rows = record.columns.as_stored(self.schema)
        else:
            columns = {name: self._fit(name, x) for name, x in record.columns.items()}
            rows = pa.RecordBatch.from_pylist([columns], self.schema)
        return rows.append_column(SPANS_COLUMN, pa.array([spans], SPANS))

    def _fit(self, name: str, value: Any) -> Any:
        if not _is_unicode(name):
            raise ValueError(Errors.EGP433.format(column=name))
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
        """Write the rows that are left, and the end of the file."""
        self._write_row_group()
        self.writer.close()
