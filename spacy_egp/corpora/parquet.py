"""The rows of Parquet, in bounded memory: a small file may repeat a text, or an item of
a list, any number of times."""

import io
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any

from ..errors import Errors
from .files import FREE_BYTES, MAX_PARTS, MAX_RATIO, MAX_RECORD, ByteStream
from .parquet_footer import count_values

if TYPE_CHECKING:
    import pyarrow as pa

# The most rows that are in memory together.
N_ROWS = 64
# The most values of a column in a row group. One row may have all of them, in a list.
MAX_ITEMS = 2**26
# The least that an item counts, as it takes more memory in Python than in the file.
BYTES_PER_ITEM = MAX_RECORD // MAX_PARTS


def read_rows(file: ByteStream) -> Iterator[tuple[int, Any]]:
    """Read the rows of a file.

    file (ByteStream): The open file.
    YIELDS (tuple[int, Any]): The number of a row and the row. A ValueError stands for
        one that cannot be read, or takes too much memory.
    RAISES (ImportError): If pyarrow is not installed.
    """
    try:
        import pyarrow as pa
    except ImportError as error:
        raise ImportError(Errors.EGP410) from error
    number = 0
    try:
        with _seekable(file) as table:
            n_left = table.seek(0, io.SEEK_END) * MAX_RATIO + FREE_BYTES
            for rows, n_bytes in _read_batches(table, n_left):
                n_left -= n_bytes
                if n_left < 0:
                    raise ValueError(Errors.EGP104.format(ratio=MAX_RATIO))
                if n_bytes <= MAX_RECORD:
                    made = _make_rows(rows)
                else:
                    made = [ValueError(Errors.EGP235.format(max_bytes=MAX_RECORD))]
                for row in made:
                    number += 1
                    yield number, row
    except (pa.ArrowException, OSError, ValueError) as error:
        yield number + 1, ValueError(Errors.EGP236.format(error=error))


@contextmanager
def _seekable(file: ByteStream) -> Iterator[IO[bytes]]:
    """Copy a file in an archive, which cannot be read from the end as Parquet needs."""
    if file.seekable():
        yield file
        return
    with tempfile.TemporaryFile() as copy:
        shutil.copyfileobj(file, copy)
        yield copy


def _read_batches(
    table: IO[bytes], max_bytes: int
) -> Iterator[tuple["pa.RecordBatch", int]]:
    """Batches of a few rows and the bytes that they take: at most MAX_RECORD, unless a
    batch is a single row."""
    from pyarrow import parquet as pq

    metadata = pq.read_metadata(table)
    columns = [metadata.schema.column(i) for i in range(metadata.num_columns)]
    # Each distinct text is in memory once.
    texts = [leaf.path for leaf in columns if leaf.physical_type == "BYTE_ARRAY"]
    n_values = count_values(table)
    file = pq.ParquetFile(table, metadata=metadata, read_dictionary=texts)
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        if group.total_byte_size > max_bytes:
            raise ValueError(Errors.EGP104.format(ratio=MAX_RATIO))
        if n_values[number] > MAX_ITEMS:
            problem = Errors.EGP105.format(
                n_items=n_values[number], max_items=MAX_ITEMS
            )
            raise ValueError(problem)
        n_rows = MAX_RECORD * group.num_rows // max(1, group.total_byte_size)
        n_rows = max(1, min(N_ROWS, n_rows))
        for batch in file.iter_batches(n_rows, row_groups=[number]):
            n_bytes = _count_bytes(batch.to_struct_array())
            if n_bytes <= MAX_RECORD:
                yield batch, n_bytes
                continue
            for row in (batch.slice(i, 1) for i in range(len(batch))):
                yield row, _count_bytes(row.to_struct_array())


def _make_rows(rows: "pa.RecordBatch") -> list[Any]:
    """RETURNS (list[Any]): Each row, or an error in its place."""
    import pyarrow as pa

    try:
        made: list[Any] = rows.to_pylist()
        return made
    # A date that Python does not have, or a text that is not UTF-8.
    except (pa.ArrowException, ImportError, OverflowError, ValueError) as error:
        if len(rows) == 1:
            return [ValueError(Errors.EGP106.format(error=error))]
        return [row for i in range(len(rows)) for row in _make_rows(rows.slice(i, 1))]


def _count_bytes(array: "pa.Array") -> int:
    """RETURNS (int): About how many bytes values take in Python, with each text as
    often as it occurs."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if isinstance(array, pa.StructArray):
        return sum(map(_count_bytes, array.flatten()))
    if isinstance(array, pa.MapArray):
        pairs = pa.StructArray.from_arrays([array.keys, array.items], ["key", "value"])
        array = pa.ListArray.from_arrays(array.offsets, pairs)
    if isinstance(array, pa.ListArray | pa.LargeListArray | pa.FixedSizeListArray):
        return _count_bytes(array.flatten())
    if isinstance(array, pa.DictionaryArray):
        lengths = pc.binary_length(array.dictionary).take(array.indices)
        return len(array) * BYTES_PER_ITEM + (pc.sum(lengths).as_py() or 0)
    return len(array) * BYTES_PER_ITEM + array.nbytes
