"""Input that is damaged, hostile or changes, and whatever else goes wrong in a run: one
document fails, or the run stops with a message, and files of others stay untouched."""

import bz2
import datetime
import fcntl
import gzip
import io
import json
import math
import os
import shutil
import subprocess
import sys
import threading
import time

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import spacy
import srsly
import torch
from annotations import read_failed, read_files, read_rows
from hypothesis import given
from hypothesis import strategies as st
from spacy.language import Language
from spacy.tokens import DocBin

from spacy_egp.annotation import corpus, lines, parquet, resources
from spacy_egp.annotation import output as output_module
from spacy_egp.annotation.annotate import annotate
from spacy_egp.annotation.annotator import Annotator
from spacy_egp.annotation.rows import dump_json

TEXT = "I like London."
HOLD_LOCK = """
import sys, time
from spacy_egp.annotation.output import Output
with Output(sys.argv[1]).lock():
    print("locked", flush=True)
    time.sleep(600)
"""


def write_rows(path, rows):
    srsly.write_jsonl(path, rows)
    return str(path)


def numbered(n_docs):
    return [{"id": i, "text": TEXT} for i in range(n_docs)]


# Files of others


def test_files_of_others_stay(model_path, texts_path, tmp_path):
    """Only what this command has written under a temporary name is removed."""
    output = tmp_path / "out"
    for folder in (".git", "_done/.ipynb_checkpoints", "_failed"):
        (output / folder).mkdir(parents=True)
    for name in (".env", ".git/config", "_done/.gitkeep", "_done/notes.json", "_mine"):
        (output / name).write_text("mine")
    for name in (".part-1.jsonl-x", ".part-000000.jsonl", "_failed/.part-000000.bak"):
        (output / name).write_text("mine")
    mine = read_files(output)
    temporary = output / f".part-000007.jsonl-{'0f' * 16}"
    temporary.write_text("half a part")
    arguments = (str(model_path), str(texts_path), str(output))
    for _ in range(2):
        assert annotate(*arguments).total.docs == 60
        assert read_files(output).items() >= mine.items()
    assert not temporary.exists()


def test_output_inside_the_input_folder(model_path, texts_path, tmp_path):
    output = tmp_path / "out"
    for pattern in (tmp_path, tmp_path / "**"):
        summary = annotate(str(model_path), str(pattern), str(output))
        assert summary.total.docs == 60


# Input that changes


