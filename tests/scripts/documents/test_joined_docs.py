"""Scores by doc length in the project."""

import pytest
import spacy
import srsly
from conftest import NESTED_DATA, make_examples
from spacy.tokens import DocBin
from typer import BadParameter

from scripts.documents.joined import (
    check_numbers,
    documents,
    score_joined,
    summarize_joined,
)


@pytest.fixture
def data(tmp_path):
    """`NESTED_DATA` twice, once with another label, and a doc that is not annotated."""
    nlp = spacy.blank("en")
    text, spans = NESTED_DATA[1]
    changed = [(text, [(7, 13, "JOB"), *spans[1:]])]
    examples = make_examples(nlp, [*NESTED_DATA, *changed, *NESTED_DATA])
    docs = [example.reference for example in examples]
    path = tmp_path / "data.spacy"
    DocBin(docs=[*docs[:3], nlp.make_doc("Shaka Khan"), *docs[3:]]).to_disk(path)
    return path


def join_by_hand(data, number):
    """Texts of the annotated docs, joined by spaces, and their spans in characters."""
    docs = list(DocBin().from_disk(data).get_docs(spacy.blank("en").vocab))
    docs = [doc for doc in docs if "sc" in doc.spans]
    for first in range(0, len(docs), number):
        text, spans = "", set()
        for doc in docs[first : first + number]:
            begin = len(text)
            spans |= {
                (begin + span.start_char, begin + span.end_char, span.label_)
                for span in doc.spans["sc"]
            }
            text += f"{doc.text} "
        yield text.rstrip(), spans


@pytest.mark.parametrize("number", [1, 2, 4, 100])
def test_scores_of_joined_docs(number, trained_nlp, data):
    scores = score_joined(trained_nlp, data, [number])[str(number)]
    n_gold = n_predicted = n_correct = 0
    texts = list(join_by_hand(data, number))
    for text, gold in texts:
        doc = trained_nlp(text)
        predicted = {(s.start_char, s.end_char, s.label_) for s in doc.spans["sc"]}
        n_gold += len(gold)
        n_predicted += len(predicted)
        n_correct += len(gold & predicted)
    assert (scores["gold"], scores["predicted"]) == (n_gold, n_predicted)
    assert scores["docs"] == len(texts)
    assert scores["p"] == pytest.approx(n_correct / n_predicted)
    assert scores["r"] == pytest.approx(n_correct / n_gold)
    assert scores["longest_gold"] == 4


def test_mean_and_spread_of_several_pipelines():
    runs = [{"5": {"f": f}} for f in (0.5, 0.7)]
    spread = summarize_joined(runs)["5"]["f"]
    assert spread == pytest.approx({"mean": 0.6, "sd": 0.02**0.5})
    assert summarize_joined(runs[:1])["5"]["f"] == {"mean": 0.5, "sd": None}


def test_table_and_numbers_are_written(model_path, data, tmp_path):
    path = tmp_path / "documents.json"
    documents(path, data, [model_path, model_path], joined="1,3")
    results = srsly.read_json(path)
    assert list(results["joined"]) == ["1", "3"]
    assert results["run"]["threads"] >= 1
    intro, table = path.with_suffix(".md").read_text("utf8").split("\n\n")
    assert "2 pipelines" in intro
    rows = [line.split(" | ") for line in table.splitlines()[2:]]
    assert [row[:2] for row in rows] == [["| 1", "9"], ["| 3", "3"]]
    f = results["joined"]["3"]["f"]["mean"]
    assert rows[1][3] == f"{100 * f:.1f} ± 0.0"


@pytest.mark.parametrize("numbers", ["0", "1,-5", "1,,5", "ten"])
def test_no_numbers_of_docs(numbers):
    with pytest.raises(BadParameter, match="no number of docs"):
        check_numbers(numbers)
