"""Files as tools write them, in the variants that occur, and the spans in them.

Each case: files by name, the options, and the docs with their text and the text and
label of each span.
"""

import csv
import io
import json

from spacy.tokens import DocBin
from spacy.vocab import Vocab

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


def bioc_xml(*parts):
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE collection SYSTEM '
        '"BioC.dtd">\n<collection><source/><date/><key/>\n<document><id>1</id>'
        f"{''.join(parts)}</document></collection>"
    )


def bioc_annotation(label, offset, length, text):
    return (
        f'<annotation id="1"><infon key="type">{label}</infon><location '
        f'offset="{offset}" length="{length}"/><text>{text}</text></annotation>'
    )


def bioc_json(*annotations):
    items = [
        {"infons": {"type": label}, "locations": [{"offset": start, "length": length}]}
        for label, start, length in annotations
    ]
    return {"id": 1, "passages": [{"offset": 0, "text": BANK, "annotations": items}]}


GENIA = (
    '<?xml version="1.0"?>\n<!DOCTYPE set SYSTEM "gpml.dtd">\n<set><article>'
    "<articleinfo><bibliomisc>MEDLINE:1</bibliomisc></articleinfo><title>\n<sentence>{}"
    "</sentence></title></article></set>"
)


def ace(*mentions):
    items = "".join(
        f'<entity ID="E{i}" TYPE="{label}"><entity_mention ID="E{i}-1">\n<extent>'
        f'<charseq START="{start}" END="{last}">{text}</charseq></extent><head>'
        '<charseq START="0" END="0">x</charseq></head></entity_mention></entity>'
        for i, (label, start, last, text) in enumerate(mentions)
    )
    return (
        f'<?xml version="1.0"?>\n<!DOCTYPE source_file SYSTEM "apf.dtd">\n<source_file>'
        f'<document>{items}<relation ID="R1"/></document></source_file>'
    )


NER = "de.tudarmstadt.ukp.dkpro.core.api.ner.type"
TYPES = (
    '<?xml version="1.0"?><typeSystemDescription '
    'xmlns="http://uima.apache.org/resourceSpecifier"><types><typeDescription><name>'
    f"{NER}.NamedEntity</name><description/><supertypeName>uima.tcas.Annotation"
    "</supertypeName><features><featureDescription><name>value</name><description/>"
    "<rangeTypeName>uima.cas.String</rangeTypeName></featureDescription></features>"
    "</typeDescription></types></typeSystemDescription>"
)
# Offsets count UTF-16 units; the emoji has two.
XMI = (
    '<?xml version="1.0"?><xmi:XMI xmlns:xmi="http://www.omg.org/XMI" '
    'xmlns:cas="http:///uima/cas.ecore" xmlns:type="http:///de/tudarmstadt/ukp/dkpro/'
    'core/api/ner/type.ecore" xmi:version="2.0"><cas:NULL xmi:id="0"/>'
    '<type:NamedEntity xmi:id="2" sofa="1" begin="3" end="15" value="ORG"/>'
    '<type:NamedEntity xmi:id="3" sofa="1" begin="11" end="15" value="LOC"/>'
    '<type:NamedEntity xmi:id="4" sofa="1" begin="3" end="7"/>'
    '<cas:Sofa xmi:id="1" sofaNum="1" sofaID="_InitialView" mimeType="text" '
    f'sofaString="\U0001f600 {BANK}"/><cas:View sofa="1" members="2 3 4"/></xmi:XMI>'
)


def feature(name, range):
    return {name: {"%NAME": name, "%RANGE": range}}


def cas_json(text, *structures):
    """A CAS with the layers Ent, whose slots link to others, and Rel."""
    string, ent = "uima.cas.String", "webanno.custom.Ent"
    features = {
        "Ent": ("uima.tcas.Annotation", feature("kind", string),
                feature("note", string), feature("all", f"{string}Array"),
                feature("slots", f"{ent}Link[]"), feature("label", string)),
        "EntLink": ("uima.cas.TOP", feature("role", string), feature("target", ent)),
        "Rel": ("uima.tcas.Annotation", feature("Governor", ent),
                feature("Dependent", ent)),
    }  # fmt: skip
    types = {}
    for name, (parent, *parts) in features.items():
        types[f"webanno.custom.{name}"] = {"%SUPER_TYPE": parent}
        for part in parts:
            types[f"webanno.custom.{name}"] |= part
    sofa = {"sofaNum": 1, "sofaID": "_InitialView", "sofaString": text}
    items = [{"%TYPE": "uima.cas.Sofa", **sofa}, *structures]
    for i, item in enumerate(items, 1):
        item["%ID"] = i
        item["%TYPE"] = item["%TYPE"].replace("custom", "webanno.custom")
    members = [item["%ID"] for item in items if "begin" in item]
    view = {"_InitialView": {"%SOFA": 1, "%MEMBERS": members}}
    cas = {"%TYPES": types, "%FEATURE_STRUCTURES": items, "%VIEWS": view}
    return json.dumps(cas, indent=2)