def make_truncated(path):
    os.truncate(path, os.path.getsize(path) // 2)


def make_replaced(path):
    content = path.read_bytes()
    os.utime(path, ns=(0, 0))
    path.write_bytes(content.replace(b"London", b"Berlin").replace(b"\x0eI", b"\x0eJ"))


def write_txt(path, rows):
    path.write_text("".join(f"{row['text']} {row['id']}\n" for row in rows))


def write_gz(path, rows):
    lines = "".join(f"{row['text']} {np.random.rand()}\n" for row in rows)
    path.write_bytes(gzip.compress(lines.encode()))


def write_parquet(path, rows):
    table = pa.Table.from_pylist(rows)
    pq.write_table(table, path, row_group_size=50, compression="none")


def write_docbin(path, rows):
    nlp = spacy.blank("en")
    DocBin(docs=[nlp(row["text"]) for row in rows]).to_disk(path)


@pytest.mark.parametrize("change", [make_truncated, make_replaced])
@pytest.mark.parametrize(
    "suffix, write",
    [
        (".txt", write_txt),
        (".jsonl", srsly.write_jsonl),
        (".txt.gz", write_gz),
        (".parquet", write_parquet),
        (".spacy", write_docbin),
    ],
)
def test_input_that_changes_during_the_run(
    model_path, tmp_path, monkeypatch, suffix, write, change
):
    """After the first part. With the input restored, the run continues."""
    path = tmp_path / f"a{suffix}"
    write(path, numbered(200))
    content = path.read_bytes()
    if change is make_replaced and suffix in (".txt.gz", ".spacy"):
        change = make_truncated  # They are compressed.

    def change_after_a_part(self, part):
        counts = call(self, part)
        if part.number == 0:
            change(path)
        return counts

    call = Annotator.__call__
    arguments = (str(model_path), str(path), str(tmp_path / "out"))
    with monkeypatch.context() as patch:
        patch.setattr(Annotator, "__call__", change_after_a_part)
        with pytest.raises(ValueError, match=rf"EGP407.*a{suffix}") as raised:
            annotate(*arguments, docs_per_part=50)
    if change is make_replaced:
        assert "EGP430" in str(raised.value)
    assert path.read_bytes() != content
    names = [name for name in read_files(tmp_path / "out") if name.startswith("part")]
    assert names and len(names) < 4
    if change is make_replaced:
        with pytest.raises(FileExistsError, match="EGP413.*input"):
            annotate(*arguments, docs_per_part=50)
    path.write_bytes(content)
    summary = annotate(*arguments, docs_per_part=50)
    assert summary.total.docs == 200 and summary.run.docs < 200


def test_run_goes_on_after_touch_link_and_chmod(model_path, texts_path, tmp_path):
    """The content of the file counts, not its metadata."""
    arguments = (str(model_path), str(texts_path), str(tmp_path / "out"))
    annotate(*arguments)
    os.utime(texts_path, (0, 0))
    os.link(texts_path, tmp_path / "link")
    texts_path.chmod(0o600)
    assert annotate(*arguments).run.docs == 0


# One bad record


def check_one_failure(model_path, path, tmp_path, reason, n_docs=30, **settings):
    output = tmp_path / "out"
    summary = annotate(str(model_path), str(path), str(output), **settings)
    [found] = read_failed(output).values()
    assert reason in found
    assert (summary.total.docs, summary.total.failed.count) == (n_docs - 1, 1)
    assert len(read_rows(output, settings.get("format", "jsonl"))) == n_docs - 1


@pytest.mark.parametrize("number", [0, 29])
@pytest.mark.parametrize(
    "bad, reason",
    [
        ({"text": TEXT, "spans": []}, "EGP425"),
        ({"text": TEXT, "\ud800": 1}, "EGP433"),
        ({"text": TEXT, "id": "\ud800"}, "Error: "),
        ({"text": 7, "id": 1}, "EGP422"),
    ],
)
def test_bad_json_record_in_parquet_output(model_path, tmp_path, bad, reason, number):
    """In the part that determines the types, and in a later one."""
    rows = [{**row, "id": str(row["id"])} for row in numbered(30)]
    rows[number] = bad
    path = tmp_path / "a.jsonl"
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    settings = {"format": "parquet", "docs_per_part": 15}
    check_one_failure(model_path, path, tmp_path, reason, **settings)


def test_parquet_values_that_python_lacks(model_path, tmp_path):
    """They stay as they are in Parquet, and are text in JSON."""
    n_docs = 20
    texts = pa.array([TEXT] * n_docs)
    table = pa.table(
        {
            "text": texts.dictionary_encode(),
            "large": texts.cast(pa.large_string()),
            "far": pa.array([10**15] * n_docs, pa.timestamp("s")),
            "nano": pa.array([123456789123456789] * n_docs, pa.timestamp("ns")),
            "time": pa.array([5] * n_docs, pa.time64("ns")),
            "null": pa.array([None] * n_docs),
            "decimal": pa.array([1] * n_docs, pa.decimal128(10, 2)),
            "nested": pa.array([{"a": [1, None], "b": {"c": None}}] * n_docs),
            "bytes": pa.array([b"\xff\x00"] * n_docs),
        }
    )
    path = tmp_path / "a.parquet"
    pq.write_table(table, path, row_group_size=7)
    for format in ("parquet", "jsonl", "spacy"):
        output = str(tmp_path / format)
        summary = annotate(str(model_path), str(path), output, format=format)
        assert summary.total.docs == n_docs
    written = pq.read_table(tmp_path / "parquet")
    assert written.drop_columns(["spans"]).equals(pq.read_table(path))
    [row, *_] = read_rows(tmp_path / "jsonl")
    assert row["nested"] == {"a": [1, None], "b": {"c": None}}
    assert str(10**15) in row["far"] and row["nano"].endswith("123456789")
    assert row["bytes"] == "/wA="


def test_nanoseconds_without_pandas(monkeypatch):
    def raise_error(self):
        raise ValueError("Nanosecond resolution temporal type 1 is not safely ...")

    class Value:
        as_py = raise_error

        def cast(self, dtype):
            return pa.scalar(1, pa.timestamp("ns")).cast(dtype)

    class Rows(dict):
        schema = pa.schema({"a": pa.int8()})

    assert parquet.Row(Rows(a=[Value()]))["a"].endswith("00:00:00.000000001")


def test_damaged_doc_of_a_docbin(model_path, tmp_path):
    nlp = spacy.blank("en")
    doc_bin = DocBin(docs=[nlp(f"{TEXT} {i}") for i in range(30)])
    doc_bin.span_groups[7] = b"damaged"
    doc_bin.to_disk(tmp_path / "a.spacy")
    check_one_failure(model_path, tmp_path / "a.spacy", tmp_path, "")
    assert next(iter(read_failed(tmp_path / "out"))).endswith("a.spacy, doc 8")
    texts = [row["text"] for row in read_rows(tmp_path / "out")]
    assert texts == [f"{TEXT} {i}" for i in range(30) if i != 7]


def test_damaged_page_of_parquet(model_path, tmp_path):
    """Its row group fails, and the others do not."""
    path = tmp_path / "a.parquet"
    rows = [{"text": f"{TEXT} {i}"} for i in range(30)]
    pq.write_table(pa.Table.from_pylist(rows), path, row_group_size=10)
    column = pq.ParquetFile(path).metadata.row_group(1).column(0)
    content = bytearray(path.read_bytes())
    begin = column.dictionary_page_offset
    content[begin : begin + column.total_compressed_size] = (
        b"\xff" * column.total_compressed_size
    )
    path.write_bytes(content)
    output = tmp_path / "out"
    summary = annotate(str(model_path), str(path), str(output), docs_per_part=4)
    assert (summary.total.docs, summary.total.failed.count) == (20, 10)
    failed = read_failed(output)
    assert [source.rpartition(" ")[2] for source in failed] == [
        str(number) for number in range(11, 21)
    ]
    assert all("EGP431" in reason for reason in failed.values())
    assert [row["text"][-2:].strip() for row in read_rows(output)] == [
        str(i) for i in [*range(10), *range(20, 30)]
    ]


@pytest.mark.parametrize(
    "name, content",
    [
        ("a.txt.bz2", b"garbage"),
        ("a.txt.bz2", bz2.compress(b"x\n" * 10**6)[:-9] + b"\xff" * 99),
        ("a.txt.gz", gzip.compress(b"x\n" * 10**6)[:30] + b"\xff" * 99),
        ("a.txt.xz", b"\xfd7zXZ\x00garbage"),
    ],
)
def test_damaged_file_is_named(model_path, tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=f"EGP407.*{name}"):
        annotate(str(model_path), str(tmp_path / name), str(tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_columns_of_one_name(model_path, tmp_path):
    table = pa.Table.from_arrays([pa.array(["x"])] * 3, names=["text", "a", "a"])
    pq.write_table(table, tmp_path / "a.parquet")
    with pytest.raises(ValueError, match="EGP432.*two columns 'a'"):
        annotate(str(model_path), str(tmp_path / "a.parquet"), str(tmp_path / "out"))


# Hostile input


def test_parts_of_parquet_are_bounded_by_their_text(monkeypatch):
    """Of a text that is once in the file, and that a thousand rows refer to."""
    monkeypatch.setattr(parquet, "BYTES_PER_PART", 100_000)
    table = pa.table({"text": ["x" * 10_000] * 1000, "n": range(1000)})
    file = io.BytesIO()
    pq.write_table(table, file)
    assert file.tell() < 20_000
    slices = list(parquet.cut_parquet(file, 100_000))
    assert [s.n_docs for s in slices] == [10] * 100
    assert [s.offset for s in slices] == list(range(0, 1000, 10))
    [batch] = parquet._read_batches(parquet._open_parquet(file), 0)
    assert batch.nbytes < 50_000


@given(
    st.lists(st.integers(0, 300), min_size=1, max_size=40),
    st.integers(1, 20),
    st.integers(1, 20),
    st.integers(1, 500),
)
def test_slices_of_parquet_cover_a_file_once(sizes, group_size, n_docs, n_bytes):
    table = pa.table({"text": [f"{i:0{size}}" for i, size in enumerate(sizes)]})
    file = io.BytesIO()
    pq.write_table(table, file, row_group_size=group_size)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parquet, "BYTES_PER_PART", n_bytes)
        slices = list(parquet.cut_parquet(file, n_docs))
        records = [
            record
            for s in slices
            for record in parquet.read_parquet(file, "f", s, "text", None)
        ]
    assert [record.content for record in records] == table["text"].to_pylist()
    assert [r.source for r in records] == [f"f, row {i + 1}" for i in range(len(sizes))]
    for s in slices:
        texts = table["text"].to_pylist()[s.offset : s.offset + s.n_docs]
        assert s.n_docs <= n_docs
        assert sum(map(len, texts[:-1])) < n_bytes


def test_pipes_and_loops_of_links(model_path, texts_path, tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    os.mkfifo(folder / "pipe.txt")
    for path in (folder, folder / "pipe.txt", "/dev/stdin"):
        with pytest.raises((ValueError, FileNotFoundError), match="EGP4[03]4"):
            annotate(str(model_path), str(path), str(tmp_path / "out"))
    (folder / "pipe.txt").unlink()
    (folder / "a.jsonl").symlink_to(texts_path)
    assert len(corpus.find_files(str(folder), str(tmp_path / "out"))) == 1
    for name in ("loop", "another"):
        (folder / name).symlink_to(folder)
    with pytest.raises(ValueError, match="EGP434.*another.*not a regular file"):
        annotate(str(model_path), str(folder), str(tmp_path / "out"))


def test_compression_that_is_not_installed(model_path, tmp_path, monkeypatch):
    monkeypatch.setattr(corpus, "available_compressions", lambda: [None, "gzip"])
    (tmp_path / "a.txt.zst").write_bytes(b"x")
    with pytest.raises(ImportError, match="EGP435.*a.txt.zst.*install zstandard"):
        annotate(str(model_path), str(tmp_path / "a.txt.zst"), str(tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_compression_that_cannot_be_read_in_any_order(monkeypatch):
    """As fsspec reads Zstandard's files."""

    class Unseekable(io.BytesIO):
        def seekable(self):
            return False

    content = "".join(f"{i}\n" for i in range(100)).encode()
    monkeypatch.setattr(lines, "BYTES_PER_PART", 70)
    slices = list(lines.cut_lines(io.BytesIO(content), 30))
    records = [
        record
        for s in slices
        for record in lines.read_text(
            io.BufferedReader(Unseekable(content)), "f", s, "text", None
        )
    ]
    assert len(slices) > 3
    assert [record.content for record in records] == [str(i) for i in range(100)]


@pytest.mark.parametrize(
    "value, expected",
    [
        ({"a": float("nan"), "b": [float("inf"), 1.5]}, {"a": None, "b": [None, 1.5]}),
        (np.array([1.0, np.nan]), [1.0, None]),
        (np.float32(0.5), 0.5),
        (np.float32("nan"), None),
        (b"\xff\x00", "/wA="),
        ({"a": (b"x", datetime.date(2020, 1, 2))}, {"a": ["eA==", "2020-01-02"]}),
    ],
)
def test_output_is_valid_json(value, expected):
    def refuse(constant):
        raise ValueError(constant)

    assert json.loads(dump_json(value), parse_constant=refuse) == expected


def test_time_and_memory_do_not_grow_with_the_columns_squared():
    """Values of a row are looked up once each."""
    n_columns = 300
    schema = pa.schema({str(i): pa.string() for i in range(n_columns)})
    writer = parquet.ParquetWriter(io.BytesIO(), "sc", schema)
    looked_up = []

    class Types(dict):
        def __getitem__(self, name):
            looked_up.append(name)
            return super().__getitem__(name)

    writer.types = Types(writer.types)
    for name in schema.names:
        writer._fit(name, "x")
    assert len(looked_up) <= 2 * n_columns


def test_spans_take_no_more_than_in_arrow(trained_nlp):
    """A document in which a model that has gone wrong finds 100,000 spans."""
    doc = spacy.blank("en")("x " * 1000)
    doc.spans["sc"] = [doc[0:1]] * 100_000
    schema = pa.schema({"text": pa.string()})
    writer = parquet.ParquetWriter(io.BytesIO(), "sc", schema)
    record = parquet.Record("a", doc.text, {"text": doc.text})
    item = writer.encode(record, doc)
    assert item.nbytes < 100 * 100_000
    for _ in range(3):
        writer.write(item)
    assert writer.n_bytes < 2**24 + item.nbytes


# Memory and time that run out


FAIL_WITH: list[Exception] = []


@Language.component("fail_for_now")
def fail_for_now(doc):
    if "Berlin" in doc.text and FAIL_WITH:
        raise FAIL_WITH[0]
    return doc


@pytest.mark.parametrize(
    "error",
    [
        MemoryError("Unable to allocate"),
        torch.OutOfMemoryError("CUDA out of memory"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried ..."),
    ],
)
def test_document_without_memory_is_tried_again(
    model_path, texts_path, tmp_path, error
):
    nlp = spacy.load(model_path)
    nlp.add_pipe("fail_for_now")
    nlp.to_disk(tmp_path / "model")
    paths = (str(tmp_path / "model"), str(texts_path))
    output = tmp_path / "out"
    FAIL_WITH[:] = [error]
    for _ in range(2):
        summary = annotate(*paths, str(output), docs_per_part=20)
        assert summary.total.failed.count == summary.total.temporary == 10
        assert summary.run.docs == 50
    FAIL_WITH.clear()
    assert annotate(*paths, str(output), docs_per_part=20).total.docs == 60
    annotate(*paths, str(tmp_path / "expected"), docs_per_part=20)
    assert read_files(output) == read_files(tmp_path / "expected")


@Language.component("hang_at_berlin")
def hang_at_berlin(doc):
    while "Berlin" in doc.text:
        time.sleep(0.01)
    return doc


def test_document_that_hangs(model_path, tmp_path):
    nlp = spacy.load(model_path)
    nlp.add_pipe("hang_at_berlin")
    nlp.to_disk(tmp_path / "model")
    # The tokenizer's time grows with the square of the length of such a text.
    texts = [TEXT, "I like Berlin.", "😀!" * 50_000, TEXT]
    path = write_rows(tmp_path / "a.jsonl", [{"text": text} for text in texts])
    output = tmp_path / "out"
    summary = annotate(str(tmp_path / "model"), path, str(output), max_seconds=2)
    failed = read_failed(output)
    assert [source[-1] for source in failed] == ["2", "3"]
    assert all("EGP436" in reason for reason in failed.values())
    assert (summary.total.docs, summary.total.temporary) == (2, 2)


def test_time_limit_in_a_thread():
    """Ray's workers compute in one."""

    def work():
        for seconds in (0.05, 60):
            begin = time.perf_counter()
            try:
                with resources.time_limit(seconds):
                    while time.perf_counter() < begin + 0.5:
                        pass
                found.append("done")
            except TimeoutError as error:
                found.append(str(error))

    found = []
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    [failed, done] = found
    assert "EGP436" in failed and "0.05 seconds" in failed
    assert done == "done"


@pytest.mark.parametrize("value", [math.nan, math.inf, 1e12, 0.0, -1.0])
def test_time_limits_that_no_timer_takes(model_path, texts_path, tmp_path, value):
    output = tmp_path / "out"
    with pytest.raises(ValueError, match="EGP441"):
        annotate(str(model_path), str(texts_path), str(output), max_seconds=value)
    assert not output.exists()


# Other runs


def test_two_runs_on_one_output(model_path, texts_path, tmp_path):
    """The second run does not begin before the first one has ended or was killed,
    whatever its settings are."""
    output = tmp_path / "out"
    arguments = (str(model_path), str(texts_path), str(output))
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD_LOCK, str(output)], stdout=subprocess.PIPE
    )
    assert holder.stdout.readline() == b"locked\n"
    temporary = output / f".part-000000.jsonl-{'0f' * 16}"
    temporary.write_text("half a part")
    for threshold in (None, 0.9):
        with pytest.raises(FileExistsError, match="EGP440.*wait until it has ended"):
            annotate(*arguments, threshold=threshold)
    assert read_files(output) == {temporary.name: b"half a part"}
    holder.kill()
    holder.communicate()
    assert annotate(*arguments).run.docs == 60
    assert not temporary.exists()


def test_file_systems_without_locks(model_path, texts_path, tmp_path, monkeypatch):
    def refuse(*args):
        raise OSError("not supported")

    monkeypatch.setattr(fcntl, "flock", refuse)
    summary = annotate(str(model_path), str(texts_path), str(tmp_path / "out"))
    assert summary.run.docs == 60


@pytest.mark.parametrize("change", ["content", "name", "more"])
def test_a_model_that_has_changed(model_path, texts_path, tmp_path, change):
    model = shutil.copytree(model_path, tmp_path / "model")
    arguments = (str(model), str(texts_path), str(tmp_path / "out"))
    (model / "notes").write_text("a")
    annotate(*arguments)
    (model / "module.pyc").write_text("of another Python")
    assert annotate(*arguments).run.docs == 0
    if change == "content":
        (model / "notes").write_text("b")
    elif change == "name":
        (model / "notes").rename(model / "other")
    else:
        (model / "empty").write_text("")
    with pytest.raises(FileExistsError, match="EGP413.*model was"):
        annotate(*arguments)


# What is left of a crash


COUNTS = {"docs": 20, "words": 0, "labels": {}, "temporary": 0}
COUNTS["failed"] = {"count": 0, "first": []}
WRONG = (
    {"docs": "x"},
    {"words": None},
    {"labels": {"PER": []}},
    {"labels": []},
    {"failed": {"count": 1, "first": [{}]}},
)


@pytest.mark.parametrize(
    "content",
    [
        *("", "{", "[]", "null", "{}", '{"docs": 1}', "[" * 100_000),
        *(json.dumps({**COUNTS, **wrong}) for wrong in WRONG),
    ],
)
def test_damaged_counts(model_path, texts_path, tmp_path, content):
    """As after a power failure: the part is made again."""
    output = tmp_path / "out"
    arguments = (str(model_path), str(texts_path), str(output))
    annotate(*arguments, docs_per_part=20)
    expected = read_files(output)
    (output / "_done" / "part-000001.json").write_text(content)
    assert annotate(*arguments, docs_per_part=20).run.docs == 20
    assert read_files(output) == expected


@pytest.mark.parametrize("content", ["", "{", "[]", "7", None])
def test_damaged_manifest(model_path, texts_path, tmp_path, content):
    output = tmp_path / "out"
    arguments = (str(model_path), str(texts_path), str(output))
    annotate(*arguments)
    manifest = output / "_manifest.json"
    manifest.unlink() if content is None else manifest.write_text(content)
    before = read_files(output)
    code = "EGP412" if content is None else "EGP437"
    with pytest.raises(FileExistsError, match=f"{code}.*name another folder"):
        annotate(*arguments)
    assert read_files(output) == before


def test_files_are_on_the_disk_before_they_have_their_names(
    model_path, texts_path, tmp_path, monkeypatch
):
    events = []
    fsync = os.fsync

    def record_sync(number):
        events.append(("sync", os.fstat(number).st_ino))
        fsync(number)

    def record_move(self, source, target):
        events.append(("move", os.stat(source).st_ino, target))
        os.rename(source, target)

    monkeypatch.setattr(os, "fsync", record_sync)
    monkeypatch.setattr(output_module.LocalFileSystem, "mv", record_move)
    output = tmp_path / "out"
    annotate(str(model_path), str(texts_path), str(output))
    moves = [i for i, event in enumerate(events) if event[0] == "move"]
    assert len(moves) == 3
    for i in moves:
        _, inode, target = events[i]
        assert events[i - 1] == ("sync", inode)
        assert events[i + 1] == ("sync", os.stat(os.path.dirname(target)).st_ino)
    assert [os.path.basename(events[i][2]) for i in moves] == [
        "_manifest.json",
        "part-000000.jsonl",
        "part-000000.json",
    ]
