"""Likely errors: what models contradict, in docs whose errors are known."""

import math
from itertools import product

import pytest
import spacy
from conftest import CONFIGS, NESTED_DATA, make_examples
from spacy.tokens import Doc, DocBin, Span
from spacy.util import load_config

from spacy_egp.checks import models
from spacy_egp.checks.check import check
from spacy_egp.checks.models import CrossValidation
from spacy_egp.checks.settings import Settings
from spacy_egp.checks.strings import StringIndex

NLP = spacy.blank("en")
PEOPLE = ["Ann", "Bob", "Cleo", "Dan", "Eve", "Finn"]
CITIES = ["Aachen", "Berlin", "Calais", "Dublin", "Essen", "Florence"]


def make_doc(words, spans=(), **attrs):
    doc = Doc(NLP.vocab, words=words.split())
    doc.spans["sc"] = [Span(doc, start, end, label=x) for start, end, x in spans]
    doc.spans["sc"].attrs.update(attrs)
    return doc


def write(path, docs):
    DocBin(docs=docs).to_disk(path)
    return path


def meetings():
    """Docs with a person and a city. In one of them, the city is a person; in another
    one, the city is not annotated."""
    docs = []
    for person, city in product(PEOPLE, CITIES):
        spans = [(0, 1, "PERSON"), (3, 4, "CITY")]
        if (person, city) == ("Cleo", "Dublin"):
            spans[1] = (3, 4, "PERSON")
        if (person, city) == ("Eve", "Aachen"):
            spans.pop()
        docs.append(make_doc(f"{person} lives in {city} .", spans))
    return docs


def describe(contradictions):
    return [
        (x.place.part, x.place.doc, x.place.text, x.place.label, x.label)
        for x in contradictions.first
    ]


@pytest.fixture
def short(monkeypatch):
    """Trainings are as short as these docs allow."""
    monkeypatch.setattr(models, "EPOCHS", 30)
    monkeypatch.setattr(models, "MIN_TOKENS", 0)


@pytest.fixture
def config():
    return load_config(CONFIGS / "egp_cnn.cfg", {"training.dropout": 0.0})


def test_cross_validation_finds_the_errors(tmp_path, config, short):
    docs = [*meetings(), Doc(NLP.vocab), make_doc("Nothing here .")]
    docs[-2].spans["sc"] = []
    paths = {
        "train": write(tmp_path / "train.spacy", docs[:20]),
        "dev": write(tmp_path / "dev.spacy", docs[20:]),
    }
    result = check(paths, config, n_folds=2)
    assert sorted(describe(result.contradictions)) == [
        ("dev", 4, "Aachen", "", "CITY"),
        ("train", 15, "Dublin", "PERSON", "CITY"),
    ]
    log_odds = [x.log_odds for x in result.contradictions.first]
    assert log_odds == sorted(log_odds, reverse=True)
    assert log_odds[-1] > 0
    assert result.to_dict()["contradictions"]["count"] == 2


def test_every_doc_is_judged_once_and_without_its_text(trained_nlp, monkeypatch):
    """Equal texts are in the same fold, so the model that judges them has not seen
    them."""
    docs = meetings()[:7] * 2
    judge = CrossValidation(load_config(CONFIGS / "egp_cnn.cfg"), "egp_ner", "sc", 3, 0)
    for i, doc in enumerate(docs):
        judge.add("train", i, doc)
    without = []

    def train_without(fold):
        without.append({docs[i].text for _, i in fold.addresses})
        return trained_nlp

    monkeypatch.setattr(judge, "_train_without", train_without)
    judged = []
    for evaluation, addresses in judge.judge():
        texts = [example.reference.text for example in evaluation.examples]
        first = evaluation.first_doc
        indices = [i for _, i in addresses[first : first + len(texts)]]
        assert texts == [docs[i].text for i in indices]
        judged += indices
    assert sorted(judged) == list(range(len(docs)))
    assert sum(map(len, without)) == len({doc.text for doc in docs})


def test_labels_that_a_fold_lacks(tmp_path, config, short):
    """A model knows the labels of the other folds, too."""
    docs = [make_doc("Ann left", [(0, 1, "A")]), make_doc("Bo came", [(0, 1, "B")])]
    result = check({"train": write(tmp_path / "a.spacy", docs)}, config, n_folds=2)
    assert result.contradictions is not None


def test_a_trained_model(tmp_path, trained_nlp):
    docs = [example.reference for example in make_examples(NLP, NESTED_DATA)]
    london = docs[1].spans["sc"][0]
    docs[1].spans["sc"] = [
        Span(docs[1], london.start, london.end, label="PERSON"),
        *[span for span in docs[1].spans["sc"] if span.text == "Berlin"],
    ]
    path = write(tmp_path / "train.spacy", [NLP("Not annotated"), *docs])
    result = check({"train": path}, model=trained_nlp)
    assert sorted(describe(result.contradictions)) == [
        ("train", 2, "London", "PERSON", "LOC"),
        ("train", 2, "London and Berlin", "", "PLACES"),
    ]
    # If a doc is annotated for only some labels, the others are not missing.
    docs[1].spans["sc"].attrs["annotated_labels"] = ["LOC", "PERSON"]
    result = check({"train": write(path, docs)}, model=trained_nlp)
    assert describe(result.contradictions) == [("train", 1, "London", "PERSON", "LOC")]


def test_gold_spans_that_a_model_cannot_predict(tmp_path, trained_nlp):
    docs = [make_doc("Who is Shaka Khan ?", [(2, 4, "UNKNOWN")])]
    result = check({"train": write(tmp_path / "a.spacy", docs)}, model=trained_nlp)
    assert describe(result.contradictions) == []


def test_evidence_of_other_occurrences():
    """The beta-binomial posterior of a label, by hand."""
    index = StringIndex(Settings())
    docs = [make_doc("Rome", [(0, 1, "LOC")])] * 3 + [
        make_doc("Rome"),
        make_doc("Rome", [(0, 1, "PER")]),
        make_doc("Pisa", [(0, 1, "LOC")]),
    ]
    for i, doc in enumerate(docs):
        index.add("train", i, doc)
    counts = index.count()
    rome, pisa = (tuple(docs[i].to_array("ORTH").tolist()) for i in (0, 5))
    share = (4 + 1) / (6 + 2)
    others = (3 + share) / (3 + 1 + 1)
    expected = math.log(others / (1 - others)) - math.log(share / (1 - share))
    assert counts.evidence(rome, ("PER",), "LOC") == pytest.approx(expected)
    assert counts.evidence(rome, ("LOC",), "LOC") < expected
    assert counts.evidence(pisa, ("LOC",), "LOC") == pytest.approx(0)
    assert counts.evidence(rome, ("LOC",), "NEW") < 0
    assert index.occurrences(("train", 3)) == {(0, 1): (rome, ())}


def test_what_cannot_be_trained(tmp_path, config, trained_nlp):
    paths = {"train": write(tmp_path / "a.spacy", meetings()[:1] * 3)}
    with pytest.raises(ValueError, match=r"EGP278.*there are 1"):
        check(paths, config, n_folds=2)
    with pytest.raises(ValueError, match="EGP278"):
        check(paths, config, n_folds=1)
    for wrong in ({"n_folds": 2}, {"config": config, "model": trained_nlp}):
        with pytest.raises(ValueError, match="EGP279"):
            check(paths, **wrong)
    write(paths["train"], [make_doc("Ann left", [(0, 1, "")]), *meetings()])
    result = check(paths, config, n_folds=2)
    assert result.contradictions is None
    assert "[EGPW273]" in result.unchecked[-1]
