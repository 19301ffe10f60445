"""Files that are damaged or made to do harm: an error in bounded time and memory."""

import csv
import gzip
import io
import json
import os
import re
import resource
import struct
import tracemalloc
import zipfile
from datetime import datetime
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import words_of
from spacy.tokens import Doc, DocBin, Span
from spacy.vocab import Vocab
from typer.testing import CliRunner

from spacy_egp.cli import app
from spacy_egp.corpora import elements, files, format, line_blocks, schema, values
from spacy_egp.corpora.convert import ConversionError, convert
from spacy_egp.corpora.format import Options
from spacy_egp.corpora.formats import label_studio_csv
from spacy_egp.corpora.formats.bioc import read_bioc
from spacy_egp.corpora.summary import Fate

GOOD = '{"text": "Ann left", "label": [[0, 3, "PER"]]}\n'
ESCAPE = "\x1b]0;owned\x07"


def errors(path, **options):
    """The errors that the conversion of a file reports."""
    with pytest.raises(ConversionError) as error:
        convert([path], path.with_name("out.spacy"), **options)
    summary = error.value.summary
    return [str(item) for item in summary.bad.first] + [
        f"{item.source}: {item.reason}" for item in summary.files.first
    ]


def peak_of_memory():
    """In bytes, of this process."""
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def zip_of(path, name, data, **options):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, data)


@pytest.mark.parametrize("depth", [1000, 100_000])
@pytest.mark.parametrize("before", ["", "[\n"])
def test_deep_json(depth, before, tmp_path):
    path = tmp_path / "a.json"
    path.write_text(
        before + '{"text": "a", "label": ' + "[" * depth + "]" * depth + "}"
    )
    assert any("EGP21" in e or "EGP22" in e for e in errors(path, format="doccano"))


def test_a_long_line_costs_itself(tmp_path, monkeypatch):
    for module in (files, values):
        monkeypatch.setattr(module, "MAX_RECORD", 100)
    path = tmp_path / "a.jsonl"
    path.write_text(GOOD + json.dumps({"text": "a" * 1000, "label": []}) + "\n" + GOOD)
    summary = convert([path], tmp_path / "out.spacy", skip_bad=True)
    [bad] = summary.bad.first
    assert str(bad).startswith(f"{path}:2: [EGP235]")
    assert summary.docs.total() == 2


GOOD_IOB = "Ann B-PER\nleft O\n\n"
PARTS = {
    "jsonl": GOOD + json.dumps({"text": "Ann", "label": [[0, 3, "A"]] * 9}) + "\n",
    "json": json.dumps([json.loads(GOOD), {"text": "Ann", "label": [[0, 3, "A"]] * 9}]),
    "iob": GOOD_IOB + "Bo B-PER\n" * 30,
    "ann": "T1\tPER 0 3\tAnn\n" * 30,
    "xml": "<collection><document>" + "<passage/>" * 30 + "</document></collection>",
}


@pytest.mark.parametrize("suffix", PARTS)
def test_records_of_too_many_parts(suffix, tmp_path, monkeypatch):
    """Each part takes more memory than it has bytes."""
    for module in (line_blocks, elements, files, values):
        monkeypatch.setattr(module, "MAX_PARTS", 20)
    (tmp_path / "a.txt").write_text("Ann left")
    path = tmp_path / f"a.{suffix}"
    path.write_text(PARTS[suffix])
    options = {"format": "bioc"} if suffix == "xml" else {}
    [error] = errors(path, **options)
    assert "[EGP293] A record of more than 20 lines, elements or items" in error


def test_a_record_of_nothing_but_errors(tmp_path, monkeypatch):
    monkeypatch.setattr(schema, "MAX_ERRORS", 10)
    path = tmp_path / "a.jsonl"
    path.write_text(GOOD + json.dumps({"text": "Ann", "label": [0] * 20}) + "\n")
    [error] = errors(path)
    assert error.startswith(f"{path}:2: [EGP294] 20 values in one record do not fit")


def test_tags_without_number(tmp_path):
    path = tmp_path / "a.iob"
    path.write_text(GOOD_IOB + "Bo" + " B-PER" * 200 + "\n")
    [error] = errors(path)
    assert error.startswith(f"{path}:4: [EGP295] 200 tags on one token")


