"""The measure of what a check finds: what is planted, and what counts as found."""

import spacy
from spacy.tokens import Span

from scripts.commands.check import count_found, plant
from spacy_egp.checks.contradictions import Contradiction
from spacy_egp.checks.places import make_place

NLP = spacy.blank("en")


def make_docs():
    docs = [NLP("a b c d e f g h") for _ in range(25)]
    for doc in docs:
        doc.spans["sc"] = [Span(doc, i, i + 2, label="XYZ"[i % 3]) for i in range(4)]
    return docs


def read(docs):
    return {
        (i, span.start, span.end): span.label_
        for i, doc in enumerate(docs)
        for span in doc.spans["sc"]
    }


def test_what_is_planted():
    """Exactly the reported spans are changed."""
    before, docs = make_docs(), make_docs()
    planted = plant(docs, share=0.2, seed=0)
    assert len(planted) == 20
    assert 0 < sum(one.is_removed for one in planted) < 20
    old, new = read(before), read(docs)
    assert {(x.doc, x.start, x.end) for x in planted if x.is_removed} == (
        old.keys() - new.keys()
    )
    assert {(x.doc, x.start, x.end) for x in planted if not x.is_removed} == {
        key for key in new if new[key] != old[key]
    }
    assert plant(make_docs(), share=0.2, seed=0) == planted


def test_what_is_found():
    docs = make_docs()
    planted = plant(docs, share=0.2, seed=0)
    one = planted[3]
    found = Span(docs[one.doc], one.start, one.end)
    listed = [
        Contradiction(make_place("train", one.doc, span), "X", 1.0)
        for span in (docs[one.doc][0:7], found, docs[one.doc][1:8])
    ]
    assert count_found(planted, listed) == [0, 1, 1]
