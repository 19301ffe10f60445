"""Whatever a corpus holds, nothing of it is lost without being counted."""

import json
import re
import shutil
import tempfile
from pathlib import Path

import pytest
from annotations import read_failed, read_rows
from generated import patient
from hypothesis import given
from hypothesis import strategies as st
from spacy.tokens import DocBin
from spacy.vocab import Vocab

from spacy_egp.annotation.annotator import Annotator, Settings
from spacy_egp.annotation.corpus import cut_files
from spacy_egp.corpora.convert import ConversionError, convert
from spacy_egp.corpora.summary import Fate

pytestmark = pytest.mark.faults

# This includes surrogates, which JSON can hold.
ANY_TEXT = st.text(st.characters())
LABELS = st.sampled_from("AB")
OFFSETS = st.integers(-1, 12)


@st.composite
def tasks_of_doccano(draw):
    """A text with spans inside it, some of which may be equal, or anywhere."""
    text = draw(st.text("ab .") | ANY_TEXT)
    # Only the empty text has no span inside.
    starts = st.integers(0, max(0, len(text) - 1))
    inside = st.tuples(starts, st.just(len(text)) | starts.map(lambda i: i + 1), LABELS)
    anywhere = st.tuples(OFFSETS, OFFSETS, ANY_TEXT)
    return {"text": text, "label": draw(st.lists(inside) | st.lists(anywhere))}


def is_unicode(text):
    return re.search("[\ud800-\udfff]", text) is None


def is_valid(text, span):
    start, end, label = span
    return 0 <= start < end <= len(text) and label.strip() and is_unicode(label)


@patient
@given(st.lists(tasks_of_doccano(), min_size=1, max_size=5))
def test_convert_counts_what_it_leaves_out(tasks):
    lines = [json.dumps(task) for task in tasks]
    tasks = [json.loads(line) for line in lines]
    readable = [task for task in tasks if is_unicode(task["text"])]
    n_bad = len(tasks) - len(readable)
    for task in readable:
        valid = [span for span in task["label"] if is_valid(task["text"], span)]
        n_bad += len(task["label"]) - len(valid)
        task["label"] = valid
    with tempfile.TemporaryDirectory() as folder:
        path, output = Path(folder) / "a.jsonl", Path(folder) / "a.spacy"
        path.write_text("\n".join(lines))
        try:
            options = {"format": "doccano", "lang": "xx", "skip_bad": True}
            summary = convert([path], output, **options)
            docs = list(DocBin().from_disk(output).get_docs(Vocab()))
            assert [doc.text for doc in docs] == [task["text"] for task in readable]
        except ConversionError as error:
            # Without a doc or a span, or if hardly any span fits the tokens.
            assert re.search("EGP(202|263|264)", str(error))
            assert not output.exists()
            summary, docs = error.summary, []
    assert summary.bad.count == n_bad
    left_out = (Fate.MISFIT, Fate.BLANK, Fate.DUPLICATE)
    n_left_out = sum(summary.fates[fate].count for fate in left_out)
    n_valid = sum(len(task["label"]) for task in readable)
    assert summary.labels.total() + n_left_out == n_valid
    for doc, task in zip(docs, readable):
        got = sorted((s.start_char, s.end_char, s.label_) for s in doc.spans["sc"])
        assert got == sorted(set(fitting_spans(doc, task)))


def fitting_spans(doc, task):
    for start, end, label in task["label"]:
        text = task["text"][start:end]
        start += len(text) - len(text.lstrip())
        end = start + len(text.strip())
        if text.strip() and doc.char_span(start, end):
            yield start, end, label


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT,
    lambda values: st.lists(values) | st.dictionaries(ANY_TEXT, values),
    max_leaves=3,
)
OBJECTS = st.fixed_dictionaries(
    {}, optional={"text": ANY_TEXT | JSON, "id": JSON, "spans": JSON}
)
LINES = (OBJECTS | JSON).map(lambda value: json.dumps(value).encode()) | st.binary()


@pytest.fixture(scope="module")
def annotator(model_path, tmp_path_factory):
    return Annotator(
        Settings(
            model=str(model_path),
            output=str(tmp_path_factory.mktemp("annotated") / "out"),
            format="jsonl",
            text_column="text",
            spans_key="sc",
            threshold=None,
            max_length=None,
            max_chars=100,
            max_seconds=60,
            batch_words=20,
            gpu=0,
            code=None,
            schema=None,
        )
    )


def is_annotated(line):
    try:
        row = json.loads(line)
    except ValueError:
        return False
    text = row.get("text") if isinstance(row, dict) else None
    is_text = isinstance(text, str) and is_unicode(text) and len(text) <= 100
    return is_text and "spans" not in row


@patient
@given(st.lists(LINES, min_size=1, max_size=8))
def test_annotate_counts_what_fails(annotator, lines):
    output = Path(annotator.output.path)
    shutil.rmtree(output, ignore_errors=True)
    annotator.output.begin({})
    path = output.with_name("a.jsonl")
    path.write_bytes(b"\n".join(lines))
    counts = [annotator(part) for part in cut_files([str(path)], 3)]
    numbered = enumerate(path.read_bytes().split(b"\n"), 1)
    given_lines = {number: line for number, line in numbered if line.strip()}
    annotated = {n: line for n, line in given_lines.items() if is_annotated(line)}
    texts = [json.loads(line)["text"] for line in annotated.values()]
    assert [row["text"] for row in read_rows(output)] == texts
    assert sum(part.docs for part in counts) == len(annotated)
    failed = [int(source.rpartition(":")[2]) for source in read_failed(output)]
    assert failed == [number for number in given_lines if number not in annotated]
    assert sum(part.failed.count for part in counts) == len(failed)
