import gzip
import io
import json
import re
import tracemalloc
import zipfile
from importlib.metadata import entry_points
from pathlib import Path

import pytest
import spacy
import srsly
from conftest import words_of
from generated import patient
from hypothesis import given
from hypothesis import strategies as st
from spacy.cli._util import app as spacy_app
from spacy.tokens import Doc, DocBin
from spacy.training import Corpus
from typer.testing import CliRunner

from spacy_egp.cli import app
from spacy_egp.corpora import values, writer
from spacy_egp.corpora.convert import convert
from spacy_egp.corpora.format import Options
from spacy_egp.corpora.formats.iob import read_iob
from spacy_egp.corpora.reader import detect_format
from spacy_egp.corpora.records import TokenRecord
from spacy_egp.corpora.summary import Fate
from spacy_egp.corpora.values import read_json

SHARED_DATA = Path(__file__).parents[3] / "shared" / "data"
NLP = spacy.blank("en")
PATH, NONE = Path("a"), Options()

# Texts with spans that are nested, have the same tokens, or a single token; and none.
SAMPLE = [
    (
        "Ann Lee of the University of York left .",
        {(0, 7, "PER"), (15, 33, "ORG"), (15, 33, "FAC"), (29, 33, "LOC")},
    ),
    ("Nothing happened .", set()),
    ("The IL-2 gene", {(4, 13, "DNA"), (4, 8, "protein")}),
]
SPAN = {"start": 0, "end": 3, "label": "PER"}
# The part of it that a format with only one level can hold.
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


def format_iob(sample, scheme="IOB2", separator="\t", n_levels=2, index=False):
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
    (path / "a.json").write_text(json.dumps(tasks), "utf8")


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


def make_ents(sample):
    for text, spans in sample:
        doc, doc.ents = make_doc(text, spans)
        yield doc


def write_ents(path, sample):
    DocBin(docs=make_ents(sample)).to_disk(path / "a.spacy")


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
    assert {detect_format(path).name for path in corpus.iterdir()} == {name}
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
    assert "notes.md: [EGP210]" in words_of(result)
    assert "--format" in result.output
    result = run(corpus, output, "--format", "xml")
    assert result.exit_code == 1
    assert "[EGP101] Unknown format 'xml'" in words_of(result)
    assert "doccano" in result.output


words = st.text(st.characters(categories=("L", "N", "S", "P", "Zs")), min_size=1)


@st.composite
def sentences(draw):
    tokens = draw(st.lists(words, min_size=1, max_size=8))
    offsets = st.integers(0, len(tokens))
    spans = st.tuples(offsets, offsets, st.sampled_from(["PER", "B-x", "LOCderiv"]))
    return tokens, draw(
        st.sets(spans.filter(lambda span: span[0] < span[1]), max_size=6)
    )


@patient
@given(st.lists(sentences(), max_size=4), st.sampled_from(["IOB2", "IOBES"]))
def test_any_nesting_survives_iob(sample, scheme):
    blocks = []
    for tokens, spans in sample:
        levels = make_levels(len(tokens), spans, scheme)
        rows = zip(tokens, *levels, strict=True)
        blocks.append("\n".join("\t".join(row) for row in rows))
    data = "\n\n".join(blocks).encode("utf8")
    file = io.BufferedReader(io.BytesIO(data))
    entries = read_iob(PATH, file, NONE)
    records = [entry for entry in entries if isinstance(entry, TokenRecord)]
    assert [(r.words, {s[:3] for s in r.spans}) for r in records] == sample


def test_iob_spans_may_begin_with_i(corpus, output):
    (corpus / "a.iob").write_text("York I-LOC\nLee I-PER\nAnn I-PER\nBo B-PER\n")
    convert([corpus], output)
    spans = {(0, 4, "LOC"), (5, 12, "PER"), (13, 15, "PER")}
    assert read_docs(output) == [("York Lee Ann Bo", spans)]


def test_number_signs_can_be_tokens_and_comments(corpus, output):
    (corpus / "a.iob").write_text("# origin\n#\tO\tO\n1\tB-NUM\tO\n")
    convert([corpus], output)
    assert read_docs(output) == [("# 1", {(2, 3, "NUM")})]


