"""The number of values in a Parquet file, from its footer alone.

pyarrow has these numbers, too, but ends the process on some damaged footers instead of
raising an error. A footer is a struct of Thrift's compact protocol; the numbers of its
fields are those of `parquet.thrift` (https://github.com/apache/parquet-format).
"""

import io
import struct
from typing import IO, Any

from ..errors import Errors

# FileMetaData.row_groups, RowGroup.columns, ColumnChunk.meta_data and
# ColumnMetaData.num_values.
ROW_GROUPS, COLUMNS, META_DATA, NUM_VALUES = 4, 1, 3, 5
# Types of fields. The footer has no maps.
TRUE, FALSE, BYTE, DOUBLE, BINARY, LIST, SET, STRUCT = 1, 2, 3, 7, 8, 9, 10, 12
INTEGERS = (4, 5, 6)


def count_values(table: IO[bytes]) -> list[int]:
    """Count the values in each row group.

    table (IO[bytes]): The open file.
    RETURNS (list[int]): The number of values in the column that has the most, by group.
    RAISES (ValueError): If the footer is damaged.
    """
    table.seek(-8, io.SEEK_END)
    n_bytes, _ = struct.unpack("<I4s", table.read(8))
    try:
        table.seek(-8 - n_bytes, io.SEEK_END)
        footer = _Compact(table.read(n_bytes)).read_struct()
        return [
            max(column[META_DATA][NUM_VALUES] for column in group[COLUMNS])
            for group in footer[ROW_GROUPS]
        ]
    except (LookupError, OSError, RecursionError, TypeError, ValueError) as error:
        raise ValueError(Errors.EGP107) from error


class _Compact:
    """Reads values of Thrift's compact protocol."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def read_struct(self) -> dict[int, Any]:
        fields: dict[int, Any] = {}
        number = 0
        while (head := self._read_byte()) != 0:
            step, kind = divmod(head, 16)
            number = number + step if step else self._read_integer()
            fields[number] = kind == TRUE if kind <= FALSE else self._read(kind)
        return fields

    def _read(self, kind: int) -> Any:
        if kind in INTEGERS:
            return self._read_integer()
        if kind == STRUCT:
            return self.read_struct()
        if kind in (LIST, SET):
            n_items, item = divmod(self._read_byte(), 16)
            n_items = self._read_varint() if n_items == 15 else n_items
            return [self._read(item) for _ in range(n_items)]
        if kind in (TRUE, FALSE, BYTE):
            return self._read_byte()
        if kind == BINARY:
            return self._skip(self._read_varint())
        if kind == DOUBLE:
            return self._skip(8)
        # No field has another type.
        raise ValueError(kind)

    def _read_byte(self) -> int:
        self.at += 1
        return self.data[self.at - 1]

    def _read_varint(self) -> int:
        value, shift = 0, 0
        while (byte := self._read_byte()) >= 128:
            value |= (byte - 128) << shift
            shift += 7
            if shift > 63:
                # No field has more bits.
                raise ValueError(shift)
        return value | byte << shift

    def _read_integer(self) -> int:
        value = self._read_varint()
        return value >> 1 ^ -(value & 1)

    def _skip(self, n_bytes: int) -> None:
        self.at += n_bytes
