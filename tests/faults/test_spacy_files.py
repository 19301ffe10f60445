"""Files of docs that are damaged, bombs or not regular files: every command that reads
them says so, and what it reads can be written."""

import os
import tempfile
import zlib
from pathlib import Path

import pytest
import srsly
from conftest import words_of
from generated import LABELS, damage, patient
from hypothesis import given
from hypothesis import strategies as st
from spacy.tokens import Doc, DocBin, Span
from spacy.vocab import Vocab
from typer.testing import CliRunner

from spacy_egp.annotation.corpus import cut_files, read_part
from spacy_egp.annotation.docbin import DocBinWriter
from spacy_egp.annotation.documents import Record
from spacy_egp.cli import app
from spacy_egp.corpora import files
from spacy_egp.corpora.convert import ConversionError, convert
from spacy_egp.docbins import read_docs

pytestmark = pytest.mark.faults


def make_docs():
    doc = Doc(Vocab(), words=["Ann", "left", "Bonn"], ents=["B-PER", "O", "B-LOC"])
    doc.spans["sc"] = [Span(doc, 0, 1, label="PER"), Span(doc, 0, 3, label="LOC")]
    doc.spans["sc"].attrs["scores"] = [0.5, 1.0]
    doc.user_data["id"] = 7
    return [doc, Doc(doc.vocab, words=[]), doc]


CONTENT = zlib.decompress(DocBin(docs=make_docs(), store_user_data=True).to_bytes())
MESSAGE = srsly.msgpack_loads(CONTENT)


@st.composite
def damaged_files(draw):
    """The content of a .spacy file in which a value or some bytes are changed."""
    if draw(st.booleans()):
        return zlib.compress(srsly.msgpack_dumps(damage(draw, MESSAGE)))
    content = CONTENT if draw(st.booleans()) else zlib.compress(CONTENT)
    for _ in range(draw(st.integers(1, 4))):
        i = draw(st.integers(0, len(content) - 1))
        content = content[:i] + draw(st.binary(max_size=2)) + content[i + 1 :]
    return content if draw(st.booleans()) else zlib.compress(content)


@patient
@given(damaged_files())
def test_any_damage(content):
    with tempfile.TemporaryDirectory() as folder:
        path, output = Path(folder) / "a.spacy", Path(folder) / "b.spacy"
        path.write_bytes(content)
        try:
            for doc in read_docs(path, Vocab()):
                assert all(span.text or span.label_ for span in doc.spans.get("sc", []))
        except ValueError as error:
            assert "EGP103" in str(error) and str(path) in str(error)
        try:
            summary = convert([path], output, source_key="sc", skip_bad=True)
            docs = list(DocBin().from_disk(output).get_docs(Vocab()))
            assert len(docs) == summary.docs.total()
        except ConversionError:
            assert not output.exists()
        try:
            [part] = cut_files([str(path)], 10)
            records = list(read_part(part, "text", Vocab()))
            assert len(records) == part.slice.n_docs
        except ValueError as error:
            # Without docs, there is no part.
            assert "EGP407" in str(error) or "values to unpack" in str(error)
            records = []
        for record in records:
            check_record(record, output)


def check_record(record, output):
    """A doc that is read can be written, or fails by itself."""
    if not isinstance(record.content, Doc):
        return
    with output.open("wb") as file:
        writer = DocBinWriter(file, "text")
        try:
            item = writer.encode(record, record.content)
        except Exception:
            return
        writer.write(item)
        writer.close()
    [doc] = DocBin().from_disk(output).get_docs(Vocab())
    assert doc.text == record.content.text


def test_a_doc_with_an_unknown_string_fails_by_itself(tmp_path):
    """spaCy's DocBin would take half of it."""
    doc = make_docs()[0]
    doc[0].ent_id = 12345
    writer = DocBinWriter((tmp_path / "a.spacy").open("wb"), "text")
    with pytest.raises(KeyError, match="E018"):
        writer.encode(Record("a", doc, {}), doc)
    assert len(writer.doc_bin) == 0


@pytest.fixture
def commands(model_path, corpus_path, tmp_path):
    """Every argument of a command that takes the path of .spacy files."""
    page = tmp_path / "page.html"
    return lambda path: [
        ["check", path, corpus_path],
        ["check", corpus_path, path],
        ["report", model_path, path, page],
        ["report", model_path, corpus_path, page, "--train", path],
        ["threshold", model_path, path],
        ["init-config", tmp_path / "a.cfg", "--train", path],
        ["convert", path, tmp_path / "out.spacy", "--source-key", "sc"],
        ["annotate", model_path, path, tmp_path / "out"],
    ]


def check_errors(commands, path, message):
    for command in commands(path):
        result = CliRunner().invoke(app, [*map(str, command)])
        assert result.exit_code == 1, command
        assert isinstance(result.exception, SystemExit), (command, result.exception)
        assert path.name in words_of(result) and message in words_of(result), command


def test_damaged_file(commands, tmp_path):
    """Its second doc is damaged. In annotate, only this doc fails."""
    groups = [MESSAGE["span_groups"][0], b"damaged"]
    path = tmp_path / "damaged.spacy"
    content = srsly.msgpack_dumps({**MESSAGE, "span_groups": groups})
    path.write_bytes(zlib.compress(content))
    check_errors(commands, path, "doc 2")


def test_bomb(commands, tmp_path, monkeypatch):
    monkeypatch.setattr(files, "FREE_BYTES", 1000)
    path = tmp_path / "bomb.spacy"
    path.write_bytes(zlib.compress(b"\0" * 10**6, 9))
    check_errors(commands, path, "decompresses to more than 200 times")


def test_pipe(commands, tmp_path):
    os.mkfifo(tmp_path / "pipe.spacy")
    check_errors(commands, tmp_path / "pipe.spacy", "EGP")


def test_loops_of_links(tmp_path):
    """spaCy would follow them forever."""
    (tmp_path / "sub").mkdir()
    DocBin(docs=make_docs()).to_disk(tmp_path / "sub" / "a.spacy")
    for name in ("one", "sub/two"):
        (tmp_path / name).symlink_to(tmp_path, target_is_directory=True)
    docs = list(read_docs(tmp_path, Vocab()))
    assert [len(doc) for doc in docs] == [3, 0, 3]
    assert {span.label_ for span in docs[0].spans["sc"]}.isdisjoint(LABELS)