def test_chinese_is_split_into_characters(corpus, output):
    (corpus / "a.txt").write_text("\u3000 O\n北 B-LOC\n京 I-LOC\n", "utf8")
    write_cluener(corpus, [("去北京大学 A", {(1, 3, "LOC"), (1, 5, "ORG")})])
    convert([corpus], output, lang="zh")
    docs = [example.reference for example in Corpus(output)(spacy.blank("zh"))]
    assert [token.text for token in docs[0]] == list("去北京大学A")
    spans = {(span.text, span.label_) for span in docs[0].spans["sc"]}
    assert spans == {("北京", "LOC"), ("北京大学", "ORG")}
    assert docs[1].text == "\u3000北京"


def test_tokens_of_prodigy_are_kept(corpus, output):
    task = {
        "text": "IL-2  gene",
        "tokens": [
            {"text": text, "id": i} for i, text in enumerate(["IL", "-2", "gene"])
        ],
        "spans": [{"start": 0, "end": 2, "label": "A"}],
    }
    srsly.write_jsonl(corpus / "a.jsonl", [task])
    summary = convert([corpus], output)
    assert read_docs(output) == [("IL-2  gene", {(0, 2, "A")})]
    assert summary.fates[Fate.MISFIT].count == 0


def test_other_keys_of_spacy_files(corpus, output):
    doc, doc.spans["mine"] = make_doc(*SAMPLE[0])
    doc.user_data["title"] = "Kept"
    doc[0].tag_ = "NNP"
    unannotated, _ = make_doc(*SAMPLE[1])
    DocBin(docs=[doc, unannotated], store_user_data=True).to_disk(corpus / "a.spacy")
    result = run(corpus, output, "--source-key", "mine", "--spans-key", "yours")
    assert "1 text(s) left out" in result.output and "'mine'" in result.output
    assert read_docs(output, "yours") == SAMPLE[:1]
    [doc] = DocBin().from_disk(output).get_docs(NLP.vocab)
    assert doc.user_data["title"] == "Kept" and doc[0].tag_ == "NNP"


def test_spans_of_spacy_files_are_not_overwritten(corpus, output):
    doc, doc.spans["sc"] = make_doc(*SAMPLE[0])
    doc.ents = []
    DocBin(docs=[doc]).to_disk(corpus / "a.spacy")
    result = run(corpus, output)
    assert result.exit_code == 1
    assert "[EGP203]" in result.output
    assert "--source-key sc" in result.output
    convert([corpus], output, source_key="sc")
    assert read_docs(output) == SAMPLE[:1]


def test_brat_spans_across_lines_and_in_pieces(corpus, output):
    (corpus / "a.txt").write_bytes(b"North\r\nAmerica and the north of Asia")
    (corpus / "a.ann").write_text(
        "T1\tLOC 0 5;7 14\tNorth America\n"
        "T2\tLOC 23 28;32 36\tnorth Asia\n"
        "R1\tPartOf Arg1:T2 Arg2:T1\n"
        "#1\tAnnotatorNotes T1\tsure\n"
    )
    (corpus / "b.txt").write_text("Not annotated.")
    (corpus / "c.jpg").write_text("No file of brat.")
    result = run(corpus, output, "--format", "brat")
    [(text, spans)] = read_docs(output)
    assert text[7:14] == "America"
    assert spans == {(0, 14, "LOC")}
    assert "1 span(s) left out that are discontinuous" in result.output
    assert re.search(r"a.ann:2 +LOC +'north Asia'", result.output)
    assert "c.jpg: [EGP226]" in words_of(result)
    assert "1 annotation(s) left out that are not spans: relations" in result.output
    assert "1 annotation(s) left out that are not spans: notes" in result.output
    assert (
        "1 text(s) left out that are not annotated: there is no .ann" in result.output
    )


def test_label_studio_counts_what_it_does_not_convert(corpus, output):
    regions = make_regions("Ann left", [(0, 3, "PER")])
    annotation = {
        "result": [
            {"type": "labels", "value": regions[0]},
            {"type": "labels", "value": {"start": 4, "end": 8}},
            {"type": "choices", "value": {"choices": ["good"]}},
        ]
    }
    cancelled = {"result": [], "was_cancelled": True}
    truth = {"result": annotation["result"][:1], "ground_truth": True}
    tasks = [
        {"data": {"sentence": "Ann left"}, "annotations": [cancelled, annotation]},
        {"data": {"sentence": "Ann left"}, "annotations": [annotation, truth]},
        {"data": {"sentence": "Ann left"}, "annotations": [cancelled]},
    ]
    srsly.write_json(corpus / "a.json", tasks)
    summary = convert([corpus], output)
    assert read_docs(output) == [("Ann left", {(0, 3, "PER")})] * 2
    assert summary.unannotated.total() == 1
    assert summary.other == {
        "regions without a label": 1,
        "choices": 1,
        "annotations by others": 1,
    }


