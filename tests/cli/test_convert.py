import gzip
import io
import json
import tracemalloc
import zipfile
from importlib.metadata import entry_points
from pathlib import Path

import pytest
import spacy
import srsly
from hypothesis import given
from hypothesis import strategies as st
from spacy.cli._util import app as spacy_app
from spacy.tokens import Doc, DocBin
from spacy.training import Corpus
from typer.testing import CliRunner

from spacy_egp.cli import app
from spacy_egp.corpora import json_objects, writer
from spacy_egp.corpora.convert import convert
from spacy_egp.corpora.formats import detect_format, get_formats
from spacy_egp.corpora.iob import read_iob
from spacy_egp.corpora.json_objects import read_values
from spacy_egp.corpora.records import BadRecord, TokenRecord

SHARED_DATA = Path(__file__).parents[3] / "shared" / "data"
NLP = spacy.blank("en")

# Texts with spans that are nested, have the same tokens, or a single token; and none.
SAMPLE = [
    (
        "Ann Lee of the University of York left .",
        {(0, 7, "PER"), (15, 33, "ORG"), (15, 33, "FAC"), (29, 33, "LOC")},
    ),
    ("Nothing happened .", set()),
    ("The IL-2 gene", {(4, 13, "DNA"), (4, 8, "protein")}),
]
# What a format with only one level can say of it.
FLAT = {"PER", "ORG", "DNA"}
FLAT_SAMPLE = [(text, {s for s in spans if s[2] in FLAT}) for text, spans in SAMPLE]


def make_doc(text, spans):
    words = text.split(" ")
    doc = Doc(NLP.vocab, words=words, spaces=[True] * len(words))
    return doc, [doc.char_span(*span[:2], label=span[2]) for span in sorted(spans)]


def make_levels(n_words, spans, scheme="IOB2"):
    """Columns of tags, in which no two spans of a column overlap."""
    columns = []
    for start, end, label in spans:
        tags = [f"B-{label}"] + [f"I-{label}"] * (end - start - 1)
        if scheme == "IOBES":
            tags[-1] = f"{'S' if end - start == 1 else 'E'}-{label}"
        for column in columns:
            if set(column[start:end]) == {"O"}:
                break
        else:
            column = ["O"] * n_words
            columns.append(column)
        column[start:end] = tags
    return columns or [["O"] * n_words]


def format_iob(sample, scheme="IOB2", separator="\t", n_levels=3, index=False):
    lines = []
    for number, (text, spans) in enumerate(sample):
        doc, spans = make_doc(text, spans)
        offsets = [(span.start, span.end, span.label_) for span in spans]
        levels = make_levels(len(doc), offsets, scheme)
        levels += [["O"] * len(doc)] * (n_levels - len(levels))
        rows = zip([token.text for token in doc], *levels, strict=True)
        if index:
            lines.append(f"#\thttp://example.org/{number} [2014-01-01]")
            rows = ((str(i), *row) for i, row in enumerate(rows, 1))
        lines += [separator.join(row) for row in rows]
        lines.append("")
    return "\n".join(lines)


def write_iob(path, sample):
    (path / "a.iob2").write_text(format_iob(sample), "utf8")


def write_iobes(path, sample):
    (path / "a.txt").write_text(format_iob(sample, "IOBES"), "utf8")


def write_iob_with_spaces(path, sample):
    text = format_iob(sample, separator=" ", n_levels=1)
    (path / "train").write_text(text, "utf8")


def write_germeval(path, sample):
    (path / "a.tsv").write_text(format_iob(sample, index=True), "utf8")


def write_prodigy(path, sample):
    keys = ("start", "end", "label")
    tasks = [
        {"text": text, "spans": [dict(zip(keys, s, strict=True)) for s in spans]}
        for text, spans in sample
    ]
    srsly.write_jsonl(path / "a.jsonl", tasks)


def write_doccano(path, sample):
    tasks = [{"text": text, "label": sorted(spans)} for text, spans in sample]
    srsly.write_jsonl(path / "a.jsonl", tasks)


def write_old_doccano(path, sample):
    tasks = [{"text": text, "labels": sorted(spans)} for text, spans in sample]
    srsly.write_jsonl(path / "a.jsonl", tasks)


def write_doccano_with_relations(path, sample):
    keys = ("start_offset", "end_offset", "label")
    tasks = [
        {"text": text, "entities": [dict(zip(keys, s, strict=True)) for s in spans]}
        for text, spans in sample
    ]
    srsly.write_jsonl(path / "a.jsonl", tasks)


def write_cluener(path, sample):
    tasks = []
    for text, spans in sample:
        task = {"text": text, "label": {}}
        for start, end, label in spans:
            texts = task["label"].setdefault(label, {})
            texts.setdefault(text[start:end], []).append([start, end - 1])
        tasks.append(task)
    srsly.write_jsonl(path / "a.json", tasks)


def write_cmeee(path, sample, last=-1):
    tasks = [
        {
            "text": text,
            "entities": [
                {
                    "start_idx": start,
                    "end_idx": end + last,
                    "type": label,
                    "entity": text[start:end],
                }
                for start, end, label in spans
            ],
        }
        for text, spans in sample
    ]
    srsly.write_json(path / "a.json", tasks)


def write_cmeee_with_exclusive_ends(path, sample):
    write_cmeee(path, sample, last=0)