def test_long_lines_by_which_the_layout_is_told(monkeypatch):
    monkeypatch.setattr(line_blocks, "MAX_RECORD", 100)
    lines = [(number, b"a" * 60) for number in range(1, 10)]
    texts, all_lines = line_blocks.read_head(iter(lines), 1000)
    assert texts == ["a" * 60] * 2
    assert list(all_lines) == lines


def test_many_spans_of_the_whole_text(tmp_path):
    """The list of spans does not grow with their length."""
    text = " " + "a " * 25_000
    spans = [
        {"start": 0, "end": 50_000, "label": "X" * 1000},
        {"start": 0, "end": 50_000, "label": "X", "text": "b" * 1000},
    ]
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps({"text": text, "spans": spans * 2000}))
    options = {"tokenizer": "whitespace", "skip_bad": True}
    tracemalloc.start()
    summary = convert([path], tmp_path / "out.spacy", **options)
    assert tracemalloc.get_traced_memory()[1] < 2**26
    tracemalloc.stop()
    assert summary.bad.count == 2000
    assert max(len(str(error)) for error in summary.bad.first) < 1000
    assert summary.fates[Fate.DUPLICATE].count == 1999
    for fate in (Fate.DUPLICATE, Fate.TRIMMED):
        assert {len(span.text) for span in summary.fates[fate].first} == {200}
        assert {len(span.label) for span in summary.fates[fate].first} == {200}


def test_a_text_of_many_lines_in_brat(tmp_path):
    """The rest of a span's text is read once, not again with every line."""
    (tmp_path / "a.txt").write_text("a\n" * 10_000)
    annotation = "T1\tX 0 19999\ta\n" + "a\n" * 9_999 + "T2\tX 0 3\ta\n\na\nb\n"
    (tmp_path / "a.ann").write_text(annotation)
    summary = convert([tmp_path], tmp_path / "out.spacy", tokenizer="whitespace")
    assert summary.labels == {"X": 2} and summary.longest_tokens == 19_999
    assert summary.other == {"lines without a tab": 1}