def test_rejected_and_missing_annotation_is_not_converted(corpus, output):
    tasks = [
        {"text": "Ann", "spans": [SPAN], "answer": "accept"},
        {"text": "Bo", "spans": [], "answer": "reject"},
        {"text": "Cy"},
    ]
    srsly.write_jsonl(corpus / "a.jsonl", tasks)
    summary = convert([corpus], output)
    assert read_docs(output) == [("Ann", {(0, 3, "PER")})]
    assert summary.unannotated.total() == 2


def test_docs_without_annotation_are_not_converted(corpus, output):
    """They are not the same as docs without entities."""
    docs = [NLP("Ann"), *make_ents([("Bo", {(0, 2, "PER")})])]
    DocBin(docs=docs).to_disk(corpus / "a.spacy")
    srsly.write_jsonl(corpus / "b.jsonl", [{"text": "Cy", "label": []}, {"text": "Di"}])
    summary = convert([corpus], output)
    assert read_docs(output) == [("Bo", {(0, 2, "PER")}), ("Cy", set())]
    assert summary.unannotated == {"doc.ents is not set": 1, "there is no label": 1}


def test_a_corpus_without_spans_is_an_error(corpus, output):
    write_doccano(corpus, [("Nothing .", set())])
    result = run(corpus, output)
    assert result.exit_code == 1
    assert "[EGP264] None of the 1 docs has a span" in words_of(result)
    assert not output.exists()


# Summary


def test_summary(corpus, output):
    crossing = ("a b c d", {(0, 3, "X"), (2, 5, "Y"), (6, 7, "Z")})
    write_prodigy(corpus, [*SAMPLE, crossing])
    result = run(corpus, output)
    assert result.exit_code == 0
    rows = dict(re.findall(r"^(\S+(?: \S+)*) {2,}(.*?) *$", result.output, re.M))
    assert rows["Docs"] == "4"
    assert rows["Tokens"] == "19"
    assert rows["Spans"] == "9"
    assert rows["Nesting depth"] == "2 (1: 7, 2: 2)"
    assert rows["Longest span"].startswith("3 tokens: ")
    assert rows["Crossing spans"] == "2 (22.2%)"
    assert rows["PER"] == "1"


def test_misaligned_spans_are_counted_and_listed(corpus, output):
    spans = [(21, 25, "PER")] + [(i, i + 2, "PART") for i in range(12)]
    write_prodigy(corpus, [("Supercalifragilistic Ann ", spans)] + [SAMPLE[0]] * 4)
    path = output.with_name("summary.json")
    result = run(corpus, output, "--json", path)
    assert result.exit_code == 0
    assert "12 span(s) left out that do not fit the tokens" in words_of(result)
    assert "1 span(s) trimmed of white space" in words_of(result)
    assert len(re.findall(r"PART +'.*' +Supercalifragilistic", result.output)) == 10
    assert read_docs(output)[0] == ("Supercalifragilistic Ann", {(21, 24, "PER")})
    misfit = srsly.read_json(path)["misfit"]
    assert misfit["count"] == len(misfit["items"]) == 12
    assert misfit["labels"] == {"PART": 12}
    assert {item["cut"] for item in misfit["items"]} == {"Supercalifragilistic"}


def test_hardly_any_span_fits_the_tokens(corpus, output):
    write_doccano(corpus, [("Supercalifragilistic", [(0, 5, "A"), (1, 6, "A")])])
    result = run(corpus, output)
    assert result.exit_code == 1
    assert "[EGP263] 2 of 2 spans" in words_of(result)
    assert not output.exists()
    summary = convert([corpus], output, align="expand")
    assert summary.fates[Fate.EXPANDED].labels == {"A": 2}


def test_equal_docs_are_counted_and_not_listed(corpus, output):
    task = {"text": "Ann left", "label": [[0, 3, "PER"]]}
    srsly.write_jsonl(corpus / "a.jsonl", [task] * 30)
    words = words_of(run(corpus, output))
    assert "29 doc(s) with texts that occur more than once; 0" in words
    assert "more: --json" not in words


