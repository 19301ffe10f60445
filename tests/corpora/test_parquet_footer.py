import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_egp.corpora.parquet import read_rows
from spacy_egp.corpora.parquet_footer import count_values

ITEMS = st.lists(st.text(max_size=3), max_size=4)
ROWS = st.fixed_dictionaries(
    {
        "number": st.integers(0, 9),
        "words": ITEMS,
        "nested": st.lists(st.fixed_dictionaries({"words": ITEMS}), max_size=3),
    }
)


def write(rows, **options):
    file = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), file, **options)
    return file


@settings(max_examples=100, deadline=None)
@given(
    st.lists(ROWS, min_size=1, max_size=20),
    st.integers(1, 20),
    st.sampled_from(["none", "snappy", "zstd"]),
    st.sampled_from(["1.0", "2.0"]),
)
def test_equals_pyarrow(rows, n_rows, compression, page_version):
    file = write(
        rows,
        row_group_size=n_rows,
        compression=compression,
        data_page_version=page_version,
    )
    metadata = pq.ParquetFile(file).metadata
    groups = [metadata.row_group(i) for i in range(metadata.num_row_groups)]
    columns = range(metadata.num_columns)
    expected = [max(group.column(i).num_values for i in columns) for group in groups]
    assert count_values(file) == expected


def test_footers_that_end_pyarrow():
    """Reading pyarrow's own numbers from some of them would end the process."""
    data = write([{"words": ["a", "b"]}]).getvalue()
    footer = len(data) - int.from_bytes(data[-8:-4], "little") - 8
    for i in range(footer, len(data)):
        changed = data[:i] + bytes([(data[i] + 1) % 256]) + data[i + 1 :]
        for _, row in read_rows(io.BytesIO(changed)):
            assert isinstance(row, dict | ValueError)


@pytest.mark.parametrize(
    "footer", [b"", b"\x19", b"\x19\xff" + b"\xff" * 20, b"\x1b\x01", b"\x1c" * 5000]
)
def test_damaged_footers(footer):
    data = b"PAR1" + footer + len(footer).to_bytes(4, "little") + b"PAR1"
    with pytest.raises(ValueError, match="EGP107"):
        count_values(io.BytesIO(data))
