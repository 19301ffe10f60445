"""Files of every format, in every container, changed at random: convert either writes
docs or says what is wrong."""

import gzip
import io
import tempfile
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from corpus_files import CASES, WORDS
from generated import patient
from hypothesis import given
from hypothesis import strategies as st
from spacy.tokens import DocBin
from spacy.vocab import Vocab

from spacy_egp.corpora.convert import ConversionError, convert

pytestmark = pytest.mark.faults

# What breaks parsers: numbers, nesting, control, surrogates, ends and separators.
HOSTILE = st.sampled_from(
    [
        *(b"NaN", b"1e999", b"-1", b"9" * 30, b"true", b"null", b'"', b"\\ud800"),
        *(b"[" * 2000, b"{}", b"[]", b"<a>", b"&x;", b"]]>", b"\x1b]0;x\x07"),
        *(b"\0", b"\xff", b"\xe2\x80\xae", b"\r", b"\n", b"\n\n", b"\t", b" ", b"|"),
        *(b"\xef\xbb\xbf", b"B-", b"I-", b"#", b"-DOCSTART-", b"'", b"a" * 3000),
    ]
)


@st.composite
def changed(draw, data):
    """Bytes, some of which are changed, removed or doubled."""
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(data)))
        end = draw(st.integers(start, min(len(data), start + 8)))
        there = st.sampled_from([b"", data[start:end] * 2, data[start:], data[:end]])
        data = data[:start] + draw(HOSTILE | st.binary(max_size=3) | there) + data[end:]
    return data


def zipped(files):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return file.getvalue()


CONTAINERS = {
    "none": lambda files: files,
    "gzip": lambda files: {f"{n}.gz": gzip.compress(d) for n, d in files.items()},
    "zip": lambda files: {"a.zip": zipped(files)},
    "zip in zip": lambda files: {"a.zip": zipped({"b.zip": zipped(files)})},
}


@st.composite
def corpora(draw):
    """The options, and files by name, one of which is changed, or its container is."""
    files, data, options, _ = CASES[draw(st.sampled_from(sorted(CASES)))]
    files = {files: data} if isinstance(files, str) else files
    files = {
        name: data if isinstance(data, bytes) else data.encode()
        for name, data in files.items()
    }
    name = draw(st.sampled_from(sorted(files)))
    files[name] = draw(changed(files[name]))
    if draw(st.sampled_from([False] * 9 + [True])):
        files[draw(st.sampled_from(["a.json", "a.tsv", "a.xml"]))] = files.pop(name)
    files = CONTAINERS[draw(st.sampled_from(sorted(CONTAINERS)))](files)
    if draw(st.sampled_from([False] * 3 + [True])):
        name = draw(st.sampled_from(sorted(files)))
        files[name] = draw(changed(files[name]))
    return options, files


def check(files, options):
    """Convert files, read what is written, and count what is there."""
    with tempfile.TemporaryDirectory() as folder:
        corpus, output = Path(folder) / "in", Path(folder) / "out.spacy"
        for name, data in files.items():
            (corpus / name).parent.mkdir(parents=True, exist_ok=True)
            (corpus / name).write_bytes(data)
        try:
            summary = convert([corpus], output, **{**options, "skip_bad": True})
            docs = list(DocBin().from_disk(output).get_docs(Vocab()))
            assert len(docs) == summary.docs.total()
            spans = [span for doc in docs for span in doc.spans["sc"]]
            assert len(spans) == summary.labels.total()
        except ConversionError as error:
            summary = error.summary
            assert not output.exists()
        left = {path for path in Path(folder).rglob("*") if path.is_file()} - {output}
        names = {str(path.relative_to(corpus)): path.read_bytes() for path in left}
        assert names == files
    messages = [str(bad) for bad in summary.bad.first]
    messages += [file.reason for file in summary.files.first]
    # Without the folder of the file, whose name may be long.
    assert all(len(message) < 2000 for message in messages), max(messages, key=len)


@patient
@given(corpora())
def test_any_change_of_a_file(corpus):
    options, files = corpus
    check(files, options)


ROWS = [
    {"tokens": WORDS, "ner_tags": ["B-ORG", "I-ORG", "I-ORG", "O"]},
    {"tokens": WORDS, "ner_tags": [1, 2, 2, 0]},
    {"text": "Ann left", "label": ["PER"]},
    {"text": "Ann left", "entities": [{"start": 0, "end": 3, "label": "PER"}]},
]


@st.composite
def parquet_files(draw):
    """A Parquet file in which some bytes are changed."""
    rows = [draw(st.sampled_from(ROWS))] * draw(st.integers(1, 3))
    file = io.BytesIO()
    pq.write_table(
        pa.Table.from_pylist(rows),
        file,
        compression=draw(st.sampled_from(["none", "snappy", "zstd"])),
        use_dictionary=draw(st.booleans()),
        data_page_version=draw(st.sampled_from(["1.0", "2.0"])),
        row_group_size=draw(st.integers(1, 3)),
    )
    data = file.getvalue()
    for _ in range(draw(st.integers(1, 4))):
        i = draw(st.integers(0, len(data) - 1))
        data = data[:i] + draw(st.binary(min_size=1, max_size=2)) + data[i + 1 :]
    return data


@patient
@given(parquet_files())
def test_any_change_of_parquet(data):
    check({"a.parquet": data}, {"label_names": ["O", "B-ORG", "I-ORG"]})