def test_duplicates_are_removed_and_counted(corpus, output):
    task = {"text": "Ann left", "label": [[0, 3, "PER"], [0, 3, "PER"], [0, 3, "X"]]}
    srsly.write_jsonl(corpus / "a.jsonl", [task, task])
    result = run(corpus, output)
    assert "2 duplicate span(s) removed" in result.output
    assert "1 doc(s) with texts that occur more than once; 0" in words_of(result)
    [doc, _] = DocBin().from_disk(output).get_docs(NLP.vocab)
    assert sorted(span.label_ for span in doc.spans["sc"]) == ["PER", "X"]


# Malformed input: for each case the format, the input, the line, and the code and a
# part of the message.

PRODIGY = '{"text": "Ann left", "spans": [{"start": 0, "end": 3, "label": "PER"}]}\n'
MALFORMED = {
    "a tag that is none": ("iob", "Ann\tB-PER\nleft\tVERB\n", 2, "EGP224", "'VERB'"),
    "no column": ("iob", "Ann\tO\n\nleft\n", 3, "EGP222", "1: 'left'"),
    "no column at all": ("iob", "# A\nAnn\nleft\n", 2, "EGP222", "1: 'Ann'"),
    "an empty token": ("iob", "Ann\tO\n\tO\n", 2, "EGP223", "empty token"),
    "an end of no span": ("iob", "Ann\tB-PER\nleft\tE-LOC\n", 2, "EGP225", "'E-LOC'"),
    "an inside of no span": ("iob", "Ann\tS-PER\nLee\tI-PER\n", 2, "EGP225", "'I-PER'"),
    "no UTF-8 in IOB": ("iob", b"Ann\tO\n\nLe\xe9\tO\n", 3, "EGP212", "UTF-8"),
    "no JSON": (
        "prodigy",
        PRODIGY + '{"text": "Ann" "spans": []}\n',
        2,
        "EGP217",
        "delimiter",
    ),
    "no UTF-8 in JSONL": (
        "prodigy",
        b'{"text": "Le\xe9", "spans": []}\n',
        1,
        "EGP212",
        "utf-8",
    ),
    "no object": ("prodigy", PRODIGY + "\n[1]\n", 3, "EGP219", "[1]"),
    "a missing key": (
        "prodigy",
        '{"text": "A", "spans": [{"start": 0}]}',
        1,
        "EGP220",
        "spans.0.end",
    ),
    "a wrong type": (
        "doccano",
        '{"text": "A", "label": [[0, "x", "L"]]}',
        1,
        "EGP220",
        "'x'",
    ),
    "a span past the text": (
        "doccano",
        '{"text": "A", "label": [[0, 2, "L"]]}',
        1,
        "EGP214",
        "0-2",
    ),
    "an empty span": (
        "doccano",
        '{"text": "A", "label": [[1, 1, "L"]]}',
        1,
        "EGP214",
        "1-1",
    ),
    "an empty label": (
        "doccano",
        '{"text": "A", "label": [[0, 1, ""]]}',
        1,
        "EGP215",
        "0-1",
    ),
    "a surrogate": (
        "doccano",
        '{"text": "\\ud83d", "label": []}',
        1,
        "EGP213",
        "Unicode",
    ),
    "other text": (
        "cluener",
        '{"text": "AB", "label": {"L": {"B": [[0, 0]]}}}',
        1,
        "EGP216",
        "'B'",
    ),
    "no text for CMeEE": (
        "cmeee",
        '[{"text": "AB", "entities": []},\n'
        '{"text": "AB", "entities": [{"start_idx": 0, "end_idx": 1, "type": "x"}]}]',
        2,
        "EGP230",
        "inclusive",
    ),
    "other text in CMeEE": (
        "cmeee",
        '[\n{"text": "ABC", "entities": '
        '[{"start_idx": 0, "end_idx": 2, "type": "x", "entity": "A"}]}]',
        2,
        "EGP216",
        "'A'",
    ),
    "other text in Label Studio": (
        "label-studio",
        '[{"data": {"text": "AB"}, "annotations": [{"result": [{"type": "labels", '
        '"value": {"start": 0, "end": 1, "text": "B", "labels": ["L"]}}]}]}]',
        1,
        "EGP216",
        "'B'",
    ),
    "no end in Label Studio": (
        "label-studio",
        '[{"data": {"text": "AB"}, "annotations": [{"result": [{"type": "labels", '
        '"value": {"start": 0, "labels": ["L"]}}]}]}]',
        1,
        "EGP220",
        "end: Field required",
    ),
    "two texts in Label Studio": (
        "label-studio",
        '[{"data": {"a": "A", "b": "B"}, "annotations": [{"result": []}]}]',
        1,
        "EGP231",
        "['a', 'b']",
    ),
    "tokens of another text": (
        "prodigy",
        '{"text": "Ann", "tokens": [{"text": "Bo"}], "spans": []}',
        1,
        "EGP232",
        "tokens",
    ),
    "a truncated array": (
        "cmeee",
        '[\n{"text": "AB", "entities": []},\n{"text": "AB", "ent',
        3,
        "EGP218",
        "Unterminated string",
    ),
}


