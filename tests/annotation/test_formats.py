"""Input and output: every format, and what happens to columns and to documents that
cannot be annotated."""

import datetime
import gzip
import io
import json
import shutil
import sys

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import spacy
import srsly
from annotations import list_spans, read_failed, read_rows
from hypothesis import given
from hypothesis import strategies as st
from spacy.language import Language
from spacy.tokens import Doc, DocBin
from spacy.vocab import Vocab

from spacy_egp.annotation import annotator, lines, parquet
from spacy_egp.annotation.annotate import annotate
from spacy_egp.annotation.lines import cut_lines, read_text

# The others are for annotation tools.
FORMATS = ("jsonl", "parquet", "spacy")


def write_jsonl(folder, rows):
    srsly.write_jsonl(folder / "a.jsonl", rows)


def write_gzipped_jsonl(folder, rows):
    # Empty lines and a byte order mark are not documents.
    text = "\n\n".join(map(json.dumps, rows))
    (folder / "a.jsonl.gz").write_bytes(gzip.compress(f"\ufeff{text}\n".encode()))


def write_text(folder, rows):
    (folder / "a.txt").write_text("\r\n".join(row["text"] for row in rows), "utf8")


def write_parquet(folder, rows):
    table = pa.Table.from_pylist(rows)
    # Parts begin and end inside the row groups.
    pq.write_table(table, folder / "a.parquet", row_group_size=17)


def write_docbin(folder, rows):
    docs = []
    nlp = spacy.blank("en")
    for row in rows:
        doc = nlp(row["text"])
        doc.user_data["id"] = row["id"]
        docs.append(doc)
    DocBin(docs=docs, store_user_data=True).to_disk(folder / "a.spacy")


@pytest.mark.parametrize("output_format", FORMATS)
@pytest.mark.parametrize(
    "write",
    [write_jsonl, write_gzipped_jsonl, write_text, write_parquet, write_docbin],
)
def test_spans_are_those_of_the_pipeline(
    trained_nlp, model_path, texts_path, tmp_path, write, output_format
):
    rows = list(srsly.read_jsonl(texts_path))
    folder = tmp_path / "in"
    folder.mkdir()
    write(folder, rows)
    (folder / "_SUCCESS").touch()
    summary = annotate(
        str(model_path),
        str(folder),
        str(tmp_path / "out"),
        format=output_format,
        docs_per_part=25,
    )
    expected = [
        {**row, "spans": list_spans(doc)}
        for row, doc in zip(rows, trained_nlp.pipe(row["text"] for row in rows))
    ]
    if write is write_text:
        for row in expected:
            del row["id"]
    assert read_rows(tmp_path / "out", output_format) == expected
    assert summary.total.docs == 60
    assert summary.total.labels.total() == sum(len(row["spans"]) for row in expected)
    assert not summary.total.failed.count


def test_given_tokens_are_kept(model_path, tmp_path):
    doc = Doc(Vocab(), words=["Shaka Khan", "left"])
    DocBin(docs=[doc]).to_disk(tmp_path / "a.spacy")
    annotate(
        str(model_path),
        str(tmp_path / "a.spacy"),
        str(tmp_path / "out"),
        format="spacy",
    )
    [annotated] = (
        DocBin().from_disk(tmp_path / "out/part-000000.spacy").get_docs(Vocab())
    )
    assert [token.text for token in annotated] == ["Shaka Khan", "left"]


@given(
    st.lists(st.text(st.characters(exclude_characters="\r\n", codec="utf8"))),
    st.integers(1, 5),
    st.booleans(),
)
def test_slices_of_lines_cover_a_file_once(texts, docs_per_part, ends_with_newline):
    content = "\n".join(texts) + "\n" * ends_with_newline
    expected = content.removesuffix("\n").split("\n") if content else []
    file = io.BytesIO(content.encode())
    slices = list(cut_lines(file, docs_per_part))
    records = [
        record
        for slice in slices
        for record in read_text(file, "f", slice, "text", Vocab())
    ]
    if expected:
        expected[0] = expected[0].removeprefix("\ufeff")
    assert [record.content for record in records] == expected
    assert [r.source for r in records] == [f"f:{i + 1}" for i in range(len(expected))]
    assert all(slice.n_docs == docs_per_part for slice in slices[:-1])


