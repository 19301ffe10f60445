"""The project's table of labels that are added to a trained pipeline."""

import pytest
import spacy
import srsly
from conftest import NESTED_DATA, make_examples
from spacy.tokens import DocBin

from scripts.corpora import prepare
from scripts.labels import add as labels

STEPS = 60
PATH = prepare.Path("metrics/tiny.json")


def run_labels(seeds="0"):
    """Add a label in two ways; RETURNS the figures."""
    labels.labels(
        "tiny",
        PATH,
        added="TITLE",
        seeds=seeds,
        steps=STEPS,
        techniques="rehearsal,alone",
        n_docs=6,
        added_steps=2 * STEPS,
    )
    return srsly.read_json(PATH)


@pytest.fixture(scope="module")
def figures(tmp_path_factory):
    """What is measured on `NESTED_DATA` as the corpus "tiny", in its folder."""
    data = NESTED_DATA * 4
    docs = [example.reference for example in make_examples(spacy.blank("en"), data)]
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("project"))
        patch.setitem(prepare.DATASETS, "tiny", prepare.Dataset("en", "", "", "", ""))
        prepare.CORPUS.mkdir()
        for part in ("train", "dev", "test"):
            DocBin(docs=docs).to_disk(prepare.part_path("tiny", part))
        yield run_labels()


def test_old_labels_stay_with_rehearsal_only(figures):
    runs = {run["technique"]: run["test"] for run in figures["additions"]}
    assert runs["rehearsal"] == {
        "new": 1.0,
        "new_on_all": 1.0,
        "old_before": 1.0,
        "old_after": 1.0,
        "old_by_spans_before": 1.0,
        "old_by_spans_after": 1.0,
    }
    assert runs["alone"]["new"] == 1.0
    assert runs["alone"]["old_after"] < 1.0


def test_docs_of_a_new_label_are_others(figures):
    parts = labels.Parts("tiny", 6)
    without = labels.docs_of(parts.without("TITLE", "train"))
    only = labels.docs_of(parts.only("TITLE", "train"))
    assert len(only) == 6
    assert len(without) + len(only) == len(NESTED_DATA) * 4
    spans = {span.label_ for doc in without for span in doc.spans["sc"]}
    assert "TITLE" not in spans
    for doc in only:
        assert {span.label_ for span in doc.spans["sc"]} <= {"TITLE"}
        assert doc.spans["sc"].attrs["annotated_labels"] == ["TITLE"]
    docs = labels.docs_of(parts.with_raw("TITLE"))
    taught, raw = docs[:6], docs[6:]
    assert [doc.text for doc in taught] == [doc.text for doc in only]
    assert [doc.text for doc in raw] == [doc.text for doc in without]
    assert not any(doc.spans for doc in raw)


def test_table(figures):
    text = PATH.with_suffix(".md").read_text(encoding="utf8")
    assert f"{STEPS} steps without the label" in text
    rows = [line.split(" | ")[:3] for line in text.splitlines()[4:]]
    assert rows == [
        [f"| {label}", technique, "100.0"]
        for label in ("TITLE", "**all**")
        for technique in ("rehearsal", "alone")
    ]
    assert "| 100.0 | 100.0 | 100% |" in text


def test_finished_trainings_are_not_repeated(figures, monkeypatch):
    trained = []
    monkeypatch.setattr(labels, "train", lambda *args: trained.append(args))
    assert run_labels()["additions"] == figures["additions"]
    assert not trained