@pytest.mark.parametrize("case", MALFORMED)
def test_malformed_input_names_file_and_line(case, corpus, output):
    format, data, line, code, message = MALFORMED[case]
    path = corpus / "broken"
    path.write_bytes(data if isinstance(data, bytes) else data.encode("utf8"))
    result = run(corpus, output, "--format", format)
    assert result.exit_code == 1
    words = words_of(result)
    assert f"{path}:{line}: [{code}] " in words
    assert message in words
    assert "--skip-bad" in result.output
    assert not list(output.parent.iterdir())


@pytest.mark.parametrize(
    ("annotation", "line", "message"),
    [
        ("T1\tPER 0 3\tAnn\nT2 PER 0 3 Ann\n", 2, "[EGP228] 'T2 PER 0 3 Ann'"),
        ("T1\tPER 1 4\tAnn\n", 1, "[EGP216] The characters 1-4 are 'nn '"),
        ("T1\tPER 90 93\tAnn\n", 1, "[EGP214] The span 90-93"),
        ("\nX1\tPER\n", 2, "[EGP229] 'X1"),
    ],
)
def test_malformed_brat_names_file_and_line(annotation, line, message, corpus, output):
    (corpus / "a.txt").write_text("Ann left")
    (corpus / "a.ann").write_text(annotation)
    result = run(corpus, output)
    assert result.exit_code == 1
    words = words_of(result)
    assert f"a.ann:{line}: {message}" in words


@pytest.mark.parametrize(
    ("name", "code"),
    [("a.ann", "EGP227"), ("a.jpg", "EGP226")],
)
def test_files_that_brat_does_not_have(name, code, corpus, output):
    (corpus / name).write_text("T1\tPER 0 3\tAnn\n")
    result = run(corpus, output, "--format", "brat")
    assert result.exit_code == 1
    assert f"{name}: [{code}]" in words_of(result)


def test_spacy_files_that_are_none(corpus, output):
    (corpus / "a.spacy").write_text("no DocBin")
    result = run(corpus, output)
    assert result.exit_code == 1
    assert "a.spacy, doc 1: [EGP221]" in words_of(result)


def test_skip_bad_leaves_out_and_counts(corpus, output):
    good = '{"text": "Ann left", "label": [[0, 3, "PER"]]}\n'
    bad = '{"text": "Ann left", "label": [[0, 30, "PER"]]}\n'
    (corpus / "a.jsonl").write_text(good + bad * 11 + "{\n" + good)
    (corpus / "b.ann").write_text("T1\tPER 0 3\tAnn\n")
    result = run(corpus, output, "--skip-bad")
    assert result.exit_code == 0
    assert "13 record(s) or span(s) that cannot be read" in words_of(result)
    bad_span = r"a\.jsonl:\d+: \[EGP214\] The span 0-30 'PER'"
    assert len(re.findall(bad_span, words_of(result))) == 10
    assert "... and 3 more" in result.output
    good_doc = ("Ann left", {(0, 3, "PER")})
    assert read_docs(output) == [good_doc, *[("Ann left", set())] * 11, good_doc]


def test_all_errors_are_listed(corpus, output):
    bad = '{"text": "Ann left", "label": [[0, 30, "PER"], [5, 4, "PER"], [0, "x"]]}\n'
    (corpus / "a.jsonl").write_text(bad * 2 + "{\n")
    (corpus / "b.ann").write_text("T1\tPER 0 3\tAnn\n")
    path = output.with_name("summary.json")
    output.parent.mkdir()
    result = run(corpus, output, "--json", path)
    assert result.exit_code == 1
    assert "[EGP262] 8 records or spans" in words_of(result)
    items = srsly.read_json(path)["bad"]["items"]
    places = [item["source"].rpartition("/")[2] for item in items]
    assert places == [*["a.jsonl:1"] * 3, *["a.jsonl:2"] * 3, "a.jsonl:3", "b.ann"]
    assert all(item["source"] in words_of(result) for item in items)
    assert not output.exists()