def test_parts_are_bounded_by_bytes(monkeypatch):
    monkeypatch.setattr(lines, "BYTES_PER_PART", 10)
    file = io.BytesIO(b"123456789\n" * 3)
    assert [slice.n_docs for slice in cut_lines(file, 100)] == [1, 1, 1]
    monkeypatch.setattr(parquet, "BYTES_PER_PART", 1000)
    file = io.BytesIO()
    table = pa.table({"text": [str(i) * 100 for i in range(100)]})
    pq.write_table(table, file)
    n_docs = [slice.n_docs for slice in parquet.cut_parquet(file, 100)]
    assert sum(n_docs) == 100
    assert 5 <= n_docs[0] <= 20


def test_parquet_columns_keep_their_types(model_path, tmp_path):
    table = pa.table(
        {
            "date": pa.array([datetime.date(2020, 1, 2), None]),
            "text": ["I like London.", "Nothing."],
            "number": pa.array([float("nan"), 1.5], pa.float32()),
            "tags": pa.array([["a"], []], pa.list_(pa.string())),
        }
    )
    pq.write_table(table, tmp_path / "a.parquet")
    for format in FORMATS:
        output = str(tmp_path / format)
        annotate(str(model_path), str(tmp_path / "a.parquet"), output, format=format)
    written = pq.read_table(tmp_path / "parquet")
    assert list(written.schema)[:4] == list(table.schema)
    assert written.drop_columns(["spans"]).slice(1).equals(table.slice(1))
    # JSON has no dates: they become text.
    assert read_rows(tmp_path / "jsonl")[0]["date"] == "2020-01-02"
    assert read_rows(tmp_path / "spacy", "spacy")[0]["date"] == "2020-01-02"


