"""Counts, equal texts, strings and verdicts, on docs with one fault each."""

import pytest
import spacy
from conftest import CONFIGS, NESTED_DATA, make_examples
from generated import patient, spans
from hypothesis import given
from hypothesis import strategies as st
from spacy.tokens import Doc, DocBin, Span
from spacy.util import load_config, registry

from spacy_egp.checks.check import check
from spacy_egp.checks.counts import NOT_LEARNED, PartCounter, Problem
from spacy_egp.checks.settings import Settings, read_settings
from spacy_egp.checks.strings import StringIndex
from spacy_egp.limits import SpanLimits

NLP = spacy.blank("en")


def make_doc(text, spans=(), *, annotated=True, attrs=None):
    """A doc with spans (start token, end token, label)."""
    doc = NLP.make_doc(text)
    if annotated:
        doc.spans["sc"] = [Span(doc, start, end, label=x) for start, end, x in spans]
        doc.spans["sc"].attrs.update(attrs or {})
    return doc


def write(path, docs):
    DocBin(docs=docs).to_disk(path)
    return path


@pytest.fixture
def check_docs(tmp_path):
    def run(train, dev=None, config=None):
        paths = {"train": write(tmp_path / "train.spacy", train)}
        if dev is not None:
            paths["dev"] = write(tmp_path / "dev.spacy", dev)
        return check(paths, config)

    return run


def problems_of(counts):
    return {
        problem.value: [place.text for place in places.first]
        for problem, places in counts.problems.items()
        if places.count
    }


@registry.tokenizers("spacy-egp-tests.one_token.v1")
def make_one_token():
    return lambda nlp: lambda text: Doc(nlp.vocab, words=[text])


def nested_docs():
    return [example.reference for example in make_examples(NLP)]


def config_with(**settings):
    config = load_config(CONFIGS / "egp_cnn.cfg")
    config["components"]["egp_ner"].update(settings)
    return config


def test_counts(check_docs):
    docs = [*nested_docs(), make_doc("not", annotated=False), make_doc("")]
    counts = check_docs(docs).parts["train"].to_dict()
    n_spans = sum(len(spans) for _, spans in NESTED_DATA)
    expected = {"docs": 6, "not_annotated": 1, "empty": 1, "negative": 2}
    assert {name: counts[name] for name in expected} == expected
    assert counts["tokens"] == sum(map(len, docs))
    assert counts["spans"] == counts["learned"] == n_spans
    assert counts["labels"] == {"LOC": 4, "PERSON": 2, "PLACES": 1, "TITLE": 1}
    assert counts["lengths"] == {"1": 3, "2": 3, "3": 1, "4": 1}
    assert counts["depths"] == {"1": 4, "2": 3, "3": 1}
    assert counts["crossing"] == 0
    assert not any(problem["count"] for problem in counts["problems"].values())


# What is wrong, the spans of "Ann met Bo, ..." and the settings.
TEXT = "Ann met Bo , a friend .  She left ."
PROBLEMS = {
    Problem.UNLABELED: ([(0, 1, "")], {}),
    Problem.TOO_LONG: ([(0, 3, "X")], {"limits": SpanLimits(2, False)}),
    Problem.CROSSES_SENTENCES: ([(5, 9, "X")], {"limits": SpanLimits(None, True)}),
    Problem.BLANK: ([(7, 8, "X")], {}),
    Problem.EDGE: ([(2, 4, "X")], {}),
    Problem.DUPLICATE: ([(0, 1, "X"), (0, 1, "X")], {}),
    Problem.BEYOND_WINDOW: (
        [(0, 3, "X"), (0, 2, "X")],
        {"count_pieces": lambda doc: list(map(len, doc)), "window": 7},
    ),
    Problem.WITHOUT_PIECES: (
        [(3, 4, "X")],
        {"count_pieces": lambda doc: [not token.is_punct for token in doc]},
    ),
    Problem.MISALIGNED: (
        [(0, 1, "X")],
        {"tokenize": lambda text: Doc(NLP.vocab, words=[text])},
    ),
}