def test_nothing_is_written_if_nothing_is_left(corpus, output):
    (corpus / "a.jsonl").write_text("{}\n")
    result = run(corpus, output, "--format", "prodigy", "--skip-bad")
    assert result.exit_code == 1
    assert "[EGP202] No docs" in words_of(result)
    assert not output.exists()


def test_an_error_leaves_an_earlier_output_alone(corpus, output):
    write_prodigy(corpus, SAMPLE)
    convert([corpus], output)
    (corpus / "b.jsonl").write_text("{\n")
    assert run(corpus, output, "--format", "prodigy").exit_code == 1
    assert read_docs(output) == SAMPLE
    assert list(output.parent.iterdir()) == [output]


items = st.lists(st.dictionaries(st.text(), st.text() | st.integers() | st.none()))


@patient
@given(items, st.sampled_from([None, 2]), st.booleans(), st.integers(1, 9))
def test_arrays_are_read_like_lines(objects, indent, escape, chunk_size):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(values, "CHUNK_SIZE", chunk_size)
        array = json.dumps(objects, indent=indent, ensure_ascii=escape).encode("utf8")
        lines = "\n".join(json.dumps(item) for item in objects).encode("utf8")
        # Arrays one after another, the last one empty.
        for data, expected in ((array * 2 + b"[]", objects * 2), (lines, objects)):
            file = io.BufferedReader(io.BytesIO(data))
            assert [value for _, value in read_json(file)] == expected


# Files


def test_several_files_and_formats(corpus, output):
    write_iob(corpus, SAMPLE)
    write_prodigy(corpus, SAMPLE)
    convert([corpus / "a.jsonl", corpus / "a.iob2"], output)
    assert read_docs(output) == SAMPLE * 2


def test_gzipped_files(corpus, output):
    text = format_iob(SAMPLE).encode("utf8")
    (corpus / "a.iob2.gz").write_bytes(gzip.compress(text))
    convert([corpus], output)
    assert read_docs(output) == SAMPLE
    (corpus / "a.iob2.gz").write_bytes(gzip.compress(text)[:-20])
    result = run(corpus, output)
    assert result.exit_code == 1
    assert "a.iob2.gz: [EGP211]" in words_of(result)


def test_zipped_folders(corpus, output):
    write_brat(corpus, SAMPLE)
    with zipfile.ZipFile(corpus / "a.zip", "w") as archive:
        for path in corpus.glob("[0-9].*"):
            archive.write(path, f"brat/{path.name}")
        archive.writestr("iob/a.iob2", format_iob(SAMPLE))
        archive.writestr("__MACOSX/._a.iob2", b"\x00")
    convert([corpus / "a.zip"], output)
    assert read_docs(output) == SAMPLE * 2
    (corpus / "a.zip").write_bytes(b"PK")
    result = run(corpus / "a.zip", output)
    assert result.exit_code == 1
    assert "a.zip" in result.output


def test_folder_output_is_read_as_one_corpus(corpus, output, monkeypatch):
    monkeypatch.setattr(writer, "TOKENS_PER_FILE", 9)
    write_prodigy(corpus, SAMPLE * 2)
    folder = output.with_suffix("")
    convert([corpus], folder)
    assert [path.name for path in sorted(folder.iterdir())] == [
        "0001.spacy",
        "0002.spacy",
        "0003.spacy",
    ]
    assert read_docs(folder) == SAMPLE * 2
    result = run(corpus, folder)
    assert result.exit_code == 1
    assert f"[EGP102] The folder {folder} exists" in words_of(result)


@pytest.mark.parametrize("write", [write_iob, write_cmeee])
def test_memory_does_not_grow_with_the_file(write, corpus, output, monkeypatch):
    monkeypatch.setattr(writer, "TOKENS_PER_FILE", 2000)
    text, spans = " ".join("a" * 1000), {(0, 3, "X"), (0, 1, "Y")}
    peaks = []
    for n_docs in (1, 5, 20):
        write(corpus, [(text, spans)] * n_docs)
        tracemalloc.start()
        convert([corpus], output.with_name(str(n_docs)))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[2] < 1.1 * peaks[1]


# Split


