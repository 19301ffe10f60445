import base64

import numpy as np
from conftest import NESTED_DATA, make_examples

from spacy_egp.report import heatmap
from spacy_egp.report.evaluation import evaluate
from spacy_egp.report.heatmap import SCALE, Sentences


def make_heatmaps(nlp, examples):
    sentences = Sentences(nlp.get_pipe("egp_ner"))
    for evaluation in evaluate(nlp, "egp_ner", examples):
        sentences.add(evaluation)
    return sentences.make_heatmaps()


def decode(scores, n_tokens):
    matrix = np.full((n_tokens, n_tokens), -np.inf)
    values = np.frombuffer(base64.b64decode(scores), dtype="<i2")
    matrix[np.triu_indices(n_tokens)] = values / SCALE
    return matrix


def test_scores_are_those_of_the_component(trained_nlp):
    component = trained_nlp.get_pipe("egp_ner")
    for one in make_heatmaps(trained_nlp, make_examples(trained_nlp)):
        text, gold = NESTED_DATA[one.doc]
        doc = trained_nlp(text)
        assert one.tokens == [token.text for token in doc]
        assert sorted(one.labels) == sorted(component.labels)
        expected = component.score_matrix(doc)
        for label, scores in zip(one.labels, one.scores):
            matrix = decode(scores, len(doc))
            reference = expected[component.labels.index(label)]
            np.testing.assert_allclose(matrix, reference, atol=1 / SCALE + 1e-4)
        for spans in (one.gold, one.predicted):
            assert {
                (doc[start : end + 1].text, one.labels[label])
                for start, end, label in spans
            } == {(text[start:end], label) for start, end, label in gold}


def test_deepest_nesting_comes_first(trained_nlp):
    heatmaps = make_heatmaps(trained_nlp, make_examples(trained_nlp))
    assert heatmaps[0].doc == 2


def test_only_a_stretch_of_a_long_doc_and_some_labels(trained_nlp, monkeypatch):
    monkeypatch.setattr(heatmap, "MAX_LABELS", 2)
    before = "nothing " * 100
    spans = [(len(before), len(before) + 6, "LOC")]
    examples = make_examples(trained_nlp, [(before + "London " + before, spans)])
    [one] = make_heatmaps(trained_nlp, examples)
    assert len(one.tokens) == 40
    [(start, end, label)] = one.gold
    assert one.tokens[start : end + 1] == ["London"]
    assert (one.first + start, one.n_doc_tokens) == (100, 201)
    assert one.labels[label] == "LOC"
    assert len(one.labels) == len(one.scores) == 2


def test_docs_without_spans(trained_nlp):
    [example] = make_examples(trained_nlp, [("Nothing to see here.", [])])
    [one] = make_heatmaps(trained_nlp, [example])
    assert one.gold == one.predicted == []
