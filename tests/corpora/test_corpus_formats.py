"""What tools write, in the variants that are met, and the spans that they mean.

Each case: files by name, the options, and the docs as their text and the text and label
of each span.
"""

import json

import pytest
from spacy.tokens import DocBin
from spacy.vocab import Vocab

from spacy_egp.corpora.convert import ConversionError, convert

BANK = "Bank of Oslo left"
NESTED = (BANK, ["Bank of Oslo/ORG", "Oslo/LOC"])
FLAT = (BANK, ["Bank of Oslo/ORG"])
WORDS = BANK.split()


def spans(*items, keys=("start", "end", "label")):
    return [dict(zip(keys, item)) for item in items]


def json_lines(*values):
    return "\n".join(json.dumps(value, ensure_ascii=False) for value in values)


def hf(**columns):
    return json.dumps({"tokens": WORDS, **columns})


def webanno(layers, *rows):
    offsets = ("0-4", "5-7", "8-12", "13-17")
    lines = [
        "\t".join([f"1-{i}", place, word, *cells, ""])
        for i, (place, word, cells) in enumerate(zip(offsets, WORDS, rows), 1)
    ]
    head = ["#FORMAT=WebAnno TSV 3.2", *layers, "", "", f"#Text={BANK}"]
    return "\n".join([*head, *lines, "", ""])


def conllu(*entities, head="# newdoc id = d"):
    rows = [
        "\t".join([str(i), word, *"_______", entity])
        for i, (word, entity) in enumerate(zip(WORDS, entities), 1)
    ]
    return "\n".join([head, f"# text = {BANK}", *rows, "", ""])


def label_studio(*regions, text="Ann left", **task):
    result = [{"type": kind, "value": value} for kind, value in regions]
    return {"data": {"text": text}, "annotations": [{"result": result}], **task}


