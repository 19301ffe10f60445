import numpy as np
import pytest
import spacy
from conftest import NESTED_DATA, make_examples, train
from spacy.tokens import Doc, Span
from spacy.training import Example

from spacy_egp.limits import Exclusion
from spacy_egp.report.evaluation import evaluate
from spacy_egp.report.statistics import score_labels, score_overall, score_thresholds

TEXTS = [
    *(text for text, _ in NESTED_DATA),
    "The mayor of London likes Shaka Khan and Ada Lovelace.",
    "Who met Berlin and Greater London?",
]


def make_reference(nlp, text, spans):
    """A doc whose tokens are the text's words; some of them are not the tokenizer's."""
    words = text.split(" ")
    doc = Doc(nlp.vocab, words=words, spaces=[True] * (len(words) - 1) + [False])
    doc.spans["sc"] = [Span(doc, *bounds, label=label) for *bounds, label in spans]
    return doc


GOLD = [
    [(2, 4, "PERSON"), (2, 3, "PERSON")],
    [(2, 3, "LOC"), (4, 5, "LOC"), (2, 5, "PLACES")],
    [(1, 5, "TITLE"), (3, 5, "LOC"), (4, 5, "PERSON"), (6, 8, "PERSON")],
    [],
    [(3, 4, "LOC"), (5, 7, "PERSON"), (5, 7, "PERSON"), (1, 4, "JOB")],
    [(2, 3, "LOC"), (4, 6, "LOC")],
]


def train_weakly(**config):
    """A pipeline that makes all kinds of errors."""
    nlp = spacy.blank("en")
    nlp.add_pipe("egp_ner", config=config)
    train(nlp, make_examples(nlp), steps=12)
    return nlp


def make_data(nlp):
    """Docs with tokens unlike the tokenizer's, and one that is not annotated."""
    references = [make_reference(nlp, text, spans) for text, spans in zip(TEXTS, GOLD)]
    references.append(nlp.make_doc("Shaka Khan"))
    return [Example(nlp.make_doc(doc.text), doc) for doc in references]


GLOBAL_POINTER = {
    "@architectures": "spacy-egp.GlobalPointer.v1",
    "tok2vec": {
        "@architectures": "spacy.HashEmbedCNN.v2",
        "width": 32,
        "depth": 2,
        "embed_size": 500,
        "window_size": 1,
        "maxout_pieces": 3,
        "subword_features": True,
        "pretrained_vectors": None,
    },
}


@pytest.mark.parametrize("overlap", ["any", "nested", "flat"])
@pytest.mark.parametrize("threshold", [0.02, 0.1, 0.5])
def test_scores_are_those_of_spacy(overlap, threshold):
    nlp = train_weakly(overlap=overlap, threshold=threshold)
    examples = make_data(nlp)
    evaluation = evaluate(nlp, "egp_ner", examples)
    expected = nlp.evaluate(examples)
    overall = score_overall(evaluation.spans)
    assert 0 < overall.correct < overall.support
    assert [overall.p, overall.r, overall.f] == [
        expected[f"spans_sc_{x}"] for x in "prf"
    ]
    labels = score_labels(evaluation.spans, evaluation.labels)
    assert {
        label: {"p": score.p, "r": score.r, "f": score.f}
        for label, score in labels.items()
    } == expected["spans_sc_per_type"]


@pytest.mark.parametrize("overlap", ["any", "nested", "flat"])
def test_threshold_curve_is_that_of_separate_evaluations(overlap):
    nlp = train_weakly(overlap=overlap)
    examples = make_data(nlp)
    scores = score_thresholds(evaluate(nlp, "egp_ner", examples).spans)
    assert len({score.predicted for score in scores.values()}) > 3
    for threshold, score in scores.items():
        nlp.get_pipe("egp_ner").cfg["threshold"] = threshold
        expected = nlp.evaluate(examples)
        assert score.f == expected["spans_sc_f"]


@pytest.mark.parametrize("config", [{}, {"model": GLOBAL_POINTER}])
def test_gold_spans_have_their_probability(config):
    nlp = train_weakly(**config)
    component = nlp.get_pipe("egp_ner")
    examples = make_examples(nlp) * 2
    spans = evaluate(nlp, "egp_ner", examples).spans
    assert spans.is_gold.sum() == 16
    for i in np.flatnonzero(spans.is_gold).tolist():
        doc, start, end, label = spans.row(i)
        scores = component.score_matrix(nlp(examples[doc].predicted.text))
        expected = 1 / (1 + np.exp(-scores[label, start, end - 1]))
        assert spans.probability[i] == pytest.approx(expected, abs=1e-4)


@pytest.mark.filterwarnings("ignore:.*longer than max_length")
def test_what_is_left_out_is_counted():
    nlp = train_weakly(max_length=3, threshold=0.02)
    counts = evaluate(nlp, "egp_ner", make_data(nlp)).counts
    assert (counts.docs, counts.not_annotated, counts.duplicates) == (6, 1, 1)
    assert counts.unknown_labels == {"JOB": 1}
    # "mayor of Greater London", and "London and Berlin." with its full stop.
    assert counts.unpredictable == {Exclusion.TOO_LONG: 2}
    # "London" ends inside the gold token "London?".
    assert counts.unaligned > 0
    assert counts.tokens == sum(len(text.split()) for text in TEXTS)


def test_gold_spans_that_do_not_fit_the_tokens_are_counted(trained_nlp):
    reference = Doc(trained_nlp.vocab, words=["Lon", "don", "!"], spaces=[False] * 3)
    reference.spans["sc"] = [Span(reference, 0, 1, label="LOC")]
    example = Example(trained_nlp.make_doc("London!"), reference)
    evaluation = evaluate(trained_nlp, "egp_ner", [example])
    assert evaluation.counts.unpredictable == {Exclusion.MISALIGNED: 1}
    assert np.isnan(evaluation.spans.probability[evaluation.spans.is_gold]).all()


def test_other_components_run_before():
    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    nlp.add_pipe("egp_ner", config={"within_sentences": True, "threshold": 0.02})
    nlp.add_pipe("sentencizer", name="after")
    train(nlp, make_examples(nlp), steps=12)
    text = "I like London. Berlin likes me."
    [example] = make_examples(nlp, [(text, [(7, 21, "PLACES"), (7, 13, "LOC")])])
    evaluation = evaluate(nlp, "egp_ner", [example])
    assert evaluation.counts.unpredictable == {Exclusion.CROSSES_SENTENCES: 1}
    assert score_overall(evaluation.spans).f == nlp.evaluate([example])["spans_sc_f"]
    assert nlp.pipe_names == ["sentencizer", "egp_ner", "after"]


def test_docs_without_gold_key(trained_nlp):
    example = Example(trained_nlp.make_doc("London"), trained_nlp.make_doc("London"))
    with pytest.raises(ValueError, match=r"doc.spans\['sc'\]"):
        evaluate(trained_nlp, "egp_ner", [example])
