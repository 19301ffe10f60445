"""Every variant of a format is read with its intended spans, or is an error."""

import json
import re
import sys

import pytest
import srsly
from corpus_files import (
    ANN,
    BANK,
    CASES,
    GENIA,
    ORG,
    TYPES,
    WORDS,
    XMI,
    ace,
    bioc_annotation,
    bioc_json,
    bioc_xml,
    cas_json,
    conllu,
    ent,
    hf,
    json_lines,
    label_studio,
    read,
    spans,
    webanno,
    write,
)
from spacy.tokens import DocBin
from spacy.vocab import Vocab

from spacy_egp.corpora.convert import ConversionError, convert
from spacy_egp.corpora.files import walk_files
from spacy_egp.corpora.format import Options
from spacy_egp.corpora.reader import detect_format, read_corpus
from spacy_egp.corpora.records import BadRecord, BaseRecord, LeftOut
from spacy_egp.corpora.summary import Fate
from spacy_egp.corpora.tags import read_tags


@pytest.mark.parametrize("case", CASES)
def test_format(case, tmp_path):
    files, data, options, docs = CASES[case]
    write(tmp_path / "in", files, data)
    output = tmp_path / "out.spacy"
    convert([tmp_path / "in"], output, **options)
    expected = [(text, sorted(spans)) for text, spans in docs]
    assert list(read(output)) == expected


def read_entries(folder, options):
    """All entries of a corpus, as convert reads them."""
    files = [file for _, file in walk_files([folder])]
    columns = tuple(options.get("columns", ()))
    names = tuple(options.get("label_names", ()))
    reading = Options(options.get("source_key"), columns, names)
    return list(read_corpus(files, reading, options.get("format"), lambda n: None))