ANN = {"start": 0, "end": 3, "text": "Ann", "labels": ["PER"]}
ORG = {"start": 0, "end": 12, "label": "ORG"}
LOC = {"start": 8, "end": 12, "label": "LOC"}
LEFT = ("Ann left", ["Ann/PER"])
NOTHING = ("It rained", [])
CASES = {
    # IOB
    "joined by ;": ("a.iob", "Jan\tB-P;B-f\nNovak\tI-P;B-l\n", {}, [
        ("Jan Novak", ["Jan Novak/P", "Jan/f", "Novak/l"])]),
    "joined by a comma and a blank": ("a.iob", "Jan\tB-P, B-f\nNovak\tI-P\n", {}, [
        ("Jan Novak", ["Jan Novak/P", "Jan/f"])]),
    "joined by + beside O": ("a.iob", "Jan\tB-P+U-f\nNovak\tL-P+O\nsat\tO\n", {}, [
        ("Jan Novak sat", ["Jan Novak/P", "Jan/f"])]),
    "joined by a blank": ("a.iob", "Jan\tB-P B-f\nNovak\tI-P\n", {}, [
        ("Jan Novak", ["Jan Novak/P", "Jan/f"])]),
    "a bar in a label": ("a.iob", "Jan\tB-P|Q\nsat\tO\n", {}, [
        ("Jan sat", ["Jan/P|Q"])]),
    "ragged with blanks": (
        "a.txt", "Bank B-ORG\nof I-ORG\nOslo B-LOC I-ORG\nleft O\n", {}, [NESTED]),
    "ragged, equal labels": (
        "a.iob", "Uni\tB-O\tB-O\nof\tI-O\tI-O\nOslo\tI-O\nleft\tO\n", {}, [
            ("Uni of Oslo left", ["Uni of Oslo/O", "Uni of/O"])]),
    "mixed columns, IOBES": (
        "a.iob", "Ann\tB-P\tB-N\nvan\tI-N\tI-P\nLee\tE-P\tE-N\n", {}, [
            ("Ann van Lee", ["Ann van Lee/N", "Ann van Lee/P"])]),
    "mixed columns, adjacent": (
        "a.iob", "Ann\tB-P\tB-N\nLee\tB-P\tI-N\nsat\tO\tO\n", {}, [
            ("Ann Lee sat", ["Ann Lee/N", "Ann/P", "Lee/P"])]),
    "trailing tabs": ("a.tsv", "Ann\tB-PER\tO\t\t\nleft\tO\tO\t\t\n", {}, [LEFT]),
    "a tab behind blanks": ("a.txt", "Ann B-PER\t\nleft O\t\n", {}, [LEFT]),
    "blanks around tags": ("a.iob", "Ann\t B-PER  \nleft\tO \r\n", {}, [LEFT]),
    "blanks behind columns of blanks": ("a.txt", "Ann B-PER \nleft O  \n", {}, [LEFT]),
    "a comment like a tag": (
        "a.iob", "# see section S-3\nAnn\tB-PER\nleft\tO\n", {}, [LEFT]),
    "a comment like a tag, blanks": (
        "a.txt", "# text = the S-Bahn\nAnn B-PER\nleft O\n", {}, [LEFT]),
    "MultiCoNER": (
        "a.conll", "# id 2 domain=en\nAnn _ _ B-PER\nleft _ _ O\n\n# id 3\n"
        "It _ _ O\nrained _ _ O\n", {}, [LEFT, NOTHING]),
    "Universal NER": (
        "a.iob2", "# sent_id = 1\n# text = Ann left\n1\tAnn\tB-PER\t-\tx\n"
        "2\tleft\tO\t-\tx\n", {}, [LEFT]),
    "Label Studio's CoNLL": (
        "a.conll", "-DOCSTART- -X- O\nAnn -X- _ B-PER\nleft -X- _ O\n", {}, [LEFT]),
    "CoNLL-2003, the chunks": (
        "a.conll", "EU NNP B-NP B-ORG\nrejects VBZ B-VP O\n", {"columns": ["3"]}, [
            ("EU rejects", ["EU/NP", "rejects/VP"])]),
    "CoNLL-2002": ("a.txt", "Ann NP B-PER\nleft V O\nOslo NP B-LOC\n", {}, [
        ("Ann left Oslo", ["Ann/PER", "Oslo/LOC"])]),
    "a header line": (
        "a.tsv", "TOKEN\tNE-COARSE\tNE-FINE\tMISC\nAnn\tB-p\tB-p.x\tA\nleft\tO\tO\t_\n",
        {"columns": ["NE-FINE"]}, [("Ann left", ["Ann/p.x"])]),
    "a header line, all columns": (
        "a.tsv", "word\tone\ttwo\nBank\tB-ORG\tO\nof\tI-ORG\tO\nOslo\tI-ORG\tB-LOC\n"
        "left\tO\tO\n", {}, [NESTED]),
    "CoNLL-U Plus": (
        "a.conllup", "# global.columns = ID FORM UPOS NER\n1\tAnn\tPROPN\tB-PER\n"
        "2\tleft\tVERB\tO\n", {"columns": ["NER"]}, [LEFT]),
    "bare labels": (
        "a.txt", "Ann\tperson-x\nLee\tperson-x\nleft\tO\nOslo\tplace-y\n.\tO\n", {}, [
            ("Ann Lee left Oslo .", ["Ann Lee/person-x", "Oslo/place-y"])]),
    "a byte order mark": ("a.iob", "\ufeffAnn\tB-PER\nleft\tO\n", {}, [LEFT]),
    # JSON
    "three arrays": ("a.json", "".join(
        json.dumps([{"text": "Ann left", "label": [[0, 3, "PER"]]}]) for _ in "123"
    ), {}, [LEFT] * 3),
    "an array a line": ("a.jsonl", json_lines(
        [{"text": "Ann left", "label": [[0, 3, "PER"]]}], [], [
            {"text": "It rained", "label": []}]), {}, [LEFT, NOTHING]),
    "pretty-printed objects": ("a.json", "\n".join(json.dumps(
        {"text": text, "label": label}, indent=1) for text, label in [
            ("Ann left", [[0, 3, "PER"]]), ("It rained", [])]), {}, [LEFT, NOTHING]),
    "one object": ("a.json", json.dumps(
        {"tokens": WORDS, "entities": [{"start": 0, "end": 3, "type": "ORG"}]}, indent=2
    ), {}, [FLAT]),
    "null for doccano": ("a.jsonl", json_lines(
        {"text": "Ann left", "label": [[0, 3, "PER"]]},
        {"text": "It rained", "label": None}), {}, [LEFT, NOTHING]),
    "null for Prodigy": ("a.jsonl", json_lines(
        {"text": "Ann left", "spans": spans((0, 3, "PER")), "answer": "accept"},
        {"text": "It rained", "spans": None, "answer": "accept"}), {}, [LEFT, NOTHING]),
    "no entities in a hundred records": ("a.jsonl", json_lines(
        *[{"text": "It rained", "entities": []}] * 120,
        {"text": "Ann left", "entities": spans(
            (0, 3, "PER"), keys=("start_offset", "end_offset", "label"))},
    ), {}, [NOTHING] * 120 + [LEFT]),
    "TRAIN_DATA in lines": ("a.jsonl", json_lines(
        ["Ann left", {"entities": [[0, 3, "PER"]]}], ["It rained", {"entities": []}]
    ), {}, [LEFT, NOTHING]),
    "TRAIN_DATA, pretty": ("a.json", json.dumps(
        [["Ann left", {"entities": [[0, 3, "PER", "Q1"]], "cats": {}}]], indent=2
    ), {}, [LEFT]),
    "NER Annotator": ("a.json", json.dumps({"classes": ["PER"], "annotations": [
        ["Ann left", {"entities": [[0, 3, "PER"]]}], None,
        ["It rained", {"entities": []}]]}), {}, [LEFT, NOTHING]),
    "TRAIN_DATA, span groups": ("a.json", json.dumps([[BANK, {"spans": {
        "x": [[0, 12, "ORG"], [8, 12, "LOC"]]}}]]), {"source_key": "x"}, [NESTED]),
    "text-entities, types": ("a.json", json.dumps([{"text": BANK, "entities": spans(
        (0, 12, "ORG"), (8, 12, "LOC"), keys=("start", "end", "type"))}]), {}, [
            NESTED]),
    "text-entities, null": ("a.jsonl", json_lines(
        {"text": "It rained", "entities": None},
        {"text": "Ann left", "entities": [[0, 3, "PER"]]}), {}, [NOTHING, LEFT]),
    "pipelines of Hugging Face": ("a.jsonl", json_lines({"text": "Ann left",
        "entities": [{"entity_group": "PER", "score": 0.9, "word": "ann", "start": 0,
                      "end": 3}]}), {}, [LEFT]),
    "EDS-NLP": ("a.jsonl", json_lines({"note_id": 1, "note_text": BANK, "entities": [
        {"label": "ORG", "fragments": [{"begin": 0, "end": 12}]},
        {"label": "X", "fragments": [{"begin": 0, "end": 4}, {"begin": 8, "end": 12}]},
    ]}), {}, [FLAT]),
    "annotate's folder": (
        {
            "_manifest.json": "{}",
            "_done/part-000000.json": '{"docs": 1}',
            "_failed/part-000000.jsonl": '{"source": "a:1", "reason": "text"}',
            "part-000000.jsonl": json_lines(
                {"id": 1, "text": "It rained", "spans": []},
                {"id": 2, "text": "Ann left", "spans": [
                    {"start_char": 0, "end_char": 3, "label": "PER", "score": None,
                     "start_token": 0, "end_token": 1}]}),
        }, None, {}, [NOTHING, LEFT]),
    "Prodigy without tokens": ("a.jsonl", json_lines(
        {"text": BANK, "spans": [ORG, LOC], "answer": "accept", "_is_binary": False,
         "_view_id": "spans_manual"},
        {"text": "It rained", "answer": "accept", "_input_hash": 1},
        {"text": "Ann left", "spans": spans((0, 3, "PER")), "answer": "ignore"},
    ), {}, [NESTED, NOTHING]),
    "Prodigy, an empty token": ("a.jsonl", json_lines(
        {"text": "Ann left", "spans": spans((0, 3, "PER")), "answer": "accept",
         "tokens": [{"text": t} for t in ("Ann", "", "left")]}), {}, [LEFT]),
    # Label Studio
    "completions": ("a.json", json.dumps([{"id": 1, "data": {"text": "Ann left"},
        "completions": [{"id": 2, "was_cancelled": False, "result": [
            {"type": "labels", "value": ANN}]}]}]), {}, [LEFT]),
    "HTML regions of plain text": ("a.json", json.dumps([label_studio(
        ("hypertextlabels", {
            "start": "/text()[1]", "end": "/text()[1]", "text": "Ann",
            "hypertextlabels": ["PER"], "globalOffsets": {"start": 0, "end": 3}})
    )]), {}, [LEFT]),
    "paragraphs": ("a.json", json.dumps([{"data": {"dialogue": [
        {"author": "A", "text": "Hello"}, {"author": "B", "text": "Ann left"}]},
        "annotations": [{"result": [{"type": "paragraphlabels", "value": {
            "start": "1", "end": "1", "startOffset": 0, "endOffset": 3, "text": "Ann",
            "paragraphlabels": ["PER"]}}]}]}]), {}, [
                ("Hello Ann left", ["Ann/PER"])]),
    "JSON-MIN, other names": ("a.json", json.dumps([
        {"id": 1, "essay": "Ann left", "ner": [ANN], "annotation_id": 1,
         "created_at": "2026-01-01", "annotator": 1},
        {"id": 2, "essay": "It rained", "annotation_id": 2, "created_at": "2026-01-01",
         "annotator": 1},
    ]), {}, [LEFT, NOTHING]),
    "JSON-MIN, two texts": ("a.json", json.dumps([
        {"title": "News", "essay": "Ann left", "ner": [ANN], "annotation_id": 1},
        {"title": "News", "essay": "Ann left", "ner": [ANN], "annotation_id": None},
    ]), {}, [LEFT]),
    # Tokens
    "SpERT, pretty": ("a.json", json.dumps([{"tokens": WORDS, "entities": [
        {"type": "ORG", "start": 0, "end": 3}, {"type": "LOC", "start": 2, "end": 3}],
        "relations": [{"type": "in", "head": 1, "tail": 0}]}], indent=1), {}, [NESTED]),
    "Triaffine": ("a.jsonl", json_lines({"tokens": WORDS, "pos": WORDS, "entities": [
        {"type": "ORG", "start": 0, "end": 3}], "ltokens": [], "rtokens": []},
        {"tokens": ["It", "rained"], "entities": []}), {}, [FLAT, NOTHING]),
    "SciERC": ("a.json", json_lines({"doc_key": "a", "clusters": [],
        "sentences": [["It", "rained"], WORDS],
        "ner": [[], [[2, 4, "ORG"], [4, 4, "LOC"]]], "relations": [[], []]}), {}, [
            (f"It rained {BANK}", NESTED[1])]),
    "biaffine-ner": ("a.jsonl", json_lines({"doc_key": "a",
        "sentences": [["It", "rained"], WORDS],
        "ners": [[], [[0, 2, "ORG"], [2, 2, "LOC"]]]}), {}, [
            (f"It rained {BANK}", NESTED[1])]),
    "GLiNER in lines": ("a.jsonl", json_lines(
        {"tokenized_text": WORDS, "ner": [[2, 2, "LOC"], [0, 2, "ORG"]]},
        {"tokenized_text": ["It", "rained"], "ner": []}), {}, [NESTED, NOTHING]),
    "W2NER, gaps": ("a.json", json.dumps([{"sentence": WORDS, "word": [], "ner": [
        {"index": [2, 1, 0], "type": "ORG"}, {"index": [0, 2], "type": "X"}]}]), {}, [
            FLAT]),
    "Pyramid": ("a.json", json.dumps([{"tokens": WORDS, "entities": [
        {"entity_type": "ORG", "span": [0, 3]}, {"entity_type": "LOC", "span": [2, 3]}
    ]}]), {}, [NESTED]),
    "MRC": ("a.json", json.dumps([
        {"context": BANK, "entity_label": "ORG", "qas_id": "0.1", "impossible": False,
         "span_position": ["0;2"], "start_position": [0], "end_position": [2]},
        {"context": BANK, "entity_label": "LOC", "qas_id": "0.2", "impossible": False,
         "span_position": ["2;2"], "start_position": [2], "end_position": [2]},
        {"context": "It rained", "entity_label": "ORG", "qas_id": "1.1",
         "span_position": [], "impossible": True},
    ]), {}, [NESTED, NOTHING]),
    "numbered tags": ("a.jsonl", hf(ner_tags=[1, 2, 2, 0]), {
        "label_names": ["O", "B-ORG", "I-ORG"]}, [FLAT]),
    "two levels of tags": ("a.jsonl", hf(
        ner_tags=["B-ORG", "I-ORG", "I-ORG", "O"],
        nested_ner_tags=["O", "O", "B-LOC", "O"]), {}, [NESTED]),
    "several tags a token": ("a.jsonl", hf(
        tags=[["B-ORG"], ["I-ORG"], ["B-LOC", "I-ORG"], ["O"]]), {}, [NESTED]),
    "other keys of tags": ("a.jsonl", hf(
        ner_tags=["O"] * 4, fine=["B-ORG", "I-ORG", "I-ORG", "O"]), {
            "columns": ["fine"]}, [FLAT]),
    # Standoff
    "brat, pieces that touch": ({
        "a.txt": "North\nKorea left", "a.ann": "T1\tLOC 6 11;0 5\tKorea North\n"},
        None, {}, [("North Korea left", ["North Korea/LOC"])]),
    "brat, three pieces": ({
        "a.txt": BANK, "a.ann": "T1\tX 8 12;13 17;0 4\tBank Oslo left\n"
        "T2\tORG 0 12\tBank of Oslo\n"}, None, {}, [FLAT]),
    "brat, line breaks in the text of a span": ({
        "a.txt": "Ann\nand\nBob left", "a.ann": "T1\tPER 0 11\tAnn\nand\nBob\n"
        "T2\tPER 8 11\tBob\n"}, None, {}, [
            ("Ann and Bob left", ["Ann and Bob/PER", "Bob/PER"])]),
    "brat, the rest of a text": ({
        "a.txt": "Ann left", "a.ann": "T1\tPER 0 3\tAnn\nof the witnesses\n"},
        None, {}, [LEFT]),
    "brat, a mark in the annotation": ({
        "a.txt": "Ann left", "a.ann": "\ufeffT1\tPER 0 3\tAnn\n"}, None, {}, [LEFT]),
    "brat, a mark in the text": ({
        "a.txt": "\ufeffAnn left", "a.ann": "T1\tPER 0 3\tAnn\n"}, None, {}, [LEFT]),
    "BioNLP, only .a2": ({
        "a.txt": "Ann left", "a.a2": "T1\tPER 0 3\tAnn\nE1\tLeave:T1\n"}, None, {}, [
            LEFT]),
    "BioNLP, equal names of spans": ({
        "a.txt": BANK, "a.a1": "T1\tORG 0 12\tBank of Oslo\n",
        "a.a2": "T1\tLOC 8 12\tOslo\n*\tEquiv T1 T1\n"}, None, {}, [NESTED]),
    "brat, lists and notes beside it": ({
        "a.txt": "Ann left", "a.ann": "T1\tPER 0 3\tAnn\n", "labels.txt": "PER\nLOC\n",
        "b.txt": "Not annotated.", "labels.json": '[{"text": "PER"}]',
        "tool.py": "print('B-PER')", "x/Makefile": "all:\n\techo\n"},
        None, {}, [LEFT]),
    "brat, bad lines": ({
        "a.txt": BANK, "a.ann": "T1\tORG 0 12\tBank of Oslo\nT2 LOC 8 12 Oslo\n"
        "T3\tLOC 8 99\tOslo\nT4\tLOC 8 12\tOslo\n?\n"},
        None, {"skip_bad": True}, [NESTED]),
    "PubTator, two documents": (
        "a.txt", f"1|t|{BANK}\n1|a|It rained\n1\t0\t12\tBank of Oslo\tORG\t-\n"
        "1\t8\t12\tOslo\tLOC\n1\tin\t3\t4\n\n2|t|Ann left\n2\t0\t3\tAnn\tPER\t-\n", {},
        [(f"{BANK} It rained", NESTED[1]), LEFT]),
    "PubTator, only titles": (
        "a.pubtator", "1|t|Ann left\n1|a|\n1\t0\t3\tAnn\tPER\t-\n\n2|t|It rained\n", {},
        [LEFT, NOTHING]),
    "WebAnno, two features": ("a.tsv", webanno(
        ["#T_SP=de.tudarmstadt.ukp.dkpro.core.api.lexmorph.type.pos.POS|PosValue",
         "#T_SP=de.tudarmstadt.ukp.dkpro.core.api.ner.type.NamedEntity|identifier|value"],
        ("NN", "*[1]", "ORG[1]"), ("IN", "*[1]", "ORG[1]"),
        ("NN", "*[1]|*[2]", "ORG[1]|LOC[2]"), ("VB", "_", "_")), {}, [NESTED]),
    "WebAnno, equal labels": ("a.tsv", webanno(
        ["#T_SP=webanno.custom.Ent|value"], ("O[1]|O[2]",), ("O[1]",), ("O[1]",), ("_",)
    ), {}, [(BANK, ["Bank of Oslo/O", "Bank/O"])]),
    "CorefUD": ("a.conllu", conllu(
        "Entity=(e1-ORG-1-", "_", "SpaceAfter=No|Entity=(e2-LOC-1-)e1)", "_",
        head="# global.Entity = eid-etype-head-other"), {}, [
            ("Bank of Osloleft", NESTED[1])]),
    "GUM, before fields were named": ("a.conllu", conllu(
        "Entity=(ORG-1", "_", "Entity=(LOC-2)ORG-1)", "_"), {}, [NESTED]),
    "CoNLL-U, a discontinuous entity": ("a.conllu", conllu(
        "Entity=(1-ORG", "Entity=(e2[1/2]-X-1)", "Entity=1)", "Entity=(e2[2/2]-X-1)",
        head="# global.Entity = eid-etype-head"), {}, [FLAT]),
    # Characters
    "white space before": ("a.jsonl", json_lines(
        {"text": "So Ann left", "label": [[2, 6, "PER"]]}), {}, [
            ("So Ann left", ["Ann/PER"])]),
    "a line break at the edge": ("a.json", json.dumps(
        [["Ann\nleft", {"entities": [[0, 4, "PER"]]}]]), {}, [LEFT]),
    "nothing but white space": ("a.jsonl", json_lines(
        {"text": "Ann left", "label": [[0, 3, "PER"], [3, 4, "X"]]}), {}, [LEFT]),
    "contracted": ("a.jsonl", json_lines(
        {"text": "Die Berliner Mauer", "label": [[4, 16, "X"], [13, 15, "Y"]]}), {
            "align": "contract"}, [("Die Berliner Mauer", ["Berliner/X"])]),
    "expanded on both sides": ("a.jsonl", json_lines(
        {"text": "Altbundestagswahl jetzt", "label": [[3, 12, "X"]]}), {
            "align": "expand"}, [
                ("Altbundestagswahl jetzt", ["Altbundestagswahl/X"])]),
}  # fmt: skip