def test_what_is_named_twice_is_read_once(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    path = folder / "a.jsonl"
    path.write_text(GOOD)
    zip_of(folder / "b.zip", "b.jsonl", GOOD)
    for paths in ([folder, folder], [path, folder], [folder, path, folder / "b.zip"]):
        summary = convert(paths, tmp_path / "out.spacy", annotated_labels=True)
        assert summary.docs.total() == 2


NUMBERS = ["NaN", "Infinity", "1e400", "1.5", "true", "null", '"x"', "-1", "9" * 4000]
SPANS = {
    "doccano": '{"text": "Ann left", "label": [[0, 3, "A"], [%s, 8, "A"]]}',
    "prodigy": '{"text": "Ann", "spans": [{"start": 0, "end": %s, "label": "A"}]}',
    "cluener": '{"text": "Ann", "label": {"PER": {"Ann": [[0, %s]]}}}',
    "cmeee": '{"text": "Ann", "entities": [{"start_idx": %s, "end_idx": 2,'
    ' "entity": "Ann", "type": "A"}]}',
    "spert": '{"tokens": ["Ann"], "entities": [{"start": %s, "end": 1, "type": "A"}]}',
    "w2ner": '{"sentence": ["a", "b"], "ner": [{"index": [0, %s], "type": "A"}]}',
    "gliner": '{"tokenized_text": ["a"], "ner": [[%s, 0, "A"]]}',
    "dygie": '{"sentences": [["a", "b"]], "ner": [[[0, %s, "A"]]]}',
    "biaffine": '{"doc_key": "a", "sentences": [["a", "b"]], "ners": [[[0, %s, "A"]]]}',
    "huggingface": '{"tokens": ["a", "b"], "ner_tags": [0, %s]}',
}


@pytest.mark.parametrize("name", SPANS)
def test_numbers_that_are_no_offsets(name, tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text("".join(SPANS[name] % number + "\n" for number in NUMBERS))
    options = {"format": name, "label_names": ["O", "B-PER"]}
    found = errors(path, **options)
    assert name == "huggingface" or any("EGP298" in error for error in found)
    lines = [error.split(": ")[0] for error in found]
    numbers = [number for number, value in enumerate(NUMBERS, 1) if value != '"x"']
    assert [line for line in lines if not line.endswith(":7")] == [
        f"{path}:{number}" for number in numbers
    ]


@pytest.mark.parametrize("suffix", ["jsonl", "json", "csv"])
def test_keys_that_are_there_twice(suffix, tmp_path):
    """Python would take the last one, and silently lose the spans of the first."""
    path = tmp_path / f"a.{suffix}"
    task = '{"text": "Ann left", "label": [[0, 3, "PER"]], "label": []}'
    cell = '[{""start"":0,""end"":3,""end"":2,""labels"":[""A""]}]'
    texts = {"jsonl": GOOD + task, "json": f"[{GOOD},\n{task}]"}
    texts["csv"] = f'text,label,lead_time\nAnn,"{cell}",1\n'
    path.write_text(texts[suffix])
    [error] = errors(path)
    assert "[EGP296] The key" in error and "occurs twice" in error


def test_outputs_over_inputs(tmp_path):
    doc = Doc(Vocab(), words=["Ann", "left"], ents=["B-PER", "O"])
    path, link = tmp_path / "a.spacy", tmp_path / "link.spacy"
    DocBin(docs=[doc] * 9).to_disk(path)
    link.symlink_to(path)
    zip_of(tmp_path / "z.zip", "a.jsonl", GOOD)
    (tmp_path / "a-dev.spacy").write_bytes(path.read_bytes())
    (tmp_path / "a.json").write_text(f"[{GOOD}]")
    before = {file: file.read_bytes() for file in tmp_path.iterdir()}
    out, new = str(tmp_path / "out.spacy"), str(tmp_path / "new.spacy")
    for args in (
        [str(path), str(path)],
        [str(tmp_path), str(path)],
        [str(link), str(path)],
        [str(path), str(link)],
        [str(tmp_path / "z.zip"), str(tmp_path / "z.zip")],
        [str(tmp_path / "a-dev.spacy"), str(path), "--split", "0.5,0.5"],
        [str(tmp_path / "a.json"), new, "--json", str(tmp_path / "a.json")],
        [str(path), out, "--json", str(path)],
        [str(path), out, "--json", out],
    ):
        result = CliRunner().invoke(app, ["convert", *args])
        assert result.exit_code == 1
        assert re.search("EGP297|EGP309", words_of(result))
        assert {file: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_names_that_are_no_unicode(tmp_path):
    folder = os.fsencode(tmp_path) + b"/in"
    os.mkdir(folder)
    with open(folder + b"/a\xff.jsonl", "w") as file:
        file.write(GOOD + "{\n" + GOOD)
    json_path, output = tmp_path / "a.json", tmp_path / "out.spacy"
    args = ["convert", str(tmp_path / "in"), str(output), "--skip-bad", "--json"]
    result = CliRunner().invoke(app, [*args, str(json_path)])
    assert result.exit_code == 0, result.output
    [bad] = json.loads(json_path.read_text("utf8"))["bad"]["items"]
    assert bad["source"].endswith(".jsonl:2")


def test_a_long_item_of_an_array(tmp_path, monkeypatch):
    monkeypatch.setattr(values, "MAX_RECORD", 100)
    monkeypatch.setattr(values, "CHUNK_SIZE", 10)
    path = tmp_path / "a.json"
    path.write_text(f"[{GOOD}, {json.dumps({'text': 'a' * 1000, 'label': []})}]")
    [error] = errors(path, format="doccano")
    assert error.startswith(f"{path}:2: [EGP218]")


def test_texts_longer_than_spacy_takes(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps({"text": "a " * 600_000, "label": [[0, 1, "X"]]}))
    [error] = errors(path)
    assert "[EGP238] The text of 1200000 characters" in error


def test_a_cell_that_never_ends(tmp_path, monkeypatch):
    monkeypatch.setattr(label_studio_csv, "MAX_RECORD", 100)
    path = tmp_path / "a.csv"
    path.write_text(f'text,label,lead_time\n"{"a" * 200},x,1\n')
    limit = csv.field_size_limit()
    [error] = errors(path)
    assert error.startswith(f"{path}:2: [EGP251] Not CSV from here on")
    # The limit of the process stays.
    assert csv.field_size_limit() == limit


@pytest.mark.parametrize("suffix", [".gz", ".zip"])
def test_bombs(suffix, tmp_path, monkeypatch):
    monkeypatch.setattr(files, "FREE_BYTES", 1000)
    monkeypatch.setattr(files, "MAX_RATIO", 2)
    data = (GOOD * 10_000).encode()
    path = tmp_path / f"a.jsonl{suffix}"
    if suffix == ".gz":
        path.write_bytes(gzip.compress(data))
    else:
        zip_of(path, "a.jsonl", data)
    [error] = errors(path)
    assert "[EGP211]" in error and "[EGP234]" in error


def test_a_docbin_that_is_a_bomb(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "FREE_BYTES", 1)
    monkeypatch.setattr(files, "MAX_RATIO", 1)
    path = tmp_path / "a.spacy"
    DocBin(docs=[Doc(Vocab(), words=["a"] * 1000)]).to_disk(path)
    [error] = errors(path)
    assert "[EGP221]" in error and "[EGP234]" in error


def test_damaged_docbins(tmp_path):
    doc = Doc(Vocab(), words=["Ann", "left"], ents=["B-PER", "O"])
    data = DocBin(docs=[doc]).to_bytes()
    path = tmp_path / "a.spacy"
    for i in range(0, len(data), 5):
        path.write_bytes(data[:i] + bytes([data[i] ^ 0xFF]) + data[i + 1 :])
        [error] = errors(path)
        assert "[EGP221]" in error


def test_spans_of_docs_without_a_label(tmp_path):
    doc = Doc(Vocab(), words=["Ann", "left"])
    doc.spans["x"] = [Span(doc, 0, 1, label="PER"), Span(doc, 1, 2)]
    path = tmp_path / "a.spacy"
    DocBin(docs=[doc]).to_disk(path)
    [error] = errors(path, source_key="x")
    assert "[EGP237]" in error


def test_damaged_parquet(tmp_path):
    path = tmp_path / "a.parquet"
    path.write_bytes(b"PAR1" + b"\0" * 100 + b"PAR1")
    [error] = errors(path)
    assert "[EGP236]" in error


def repeated(value, n):
    """A column with a value that is once in the file, and repeated any number of
    times."""
    return pa.DictionaryArray.from_arrays(pa.array([0] * n, "int32"), [value])


def lists(items, n_lists):
    """A column of lists of equal lengths."""
    offsets = range(0, len(items) + 1, len(items) // n_lists)
    return pa.ListArray.from_arrays(pa.array(offsets, "int32"), items)


PARQUET_BOMBS = {
    "a text that is repeated": (
        {"text": repeated("a" * 2**20, 1000), "label": repeated("A", 1000)},
        "EGP104",
    ),
    "a token that is repeated": (
        {"tokens": lists(repeated("a" * 2**20, 64_000), 64)},
        "EGP104",
    ),
    "tokens in a structure": (
        {"x": pa.StructArray.from_arrays(
            [lists(repeated("a" * 2**20, 64_000), 64)], ["tokens"])},
        "EGP104",
    ),
    "numbers in one row": ({"tags": lists(pa.nulls(2**20, "int8"), 1)}, "EGP235"),
    "numbers in many rows": (
        {"tags": lists(pa.nulls(2**23, "int8"), 2**10)},
        "EGP104",
    ),
    "numbers in a row of a row group": (
        {"tags": lists(pa.nulls(2**26 + 1, "int8"), 1)},
        "EGP105",
    ),
    "a dictionary": ({"text": repeated("a" * 2**27, 1)}, "EGP104"),
}  # fmt: skip


@pytest.mark.parametrize("bomb", PARQUET_BOMBS)
def test_parquet_bombs(bomb, tmp_path):
    columns, code = PARQUET_BOMBS[bomb]
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table(columns), path, compression="zstd")
    assert path.stat().st_size < 50_000
    before = peak_of_memory()
    found = errors(path, format="huggingface")
    assert peak_of_memory() - before < 2**30
    assert any(code in error for error in found)


COLUMNS = {
    "map": ([[("a", "b"), ("c", None)], None], pa.map_(pa.string(), pa.string())),
    "map of lists": ([[("a", [1])], []], pa.map_(pa.string(), pa.list_(pa.int8()))),
    "list of fixed size": ([[1, 2], None], pa.list_(pa.int8(), 2)),
    "large list": ([["a"], None], pa.large_list(pa.large_string())),
    "structure": ([{"a": None}, None], pa.struct({"a": pa.list_(pa.binary())})),
    "category": (["a", None], pa.dictionary(pa.int8(), pa.string())),
    "category of numbers": ([1, None], pa.dictionary(pa.int8(), pa.int64())),
    "decimal": ([Decimal("1.5"), None], pa.decimal128(38, 2)),
    "time": ([datetime(2026, 1, 1), None], pa.timestamp("us", "UTC")),
    "duration": ([1, None], pa.duration("s")),
    "half": ([np.float16(1.5), None], pa.float16()),
    "fixed bytes": ([b"ab", None], pa.binary(2)),
    "view": (["a", None], pa.string_view()),
    "nothing": ([None, None], pa.null()),
}


@pytest.mark.parametrize("name", COLUMNS)
def test_other_columns_of_parquet(name, tmp_path):
    tags = {"tokens": [["Ann", "left"]] * 2, "ner_tags": [["B-PER", "O"]] * 2}
    table = pa.table({**tags, "other": pa.array(*COLUMNS[name])})
    path = tmp_path / "a.parquet"
    try:
        pq.write_table(table, path)
        pq.read_table(path)
    except pa.ArrowException as error:
        pytest.skip(f"pyarrow {pa.__version__} cannot have such a column: {error}")
    assert convert([path], tmp_path / "out.spacy").labels == {"PER": 2}


VALUES = {
    "a date": pa.array([2**31 - 1, 1], pa.date32()),
    "a time": pa.array([2**62, 1], pa.timestamp("us")),
    "a text": pa.array([b"\xff", b"a"]).view(pa.string()),
}


@pytest.mark.parametrize("name", VALUES)
def test_values_of_parquet_that_cannot_be_read(name, tmp_path):
    """Only their row is lost."""
    tags = {"tokens": [["Ann", "left"]] * 2, "ner_tags": [["B-PER", "O"]] * 2}
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({**tags, "other": VALUES[name]}), path)
    summary = convert([path], tmp_path / "out.spacy", skip_bad=True)
    assert summary.labels == {"PER": 1}
    [bad] = summary.bad.first
    assert str(bad).startswith(f"{path}:1: [EGP106]")


def test_compressed_parquet(tmp_path):
    rows = [{"tokens": ["Ann", "left"], "ner_tags": [1, 0]}] * 100
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), buffer)
    path = tmp_path / "a.parquet.gz"
    path.write_bytes(gzip.compress(buffer.getvalue()))
    options = {"label_names": ["O", "B-PER"]}
    assert convert([path], tmp_path / "out.spacy", **options).docs.total() == 100


