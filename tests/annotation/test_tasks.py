"""Predict, correct in an annotation tool, train again: what `annotate` writes for the
tools, and `convert` reads."""

import json

import pytest
import spacy
import srsly
from annotations import list_spans, read_failed
from conftest import spans_of
from spacy.tokens import DocBin

from spacy_egp.annotation.annotate import annotate
from spacy_egp.corpora.convert import convert

TEXTS = [
    "I like London and Berlin.",
    "😀 The mayor of Greater London met Ada Lovelace.",
    "Nothing to see here.",
    "",
]


@pytest.fixture
def body_path(tmp_path):
    path = tmp_path / "a.jsonl"
    srsly.write_jsonl(path, ({"id": i, "body": text} for i, text in enumerate(TEXTS)))
    return path


def accept(task):
    """Correct nothing: what Label Studio exports in this case."""
    [prediction] = task.pop("predictions")
    return {**task, "annotations": [{"result": prediction["result"]}]}


@pytest.mark.parametrize("format", ["prodigy", "doccano", "label-studio"])
@pytest.mark.parametrize("docs_per_part", [3, 10])
def test_round_trip(
    trained_nlp, model_path, body_path, tmp_path, format, docs_per_part
):
    """A person accepts all predictions: the spans are those of the pipeline."""
    output = tmp_path / "out"
    summary = annotate(
        str(model_path),
        str(body_path),
        str(output),
        format=format,
        text_column="body",
        docs_per_part=docs_per_part,
    )
    assert summary.total.docs == len(TEXTS)
    paths = sorted(output.glob("part-*"))
    if format == "label-studio":
        for path in paths:
            srsly.write_json(path, [accept(task) for task in srsly.read_json(path)])
    convert(paths, tmp_path / "corrected.spacy", format=format)
    docs = DocBin().from_disk(tmp_path / "corrected.spacy").get_docs(trained_nlp.vocab)
    expected = [(doc.text, sorted(spans_of(doc))) for doc in trained_nlp.pipe(TEXTS)]
    assert [(doc.text, sorted(spans_of(doc))) for doc in docs] == expected
    assert any(spans for _, spans in expected)


def test_tasks_have_what_the_tools_need(trained_nlp, model_path, body_path, tmp_path):
    tasks = {}
    for format in ("prodigy", "doccano", "label-studio"):
        output = tmp_path / format
        arguments = (str(model_path), str(body_path), str(output))
        annotate(*arguments, format=format, text_column="body")
        [path] = output.glob("part-*")
        text = path.read_text("utf8")
        # srsly's floats are not exact.
        tasks[format] = (
            json.loads(text)
            if path.suffix == ".json"
            else [json.loads(line) for line in text.splitlines()]
        )
    expected = list_spans(trained_nlp(TEXTS[1]))

    task = tasks["prodigy"][1]
    assert task["id"] == 1 and task["text"] == TEXTS[1]
    for span, found in zip(expected, task["spans"], strict=True):
        tokens = task["tokens"][found["token_start"] : found["token_end"] + 1]
        assert tokens[0]["start"] == found["start"] == span["start_char"]
        assert tokens[-1]["end"] == found["end"] == span["end_char"]
        assert found["score"] == span["score"]
    text = "".join(token["text"] + " " * token["ws"] for token in task["tokens"])
    assert text == TEXTS[1]

    task = tasks["doccano"][1]
    assert task["id"] == 1 and task["text"] == TEXTS[1]
    assert task["label"] == [
        [span["start_char"], span["end_char"], span["label"]] for span in expected
    ]

    task = tasks["label-studio"][1]
    assert task["data"] == {"id": 1, "text": TEXTS[1]}
    [prediction] = task["predictions"]
    assert len({region["id"] for region in prediction["result"]}) == len(expected)
    for region in prediction["result"]:
        value = region["value"]
        assert TEXTS[1][value["start"] : value["end"]] == value["text"]
        assert (region["from_name"], region["to_name"]) == ("label", "text")
        assert region["type"] == "labels"


@pytest.mark.parametrize(
    "format, column",
    [("prodigy", "tokens"), ("doccano", "label"), ("label-studio", "text")],
)
def test_columns_of_the_tools(model_path, tmp_path, format, column):
    """They are not overwritten; and a part without documents can be read."""
    path = tmp_path / "a.jsonl"
    srsly.write_jsonl(path, [{"body": "London", column: "mine"}])
    output = tmp_path / "out"
    arguments = (str(model_path), str(path), str(output))
    summary = annotate(*arguments, format=format, text_column="body")
    assert summary.total.failed.count == 1
    [reason] = read_failed(output).values()
    assert "EGP425" in reason and column in reason
    [part] = output.glob("part-*")
    assert part.read_text() == ("[]\n" if format == "label-studio" else "")


def test_docs_are_tasks(trained_nlp, model_path, tmp_path):
    """From .spacy, as with every input."""
    nlp = spacy.blank("en")
    DocBin(docs=[nlp(TEXTS[0])]).to_disk(tmp_path / "a.spacy")
    output = tmp_path / "out"
    arguments = (str(model_path), str(tmp_path / "a.spacy"), str(output))
    annotate(*arguments, format="doccano")
    task = json.loads((output / "part-000000.jsonl").read_text())
    assert len(task["label"]) == len(trained_nlp(TEXTS[0]).spans["sc"])
