from dataclasses import asdict

import numpy as np
import pytest
import spacy
import srsly
from conftest import NESTED_DATA, make_examples, train
from hypothesis import given
from hypothesis import strategies as st
from spacy.tokens import Doc, Span
from spacy.training import Example
from spacy.vocab import Vocab

from spacy_egp.limits import Exclusion
from spacy_egp.report import doc_lengths
from spacy_egp.report import evaluation as evaluation_module
from spacy_egp.report.alignment import align_bounds
from spacy_egp.report.doc_lengths import join_examples
from spacy_egp.report.evaluation import evaluate
from spacy_egp.report.results import find_results
from spacy_egp.report.statistics import score_labels, score_overall, score_thresholds
from spacy_egp.report.texts import Texts

VOCAB = Vocab()
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
    """Docs with tokens other than the tokenizer's, and one that is not annotated."""
    references = [make_reference(nlp, text, spans) for text, spans in zip(TEXTS, GOLD)]
    references.append(nlp.make_doc("Shaka Khan"))
    return [Example(nlp.make_doc(doc.text), doc) for doc in references]


def evaluate_all(nlp, examples):
    """The evaluation of all docs, which are few."""
    [evaluation] = evaluate(nlp, "egp_ner", examples)
    return evaluation


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
    evaluation = evaluate_all(nlp, examples)
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
    scores = score_thresholds(evaluate_all(nlp, examples).spans)
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
    spans = evaluate_all(nlp, examples).spans
    assert spans.is_gold.sum() == 16
    for i in np.flatnonzero(spans.is_gold).tolist():
        doc, start, end, label = spans.row(i)
        scores = component.score_matrix(nlp(examples[doc].predicted.text))
        expected = 1 / (1 + np.exp(-scores[label, start, end - 1]))
        assert spans.probability[i] == pytest.approx(expected, abs=1e-4)


@pytest.mark.filterwarnings("ignore:.*longer than max_length")
def test_what_is_left_out_is_counted():
    nlp = train_weakly(max_length=3, threshold=0.02)
    counts = evaluate_all(nlp, make_data(nlp)).counts
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
    evaluation = evaluate_all(trained_nlp, [example])
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
    evaluation = evaluate_all(nlp, [example])
    assert evaluation.counts.unpredictable == {Exclusion.CROSSES_SENTENCES: 1}
    assert score_overall(evaluation.spans).f == nlp.evaluate([example])["spans_sc_f"]
    assert nlp.pipe_names == ["sentencizer", "egp_ner", "after"]


NO_TEXTS = Texts()


def find(nlp, make_examples, texts=NO_TEXTS):
    return find_results(
        nlp, "egp_ner", make_examples, model="model", data="data.spacy", texts=texts
    )


def test_docs_without_gold_key(trained_nlp):
    example = Example(trained_nlp.make_doc("London"), trained_nlp.make_doc("London"))
    with pytest.raises(ValueError, match=r"EGP304.* 1 docs .*doc.spans\['sc'\]"):
        find(trained_nlp, lambda: [example])
    with pytest.raises(ValueError, match=r"EGP307.*no docs in data\.spacy"):
        find(trained_nlp, lambda: [])


def test_docs_without_tokens(trained_nlp):
    [example] = make_examples(trained_nlp, [("", [])])
    findings = find(trained_nlp, lambda: [example])
    assert findings.results.counts.docs == 1
    assert findings.results.overall.support == 0
    assert findings.heatmaps == []


def assert_equal_but_for_rounding(numbers, expected):
    """The probabilities of a doc are rounded differently in a batch with other docs."""
    assert type(numbers) is type(expected)
    if isinstance(numbers, dict):
        assert numbers.keys() == expected.keys()
        for key in numbers:
            assert_equal_but_for_rounding(numbers[key], expected[key])
    elif isinstance(numbers, list):
        assert len(numbers) == len(expected)
        for one, other in zip(numbers, expected):
            assert_equal_but_for_rounding(one, other)
    elif isinstance(numbers, float):
        assert numbers == pytest.approx(expected, rel=1e-4)
    else:
        assert numbers == expected