def test_values_by_which_the_format_is_told(tmp_path, monkeypatch):
    """They are in memory together, however large each of them is."""
    monkeypatch.setattr(format, "MAX_PARTS", 50_000)
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps({"text": "a" * 2**20, "label": []}) + "\n")
    path.write_text(path.read_text() * 10)
    assert len(format.Sample(path).values) == 2


def test_parquet(tmp_path):
    rows = [{"tokens": ["Ann", "left"], "ner_tags": [1, 0]}] * 100
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), buffer)
    zip_of(tmp_path / "a.zip", "a.parquet", buffer.getvalue())
    (tmp_path / "a.parquet").write_bytes(buffer.getvalue())
    names = ["O", "B-PER"]
    for name in ("a.parquet", "a.zip"):
        summary = convert([tmp_path / name], tmp_path / "out.spacy", label_names=names)
        assert summary.labels == {"PER": 100}


def set_flags(path, flags, method):
    """Change what the headers of a zip archive say about its only member."""
    data = bytearray(path.read_bytes())
    central = data.rindex(b"PK\x01\x02")
    for position in (6, central + 8):
        struct.pack_into("<HH", data, position, flags, method)
    path.write_bytes(data)


@pytest.mark.parametrize(("flags", "method"), [(1, 8), (0, 9)])
def test_archives_that_cannot_be_read(flags, method, tmp_path):
    """Encrypted, or compressed in a way that Python does not know."""
    path = tmp_path / "a.zip"
    zip_of(path, "a.jsonl", GOOD)
    set_flags(path, flags, method)
    [error] = errors(path)
    assert "a.jsonl: [EGP211]" in error


