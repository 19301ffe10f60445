import re

import pytest
from conftest import make_examples

from spacy_egp.report.evaluation import evaluate
from spacy_egp.report.examples import most_confident, render_context
from spacy_egp.report.statistics import classify_errors


def find_errors(nlp, data):
    evaluation = evaluate(nlp, "egp_ner", make_examples(nlp, data))
    kinds = classify_errors(evaluation.spans)
    spans = evaluation.spans
    wrong = most_confident(evaluation, spans.is_wrong, kinds)
    return evaluation, wrong, most_confident(evaluation, spans.is_missed, kinds)


TEXT = "I like London and Berlin."


def test_most_confident_errors_come_first(trained_nlp):
    gold = [(7, 13, "PERSON"), (2, 13, "LOC"), (18, 24, "JOB")]
    _, wrong, missed = find_errors(trained_nlp, [(TEXT, gold)])
    assert sorted((one.text, one.label, one.differs_in) for one in wrong) == [
        ("Berlin", "LOC", "label"),
        ("London", "LOC", "label"),
        ("London and Berlin", "PLACES", "label and boundaries"),
    ]
    for errors in (wrong, missed):
        probabilities = [one.probability for one in errors if one.probability]
        assert probabilities == sorted(probabilities, reverse=True)
    assert len(missed) == 3
    # The component lacks the label of the last one.
    assert (missed[-1].label, missed[-1].probability) == ("JOB", None)


def test_context_has_all_spans_with_marks(trained_nlp):
    gold = [(7, 13, "LOC"), (18, 24, "<JOB>"), (7, 24, "PLACES")]
    evaluation, [wrong], _ = find_errors(trained_nlp, [(TEXT, gold)])
    html = render_context(evaluation, wrong).html
    tags = re.findall(r'class="tag"[^>]*--(\w+)\)">([^<]*)<', html)
    assert sorted(tags) == [
        ("correct", "✓ LOC"),
        ("correct", "✓ PLACES"),
        ("missed", "\N{MINUS SIGN} &lt;JOB&gt;"),
        ("wrong", "+ LOC"),
    ]


@pytest.mark.parametrize("n_words", [1, 400])
def test_context_is_a_stretch_of_the_doc(n_words, trained_nlp):
    before, entity = "x " * 100, " ".join("y" * n_words)
    spans = [(len(before), len(before + entity), "JOB")]
    data = [(f"{before}{entity}{' z' * 100}", spans)]
    evaluation, _, [missed] = find_errors(trained_nlp, data)
    context = render_context(evaluation, missed)
    shown = re.findall(r"\b[xyz]\b", re.sub("<[^>]*>", " ", context.html))
    n_shown = 15 + min(n_words, 30) + 15
    assert len(shown) == n_shown
    assert context.tokens_before == 85
    assert context.tokens_after == 200 + n_words - 85 - n_shown