def normal(text):
    return " ".join(text.split())


def write(folder, files, data):
    files = {files: data} if isinstance(files, str) else files
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode("utf8"))


def read(path):
    for doc in DocBin().from_disk(path).get_docs(Vocab()):
        spans = sorted(f"{normal(s.text)}/{s.label_}" for s in doc.spans["sc"])
        yield normal(doc.text), spans


@pytest.mark.parametrize("case", CASES)
def test_format(case, tmp_path):
    files, data, options, docs = CASES[case]
    write(tmp_path / "in", files, data)
    output = tmp_path / "out.spacy"
    convert([tmp_path / "in"], output, **options)
    expected = [(text, sorted(spans)) for text, spans in docs]
    assert list(read(output)) == expected


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
        texts += map(str, error.value.summary.bad.first)
    assert any(message in text for text in texts), texts
    assert not (tmp_path / "out.spacy").exists()


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


def test_a_file_with_tokens_needs_no_tokenizer(tmp_path, monkeypatch):
    """Japanese needs a package for its tokenizer."""
    monkeypatch.setitem(__import__("sys").modules, "sudachipy", None)
    write(tmp_path, "a.iob", "東京 B-LOC\nへ O\n")
    convert([tmp_path / "a.iob"], tmp_path / "out.spacy", lang="ja")
    assert list(read(tmp_path / "out.spacy")) == [("東京へ", ["東京/LOC"])]