def test_split_is_disjoint_seeded_and_close_to_the_ratios(corpus, output):
    sample = [(f"Doc {i}", {(0, 3, "D")}) for i in range(50)]
    write_doccano(corpus, sample)
    result = run(corpus, output, "--split", "0.6,0.2,0.2", "--seed", 1)
    assert re.search(r"Docs +50 \(train: \d+, dev: \d+, test: \d+\)", result.output)
    paths = [
        output.with_name(f"corpus-{part}.spacy") for part in ("train", "dev", "test")
    ]
    parts = [read_docs(path) for path in paths]
    assert sorted(doc for part in parts for doc in part) == sorted(sample)
    for part, size in zip(parts, (30, 10, 10), strict=True):
        assert abs(len(part) - size) <= 2
    convert([corpus], output, split=[0.6, 0.2, 0.2], seed=1)
    assert [read_docs(path) for path in paths] == parts
    convert([corpus], output, split=[0.6, 0.2, 0.2], seed=2)
    assert [read_docs(path) for path in paths] != parts


@pytest.mark.parametrize("mark", ["-DOCSTART- O\n", "# http://example.org/{}\n"])
def test_split_by_document_keeps_sentences_together(mark, corpus, tmp_path):
    sentences = "D{i} B-D\n\nD{i} O\n\nD{i} O\n\n"
    blocks = [f"{mark.format(i)}\n{sentences.format(i=i)}" for i in range(20)]
    (corpus / "a.iob").write_text("".join(blocks))
    convert([corpus], tmp_path / "out", split=[0.7, 0.3], by_document=True)
    train, dev = (
        [text for text, _ in read_docs(tmp_path / "out" / part)]
        for part in ("train", "dev")
    )
    assert not set(train) & set(dev)
    assert len(train) + len(dev) == 60
    assert 12 <= len(dev) <= 24


def test_split_that_is_not_possible(corpus, output):
    write_iob(corpus, SAMPLE)
    for ratios in ("0.5,0.6", "1.0", "x"):
        result = run(corpus, output, "--split", ratios)
        assert result.exit_code == 1
        assert "[EGP201] Cannot split by" in words_of(result)
        assert ratios.split(",")[0] in result.output
    result = run(corpus, output, "--split", "0.5,0.5", "--by-document")
    assert result.exit_code == 1
    assert "[EGP261] All docs belong to one document" in words_of(result)
    assert not list(output.parent.iterdir())


def test_equal_texts_are_reported_and_not_divided(corpus, output):
    tasks = [(f"Doc {i % 20}", {(0, 3, "D")} if i < 30 else set()) for i in range(40)]
    write_doccano(corpus, tasks)
    result = run(corpus, output, "--split", "0.5,0.5")
    assert "20 doc(s) with texts that occur more than once; 10" in words_of(result)
    train, dev = (
        {text for text, _ in read_docs(output.with_name(f"corpus-{part}.spacy"))}
        for part in ("train", "dev")
    )
    assert train and dev and not train & dev


# The whole


def test_spacy_has_the_command():
    [entry_point] = entry_points(group="spacy_cli", name="egp")
    assert entry_point.load() is app
    assert "convert" in CliRunner().invoke(spacy_app, ["egp", "--help"]).output


@pytest.mark.parametrize(
    ("path", "lang", "n_tokens", "n_spans"),
    [
        ("genia/genia.dev.iob2", "en", 48932, 4337),
        ("germeval2014/germ.dev.iob2", "de", 41653, 2886),
        ("people_daily/example.dev", "zh", 109870, 3819),
    ],
)
def test_published_corpora(path, lang, n_tokens, n_spans, output):
    if not SHARED_DATA.exists():
        pytest.skip(f"needs the corpora in {SHARED_DATA}")
    summary = convert([SHARED_DATA / path], output, lang=lang)
    # As many as lines with a token, and as many as B- tags in them.
    assert summary.tokens == n_tokens
    assert summary.labels.total() == n_spans
    assert summary.fates[Fate.MISFIT].count == summary.fates[Fate.DUPLICATE].count == 0


def test_cluener(output):
    if not SHARED_DATA.exists():
        pytest.skip(f"needs the corpora in {SHARED_DATA}")
    summary = convert([SHARED_DATA / "cluener" / "dev.json"], output, lang="zh")
    assert summary.docs.total() == 1343
    assert summary.labels.total() == 3072
    assert summary.fates[Fate.MISFIT].count == 0