@pytest.mark.parametrize("problem", PROBLEMS)
def test_problems_of_spans(problem):
    spans, settings = PROBLEMS[problem]
    doc = make_doc(TEXT, spans)
    for i, token in enumerate(doc):
        token.is_sent_start = i in (0, 8)
    counter = PartCounter("train", Settings(**settings))
    counter.add(doc)
    found = {p: x.first for p, x in counter.counts.problems.items() if x.count}
    assert list(found) == [problem]
    [place] = found[problem]
    start, end, _ = spans[0]
    assert (place.part, place.doc, place.start, place.end) == ("train", 0, start, end)
    assert place.text == doc[start:end].text
    assert f"{place.before}{place.text}{place.after}" in TEXT
    assert counter.counts.learned == len(spans) - (problem in NOT_LEARNED)


def test_labels_that_are_not_listed():
    spans = [(0, 1, "X"), (2, 3, "Y")]
    doc = make_doc(TEXT, spans, attrs={"annotated_labels": ["X"]})
    counter = PartCounter("train", Settings())
    counter.add(doc)
    assert counter.counts.learned == 1
    [place] = counter.counts.problems[Problem.UNANNOTATED_LABEL].first
    assert place.label == "Y"


def test_the_configs_tokenizer_and_limits(check_docs):
    """The misfits are those that training counts."""
    docs = [make_doc("I can't see Bo", [(1, 2, "X"), (4, 5, "X"), (3, 5, "X")])]
    config = config_with(max_length=1)
    config["nlp"]["lang"] = "xx"
    counts = check_docs(docs, config=config).parts["train"]
    assert problems_of(counts) == {"misaligned": ["ca"], "too_long": ["see Bo"]}
    assert counts.learned == 1
    # spaCy's reader keeps tokens whose spaces are unknown.
    docs[0].has_unknown_spaces = True
    counts = check_docs(docs, config=config).parts["train"]
    assert not counts.problems[Problem.MISALIGNED].count


def test_word_pieces_of_a_transformer(check_docs, bert_path):
    config = load_config(CONFIGS / "egp_trf.cfg")
    config["components"]["transformer"]["model"]["window"] = 8
    config["paths"]["transformer"] = "/none"
    missing = check_docs(nested_docs(), config=config)
    assert "[EGPW272]" in missing.unchecked[0]
    config["paths"]["transformer"] = str(bert_path)
    result = check_docs(
        [*nested_docs(), make_doc("Ann met \u00ad", [(0, 1, "X")])], config=config
    )
    assert result.unchecked == []
    counts = result.parts["train"]
    # "Shaka Khan" has nine pieces, each a character.
    texts = [x.text for x in counts.problems[Problem.BEYOND_WINDOW].first]
    spans = [span for doc in nested_docs() for span in doc.spans["sc"]]
    assert texts == [x.text for x in spans if len(x.text.replace(" ", "")) > 8]
    assert counts.tokens_without_pieces == 1


def test_what_is_not_checked(check_docs):
    assert "[EGPW270]" in check_docs(nested_docs()).unchecked[0]
    config = config_with()
    assert check_docs(nested_docs(), config=config).unchecked == []
    config["components"]["egp_ner"] = {"source": "old", "max_length": 1}
    result = check_docs(nested_docs(), config=config)
    assert "[EGPW271]" in result.unchecked[0]
    assert result.parts["train"].problems[Problem.TOO_LONG].count == 5


def test_the_component_of_a_config():
    config = config_with()
    config["components"]["second"] = {"factory": "egp_ner", "spans_key": "x"}
    config["nlp"]["pipeline"].append("second")
    with pytest.raises(ValueError, match="EGP277"):
        read_settings(config)
    assert read_settings(config, "second").spans_key == "x"
    with pytest.raises(ValueError, match="EGP277"):
        read_settings(config, "third")


def test_equal_texts(check_docs):
    same, other = make_doc("Ann left", [(0, 1, "X")]), make_doc("Ann left")
    result = check_docs(
        [same, other, make_doc(""), make_doc("")], [same, make_doc("Bo")]
    )
    repeats = result.repeats
    assert [(x.part, x.doc) for x in repeats.same.first] == [("dev", 0)]
    assert [(x.part, x.doc) for x in repeats.other.first] == [("train", 1)]
    assert [
        (x.part, x.doc, x.first_part, x.first_doc) for x in repeats.leaks.first
    ] == [("dev", 0, "train", 0)]
    warnings = " ".join(result.warnings)
    assert "1 docs of a part have the text of a doc of another part" in warnings
    assert "1 docs have the text of an earlier doc, but other spans" in warnings