def test_offsets_of_many_digits(tmp_path):
    (tmp_path / "a.txt").write_text("Ann left")
    (tmp_path / "a.ann").write_text(f"T1\tPER 0 {'9' * 5000}\tAnn\n")
    [error] = errors(tmp_path / "a.ann")
    assert "[EGP228]" in error and len(error) < 500


def test_loops_of_links_and_pipes(tmp_path):
    folder = tmp_path / "in"
    (folder / "sub").mkdir(parents=True)
    (folder / "a.jsonl").write_text(GOOD)
    for name in ("one", "sub/two"):
        (folder / name).symlink_to(folder, target_is_directory=True)
    os.mkfifo(folder / "pipe.jsonl")
    summary = convert([folder], tmp_path / "out.spacy")
    assert summary.docs.total() == 1
    assert [file.reason[:8] for file in summary.files.first] == ["[EGP233]"]


def test_json_with_words_like_tags_is_no_iob(tmp_path):
    task = {"text": "On the I-95 by S-Bahn", "label": [[7, 11, "ROAD"]]}
    path = tmp_path / "a.jsonl"
    path.write_text(f"{json.dumps(task)}\n" * 3)
    (tmp_path / "b.txt").write_text("We went by S-Bahn\n")
    summary = convert([tmp_path], tmp_path / "out.spacy")
    assert summary.labels == {"ROAD": 3}
    assert [file.source for file in summary.files.first] == [str(tmp_path / "b.txt")]