def ent(begin, end, **features):
    place = {"@sofa": 1, "begin": begin, "end": end}
    return {"%TYPE": "custom.Ent", **place, **features}


def label_studio_csv(*rows, delimiter=","):
    file = io.StringIO()
    csv.writer(file, delimiter=delimiter).writerows(rows)
    return file.getvalue()


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
    # XML
    "BioC, passages": ("a.xml", bioc_xml(
        '<passage><infon key="type">title</infon><offset>0</offset>'
        '<text>It rained</text></passage>',
        f'<passage><offset>10</offset><text>{BANK}</text>'
        + bioc_annotation("ORG", 10, 12, "Bank of Oslo")
        + bioc_annotation("LOC", 18, 4, "Oslo")
        + '<relation id="R1"><node refid="1" role="x"/></relation></passage>'), {}, [
            (f"It rained {BANK}", NESTED[1])]),
    "BioC, sentences, in pieces": ("a.xml", bioc_xml(
        '<passage><offset>5</offset><sentence><offset>5</offset><text>It rained</text>'
        f'</sentence><sentence><offset>17</offset><text>{BANK}</text>'
        + bioc_annotation("ORG", 17, 12, "Bank of Oslo") + '</sentence></passage>'
        '<annotation id="2"><infon key="type">X</infon><location offset="17" '
        'length="4"/><location offset="25" length="4"/></annotation>'
        + bioc_annotation("LOC", 25, 4, "Oslo")), {}, [
            (f"It rained {BANK}", NESTED[1])]),
    "BioC JSON, a collection": ("a.json", json.dumps({"source": "x", "documents": [
        bioc_json(("ORG", 0, 12), ("LOC", 8, 4)), bioc_json()]}, indent=1), {}, [
            NESTED, (BANK, [])]),
    "BioC JSON, lines": ("a.biocjson", json_lines(
        bioc_json(("ORG", "0", "12")), bioc_json(("LOC", 8, 4))), {}, [
            FLAT, (BANK, ["Oslo/LOC"])]),
    "BioC JSON, nulls and other keys": ("a.json", json.dumps([{"documents": [
        {"id": 2, "passages": []}, {"id": 1, "annotations": None, "passages": [{
            "offset": 0, "text": BANK, "sentences": None, "relations": None,
            "annotations": [{"infons": {"type": "ORG"}, "text": "Bank of Oslo",
                             "locations": [{"offset": 0, "length": 12, "x": ""}]}]}]}
    ]}]), {}, [FLAT]),
    "BioC JSON, PubTator 3": ("a.json", json.dumps(
        {"PubTator3": [bioc_json(("ORG", 0, 12), ("LOC", 8, 4))]}), {}, [NESTED]),
    "GENIA": ("a.xml", GENIA.format(
        '<cons lex="x" sem="G#ORG">Bank of <cons sem="G#LOC">Oslo</cons></cons> left'),
        {}, [(BANK, ["Bank of Oslo/G#ORG", "Oslo/G#LOC"])]),
    "GENIA, words and coordination": ("a.xml", GENIA.format(
        '<cons lex="x" sem="(AND G#A G#B)"><cons lex="Bank*"><w c="NN">Bank</w></cons> '
        '<w c="IN">of</w> <cons sem="G#LOC"><w c="NN">Oslo</w></cons></cons>'
        ' <w c="VB">left</w>'), {}, [(BANK, ["Oslo/G#LOC"])]),
    "ACE": ({"a.sgm": f"<DOC>\n<TEXT>\n{BANK}\n</TEXT>\n</DOC>\n", "a.apf.xml": ace(
        ("ORG", 2, 13, "Bank of Oslo"), ("LOC", 10, 13, "Oslo")), "a.tab": "x\ty\n"},
        None, {}, [NESTED]),
    "ACE, an entity of SGML": ({"a.sgm": "<DOC>A &amp; B in Bonn</DOC>", "a.apf.xml":
        ace(("ORG", 0, 4, "A &amp; B"), ("LOC", 9, 12, "Bonn"))}, None, {}, [
            ("A & B in Bonn", ["A & B/ORG", "Bonn/LOC"])]),
    "UIMA CAS XMI": ({"a.xmi": XMI, "TypeSystem.xml": TYPES}, None, {}, [
        ("\U0001f600 Bank of Oslo left", NESTED[1])]),
    "UIMA CAS XMI, types of the same name": ({"x/a.xmi": XMI, "x/a.xml": TYPES},
        None, {}, [("\U0001f600 Bank of Oslo left", NESTED[1])]),
    # Lines of spans
    "three lines": ("a.data", f"{BANK}\nNN IN NN VB\n0,3 ORG|2,3 LOC\n\nIt rained\n"
        "P V\n\n\nAnn left\nNN VB\n0,1 PER\n", {}, [NESTED, NOTHING, LEFT]),
    "two lines, inclusive ends": ("a.txt", f"{BANK}\n0,2 ORG|2,2 LOC|\n\nIt rained\n\n"
        "Ann left\n0,0 PER\n", {}, [NESTED, NOTHING, LEFT]),
    "two lines, CR LF": ("train.data", f"\ufeff{BANK}\r\n0,3 ORG\r\n\r\n", {}, [FLAT]),
    # Tables
    "Label Studio CSV": ("a.csv", label_studio_csv(
        ["id", "text", "label", "annotator", "annotation_id", "lead_time"],
        [1, BANK, json.dumps([{**ORG, "labels": ["ORG"]}, {**LOC, "labels": ["LOC"]}]),
         1, 7, 1.5], [2, 'Ann, "left"\nhere', "", 1, 8, 2],
        [3, "Unseen", "", "", "", ""]
    ), {}, [NESTED, ('Ann, "left" here', [])]),
    "Label Studio TSV": ("a.tsv", label_studio_csv(
        ["id", "sentence", "ner"], [1, BANK, json.dumps([{**ORG, "labels": ["ORG"]}])],
        delimiter="\t"), {}, [FLAT]),
    # Argilla
    "Argilla": ("a.json", json.dumps([
        {"id": "1", "fields": {"text": BANK}, "status": "completed", "suggestions": {},
         "responses": {"ents": [{"value": [ORG, LOC], "user_id": "u"}], "ok": [
             {"value": "yes", "user_id": "u"}]}},
        {"id": "2", "fields": {"text": "Ann left"}, "responses": {}}]), {}, [NESTED]),
    "Argilla, flattened": ("a.jsonl", json_lines(
        {"id": "1", "_server_id": "x", "text": BANK, "document_id": "US-1",
         "ents.responses": [[LOC], [ORG, LOC]], "ents.responses.users": ["a", "b"],
         "ents.responses.status": ["discarded", "submitted"], "ents.suggestion": [LOC]}
    ), {}, [NESTED]),
    "Argilla 1": ("a.json", json.dumps([
        {"text": BANK, "tokens": WORDS, "prediction": None, "annotation": [
            ["ORG", 0, 12], ["LOC", 8, 12]], "status": "Validated"},
        {"text": "Ann left", "tokens": ["Ann", "left"], "prediction": [],
         "annotation": [{"label": "PER", "start": 0, "end": 3}]},
        {"text": "x", "tokens": ["x"], "prediction": [], "annotation": None}]), {}, [
            NESTED, LEFT]),
    # Ends of lines, units of offsets, empty files
    "IOB, two carriage returns": ("a.iob", "Ann\tB-PER\r\r\nleft\tO\r\r\n", {}, [LEFT]),
    "IOB, only carriage returns": ("a.iob", "Ann\tB-PER\rleft\tO\r\rIt\tO\rrained\tO\r",
        {}, [LEFT, NOTHING]),
    "JSONL, only carriage returns": ("a.jsonl", json_lines(
        {"text": "Ann left", "label": [[0, 3, "PER"]]},
        {"text": "It rained", "label": []}).replace("\n", "\r"), {}, [LEFT, NOTHING]),
    "brat, only carriage returns": ({"a.txt": "Bank\rof Oslo left",
        "a.ann": "T1\tORG 0 12\tBank of Oslo\rT2\tLOC 8 12\tOslo\r"}, None, {}, [
            NESTED]),
    "brat, carriage returns that came later": ({"a.txt": "Bank of\r\nOslo left",
        "a.ann": "T1\tORG 0 12\tBank of Oslo\nT2\tLOC 8 12\tOslo\n"}, None, {}, [
            NESTED]),
    "offsets in units of UTF-16": ("a.jsonl", json_lines({"text": "\U0001f600 Ann left",
        "entities": [{"start": 3, "end": 6, "label": "PER", "text": "Ann"}]}), {}, [
            ("\U0001f600 Ann left", ["Ann/PER"])]),
    "offsets in characters": ("a.jsonl", json_lines({"text": "\U0001f600 Ann left",
        "entities": [{"start": 2, "end": 5, "label": "PER", "text": "Ann"}]}), {}, [
            ("\U0001f600 Ann left", ["Ann/PER"])]),
    "empty files": ({"a.iob": "", "b.json": "[]", "c.jsonl": " \n",
        "d.iob": "Ann\tB-PER\nleft\tO\n"}, None, {}, [LEFT]),
    # Labels
    "Label Studio's CoNLL, blanks in a label": ("a.conll", "-DOCSTART- -X- O\n"
        "Ann -X- _ B-First Name\nLee -X- _ I-First Name\nleft -X- _ O\n", {}, [
            ("Ann Lee left", ["Ann Lee/First Name"])]),
    "bare labels, mostly O": ("a.txt", "Ann\tPER\nLee\tPER\nleft\tO\nby\tO\ncar\tO\n",
        {}, [("Ann Lee left by car", ["Ann Lee/PER"])]),
    "an underscore after the prefix": ("a.iob", "Ann\tB_PER\nLee\tI_PER\nleft\tO\n", {},
        [("Ann Lee left", ["Ann Lee/PER"])]),
    "bare labels of Hugging Face": ("a.jsonl", hf(ner_tags=[1, 1, 1, 0]), {
        "label_names": ["O", "ORG"]}, [FLAT]),
    "CoNLL-U without entities": ({"a.conllu": conllu("_", "_", "_", "_"),
        "b.conllu": conllu("Entity=(1-ORG", "_", "Entity=(2-LOC)1)", "_")}, None, {}, [
            (BANK, []), NESTED]),
    "WebAnno, no feature, no value": ("a.tsv", webanno(
        ["#T_SP=webanno.custom.ORG|", "#T_SP=webanno.custom.Ent|value",
         "#T_RL=webanno.custom.Rel|value|BT_webanno.custom.Ent"],
        ("*[1]", "*"), ("*[1]",), ("*[1]", "LOC", "r", "1-1"), ("_",)), {}, [NESTED]),
    "UIMA CAS JSON": ("a.json", cas_json(
        f"\U0001f600 {BANK}", ent(3, 15, kind="ORG", **{"@slots": 5}),
        ent(11, 15, kind="LOC", label="x"), ent(11, 15, note="?"),
        {"%TYPE": "uima.cas.FSArray", "%ELEMENTS": [6, 7]},
        {"%TYPE": "custom.EntLink", "role": "in", "@target": 3},
        {"%TYPE": "custom.EntLink", "role": "of", "@target": 3},
        {"%TYPE": "custom.Rel", "@sofa": 1, "begin": 3, "end": 15, "@Governor": 2,
         "@Dependent": 3}), {}, [
            (f"\U0001f600 {BANK}", ["Bank of Oslo/ORG", "Oslo/x"])]),
    "UIMA CAS JSON, several values": ("a.json", cas_json(
        BANK, ent(0, 12, **{"@all": 3}),
        {"%TYPE": "uima.cas.StringArray", "%ELEMENTS": ["A", "B"]}).replace(
            '"label"', '"x"').replace('"kind"', '"y"').replace('"note"', '"z"').replace(
            '"all"', '"value"').replace('"@all"', '"@value"'), {}, [
                (BANK, ["Bank of Oslo/A", "Bank of Oslo/B"])]),
    "WebAnno, links and labels in two features": ("a.tsv", webanno(
        ["#T_SP=webanno.custom.Ent|ROLE_webanno.custom.Ent:roles_webanno.custom.EntLink"
         "|uima.tcas.Annotation|value|kind"],
        ("in;of[1]", "1-3[2];1-3[2]", "*[1]", "ORG[1]"), ("*[1]", "*[1]", "*[1]",
        "ORG[1]"), ("*[1]|*[2]", "*[1]|*[2]", "*[1]|LOC[2]", "ORG[1]|*[2]"), ("_",) * 4
    ), {}, [NESTED]),
    # As the newest versions of the tools write them, whole.
    "PubTator 3": ("a.json", json.dumps({"PubTator3": [{"_id": "1|None", "id": "1",
        "infons": {}, "pmid": 1, "relations_display": [], "relations": [{"id": "R1"}],
        "passages": [
            {"infons": {"type": "title"}, "offset": 0, "text": BANK, "sentences": [],
             "annotations": [{"id": "2", "infons": {"identifier": "1", "type": "ORG",
                "valid": True, "database": "x"}, "text": "Bank of Oslo",
                "locations": [{"offset": 0, "length": 12}]}], "relations": []},
            {"infons": {"type": "abstract"}, "offset": 18, "text": "Ann left",
             "annotations": [{"id": "3", "infons": {"type": "PER"}, "text": "Ann",
                "locations": [{"offset": 18, "length": 3}]}], "relations": []}]}]}),
        {}, [(f"{BANK} Ann left", ["Ann/PER", "Bank of Oslo/ORG"])]),
    "GUM 10": ("a.conllu", conllu(
        "Entity=(1-ORG-new-nnn-cf1-1-sgl", "_",
        "Bridge=1<2|Entity=(2-LOC-new-nnn-cf2-1-sgl-Oslo)1)", "_",
        head="# newdoc id = GUM_x\n# global.Entity = "
        "GRP-etype-infstat-salience-centering-minspan-link-identity"), {}, [NESTED]),
    "INCEpTION's TSV 3.3": ("a.tsv", webanno(
        [f"#T_SP={NER}.NamedEntity|identifier|value",
         "#T_SP=webanno.custom.Ev|ROLE_webanno.custom.Ev:args_webanno.custom.EvLink|"
         "uima.tcas.Annotation|kind",
         f"#T_RL=webanno.custom.Rel|label|BT_{NER}.NamedEntity"],
        ("http://x[1]", "ORG[1]", *"_____"), ("http://x[1]", "ORG[1]", *"_____"),
        ("http://x[1]|*[2]", "ORG[1]|LOC[2]", *"___", "in", "1-1[1_2]"),
        (*"__", "who;where", "1-1[1];1-3[2]", "Go", *"__")).replace("3.2", "3.3"), {}, [
            (BANK, [*NESTED[1], "left/Go"])]),
    "brat, all kinds of lines": ({
        "a.txt": f"{BANK}\r\nAnn ran", "a.ann": "T1\tORG 0 12\tBank of Oslo\r\n"
        "T2\tLOC 8 12\tOslo\r\nT3\tPER 19 22\tAnn\r\nA1\tNegation T1\r\n"
        "#1\tAnnotatorNotes T1\tx\r\nN1\tReference T1 Wikipedia:1\tBank\r\n"
        "R1\tin Arg1:T1 Arg2:T2\t\r\nE1\tORG:T1 Loc:T2\r\n*\tEquiv T1 T2\r\n",
        "annotation.conf": "[entities]\nORG\n", "visual.conf": "[labels]\n"},
        None, {}, [(f"{BANK} Ann ran", [*NESTED[1], "Ann/PER"])]),
    "Label Studio, all kinds of results": ("a.json", json.dumps([{
        "id": 1, "drafts": [], "predictions": [{"result": [{"type": "labels", "value":
            {"start": 0, "end": 1, "labels": ["X"]}}]}], "meta": {}, "annotations": [{
            "was_cancelled": False, "ground_truth": False, "prediction": {}, "result": [
                {"id": "a", "type": "labels", "origin": "manual", "value": ANN},
                {"type": "choices", "value": {"choices": ["news"]}},
                {"type": "relation", "from_id": "a", "to_id": "a", "labels": ["is"]}]}],
        "data": {"text": "Ann left", "meta_info": "x"}}]), {}, [LEFT]),
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


def write(folder, files, data):
    files = {files: data} if isinstance(files, str) else files
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode("utf8"))


def normal(text):
    return " ".join(text.split())


def read(path):
    for doc in DocBin().from_disk(path).get_docs(Vocab()):
        spans = sorted(f"{normal(s.text)}/{s.label_}" for s in doc.spans["sc"])
        yield normal(doc.text), spans
