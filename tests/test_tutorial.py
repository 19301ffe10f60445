"""The tutorial as a notebook whose cells run one after another."""

import importlib
import json
import os
import re
import sys
from pathlib import Path

import pytest
import spacy
from conftest import NESTED_DATA, make_records, spans_of
from nbclient import NotebookClient

SITE = Path(__file__).parent.parent / "docs" / "site"
# A short training, and no download of tools to build a wheel.
SHORTER = {"train": "--training.max_steps 40", "package": "--build none"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with an export, and with texts to annotate."""
    folder = tmp_path_factory.mktemp("tutorial")
    records = make_records(
        [(f"{text} {i}", spans) for i in range(30) for text, spans in NESTED_DATA]
    )
    texts = [{"text": record["text"]} for record in records]
    for name, lines in (("export.jsonl", records), ("texts.jsonl", texts)):
        (folder / name).write_text("\n".join(map(json.dumps, lines)), "utf8")
    return folder


@pytest.fixture(scope="module", autouse=True)
def notebook(folder):
    """The notebook of the first section after it has run in the folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(SITE)
        patch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)
        notebook = importlib.import_module("tutorial").tutorial_notebook()
        for command, options in SHORTER.items():
            [cell] = [c for c in notebook.cells if f"-m spacy {command} " in c.source]
            cell.source += f" {options}"
        NotebookClient(
            notebook, timeout=600, resources={"metadata": {"path": folder}}
        ).execute()
    return notebook


def test_displacy_shows_the_spans(notebook):
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    [html] = [output.data["text/html"] for output in outputs if "data" in output]
    assert "Toronto" in html


def test_the_report_is_that_of_the_tuned_pipeline(folder):
    page = (folder / "report.html").read_text("utf8")
    assert "training/model-tuned" in page
    assert 'aria-label="Scores on the development docs by training step"' in page


def test_the_packaged_pipeline_finds_what_was_annotated(folder):
    [package] = (folder / "en_nested-1.0.0" / "en_nested").glob("en_nested-*")
    nlp = spacy.load(package)
    [part] = (folder / "annotated").glob("part-*.jsonl")
    records = [json.loads(line) for line in part.read_text("utf8").splitlines()]
    assert len(records) == 30 * len(NESTED_DATA)
    assert any(record["spans"] for record in records)
    for record in records[: len(NESTED_DATA)]:
        found = [(x["start_char"], x["end_char"], x["label"]) for x in record["spans"]]
        assert found == spans_of(nlp(record["text"]))


def test_the_example_of_a_record_is_valid():
    page = (SITE.parent / "tutorial.md").read_text("utf8")
    [record] = re.findall(r"```json\n(.*?)\n```", page)
    record = json.loads(record)
    texts = [record["text"][x["start"] : x["end"]] for x in record["spans"]]
    assert texts == ["University of Calgary", "Calgary", "Canada"]