def cut_off(data):
    """A file's data without its second half, and without its end."""
    data = data if isinstance(data, bytes) else data.encode()
    return [data[: len(data) // 2], data[:-3]]


@pytest.mark.parametrize("case", CASES)
def test_every_entry_says_where_it_is_and_what_it_lacks(case, tmp_path):
    """For messages, and for a split that keeps documents together. The file is whole,
    or cut off."""
    files, data, options, _ = CASES[case]
    files = {files: data} if isinstance(files, str) else files
    variants = [files]
    for name in files:
        variants += [{**files, name: cut} for cut in cut_off(files[name])]
    for i, variant in enumerate(variants):
        folder = tmp_path / str(i)
        write(folder, variant, None)
        for entry in read_entries(folder, options):
            assert entry.source.startswith(str(folder))
            if isinstance(entry, BaseRecord):
                assert entry.document
                for bad in entry.bad:
                    assert_says_what(bad)
            elif isinstance(entry, BadRecord):
                assert_says_what(entry)
            elif isinstance(entry, LeftOut):
                assert re.match(r"\[EGP\d{3}\] ", entry.reason)
            else:
                assert entry[1]


def assert_says_what(bad):
    assert re.match(r"\[EGP\d{3}\] ", bad.problem)
    # A placeholder that the message should have filled.
    assert not re.search(r"\bNone\b", bad.problem)


# Files, options, and what the error or its list says.
ERRORS = {
    "GBK in lines": ("a.jsonl", '{"text": "公司", "label": []}'.encode("gbk"), {},
        "[EGP212] Not UTF-8"),
    "GBK in IOB": ("a.iob", "公 B-ORG\n司 I-ORG\n".encode("gbk"), {}, "[EGP212]"),
    "UTF-16": ("a.json", '[{"text": "Ann", "label": []}]'.encode("utf-16"), {},
        "[EGP212]"),
    "columns that are not clear": ("a.conll", "EU NNP B-NP B-ORG\nis VB O O\n", {},
        "[EGP240] Several columns have tags"),
    "chunks": ("a.conll", "EU B-NP B-ORG\nis B-VP O\n", {}, "--columns"),
    "a column that is not there": ("a.conll", "EU B-ORG\nis O\n", {"columns": ["7"]},
        "[EGP241] There is no column '7'"),
    "HTML": ("a.json", json.dumps([label_studio(
        ("hypertextlabels", {"text": "Ann", "hypertextlabels": ["PER"], "globalOffsets":
            {"start": 0, "end": 3}}), text="<p>Ann left</p>")]), {},
        "[EGP242] The offsets of the HTML region 'Ann'"),
    "HTML without offsets": ("a.json", json.dumps([label_studio(
        ("hypertextlabels", {"text": "Ann", "hypertextlabels": ["PER"]}))]), {},
        "[EGP242]"),
    "no paragraphs": ("a.json", json.dumps([{"data": {"x": [{"text": "Ann"}]},
        "annotations": [{"result": [{"type": "paragraphlabels", "value": {
            "start": 0, "end": 3, "startOffset": 0, "endOffset": 3,
            "paragraphlabels": ["PER"]}}]}]}]), {}, "[EGP243] There are no paragraphs"),
    "a number of tags": ("a.jsonl", hf(ner_tags=["O"]), {}, "[EGP244] 4 tokens"),
    "numbers without names": ("a.jsonl", hf(ner_tags=[0, 0, 0, 1]), {
        "label_names": ["O"]}, "[EGP245] The tag 1 is not one of 1 names"),
    "a part of a token": ("a.tsv", webanno(["#T_SP=webanno.custom.Ent|value"], ("X",))
        .replace("1-1\t0-4", "1-1\t0-4\tBank\t_\t\n1-1.1\t0-4"), {}, "[EGP246] 'X'"),
    "no token of WebAnno": ("a.tsv", webanno(["#T_SP=webanno.custom.Ent|value"], ("X",))
        .replace("0-4", "0"), {}, "[EGP247]"),
    "no row of CoNLL-U": ("a.conllu", conllu("Entity=(1-X)", "_", "_", "_")
        .replace("2\tof\t_", "2\tof"), {}, "[EGP248]"),
    "brackets that do not match": ("a.conllu", conllu("Entity=(1-X", "_", "Entity=2)",
        "_"), {}, "[EGP249] The brackets of the entity '2'"),
    "no annotation of PubTator": ("a.pubtator", "1|t|Ann\n1\t0\n", {}, "[EGP250]"),
    "BioC, no number": ("a.xml", bioc_xml(f"<passage><offset>0</offset><text>{BANK}"
        "</text>" + bioc_annotation("X", "x", 3, "Ban") + "</passage>"), {},
        "a.xml:4: [EGP220] passages.0.annotations.0.locations"),
    "BioC, other text": ("a.xml", bioc_xml(f"<passage><offset>0</offset><text>\n{BANK}"
        "</text>\n" + bioc_annotation("X", 0, 3, "Ann") + "</passage>"), {},
        "a.xml:6: [EGP216]"),
    "BioC, cut off": ("a.xml", bioc_xml("<passage>")[:-30], {}, "[EGP290] Not XML"),
    "GENIA, an entity": ("a.xml", GENIA.format('<cons sem="A">&deg;</cons>'), {},
        "a.xml:4: [EGP292] The entity &deg; is not defined"),
    "ACE without a text": ("a.apf.xml", ace(("X", 0, 1, "xy")), {},
        "[EGP227] There is no a.sgm"),
    "ACE, no offset": ({"a.sgm": "Ann", "a.apf.xml": ace(("X", "", 1, "xy"))}, None,
        {}, "a.apf.xml:3: [EGP252] The mention of 'X' has the offsets '-1'"),
    "XMI without types": ("a.xmi", XMI, {}, "[EGP256] There is no type system"),
    "CAS JSON, a type that is not there": ("a.json", cas_json(
        BANK, ent(0, 12, label="A")).replace("custom.Ent\"", "custom.Other\"", 1), {},
        "a.json: [EGP257] Not a UIMA CAS"),
    "CAS JSON, nothing in it": ("a.json", '{"%FEATURE_STRUCTURES": []}', {},
        "a.json: [EGP257]"),
    "XMI, damaged": ({"a.xmi": XMI[:-20], "TypeSystem.xml": TYPES}, None, {},
        "a.xmi: [EGP257]"),
    "no list of entities": ("a.data", f"{BANK}\n0,3 X\n\n{BANK}\n0,3 X|x\n\nIt\nA B\n",
        {}, "a.data:5: [EGP253] 'x'"),
    "no tags": ("a.data", f"{BANK}\n0,3 X\n\nIt\nA B\n", {}, "a.data:5: [EGP253]"),
    "too many lines": ("a.data", f"{BANK}\n0,3 X\n{BANK}\n0,3 X\n", {},
        "a.data:1: [EGP254] 4 lines"),
    "CSV, a row too short": ("a.csv", "text,label,lead_time\nAnn,x\n", {},
        "a.csv:2: [EGP258] The row has 2 cells, but the header 3"),
    "CSV, no JSON": ("a.csv", "text,label,lead_time\nAnn,\"[{\"\"x\",1\n", {},
        "a.csv:2: [EGP217]"),
    "Argilla, two texts": ("a.json", json.dumps([{"fields": {"a": "A", "b": "B"},
        "responses": {"x": [{"value": []}]}}]), {}, "[EGP259] It is not clear"),
    "Argilla, no start": ("a.json", json.dumps([{"fields": {"text": "Ann"},
        "responses": {"x": [{"value": [{"end": 1, "label": "X"}]}]}}]), {},
        "[EGP220] start: Field required"),
    "prefixes without labels": ("a.iob", "Ann\tB\nLee\tI\nleft\tO\n", {}, "[EGP210]"),
    "DyGIE++, a list too few": ("a.jsonl", json_lines({"sentences": [["a"], ["b"]],
        "ner": [[[0, 0, "X"]]]}), {}, "[EGP265] 2 sentences, but 1 lists"),
    "only empty files": ("a.jsonl", "\n", {}, "[EGP202] No docs to write"),
    "binary answers": ("a.jsonl", json_lines({"text": "Ann",
        "spans": spans((0, 3, "A")), "answer": "accept", "_view_id": "ner"}),
        {}, "[EGP202] No docs to write"),
    "several errors": ("a.jsonl", json_lines({"text": "Ann", "label": [[0, 9, "A"]]}),
        {}, "[EGP262] 1 records or spans"),
    "all spans misfit": ("a.jsonl", json_lines({"text": "我们在北京开会", "label":
        [[3, 5, "LOC"], [5, 7, "X"]]}), {}, "[EGP263] 2 of 2 spans"),
    "no spans": ("a.jsonl", json_lines({"text": "Ann", "entities": []}), {},
        "[EGP264]"),
    "another language": ("a.jsonl", json_lines({"text": "Ann", "label": []}), {
        "lang": "de", "tokenizer": "a.cfg"}, "[EGP239]"),
}  # fmt: skip


@pytest.mark.parametrize("case", ERRORS)
def test_error(case, tmp_path, monkeypatch):
    files, data, options, message = ERRORS[case]
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.cfg").write_text('[nlp]\nlang = "fr"\n')
    write(tmp_path / "in", files, data)
    with pytest.raises(ValueError) as error:
        convert([tmp_path / "in"], tmp_path / "out.spacy", **options)
    texts = [str(error.value)]
    if isinstance(error.value, ConversionError):
        for bad in error.value.summary.bad.first:
            assert bad.source.startswith(str(tmp_path / "in"))
            assert_says_what(bad)
            texts.append(str(bad))
    assert any(message in text for text in texts), texts
    assert not (tmp_path / "out.spacy").exists()


# By the beginning of a case's name.
NAMES = {
    "BioC": "bioc",
    "GENIA": "genia",
    "ACE": "ace",
    "UIMA CAS XMI": "xmi",
    "UIMA CAS JSON": "cas-json",
    "WebAnno, links": "webanno",
    "three lines": "span-lines",
    "two lines": "span-lines",
    "Label Studio CSV": "label-studio-csv",
    "Label Studio TSV": "label-studio-csv",
    "Argilla": "argilla",
}


@pytest.mark.parametrize("case", [c for c in CASES if c.startswith(tuple(NAMES))])
def test_format_is_detected(case, tmp_path):
    files, data, _, _ = CASES[case]
    write(tmp_path, files, data)
    [name] = {name for start, name in NAMES.items() if case.startswith(start)}
    paths = [path for path in tmp_path.rglob("*") if path.suffix not in ("", ".tab")]
    assert {detect_format(path).name for path in paths} == {name}


def test_what_new_formats_leave_out_is_counted(tmp_path):
    left_out = {}
    for case in CASES:
        if case.startswith(tuple(NAMES)):
            files, data, options, _ = CASES[case]
            write(tmp_path / case, files, data)
            summary = convert([tmp_path / case], tmp_path / "out.spacy", **options)
            n_pieces = summary.fates[Fate.DISCONTINUOUS].labels
            left_out[case] = dict(+summary.other), dict(n_pieces)
    assert {case: counts for case, counts in left_out.items() if any(counts)} == {
        "BioC, passages": ({"relations": 1}, {}),
        "BioC, sentences, in pieces": ({}, {"X": 1}),
        "GENIA, words and coordination": (
            {"terms without sem, such as parts of coordinated ones": 1},
            {"G#A": 1, "G#B": 1},
        ),
        "ACE": ({"relations": 1}, {}),
        "ACE, an entity of SGML": ({"relations": 1}, {}),
        "UIMA CAS XMI": ({"spans without a label": 1}, {}),
        "UIMA CAS XMI, types of the same name": ({"spans without a label": 1}, {}),
        "UIMA CAS JSON": (
            {"links between spans": 2, "relations": 1, "spans without a label": 1},
            {},
        ),
        "WebAnno, links and labels in two features": ({"links between spans": 2}, {}),
        "Argilla": ({"answers to ok": 1}, {}),
    }


LINKED = {"relations": [{"head": 0, "tail": 1}] * 2, "clusters": [[0]]}
RELATION = {"type": "relation", "from_id": "a", "to_id": "b", "direction": "right"}
# Files, and the links that they have.
LINKS = {
    "SpERT": ("a.json", json.dumps([{"tokens": WORDS, "entities": [
        {"type": "ORG", "start": 0, "end": 3}], **LINKED}])),
    "Pyramid": ("a.json", json.dumps([{"tokens": WORDS, "entities": [
        {"entity_type": "ORG", "span": [0, 3]}], **LINKED}])),
    "GLiNER": ("a.json", json.dumps([{"tokenized_text": WORDS, "ner": [[0, 2, "ORG"]],
        **LINKED}])),
    "W2NER": ("a.json", json.dumps([{"sentence": WORDS, "ner": [
        {"index": [0, 1, 2], "type": "ORG"}], **LINKED}])),
    "biaffine": ("a.json", json_lines({"sentences": [WORDS], "ners": [[[0, 2, "ORG"]]],
        **LINKED})),
    "DyGIE++": ("a.json", json_lines({"sentences": [WORDS], "ner": [[[0, 2, "ORG"]]],
        "relations": [[[0, 0, 2, 2, "x"]] * 2], "clusters": [[[0, 0]]]})),
    "Hugging Face": ("a.jsonl", hf(ner_tags=["B-ORG", "I-ORG", "I-ORG", "O"],
        **LINKED)),
    "TRAIN_DATA": ("a.json", json.dumps([[BANK, {"entities": [[0, 12, "ORG"]],
        **LINKED}]])),
    "doccano": ("a.jsonl", json_lines({"text": BANK, "entities": spans(
        (0, 12, "ORG"), keys=("start_offset", "end_offset", "label")), **LINKED})),
    "Prodigy": ("a.jsonl", json_lines({"text": BANK, "spans": [ORG],
        "answer": "accept", "_view_id": "relations", **LINKED})),
    "text-entities": ("a.jsonl", json_lines({"text": BANK, "entities": [ORG],
        **LINKED})),
}  # fmt: skip
OTHER_LINKS = {
    "brat": ({"a.txt": BANK, "a.ann": "T1\tORG 0 12\tBank of Oslo\nR1\tin Arg1:T1 "
        "Arg2:T1\t\nE1\tORG:T1 x:T1\n*\tequiv T1 T1\n"}, None,
        {"relations": 1, "events": 1, "equivalences": 1}),
    "Label Studio": ("a.json", json.dumps([{"data": {"text": "Ann left"},
        "annotations": [{"result": [{"type": "labels", "value": ANN, "id": "a"},
            RELATION]}]}]), {"relation": 1}),
    "WebAnno": ("a.tsv", webanno(["#T_SP=webanno.custom.Ent|value",
        "#T_RL=webanno.custom.Rel|kind|BT_webanno.custom.Ent"],
        ("ORG[1]", "_", "_"), ("ORG[1]", "_", "_"), ("ORG[1]|LOC[2]", "in", "1-1[1_2]"),
        ("_", "_", "_")), {"Rel": 1}),
    "CoNLL-U": ("a.conllu", conllu(
        "Entity=(1-ORG", "_", "Bridge=1<2,1<3|Entity=(2-LOC)1)", "_"),
        {"relations": 2}),
    "BioC": ("a.json", json.dumps({"documents": [bioc_json(("ORG", 0, 12)) | {
        "relations": [{"id": "R1", "infons": {}, "nodes": []}]}]}), {"relations": 1}),
    "PubTator": ("a.txt", f"1|t|{BANK}\n1\t0\t12\tBank of Oslo\tORG\t-\n1\tin\t3\t4\n",
        {"relations": 1}),
}  # fmt: skip


@pytest.mark.parametrize("case", [*LINKS, *OTHER_LINKS])
def test_links_are_counted(case, tmp_path):
    if case in LINKS:
        (files, data), expected = LINKS[case], {"relations": 2, "clusters": 1}
    else:
        files, data, expected = OTHER_LINKS[case]
    write(tmp_path / "in", files, data)
    summary = convert([tmp_path / "in"], tmp_path / "out.spacy")
    assert +summary.other == expected
    assert summary.labels


def test_a_file_for_each_label(tmp_path):
    tasks = {"org": [[0, 12, "ORG"]], "loc": [[8, 12, "LOC"]]}
    paths = [tmp_path / f"{name}.jsonl" for name in tasks]
    for path, label in zip(paths, tasks.values(), strict=True):
        lines = [{"text": BANK, "label": label}, {"text": "It rained", "label": []}]
        write(tmp_path, path.name, json_lines(*lines))
    output = tmp_path / "out.spacy"
    summary = convert(paths, output, annotated_labels=True)
    groups = [d.spans["sc"] for d in DocBin().from_disk(output).get_docs(Vocab())]
    assert [g.attrs["annotated_labels"] for g in groups] == [["ORG"]] * 2 + [
        ["LOC"]
    ] * 2
    assert (summary.repeats.count, summary.repeats.others) == (2, 1)


def test_tokens_that_do_not_cover_the_text(tmp_path):
    text = GENIA.format('<cons sem="A"><w>Ann</w></cons> left.')
    write(tmp_path, "a.xml", text)
    convert([tmp_path / "a.xml"], tmp_path / "out.spacy")
    assert list(read(tmp_path / "out.spacy")) == [("Ann left.", ["Ann/A"])]


def test_cassis_is_needed_only_for_its_format(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "cassis", None)
    write(tmp_path / "in", *CASES["BioC, passages"][:2])
    convert([tmp_path / "in"], tmp_path / "out.spacy")
    write(tmp_path / "in", *CASES["UIMA CAS XMI"][:2])
    with pytest.raises(ImportError, match=r"EGP255.*spacy-egp\[formats\]"):
        convert([tmp_path / "in"], tmp_path / "out.spacy")


def test_empty_files_are_listed(tmp_path):
    files, data, _, _ = CASES["empty files"]
    write(tmp_path / "in", files, data)
    summary = convert([tmp_path / "in"], tmp_path / "out.spacy")
    reasons = [file.reason for file in summary.files.first]
    assert len(reasons) == 3 and all("[EGP260]" in reason for reason in reasons)


def test_columns_that_agree_are_pointed_out(tmp_path):
    write(tmp_path, "a.tsv", "Ann\tB-PER\tB-PER\nleft\tO\tO\nOslo\tB-LOC\tO\n")
    summary = convert([tmp_path / "a.tsv"], tmp_path / "out.spacy", skip_bad=True)
    assert not summary.notices.count
    write(tmp_path, "a.tsv", "Ann\tB-PER\tB-PER\nBo\tB-PER\tB-PER\nOslo\tB-LOC\tO\n")
    summary = convert([tmp_path / "a.tsv"], tmp_path / "out.spacy")
    assert "[EGPW201] The columns 2 and 3 agree" in summary.notices.first[0].text
    assert sum(summary.labels.values()) == 3


def test_sentences_of_a_document_are_kept(tmp_path):
    files, data, _, _ = CASES["biaffine-ner"]
    write(tmp_path, files, data)
    convert([tmp_path / files], tmp_path / "out.spacy")
    [doc] = DocBin().from_disk(tmp_path / "out.spacy").get_docs(Vocab())
    assert [sent.text.strip() for sent in doc.sents] == ["It rained", BANK]


TEXT = "Ann-Lee  left\nOslo"


@pytest.mark.parametrize(
    ("tokenizer", "words"),
    [
        ("whitespace", ["Ann-Lee", " ", "left", "\n", "Oslo"]),
        ("characters", [*"Ann-Lee", " ", *"left", "\n", *"Oslo"]),
        ("a.cfg", ["Ann", "-", "Lee", " ", "left", "\n", "Oslo"]),
    ],
)
def test_tokenizer(tokenizer, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.cfg").write_text('[nlp]\nlang = "en"\npipeline = []\n')
    write(tmp_path, "a.jsonl", json_lines({"text": TEXT, "label": [[0, 7, "PER"]]}))
    convert([tmp_path / "a.jsonl"], tmp_path / "out.spacy", tokenizer=tokenizer)
    [doc] = DocBin().from_disk(tmp_path / "out.spacy").get_docs(Vocab())
    assert [token.text for token in doc] == words
    assert doc.text == TEXT and doc.spans["sc"][0].text == "Ann-Lee"


# The packages of the tokenizers, and a text in the language.
LANGUAGES = {
    "ja": ("sudachipy", "東京へ"),
    "ko": ("natto", "서울 에"),
    "th": ("pythainlp", "กรุงเทพ ไป"),
    "vi": ("pyvi", "Hà Nội"),
}


@pytest.mark.parametrize("lang", LANGUAGES)
def test_tokenizers_that_need_a_package(lang, tmp_path, monkeypatch):
    package, text = LANGUAGES[lang]
    monkeypatch.setitem(sys.modules, package, None)
    write(tmp_path, "a.iob", f"{text.split()[0]}\tB-LOC\nx\tO\n")
    write(tmp_path, "a.jsonl", json_lines({"text": text, "label": [[0, 1, "A"]]}))
    output = tmp_path / "out.spacy"
    with pytest.raises(ImportError):
        convert([tmp_path / "a.jsonl"], output, lang=lang)
    assert not output.exists()
    # Tokens of a file need no tokenizer, nor do characters.
    convert([tmp_path / "a.iob"], output, lang=lang)
    assert next(read(output))[1] == [f"{text.split()[0]}/LOC"]
    convert([tmp_path / "a.jsonl"], output, lang=lang, tokenizer="characters")
    assert next(read(output)) == (text, [f"{text[0]}/A"])
    convert(
        [tmp_path / "a.jsonl"],
        output,
        lang=lang,
        tokenizer="whitespace",
        align="expand",
    )
    assert next(read(output)) == (text, [f"{text.split()[0]}/A"])


UNANNOTATED = {
    "doccano": [{"text": "in Rome", "label": [[3, 7, "LOC"]]}, {"text": "in Oslo"}],
    "prodigy": [
        {"text": "in Rome", "spans": [{"start": 3, "end": 7, "label": "LOC"}]},
        {"text": "in Oslo", "answer": "ignore", "spans": []},
        {"text": "in Oslo"},
    ],
}


@pytest.mark.parametrize("format", UNANNOTATED)
def test_what_is_not_annotated_says_where_it_is(format, tmp_path):
    srsly.write_jsonl(tmp_path / "in.jsonl", UNANNOTATED[format])
    annotated, *others = read_entries(tmp_path, {"format": format})
    assert isinstance(annotated, BaseRecord)
    assert others
    for line, entry in enumerate(others, 2):
        assert entry.source == f"{tmp_path / 'in.jsonl'}:{line}"


def test_invalid_region_says_what_is_invalid(tmp_path):
    value = {"start": "three", "end": 7, "text": "Rome", "labels": ["LOC"]}
    region = {"from_name": "a", "to_name": "b", "type": "labels", "value": value}
    task = {"data": {"text": "in Rome"}, "annotations": [{"result": [region]}]}
    srsly.write_json(tmp_path / "in.json", [task])
    entries = read_entries(tmp_path, {"format": "label-studio"})
    [bad] = [bad for entry in entries for bad in getattr(entry, "bad", [])]
    assert "start: " in bad.problem
    assert "'three'" in bad.problem


def test_tags_continue_the_span_in_their_column():
    tokens = [["B-X", "O"], ["I-X", "B-X"], ["O", "I-X"]]
    spans = {(span.start, span.end) for span in read_tags(tokens)}
    assert spans == {(0, 2), (1, 3)}
