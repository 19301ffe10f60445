import pytest
import spacy
from conftest import make_examples
from spacy.tokens import Span

from spacy_egp.scoring import make_span_scorer


def score(examples, key="sc"):
    return make_span_scorer()(examples, spans_key=key)


@pytest.fixture
def examples():
    """Gold `NESTED_DATA`, predicted perfectly."""
    examples = make_examples(spacy.blank("en"))
    for example in examples:
        example.predicted.spans["sc"] = [
            Span(example.predicted, span.start, span.end, label=span.label_)
            for span in example.reference.spans["sc"]
        ]
    return examples


def test_overlapping_spans_all_count(examples):
    scores = score(examples)
    assert scores["spans_sc_f"] == 1.0
    assert scores["spans_sc_per_type"]["LOC"] == {"p": 1.0, "r": 1.0, "f": 1.0}


def test_wrong_label_or_boundary_is_an_error(examples):
    doc = examples[0].predicted
    (span,) = doc.spans["sc"]
    for wrong in (
        Span(doc, span.start, span.end, label="LOC"),
        Span(doc, span.start, span.end + 1, label=span.label_),
    ):
        doc.spans["sc"] = [wrong]
        scores = score(examples)
        assert scores["spans_sc_p"] == scores["spans_sc_r"] == pytest.approx(7 / 8)


def test_docs_that_are_not_annotated_are_not_scored(examples):
    del examples[0].reference.spans["sc"]
    examples[0].predicted.spans["sc"] = [Span(examples[0].predicted, 0, 1, label="LOC")]
    assert score(examples)["spans_sc_f"] == 1.0
    assert score(examples, key="other")["spans_other_f"] is None
