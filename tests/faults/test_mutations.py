"""Files of every family of formats, changed at random: convert writes docs or says what
is wrong, and nothing else happens."""

import tempfile
from pathlib import Path

import pytest
from generated import patient
from hypothesis import given
from hypothesis import strategies as st
from spacy.tokens import DocBin
from spacy.vocab import Vocab

from spacy_egp.corpora.convert import ConversionError, convert

pytestmark = pytest.mark.faults

SEEDS = {
    "a.iob": "# doc_id = 1\nAnn B-PER\nleft O\n\nBonn B-LOC B-ORG\n",
    "b.tsv": "#FORMAT=WebAnno TSV 3.3\n#T_SP=x.E|value\n\n#Text=Ann left\n"
    "1-1\t0-3\tAnn\tPER[1]|LOC\t\n1-2\t4-8\tleft\t_\t\n",
    "c.conllu": "# global.Entity = eid-etype\n# text = Ann left\n"
    "1\tAnn\tAnn\tX\tX\t_\t0\t_\t_\tEntity=(e1-person)\n"
    "2\tleft\tleft\tX\tX\t_\t0\t_\t_\t_\n",
    "d.txt": "1|t|Ann\n1|a|left Bonn\n1\t0\t3\tAnn\tPER\t-\n1\tCID\tA\tB\n",
    "e.txt": "Ann left Bonn\n0,1 PER|2,3 LOC\n\nAnn left\n\n",
    "f.csv": 'text,label,lead_time\nAnn left,"[{""start"":0,""end"":3,'
    '""labels"":[""PER""]}]",1\n',
    "g.jsonl": '{"text": "Ann left", "label": [[0, 3, "PER"], [4, 8, "X"]]}\n',
    "h.json": '[{"text": "Ann", "spans": [{"start": 0, "end": 3, "label": "PER"}],'
    ' "tokens": [{"text": "Ann", "start": 0, "end": 3, "id": 0, "ws": false}]}]',
    "i.json": '[{"data": {"text": "Ann"}, "annotations": [{"result": [{"type":'
    ' "labels", "value": {"start": 0, "end": 3, "text": "Ann", "labels": ["A"]}}]}]}]',
    "j.jsonl": '{"tokens": ["Ann", "left"], "ner_tags": ["B-PER", "O"]}\n',
    "k.json": '[["Ann left", {"entities": [[0, 3, "PER"]]}]]',
    "l.xml": "<collection><document><id>1</id><passage><offset>0</offset><text>Ann"
    '</text><annotation id="1"><infon key="type">PER</infon><location offset="0" '
    'length="3"/><text>Ann</text></annotation></passage></document></collection>',
    "m.ann": "T1\tPER 0 3\tAnn\nT2\tLOC 0 3;4 8\tAnn left\nA1\tX T1\n",
}
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
def mutated(draw):
    """The name of a file and its content, of which some places are changed."""
    name = draw(st.sampled_from(sorted(SEEDS)))
    data = SEEDS[name].encode() * draw(st.integers(1, 2))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(data)))
        end = draw(st.integers(start, min(len(data), start + 8)))
        data = data[:start] + draw(HOSTILE | st.binary(max_size=3)) + data[end:]
    return name, data


@patient
@given(mutated())
def test_any_change_of_a_file(case):
    name, data = case
    with tempfile.TemporaryDirectory() as folder:
        path, output = Path(folder) / name, Path(folder) / "out.spacy"
        path.write_bytes(data)
        path.with_name("m.txt").write_text("Ann left Bonn")
        try:
            summary = convert([path], output, lang="xx", skip_bad=True)
            docs = list(DocBin().from_disk(output).get_docs(Vocab()))
            assert len(docs) == summary.docs.total()
            spans = [span for doc in docs for span in doc.spans["sc"]]
            assert len(spans) == summary.labels.total()
        except ConversionError as error:
            summary = error.summary
            assert not output.exists()
        assert path.read_bytes() == data
        assert {p.name for p in Path(folder).iterdir()} <= {name, "m.txt", "out.spacy"}
    messages = [str(bad) for bad in summary.bad.first]
    messages += [file.reason for file in summary.files.first]
    # Without the folder of the file, which others choose.
    assert all(len(message) < 2000 for message in messages), max(messages, key=len)