def make_regions(text, spans):
    return [
        {"start": start, "end": end, "text": text[start:end], "labels": [label]}
        for start, end, label in spans
    ]


def write_label_studio(path, sample):
    tasks = []
    for text, spans in sample:
        regions = make_regions(text, spans)
        result = [{"type": "labels", "value": region} for region in regions]
        tasks.append({"data": {"text": text}, "annotations": [{"result": result}]})
    srsly.write_json(path / "a.json", tasks)


def write_label_studio_min(path, sample):
    tasks = [
        {"id": 1, "text": text, "label": make_regions(text, spans)}
        for text, spans in sample
    ]
    srsly.write_json(path / "a.json", tasks)


def write_brat(path, sample):
    (path / "annotation.conf").write_text("[entities]\nPER\n")
    for i, (text, spans) in enumerate(sample):
        (path / f"{i}.txt").write_text(text, "utf8")
        lines = [
            f"T{j}\t{label} {start} {end}\t{text[start:end]}\n"
            for j, (start, end, label) in enumerate(spans)
        ]
        (path / f"{i}.ann").write_text("".join(lines), "utf8")


def write_ents(path, sample):
    doc_bin = DocBin()
    for text, spans in sample:
        doc, doc.ents = make_doc(text, spans)
        doc_bin.add(doc)
    doc_bin.to_disk(path / "a.spacy")


NESTED_FORMATS = {
    write_iob: "iob",
    write_iobes: "iob",
    write_germeval: "iob",
    write_prodigy: "prodigy",
    write_doccano: "doccano",
    write_old_doccano: "doccano",
    write_doccano_with_relations: "doccano",
    write_cluener: "cluener",
    write_cmeee: "cmeee",
    write_cmeee_with_exclusive_ends: "cmeee",
    write_label_studio: "label-studio",
    write_label_studio_min: "label-studio-min",
    write_brat: "brat",
}
FLAT_FORMATS = {write_iob_with_spaces: "iob", write_ents: "spacy"}


def read_docs(path, key="sc"):
    docs = [example.reference for example in Corpus(path)(NLP)]
    return [
        (
            doc.text.strip(),
            {(span.start_char, span.end_char, span.label_) for span in doc.spans[key]},
        )
        for doc in docs
    ]


@pytest.fixture
def corpus(tmp_path):
    """An empty folder for the input."""
    path = tmp_path / "corpus"
    path.mkdir()
    return path


@pytest.fixture
def output(tmp_path):
    return tmp_path / "out" / "corpus.spacy"


def run(*args):
    return CliRunner().invoke(spacy_app, ["egp", "convert", *map(str, args)])


# Formats


@pytest.mark.parametrize("write", NESTED_FORMATS)
def test_nested_spans_round_trip(write, corpus, output):
    write(corpus, SAMPLE)
    summary = convert([corpus], output)
    assert read_docs(output) == SAMPLE
    assert summary.docs.total() == 3
    assert summary.labels == dict.fromkeys(
        ("PER", "ORG", "FAC", "LOC", "DNA", "protein"), 1
    )


@pytest.mark.parametrize("write", FLAT_FORMATS)
def test_flat_spans_round_trip(write, corpus, output):
    write(corpus, FLAT_SAMPLE)
    convert([corpus], output)
    assert read_docs(output) == FLAT_SAMPLE


@pytest.mark.parametrize(("write", "name"), {**NESTED_FORMATS, **FLAT_FORMATS}.items())
def test_format_is_detected_and_can_be_named(write, name, corpus, output):
    write(corpus, FLAT_SAMPLE)
    formats = get_formats()
    assert {detect_format(path, formats) for path in corpus.iterdir()} == {name}
    convert([corpus], output, format=name)
    assert read_docs(output) == FLAT_SAMPLE


def test_detection_looks_past_records_without_spans(corpus, output):
    write_doccano_with_relations(corpus, [("Nothing .", set())] * 20 + SAMPLE)
    convert([corpus], output)
    assert read_docs(output)[20:] == SAMPLE


def test_unknown_formats_are_an_error_with_a_remedy(corpus, output):
    (corpus / "notes.md").write_text("# Notes\n")
    result = run(corpus, output)
    assert result.exit_code == 1
    assert "notes.md" in result.output
    assert "--format" in result.output
    result = run(corpus, output, "--format", "xml")
    assert result.exit_code == 1
    assert "'xml'" in result.output and "doccano" in result.output


words = st.text(st.characters(categories=("L", "N", "S", "P", "Lo")), min_size=1)


@st.composite
def sentences(draw):
    tokens = draw(st.lists(words, min_size=1, max_size=8))
    offsets = st.integers(0, len(tokens))
    spans = st.tuples(offsets, offsets, st.sampled_from(["PER", "B-x", "LOCderiv"]))
    return tokens, draw(st.sets(spans.filter(lambda span: span[0] < span[1]), max_size=6))


@given(st.lists(sentences(), max_size=4), st.sampled_from(["IOB2", "IOBES"]))
def test_any_nesting_survives_iob(sample, scheme):
    blocks = [
        "\n".join(map("\t".join, zip(tokens, *make_levels(len(tokens), spans, scheme), strict=True)))
        for tokens, spans in sample
    ]
    data = "\n\n".join(blocks).encode("utf8")
    records = list(read_iob(Path("a"), io.BytesIO(data)))
    assert [(record.words, set(record.spans)) for record in records] == sample
