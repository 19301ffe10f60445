import re
from html import unescape

import pytest
import spacy
from conftest import make_examples
from spacy.tokens import Doc, Span
from spacy.training import Example

from spacy_egp.report import examples as examples_module
from spacy_egp.report.evaluation import evaluate
from spacy_egp.report.examples import MostProbable
from spacy_egp.report.statistics import classify_errors


def find_errors(nlp, examples):
    wrong, missed = MostProbable(), MostProbable()
    for evaluation in evaluate(nlp, "egp_ner", examples):
        kinds = classify_errors(evaluation.spans)
        wrong.add(evaluation, evaluation.spans.is_wrong, kinds)
        missed.add(evaluation, evaluation.spans.is_missed, kinds)
    return wrong, missed


TEXT = "I like London and Berlin."


def test_most_probable_errors_come_first(trained_nlp):
    gold = [(7, 13, "PERSON"), (2, 13, "LOC"), (18, 24, "JOB")]
    wrong, missed = find_errors(trained_nlp, make_examples(trained_nlp, [(TEXT, gold)]))
    assert sorted((one.text, one.label, one.kind) for one in wrong.examples) == [
        ("Berlin", "LOC", "label"),
        ("London", "LOC", "label"),
        ("London and Berlin", "PLACES", "joins"),
    ]
    for errors in (wrong, missed):
        probabilities = [one.probability for one in errors.examples if one.probability]
        assert probabilities == sorted(probabilities, reverse=True)
    assert len(missed.examples) == 3
    # The component lacks the label of the last one.
    last = missed.examples[-1]
    assert (last.label, last.probability) == ("JOB", None)


@pytest.mark.parametrize("n_docs", [1, 100])
def test_most_probable_errors_of_all_docs(n_docs, trained_nlp, monkeypatch):
    """However many docs are evaluated together."""
    monkeypatch.setattr(trained_nlp, "batch_size", n_docs)
    monkeypatch.setattr(examples_module, "MAX_EXAMPLES", 3)
    data = [(f"{'Well, ' * n} {TEXT}", []) for n in (3, 0, 0, 1, 2)]
    wrong, _ = find_errors(trained_nlp, make_examples(trained_nlp, data))
    found = []
    for doc, (text, _) in enumerate(data):
        predicted = trained_nlp(text)
        group = predicted.spans["sc"]
        found += [
            (-round(float(score), 4), doc, span.start)
            for span, score in zip(group, group.attrs["scores"])
        ]
    expected = [score for score, *_ in sorted(found)[:3]]
    ranked = [(one.probability, one.doc, one.start) for one in wrong.examples]
    assert [-score for score, *_ in ranked] == pytest.approx(expected, abs=2e-4)
    assert ranked == sorted(ranked, key=lambda one: (-one[0], *one[1:]))
    assert len(wrong.contexts) == 3


def test_context_has_all_spans_with_marks(trained_nlp):
    gold = [(7, 13, "LOC"), (18, 24, "<JOB>"), (7, 24, "PLACES")]
    wrong, _ = find_errors(trained_nlp, make_examples(trained_nlp, [(TEXT, gold)]))
    [context] = wrong.contexts
    # Outer spans come first.
    assert context.spans == [
        ("correct", "✓ PLACES", 2, 5),
        ("correct", "✓ LOC", 2, 3),
        ("wrong", "+ LOC", 4, 5),
        ("missed", "\N{MINUS SIGN} <JOB>", 4, 5),
    ]
    assert '<mark class="wrong"><span>Berlin</span></mark>' in context.html
    assert context.direction == "auto"


def test_direction_is_that_of_the_language():
    nlp = spacy.blank("he")
    nlp.add_pipe("egp_ner")
    nlp.initialize(lambda: make_examples(nlp))
    _, missed = find_errors(nlp, make_examples(nlp, [("OK אבא", [(0, 6, "JOB")])]))
    assert missed.contexts[0].direction == "rtl"


def text_of(context):
    """The visible text of the doc."""
    return unescape(re.sub("<[^>]*>", "", context.html))


def test_context_is_the_text_of_the_doc(trained_nlp):
    text = 'Ann, "the mayor" of\nLondon, met 京都市 <b>.'
    examples = make_examples(trained_nlp, [(text, [(0, 3, "JOB")])])
    _, missed = find_errors(trained_nlp, examples)
    assert text_of(missed.contexts[0]) == text


@pytest.mark.parametrize("n_words", [1, 400])
def test_context_is_a_stretch_of_the_doc(n_words, trained_nlp):
    before, entity = "x " * 100, " ".join("y" * n_words)
    spans = [(len(before), len(before + entity), "JOB")]
    data = [(f"{before}{entity}{' z' * 100}", spans)]
    _, missed = find_errors(trained_nlp, make_examples(trained_nlp, data))
    [context] = missed.contexts
    n_shown = 15 + min(n_words, 30) + 15
    assert len(text_of(context).split()) == n_shown
    assert context.tokens_before == 85
    assert context.tokens_after == 200 + n_words - 85 - n_shown
    [example] = missed.examples
    assert (example.start, example.end) == (100, 100 + n_words)
    assert example.text == entity if n_words == 1 else len(example.text) == 200


def test_context_is_bounded(trained_nlp):
    """However many spans there are, and however long tokens and labels are."""
    words = ["<" * 1000] * 60
    doc = Doc(trained_nlp.vocab, words=words)
    spans = [(a, b) for b in range(1, 61) for a in range(b)]
    doc.spans["sc"] = [Span(doc, *span, label="&" * 1000) for span in spans]
    example = Example(Doc(trained_nlp.vocab, words=words), doc)
    _, missed = find_errors(trained_nlp, [example])
    for one, context in zip(missed.examples, missed.contexts):
        assert len(context.html) < 40_000
        n_shown = len(context.spans)
        assert n_shown > 1
        assert all(len(name) <= 42 for _, name, *_ in context.spans)
        assert 0 < context.spans_left_out < len(spans)
        assert len(one.text) <= 200