@pytest.mark.parametrize("n_spans", [1, 200])
def test_parts_add_up(n_spans, monkeypatch):
    """The numbers are the same, however many docs are evaluated together."""
    nlp = train_weakly(threshold=0.1)
    texts = Texts(train_entities={"London", "Shaka Khan"})

    def find_numbers():
        numbers = asdict(find(nlp, lambda: make_data(nlp), texts=texts))
        numbers["results"]["confusion"].sort(key=str)  # of equal counts any is first
        return srsly.json_loads(srsly.json_dumps(numbers))

    whole = find_numbers()
    monkeypatch.setattr(evaluation_module, "SPANS_PER_PART", n_spans)
    parts = find_numbers()
    assert len(list(evaluate(nlp, "egp_ner", make_data(nlp)))) > 1
    assert_equal_but_for_rounding(parts, whole)


def test_joined_docs_are_scored_as_spacy_scores_their_text():
    nlp = train_weakly(threshold=0.1)
    data = [one for one in NESTED_DATA if one[1]] * 4
    results = find(nlp, lambda: make_examples(nlp, data)).results
    assert list(results.joined) == [1, 5, 10]
    assert results.joined[1].score == results.overall
    for number, score in results.joined.items():
        examples = []
        for first in range(0, len(data), number):
            text, spans = "", []
            for part, part_spans in data[first : first + number]:
                begin = len(text)
                spans += [(begin + a, begin + b, label) for a, b, label in part_spans]
                text += f"{part} "
            examples += make_examples(nlp, [(text.strip(), spans)])
        expected = nlp.evaluate(examples)
        assert score.score.f == pytest.approx(expected["spans_sc_f"])
        docs = [nlp(example.reference.text) for example in examples]
        lengths = [len(span) for doc in docs for span in doc.spans["sc"]]
        assert score.docs == len(examples)
        assert score.tokens == sum(map(len, docs))
        assert score.longest_predicted == max(lengths)
        assert score.predicted_length == pytest.approx(np.mean(lengths))
        assert score.predicted_per_1000 == pytest.approx(
            1000 * len(lengths) / score.tokens
        )
        assert score.gold_per_1000 == pytest.approx(
            1000 * sum(len(spans) for _, spans in data) / score.tokens
        )


def test_docs_are_joined_as_long_as_memory_allows(trained_nlp, monkeypatch):
    data = [NESTED_DATA[1]] * 10
    n_tokens = len(trained_nlp.make_doc(NESTED_DATA[1][0]))
    for limit, numbers in ((10, [1, 5, 10]), (9, [1, 5]), (4, [1])):
        monkeypatch.setattr(doc_lengths, "MAX_JOINED_TOKENS", limit * n_tokens)
        results = find(trained_nlp, lambda: make_examples(trained_nlp, data)).results
        assert list(results.joined) == numbers


def test_docs_of_other_annotation_are_joined(trained_nlp):
    """Their other groups and attrs make no difference to the scores."""
    examples = make_examples(trained_nlp)
    examples[0].reference.spans["other"] = []
    examples[1].reference.spans["sc"].attrs["scores"] = np.ones(3)
    joined = join_examples(examples, "sc")
    singles = make_examples(trained_nlp)
    expected = [span.text for one in singles for span in one.reference.spans["sc"]]
    assert [span.text for span in joined.reference.spans["sc"]] == expected
    assert len(joined.predicted) == sum(len(one.predicted) for one in singles)


texts = st.lists(st.sampled_from(["a", "b", "Ab", " ", "  ", "\n", "\n\n"]), min_size=1)


@given(texts, st.data())
def test_spans_are_aligned_as_spacy_aligns_them(pieces, data):
    """From one tokenization of a text to another one."""
    text = "".join(pieces)

    def cut():
        n_ends = st.integers(1, len(text))
        ends = sorted(data.draw(st.sets(n_ends)) | {len(text)})
        words = [text[a:b] for a, b in zip([0, *ends], ends)]
        return Doc(VOCAB, words=words, spaces=[False] * len(words))

    example = Example(cut(), cut())
    predicted = example.predicted
    bounds = [(a, b) for b in range(1, len(predicted) + 1) for a in range(b)]
    found = align_bounds(
        predicted, example.reference, example.alignment.x2y, np.asarray(bounds)
    )
    for (start, end), (other_start, other_end) in zip(bounds, found.tolist()):
        aligned = example.get_aligned_spans_x2y(
            [predicted[start:end]], allow_overlap=True
        )
        expected = [(span.start, span.end) for span in aligned] or [(0, 0)]
        assert [(other_start, other_end)] == expected
