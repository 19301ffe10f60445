"""`annotate_ents` in docs that already have entities."""

import numpy as np
import pytest
import spacy
from conftest import NESTED_DATA, make_examples
from generated import LABELS, docs, patient, spans
from hypothesis import given
from hypothesis import strategies as st
from spacy.tokens import Span
from spacy.util import filter_spans

from spacy_egp.decoding import ScoredSpans
from spacy_egp.entities import add_entities, outside_entities

TEXT = NESTED_DATA[1][0]


@pytest.fixture
def nlp(trained_nlp):
    """A pipeline that has learned `NESTED_DATA`, with `annotate_ents`."""
    nlp = spacy.blank("en")
    nlp.add_pipe("egp_ner")
    nlp.from_bytes(trained_nlp.to_bytes())
    nlp.get_pipe("egp_ner").annotate_ents = True
    return nlp


def ents_of(doc):
    return [(ent.text, ent.label_) for ent in doc.ents]


def test_entities_of_a_ruler_stay(nlp):
    ruler = nlp.add_pipe("entity_ruler", first=True)
    ruler.add_patterns([{"label": "CITY", "pattern": "Berlin", "id": "berlin"}])
    doc = nlp(TEXT)
    assert ents_of(doc) == [("London", "LOC"), ("Berlin", "CITY")]
    assert doc.ents[1].ent_id_ == "berlin"
    assert len(doc.spans["sc"]) == 3


def test_entities_of_the_doc_stay(nlp):
    doc = nlp.make_doc(TEXT)
    doc.ents = [Span(doc, 0, 2, label="OTHER", kb_id="Q1")]
    nlp(doc)
    assert ents_of(doc)[0] == ("I like", "OTHER")
    assert doc.ents[0].kb_id_ == "Q1"
    assert len(doc.ents) > 1


def test_an_entity_in_the_way_of_the_best_span(nlp):
    """The other spans, which only overlap that one, become entities."""
    doc = nlp.make_doc(TEXT)
    doc.ents = [Span(doc, 3, 4, label="CONJ")]
    assert ents_of(nlp(doc)) == [("London", "LOC"), ("and", "CONJ"), ("Berlin", "LOC")]


def test_blocked_tokens_stay_blocked(nlp):
    doc = nlp.make_doc(TEXT)
    doc.set_ents([], blocked=[doc[2:3]])
    assert ents_of(nlp(doc)) == [("Berlin", "LOC")]
    assert [token.ent_iob for token in doc] == [2, 2, 3, 2, 3, 2]


def test_tokens_without_entity_are_outside(nlp):
    """They are annotated as such, as by `ner`."""
    doc = nlp(NESTED_DATA[3][0])
    assert [token.ent_iob_ for token in doc] == ["O"] * len(doc)


def test_entities_are_scored(nlp):
    examples = make_examples(nlp)
    for example in examples:
        example.reference.ents = filter_spans(example.reference.spans["sc"])
    scores = nlp.evaluate(examples)
    assert scores["spans_sc_f"] == 1.0
    assert 0 < scores["ents_f"] <= 1
    assert set(scores["ents_per_type"]) >= {"PERSON"}
    nlp.get_pipe("egp_ner").annotate_ents = False
    assert "ents_f" not in nlp.evaluate(examples)


def test_the_analysis_of_a_pipeline_knows_of_them(nlp):
    nlp.add_pipe("entity_linker")
    problems = nlp.analyze_pipes()["problems"]["entity_linker"]
    assert "doc.ents" not in problems


@patient
@given(st.data())
def test_free_spans_are_those_without_a_token_of_an_entity(data):
    nlp = spacy.blank("xx")
    batch = data.draw(st.lists(docs(nlp), min_size=1, max_size=3))
    rows, expected = [], []
    for i, doc in enumerate(batch):
        doc.ents = filter_spans(data.draw(spans(doc)))
        taken = {j for ent in doc.ents for j in range(ent.start, ent.end)}
        for span in sorted(data.draw(spans(doc)), key=lambda s: (s.start, s.end)):
            row = (i, span.start, span.end - 1, LABELS.index(span.label_))
            rows.append(row)
            if not taken & set(range(span.start, span.end)):
                expected.append(row)
    columns = np.asarray(rows, dtype="int64").reshape(-1, 4).T
    score = np.zeros(len(rows), dtype="float32")
    free = outside_entities(batch, ScoredSpans(*columns, score, columns[0, :0]))
    found = zip(free.doc, free.start, free.last, free.label, strict=True)
    assert [tuple(map(int, row)) for row in found] == expected
    for i, doc in enumerate(batch):
        before = {(ent.start, ent.end, ent.label) for ent in doc.ents}
        new = filter_spans(
            Span(doc, start, end + 1, label=LABELS[label])
            for j, start, end, label in expected
            if j == i
        )
        add_entities(doc, new)
        added = {(span.start, span.end, span.label) for span in new}
        assert {(e.start, e.end, e.label) for e in doc.ents} == before | added
