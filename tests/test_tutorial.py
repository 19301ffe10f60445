"""The commands of the tutorial, one after the other."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import spacy
from conftest import NESTED_DATA, spans_of

TUTORIAL = Path(__file__).parent.parent / "docs" / "tutorial.md"
# A short training, and no tools that are downloaded to build a wheel.
SHORTER = {"train": ["--training.max_steps", "40"], "package": ["--build", "none"]}


@pytest.fixture(scope="module")
def section():
    """The first section."""
    return TUTORIAL.read_text("utf8").split("\n## ")[1]


@pytest.fixture(scope="module")
def folder(section, tmp_path_factory):
    """The folder in which the commands of the section have run."""
    folder = tmp_path_factory.mktemp("tutorial")
    records = [
        {
            "text": f"{text} {i}",
            "spans": [
                {"start": start, "end": end, "label": label}
                for start, end, label in spans
            ],
        }
        for i in range(30)
        for text, spans in NESTED_DATA
    ]
    texts = [{"text": record["text"]} for record in records]
    for name, lines in (("export.jsonl", records), ("texts.jsonl", texts)):
        (folder / name).write_text("\n".join(map(json.dumps, lines)), "utf8")
    for block in re.findall(r"```bash\n(.*?)```", section, re.DOTALL):
        _, *arguments = shlex.split(block.replace("\\\n", ""))
        command = [sys.executable, *arguments, *SHORTER.get(arguments[2], ())]
        subprocess.run(command, cwd=folder, check=True, timeout=600)
    return folder


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


def test_the_example_of_a_record_is_valid(section):
    [record] = re.findall(r"```json\n(.*?)\n```", section)
    record = json.loads(record)
    texts = [record["text"][x["start"] : x["end"]] for x in record["spans"]]
    assert texts == ["University of Calgary", "Calgary", "Canada"]