def test_parquet_files_with_different_columns(model_path, tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    pq.write_table(pa.table({"text": ["x"]}), folder / "a.parquet")
    pq.write_table(pa.table({"text": ["x"], "id": [1]}), folder / "b.parquet")
    arguments = (str(model_path), str(folder))
    with pytest.raises(ValueError, match=r"EGP409.*b\.parquet.*a\.parquet"):
        annotate(*arguments, str(tmp_path / "out"), format="parquet")
    assert annotate(*arguments, str(tmp_path / "out")).total.docs == 2


def test_json_columns_in_parquet(model_path, tmp_path):
    rows = [
        {"id": 1, "text": "A", "meta": {"a": 1}, "mixed": 1, "later": None},
        {"id": 2, "text": "B", "meta": {"b": [2]}, "mixed": "x"},
        # The second part follows, with values that do not fit the first one.
        {"id": 3, "text": "C", "later": 3.5},
        {"id": 4.5, "text": "not cut to an integer"},
        {"id": 5, "text": "a column that is not dropped", "new": 1},
        {"id": 2**70, "text": "a number that Arrow does not have"},
    ]
    path = tmp_path / "a.jsonl"
    srsly.write_jsonl(path, rows[:-1])
    path.write_text(path.read_text() + json.dumps(rows[-1]))
    output = tmp_path / "out"
    summary = annotate(
        str(model_path), str(path), str(output), format="parquet", docs_per_part=2
    )
    written = [
        (r["id"], r["meta"], r["mixed"], r["later"])
        for r in pq.read_table(output).to_pylist()
    ]
    assert written == [
        (1, '{"a": 1}', "1", None),
        (2, '{"b": [2]}', "x", None),
        (3, None, None, "3.5"),
    ]
    failed = read_failed(output)
    assert [source[-1] for source in failed] == ["4", "5", "6"]
    integer, column, overflow = failed.values()
    assert "EGP427" in integer and "'id'" in integer
    assert "EGP426" in column and "'new'" in column
    assert "OverflowError" in overflow
    assert summary.total.failed.count == 3


def test_failed_documents_are_reported(trained_nlp, model_path, tmp_path):
    path = tmp_path / "a.jsonl"
    texts = [
        '{"text": "I like London.", "id": "\\ud800"}',
        '{"text": ',
        '"no object"',
        '{"body": "no text"}',
        '{"text": null}',
        '{"text": "\\ud800"}',
        '{"text": "x", "spans": []}',
        json.dumps({"text": "too long " * 100}),
        '{"text": "I like Berlin."}',
    ]
    path.write_text("\n".join(texts), "utf8")
    output = tmp_path / "out"
    summary = annotate(str(model_path), str(path), str(output), max_chars=100)
    rows = read_rows(output)
    assert [row["text"] for row in rows] == ["I like London.", "I like Berlin."]
    assert rows[0]["id"] == "\ud800"
    assert rows[1]["spans"] == list_spans(trained_nlp("I like Berlin."))
    failed = read_failed(output)
    assert [int(source.rpartition(":")[2]) for source in failed] == list(range(2, 9))
    reasons = {3: "EGP421", 4: "EGP421", 5: "EGP422", 7: "EGP425", 8: "EGP423"}
    for number, code in reasons.items():
        assert f"[{code}]" in failed[f"{path}:{number}"]
    assert "900 characters" in failed[f"{path}:8"]
    assert summary.total.failed.count == 7
    assert [f.source for f in summary.total.failed.first] == list(failed)


def test_lines_that_are_not_utf8_fail_alone(model_path, tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes("London\nZürich\n".encode("latin1"))
    summary = annotate(str(model_path), str(path), str(tmp_path / "out"))
    assert [row["text"] for row in read_rows(tmp_path / "out")] == ["London"]
    assert list(read_failed(tmp_path / "out")) == [f"{path}:2"]
    assert summary.total.failed.count == 1


@Language.component("fail_at_berlin")
def fail_at_berlin(doc):
    if "Berlin" in doc.text:
        raise RuntimeError("no Berlin")
    return doc


def test_a_failing_document_fails_alone(trained_nlp, model_path, texts_path, tmp_path):
    nlp = spacy.load(model_path)
    nlp.add_pipe("fail_at_berlin", last=True)
    nlp.to_disk(tmp_path / "failing")
    output = tmp_path / "out"
    summary = annotate(str(tmp_path / "failing"), str(texts_path), str(output))
    rows = [r for r in srsly.read_jsonl(texts_path) if "Berlin" not in r["text"]]
    assert read_rows(output) == [
        {**row, "spans": list_spans(trained_nlp(row["text"]))} for row in rows
    ]
    assert summary.total.failed.count == 10
    assert set(read_failed(output).values()) == {"RuntimeError: no Berlin"}


@Language.factory("drop_berlin")
class DropBerlin:
    def __init__(self, nlp, name):
        pass

    def __call__(self, doc):
        return doc

    def pipe(self, docs, batch_size):
        return (doc for doc in docs if "Berlin" not in doc.text)


def test_a_dropped_document_is_reported(model_path, texts_path, tmp_path):
    nlp = spacy.load(model_path)
    nlp.add_pipe("drop_berlin")
    nlp.to_disk(tmp_path / "dropping")
    output = tmp_path / "out"
    summary = annotate(str(tmp_path / "dropping"), str(texts_path), str(output))
    assert (summary.total.docs, summary.total.failed.count) == (50, 10)
    assert all("EGP424" in reason for reason in read_failed(output).values())


def test_output_does_not_depend_on_what_the_vocab_forgets(
    model_path, texts_path, tmp_path, monkeypatch
):
    paths = (str(model_path), str(texts_path))
    annotate(*paths, str(tmp_path / "kept"), docs_per_part=5)
    monkeypatch.setattr(annotator, "MAX_NEW_STRINGS", 0)
    annotate(*paths, str(tmp_path / "forgotten"), docs_per_part=5)
    assert read_rows(tmp_path / "forgotten") == read_rows(tmp_path / "kept")


def test_pipeline_that_is_a_package(model_path, texts_path, tmp_path, monkeypatch):
    site = tmp_path / "site"
    shutil.copytree(model_path, site / "en_nested")
    (site / "en_nested" / "__init__.py").write_text(
        "import spacy\n"
        "def load(**settings):\n"
        "    return spacy.load(__path__[0], **settings)\n"
    )
    (site / "en_nested-1.0.dist-info").mkdir()
    (site / "en_nested-1.0.dist-info" / "METADATA").write_text("Name: en_nested\n")
    monkeypatch.syspath_prepend(site)
    for model in ("en_nested", str(model_path)):
        annotate(model, str(texts_path), str(tmp_path / model.rpartition("/")[2]))
    assert read_rows(tmp_path / "en_nested") == read_rows(tmp_path / model_path.name)


def test_urls(model_path, texts_path, tmp_path):
    """Any file system that fsspec knows, for input and output."""
    memory = fsspec.filesystem("memory")
    memory.pipe("/in/a.jsonl", texts_path.read_bytes())
    annotate(str(model_path), "memory://in/*.jsonl", "memory://out", docs_per_part=7)
    output = tmp_path / "out"
    annotate(str(model_path), texts_path.as_uri(), output.as_uri(), docs_per_part=7)
    for path in output.glob("part-*"):
        assert memory.cat(f"/out/{path.name}") == path.read_bytes()
    assert len(memory.ls("/out/_done")) == len(list((output / "_done").iterdir())) == 9


def test_user_data_of_docs_is_not_changed(model_path, tmp_path):
    doc = spacy.blank("en")("I like London.")
    doc.user_data.update({"id": 7, "tags": ("a",), ("._.", "x", None, None): 1})
    DocBin(docs=[doc], store_user_data=True).to_disk(tmp_path / "a.spacy")
    for format in ("spacy", "jsonl"):
        output = str(tmp_path / format)
        annotate(str(model_path), str(tmp_path / "a.spacy"), output, format=format)
    [annotated] = (
        DocBin().from_disk(tmp_path / "spacy/part-000000.spacy").get_docs(Vocab())
    )
    assert annotated.user_data == doc.user_data
    [row] = read_rows(tmp_path / "jsonl")
    assert list(row) == ["id", "tags", "text", "spans"]


@pytest.mark.parametrize(
    "name, content, message",
    [
        ("a.csv", b"text\nx", "EGP406.*none of the formats"),
        ("a.jsonl.gz", gzip.compress(b"x" * 1000)[:-9], "EGP407.*a.jsonl.gz"),
        ("a.spacy", b"no DocBin", "EGP407.*a.spacy"),
        ("a.parquet", b"no Parquet", "EGP407.*a.parquet"),
        ("a.jsonl", b"", "EGP405.*no documents"),
    ],
    # The content contains the time, and pytest-xdist needs equal names in each process.
    ids=["csv", "gzip", "spacy", "parquet", "empty"],
)
def test_input_that_cannot_be_read(model_path, tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=message):
        annotate(str(model_path), str(tmp_path / name), str(tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_settings_that_are_not_possible(model_path, texts_path, tmp_path):
    output = str(tmp_path / "out")
    pq.write_table(pa.table({"body": ["x"]}), tmp_path / "a.parquet")
    with pytest.raises(ValueError, match="EGP101.*'xml': choose one of jsonl"):
        annotate(str(model_path), str(texts_path), output, format="xml")
    with pytest.raises(ValueError, match="EGP101.*'spark': choose one of local"):
        annotate(str(model_path), str(texts_path), output, engine="spark")
    with pytest.raises(ValueError, match="EGP401.*--engine ray"):
        annotate(str(model_path), str(texts_path), output, address="auto")
    with pytest.raises(ValueError, match=r"EGP403.*but the keys \['sc'\]"):
        annotate(str(model_path), str(texts_path), output, spans_key="other")
    with pytest.raises(ValueError, match="EGP408.*no column 'text'.*one of body"):
        annotate(str(model_path), str(tmp_path / "a.parquet"), output)
    with pytest.raises(FileNotFoundError, match="EGP404.*no input files"):
        annotate(str(model_path), str(tmp_path / "none.jsonl"), output)
    with pytest.raises(FileNotFoundError, match="EGP402.*no pipeline missing"):
        annotate("missing", str(texts_path), output)


@pytest.mark.parametrize("name", ["out.jsonl", "out.parquet", "out.json", "a.txt.gz"])
def test_output_with_the_name_of_a_file(model_path, texts_path, tmp_path, name):
    with pytest.raises(ValueError, match="EGP439.*such as (out|a)[.]"):
        annotate(str(model_path), str(texts_path), str(tmp_path / name))
    assert not (tmp_path / name).exists()


def test_extras_are_named(model_path, texts_path, tmp_path, monkeypatch):
    package = "spacy_egp.annotation"
    for module in ("parquet", "ray_data"):
        monkeypatch.setitem(sys.modules, f"{package}.{module}", None)
    monkeypatch.delattr(f"{package}.parquet", raising=False)
    monkeypatch.delattr(f"{package}.ray_data", raising=False)
    with pytest.raises(ImportError, match=r"EGP410.*spacy-egp\[parquet\]"):
        annotate(
            str(model_path), str(texts_path), str(tmp_path / "out"), format="parquet"
        )
    with pytest.raises(ImportError, match=r"EGP411.*spacy-egp\[ray\]"):
        annotate(str(model_path), str(texts_path), str(tmp_path / "out"), engine="ray")