def test_no_escape_reaches_the_terminal(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    label = f"PER{ESCAPE}\u202e"
    tasks = [
        {"text": f"Ann{ESCAPE} left", "label": [[0, 3, label], [1, 2, label]]},
        {"text": "Bo", "label": [[0, 9, label]]},
    ]
    name = f"a{ESCAPE}.jsonl"
    zip_of(folder / f"z{ESCAPE}.zip", name, "\n".join(map(json.dumps, tasks)))
    result = {"type": ESCAPE, "value": {}}
    task = {"data": {"text": "Ann"}, "annotations": [{"result": [result]}]}
    (folder / name).write_text(json.dumps(task))
    (folder / f"README{ESCAPE}").write_text("# About")
    for option in ("--skip-bad", "--format=iob", f"--format={ESCAPE}"):
        args = ["convert", str(folder), str(tmp_path / "out.spacy"), option]
        outcome = CliRunner().invoke(app, args)
        assert not {"\x1b]", "\x07", "\u202e"} & set(outcome.output)
        assert "\x1b]" not in outcome.output
        assert r"\x1b" in words_of(outcome)


XML = '<?xml version="1.0"?>{}<collection><document><passage>{}'
ENTITIES = "".join(
    f'<!ENTITY e{i} "{f"&e{i - 1};" * 10 if i else "a" * 1000}">' for i in range(12)
)


@pytest.mark.parametrize(
    ("head", "body", "problem"),
    [
        ("", "<infon>" * 100_000, "EGP291"),
        ("", f'<infon key="{"a" * 3000}', "more than 2000 bytes: divide"),
        ("", "<infon>a</infon>" * 300, "more than 2000 bytes: divide"),
        (f"<!DOCTYPE collection [{ENTITIES}]>", "&e11;", "amplification"),
        (
            '<!DOCTYPE collection [<!ENTITY e SYSTEM "file:///etc/passwd">]>',
            "<text>&e;</text>",
            "EGP290",
        ),
    ],
)
def test_xml(head, body, problem, tmp_path, monkeypatch):
    if "2000" in problem:
        monkeypatch.setattr(elements, "MAX_RECORD", 2000)
        monkeypatch.setattr(elements, "CHUNK_SIZE", 100)
    path = tmp_path / "a.xml"
    path.write_text(XML.format(head, body))
    [error] = errors(path, format="bioc")
    assert error.startswith(f"{path}:") and problem in error


@pytest.mark.parametrize("encoding", ["NaN", "hex", "idna", "utf-7", "x" * 3000])
def test_encodings_that_xml_cannot_have(encoding, tmp_path):
    path = tmp_path / "a.xml"
    path.write_text(XML.format("", "").replace("?>", f' encoding="{encoding}"?>', 1))
    [error] = errors(path, format="bioc")
    assert error.startswith(f"{path}:1: [EGP290]") and len(error) < 400


def test_memory_does_not_grow_with_an_xml_file(tmp_path):
    document = (
        "<document><passage><offset>0</offset><text>Ann left</text><annotation>"
        '<infon key="type">PER</infon><location offset="0" length="3"/></annotation>'
        f"{'<infon>a</infon>' * 100}</passage></document>\n"
    )
    peaks = []
    for n_documents in (100, 400):
        path = tmp_path / f"{n_documents}.xml"
        path.write_text(f"<collection>{document * n_documents}</collection>")
        tracemalloc.start()
        with path.open("rb") as file:
            assert sum(1 for _ in read_bioc(path, file, Options())) == n_documents
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.2 * peaks[0]