def test_inconsistent_strings(check_docs):
    """They are ranked, and their readings are those of a count by hand."""
    docs = [make_doc("in Rome", [(1, 2, "LOC")]) for _ in range(6)]
    docs += [make_doc("in Rome , Rome", [(1, 2, "PER")])]
    docs += [
        make_doc("will go", [(0, 1, "PER")]),
        make_doc("will go"),
        make_doc("will"),
    ]
    docs += [make_doc("New York", [(0, 2, "LOC")]), make_doc("York", [(0, 1, "LOC")])]
    # These docs do not say how the string is annotated.
    docs += [
        make_doc("York", attrs={"annotated_labels": []}),
        make_doc("York", annotated=False),
    ]
    strings = check_docs(docs).strings
    readings = {x.text: {r.labels: r.count for r in x.readings} for x in strings.first}
    assert readings == {
        "Rome": {("LOC",): 6, ("PER",): 1, (): 1},
        "will": {(): 2, ("PER",): 1},
    }
    assert [x.text for x in strings.first] == ["Rome", "will"]
    [place] = strings.first[1].readings[1].places
    assert (place.doc, place.text, place.after, place.label) == (
        7,
        "will",
        " go",
        "PER",
    )
    assert len(strings.first[0].readings[0].places) == 3


@patient
@given(st.lists(st.lists(st.sampled_from("ab"), max_size=6), max_size=5), st.data())
def test_readings_are_those_of_a_slow_count(texts, data):
    docs = [Doc(NLP.vocab, words=words) for words in texts]
    for doc in docs:
        doc.spans["sc"] = data.draw(spans(doc, labels=("A", "B")))
    index = StringIndex(Settings())
    for i, doc in enumerate(docs):
        index.add("train", i, doc)
    expected = {}
    annotated = {
        tuple(t.text for t in span) for doc in docs for span in doc.spans["sc"]
    }
    for doc in docs:
        gold = [(span.start, span.end, span.label_) for span in doc.spans["sc"]]
        for start in range(len(doc)):
            for end in range(start + 1, len(doc) + 1):
                string = tuple(t.text for t in doc[start:end])
                labels = tuple(sorted({x for *b, x in gold if b == [start, end]}))
                inside = any(a <= start and end <= b for a, b, _ in gold)
                if string in annotated and (labels or not inside):
                    counts = expected.setdefault(" ".join(string), {})
                    counts[labels] = counts.get(labels, 0) + 1
    found = {
        x.text: {r.labels: r.count for r in x.readings}
        for x in index.inconsistent(NLP.vocab).first
    }
    assert found == {
        text: counts for text, counts in expected.items() if len(counts) > 1
    }


@pytest.mark.parametrize(
    ("docs", "code"),
    [
        ([], "EGP270"),
        ([make_doc("a", annotated=False)], "EGP271"),
        ([make_doc("a")], "EGP272"),
        ([make_doc("a b", [(0, 1, ""), (1, 2, "X")])], "EGP273"),
        ([make_doc("a b", [(0, 1, "X")], attrs={"annotated_labels": "X"})], "EGP276"),
        ([make_doc("a b", [(0, 1, "X")], attrs={"annotated_labels": ["Y"]})], "EGP275"),
    ],
)
def test_what_breaks_a_training(docs, code, check_docs):
    [error] = check_docs(docs).errors
    assert error.startswith(f"train: [{code}]")
    errors = check_docs(nested_docs(), docs).errors
    assert [error.split("]")[0] for error in errors] == [f"dev: [{code}"]


def test_most_spans_misfit(check_docs):
    """As in training, which is refused in this case."""
    config = config_with()
    config["nlp"]["tokenizer"] = {"@tokenizers": "spacy-egp-tests.one_token.v1"}
    [error] = check_docs(nested_docs(), config=config).errors
    assert "[EGP274] 8 of 8 spans do not fit" in error


def test_labels_of_one_part(check_docs):
    result = check_docs(
        [make_doc("a b c", [(0, 1, "X"), (0, 1, "Y")])],
        [make_doc("a d", [(0, 1, "Z"), (0, 1, "Y")])],
    )
    assert "dev: no span has a label of 'X'" in result.warnings
    assert "dev: labels that train lacks cannot be learned: 'Z'" in result.warnings
    assert "train: fewer than 50 spans have 'X', 'Y'" in result.warnings
    assert result.errors == []
