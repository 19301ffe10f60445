import numpy as np
import spacy
from spacy.tokens import Doc, Span
from spacy.training import Example

from spacy_egp.report.evaluation import evaluate
from spacy_egp.report.statistics import ErrorKind, classify_errors, explain_alone
from spacy_egp.report.texts import Texts

TRAIN = [("Ann lives in Rome", [(3, 4, "LOC")]), ("the town", [])]
DOCS = [
    ("Rome lives", [(0, 1, "LOC")]),
    ("the the Bonn", [(2, 3, "LOC")]),
    ("Ulm", [(0, 1, "LOC"), (0, 1, "ORG")]),
    ("Paris", [(0, 1, "LOC")]),
    ("Paris", [(0, 1, "LOC")]),
    ("the town", [(0, 2, "LOC")]),
]


def make_docs(nlp, data):
    docs = []
    for text, spans in data:
        doc = Doc(nlp.vocab, words=text.split())
        doc.spans["sc"] = [Span(doc, *bounds, label=label) for *bounds, label in spans]
        docs.append(doc)
    return docs


def find_kinds(train, threshold=1.0):
    """The kinds of errors of a component that predicts nothing, or all."""
    nlp = spacy.blank("en")
    egp_ner = nlp.add_pipe("egp_ner", config={"threshold": threshold})
    docs = make_docs(nlp, DOCS)
    examples = [
        Example(Doc(nlp.vocab, words=[t.text for t in doc]), doc) for doc in docs
    ]
    egp_ner.initialize(lambda: examples)
    train_docs = make_docs(nlp, train) if train is not None else None
    [evaluation] = evaluate(nlp, "egp_ner", examples)
    texts = Texts.read(docs, train_docs, "sc").look_up(evaluation)
    kinds = classify_errors(evaluation.spans)
    kinds = explain_alone(kinds, texts.is_elsewhere, texts.is_unknown)
    found = []
    for i in np.flatnonzero(evaluation.spans.is_gold | evaluation.spans.is_predicted):
        doc, start, end, _ = evaluation.spans.row(i)
        found.append((docs[doc][start:end].text, list(ErrorKind)[kinds[i]], i, texts))
    return found


def test_errors_are_explained_by_their_texts():
    kinds = [(text, kind) for text, kind, *_ in find_kinds(TRAIN)]
    assert kinds == [
        ("Rome", "elsewhere"),
        ("Bonn", "unknown"),
        # Two labels at one place do not count as another place.
        ("Ulm", "unknown"),
        ("Ulm", "unknown"),
        ("Paris", "elsewhere"),
        ("Paris", "elsewhere"),
        ("the town", "alone"),
    ]


def test_without_training_docs_no_word_is_unknown():
    kinds = {text: kind for text, kind, *_ in find_kinds(None)}
    assert {text for text, kind in kinds.items() if kind == "elsewhere"} == {"Paris"}
    assert set(kinds.values()) == {"elsewhere", "alone"}


def test_texts_of_all_predicted_spans():
    found = find_kinds(TRAIN, threshold=0.0)
    words = {"Ann", "lives", "in", "Rome", "the", "town"}
    assert any(kind != "alone" for _, kind, *_ in found)
    for text, _, i, texts in found:
        assert texts.is_seen[i] == (text == "Rome")
        assert texts.is_unknown[i] == (not words.issuperset(text.split()))
