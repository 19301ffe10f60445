"""A pipeline learns a label without forgetting the others."""

import copy

import numpy as np
import pytest
import spacy
from conftest import NESTED_DATA, make_examples, spans_of, train
from generated import TINY_TOK2VEC, tiny_nlp
from spacy.tokens import DocBin
from spacy.training import Corpus, Example

from spacy_egp.readers import make_corpus
from spacy_egp.rehearsal import make_rehearsal

TEXTS = [text for text, _ in NESTED_DATA]
# Docs that are only annotated for the new label, but have entities of the old ones.
NEW = [
    ("Shaka Khan likes pink.", [(17, 21, "COLOUR")]),
    ("London and Berlin are pink.", [(22, 26, "COLOUR")]),
    ("The mayor of Greater London is pink.", [(31, 35, "COLOUR")]),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A pipeline that has learned `NESTED_DATA`, docs of a new label, and raw text."""
    folder = tmp_path_factory.mktemp("rehearsal")
    nlp = tiny_nlp()
    train(nlp, make_examples(nlp), steps=150)
    nlp.to_disk(folder / "model")
    docs = [example.reference for example in make_examples(nlp, NEW)]
    for doc in docs:
        doc.spans["sc"].attrs["annotated_labels"] = ["COLOUR"]
    raw = [nlp.make_doc(text) for text in TEXTS]
    DocBin(docs=[*docs, *raw]).to_disk(folder / "new.spacy")
    return folder


def read(path, nlp, **options):
    corpus = make_corpus(path / "new.spacy", **options)
    return list(corpus(nlp))


def teach(nlp, examples, steps=40, rehearsed=()):
    nlp.get_pipe("egp_ner").add_label("COLOUR")
    optimizer = nlp.resume_training()
    optimizer.learn_rate = 0.01
    losses = {}
    for _ in range(steps):
        nlp.update(examples, sgd=optimizer)
        if rehearsed:
            nlp.rehearse(list(rehearsed), sgd=optimizer, losses=losses)
    return losses


def old_spans(nlp):
    return [
        {span for span in spans_of(doc) if span[2] != "COLOUR"}
        for doc in nlp.pipe([*TEXTS, *(text for text, _ in NEW)])
    ]


def finds_colour(nlp):
    return all(
        {span for span in spans_of(nlp(text)) if span[2] == "COLOUR"} == set(spans)
        for text, spans in NEW
    )


@pytest.mark.parametrize("way", ["none", "rehearse", "reader"])
def test_old_labels_stay(way, folder):
    nlp = spacy.load(folder / "model")
    before = old_spans(nlp)
    assert all(before[:3])
    if way == "reader":
        corpus = make_rehearsal(make_corpus(folder / "new.spacy"), folder / "model")
        teach(nlp, list(corpus(nlp)))
    else:
        texts = [*TEXTS, *(text for text, _ in NEW)]
        raw = [Example.from_dict(nlp.make_doc(text), {}) for text in texts]
        losses = teach(
            nlp, read(folder, nlp)[:3], rehearsed=raw if way == "rehearse" else ()
        )
        assert (losses.get("egp_ner", 0) > 0) == (way == "rehearse")
    assert finds_colour(nlp)
    assert (old_spans(nlp) == before) == (way != "none")


def test_reader_adds_predictions_for_labels_that_are_not_annotated(folder):
    nlp = spacy.load(folder / "model")
    labels = list(nlp.get_pipe("egp_ner").labels)
    corpus = make_rehearsal(Corpus(folder / "new.spacy"), folder / "model")
    plain = read(folder, nlp)
    for example, without in zip(corpus(nlp), plain, strict=True):
        reference = example.reference
        expected = set(spans_of(nlp(reference.text)))
        listed = []
        if "sc" in without.reference.spans:
            expected |= set(spans_of(without.reference))
            listed = ["COLOUR"]
        assert set(spans_of(reference)) == expected
        attrs = reference.spans["sc"].attrs
        assert attrs == {"annotated_labels": [*listed, *labels]}


def test_reader_leaves_docs_that_are_annotated_for_all_labels(folder, tmp_path):
    nlp = spacy.load(folder / "model")
    docs = [example.reference for example in make_examples(nlp, NEW)]
    DocBin(docs=docs).to_disk(tmp_path / "all.spacy")
    corpus = make_rehearsal(Corpus(tmp_path / "all.spacy"), folder / "model")
    for example, (_, spans) in zip(corpus(nlp), NEW, strict=True):
        assert spans_of(example.reference) == spans
        assert not example.reference.spans["sc"].attrs


def test_rehearsal_of_what_is_remembered_only(folder):
    nlp = spacy.load(folder / "model")
    component = nlp.get_pipe("egp_ner")
    examples = make_examples(nlp)
    with pytest.warns(UserWarning, match="EGPW041.*'egp_ner': nothing was rehearsed"):
        assert component.rehearse(examples) == {"egp_ner": 0.0}
    nlp.resume_training()
    empty = [Example.from_dict(nlp.make_doc(""), {})]
    assert component.rehearse(empty) == {"egp_ner": 0.0}
    # The new label and the annotation make no difference.
    expected = component.rehearse(examples)
    component.add_label("COLOUR")
    plain = [Example.from_dict(nlp.make_doc(text), {}) for text in TEXTS]
    assert component.rehearse(plain)["egp_ner"] == pytest.approx(expected["egp_ner"])
    before = component.model.to_bytes()
    component.rehearse(examples)
    assert component.model.to_bytes() == before


def test_labels_may_be_removed_in_between(folder):
    nlp = spacy.load(folder / "model")
    component = nlp.get_pipe("egp_ner")
    optimizer = nlp.resume_training()
    component.remove_label("PERSON")
    component.add_label("COLOUR")
    before = {x: [s for s in spans_of(nlp(x)) if s[2] != "PERSON"] for x in TEXTS}
    for _ in range(20):
        nlp.rehearse(make_examples(nlp), sgd=optimizer)
    assert {text: spans_of(nlp(text)) for text in TEXTS} == before


def test_a_component_that_listens_cannot_rehearse():
    nlp = spacy.blank("en")
    nlp.add_pipe("tok2vec", config={"model": copy.deepcopy(TINY_TOK2VEC)})
    listener = {"@architectures": "spacy.Tok2VecListener.v1", "width": 16}
    model = {"@architectures": "spacy-egp.EfficientGlobalPointer.v1"}
    nlp.add_pipe("egp_ner", config={"model": {**model, "tok2vec": listener}})
    examples = make_examples(nlp)
    nlp.initialize(lambda: examples)
    nlp.resume_training()
    with pytest.raises(ValueError, match="EGP046.*'egp_ner'.*listens to 'tok2vec'"):
        nlp.rehearse(examples)
    nlp.replace_listeners("tok2vec", "egp_ner", ["model.tok2vec"])
    optimizer = nlp.resume_training()
    losses = nlp.rehearse(examples, sgd=optimizer, losses={})
    assert np.isfinite(losses["egp_ner"])
