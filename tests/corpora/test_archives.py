"""Archives, some inside each other, and files that belong together."""

import gzip
import io
import json
import zipfile

import pytest
from corpus_files import BANK, CASES, NESTED, TYPES, XMI, read, write

from spacy_egp.corpora import files
from spacy_egp.corpora.convert import ConversionError, check_outputs, convert

TASK = '{"text": "Ann left", "label": [[0, 3, "PER"]]}\n'
BAD_TASK = '{"text": "Bo", "label": [[0, 9, "PER"]]}\n'
LEFT = ("Ann left", ["Ann/PER"])


def zipped(members, compression=zipfile.ZIP_DEFLATED):
    """An archive as bytes; a dict among the members is an archive in it."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, data in members.items():
            archive.writestr(name, zipped(data) if isinstance(data, dict) else data)
    return buffer.getvalue()


def errors(path):
    with pytest.raises(ConversionError) as error:
        convert([path], path.with_name("out.spacy"))
    return [str(bad) for bad in error.value.summary.bad.first]


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_archives_in_archives(compression, tmp_path):
    """As doccano exports a project: an archive of archives, one for each member."""
    members = {
        "ann.zip": {"all.jsonl": TASK},
        "b/bo.zip": {
            "deep.zip": {"deeper.zip": {"all.jsonl.gz": gzip.compress(TASK.encode())}},
            "README.md": "# About",
        },
        "z.jsonl": TASK * 2,
    }
    path = tmp_path / "a.zip"
    path.write_bytes(zipped(members, compression))
    summary = convert([path], tmp_path / "out.spacy", annotated_labels=True)
    assert summary.docs.total() == 4
    assert list(read(tmp_path / "out.spacy")) == [LEFT] * 4
    [left_out] = summary.files.first
    assert left_out.source == f"{path}/b/bo.zip/README.md"


def test_project_of_inception(tmp_path):
    """Each document has a folder with an archive for each person, and with the text
    before annotation."""
    cas = {"TypeSystem.xml": TYPES, "ann.xmi": XMI}
    initial = {"TypeSystem.xml": TYPES, "INITIAL_CAS.xmi": XMI}
    members = {
        "annotation/1.txt/ann.zip": cas,
        "annotation/1.txt/INITIAL_CAS.zip": initial,
        "annotation/2.txt/ann.zip": cas,
        "annotation/3.txt/INITIAL_CAS.tsv": "",
        "annotation_ser/1.txt/ann.ser": b"\xac\xed\x00\x05sr\x00",
        "exportedproject.json": json.dumps({"name": "a", "source_documents": []}),
        "source/1.txt": f"\U0001f600 {BANK}",
        "log/": b"",
    }
    path = tmp_path / "project.zip"
    path.write_bytes(zipped(members))
    summary = convert([path], tmp_path / "out.spacy")
    assert list(read(tmp_path / "out.spacy")) == [(f"\U0001f600 {BANK}", NESTED[1])] * 2
    assert [file.source.rpartition(".zip/")[2] for file in summary.files.first] == [
        "annotation/1.txt/INITIAL_CAS.zip",
        "annotation/3.txt/INITIAL_CAS.tsv",
        "annotation_ser/1.txt/ann.ser",
        "exportedproject.json",
        "source/1.txt",
    ]
    assert "[EGP284]" in summary.files.first[0].reason


def test_errors_name_all_archives(tmp_path):
    path = tmp_path / "a.zip"
    damaged = zipped({"c.jsonl": TASK})[:-30]
    members = {"b.zip": {"c.jsonl": TASK + BAD_TASK}, "d/e.zip": damaged}
    path.write_bytes(zipped(members))
    bad_span, not_zip = errors(path)
    assert bad_span.startswith(f"{path}/b.zip/c.jsonl:2: [EGP214]")
    assert not_zip.startswith(f"{path}/d/e.zip: [EGP211]")


def test_archives_that_are_too_deep(tmp_path):
    members = TASK
    for i in range(files.MAX_ARCHIVES):
        members = {f"{i}.zip" if i else "a.jsonl": members}
    path = tmp_path / "a.zip"
    path.write_bytes(zipped(members))
    assert convert([path], tmp_path / "out.spacy").docs.total() == 1
    path.write_bytes(zipped({"top.zip": members}))
    [error] = errors(path)
    assert error.startswith(f"{path}/top.zip/3.zip/2.zip/1.zip: [EGP211]")
    assert f"[EGP283] Archives are nested more than {files.MAX_ARCHIVES}" in error


def test_bombs_in_archives(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "FREE_BYTES", 1000)
    monkeypatch.setattr(files, "MAX_RATIO", 2)
    path = tmp_path / "a.zip"
    # Each is small compared with its archive, but all of them together are not.
    for members in (
        {"b.zip": {"c.jsonl": TASK * 1000}},
        {"b.zip": {"c.zip": {"d.jsonl": TASK * 1000}}},
        {f"{i}.jsonl": TASK * 10 for i in range(9)},
        {f"{i}.zip": {"c.jsonl": TASK * 10} for i in range(9)},
    ):
        path.write_bytes(zipped(members))
        assert all(
            "[EGP211]" in error and "[EGP234]" in error for error in errors(path)
        )


def test_archives_of_too_many_files(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "MAX_FILES", 20)
    # Signatures across chunks are counted, too.
    monkeypatch.setattr(files, "CHUNK_SIZE", 7)
    path = tmp_path / "a.zip"
    members = {f"{i}.jsonl": TASK for i in range(20)}
    path.write_bytes(zipped({"b.zip": members}))
    assert convert([path], tmp_path / "out.spacy").docs.total() == 20
    path.write_bytes(zipped({"b.zip": members, "c.zip": {"d.jsonl": TASK}}))
    [error] = errors(path)
    assert error.startswith(f"{path}/c.zip: [EGP211]") and "[EGP282]" in error


def test_names_that_lead_elsewhere(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    inner = {"../../x.jsonl": TASK, "/y.jsonl": TASK, "z\\..\\z.jsonl": BAD_TASK}
    (folder / "a.zip").write_bytes(zipped({"../b.zip": inner}))
    [error] = errors(folder / "a.zip")
    assert "z.jsonl:1: [EGP214]" in error
    assert [path.name for path in tmp_path.rglob("*")] == ["in", "a.zip"]


def test_output_over_an_archive_of_archives(tmp_path):
    path = tmp_path / "a.zip"
    path.write_bytes(zipped({"b.zip": {"c.jsonl": TASK}}))
    with pytest.raises(ValueError, match="EGP297"):
        check_outputs([path], [tmp_path])


PARTNERS = [
    case for case in CASES if case.startswith(("brat", "BioNLP", "ACE", "UIMA"))
]


@pytest.mark.parametrize("case", PARTNERS)
def test_partners_that_are_gzipped(case, tmp_path):
    """Each file of a group is gzipped in turn, and all of them, with and without an
    archive around them."""
    members, data, options, docs = CASES[case]
    members = members if isinstance(members, dict) else {members: data}
    members = {
        name: text if isinstance(text, bytes) else text.encode()
        for name, text in members.items()
    }
    expected = [(text, sorted(spans)) for text, spans in docs]
    for n, names in enumerate([*([name] for name in members), list(members)]):
        packed = {
            f"{name}.gz" if name in names else name: gzip.compress(text)
            if name in names
            else text
            for name, text in members.items()
        }
        write(tmp_path / f"{n}", packed, None)
        (tmp_path / f"{n}.zip").write_bytes(zipped(packed))
        for source in (tmp_path / f"{n}", tmp_path / f"{n}.zip"):
            convert([source], tmp_path / "out.spacy", **options)
            assert sorted(read(tmp_path / "out.spacy")) == sorted(expected)
