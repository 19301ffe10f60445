"""The project's table of thresholds that are found on other docs."""

import pytest
import spacy
import srsly
from conftest import NESTED_DATA, make_examples
from spacy.tokens import DocBin
from spacy.training import Corpus

from scripts.labels.thresholds import thresholds


def test_scores_are_those_of_the_pipeline_at_the_threshold(model_path, tmp_path):
    blank = spacy.blank("en")
    more = [("Who is London?", [(7, 13, "PERSON"), (7, 13, "LOC")])] * 3
    paths = [tmp_path / "dev.spacy", tmp_path / "test.spacy"]
    for path, data in zip(paths, (NESTED_DATA * 2, [*NESTED_DATA, *more])):
        docs = [example.reference for example in make_examples(blank, data)]
        DocBin(docs=docs).to_disk(path)
    output = tmp_path / "new" / "thresholds.json"
    thresholds(output, *paths, model=[model_path, model_path], n_spans=3)
    figures = srsly.read_json(output)
    assert figures["runs"][0] == figures["runs"][1]
    nlp = spacy.load(model_path)
    for way, found in figures["runs"][0].items():
        assert isinstance(found["threshold"], dict) == (way != "common")
        nlp.get_pipe("egp_ner").threshold = found["threshold"]
        scores = nlp.evaluate(list(Corpus(paths[1])(nlp)))
        assert found["f"] == pytest.approx(scores["spans_sc_f"])
    table = output.with_suffix(".md").read_text(encoding="utf8")
    rows = [line.split(" | ") for line in table.splitlines() if line.startswith("| ")]
    assert [row[0] for row in rows] == [
        "| threshold with the best F",
        "| common",
        "| by label",
        "| precision of 90%",
        "| LOC",
        "| PERSON",
    ]
    f = f"{100 * figures['runs'][0]['common']['f']:.1f}"
    assert rows[1] == ["| common", f"{f} ± 0.0 |"]
