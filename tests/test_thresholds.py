"""Thresholds by label, and the labels that are predicted."""

import warnings
from importlib.metadata import version

import numpy as np
import pytest
import spacy
from conftest import NESTED_DATA, make_examples, train
from generated import tiny_nlp
from hypothesis import given
from hypothesis import strategies as st
from oracles import overlap
from packaging.version import Version
from spacy.cli.find_threshold import find_threshold
from thinc.api import Config

from spacy_egp.report.evaluation import evaluate
from spacy_egp.report.statistics import score_overall
from spacy_egp.settings import CONFIG_KEY

TEXTS = [text for text, _ in NESTED_DATA]


@pytest.fixture(scope="module")
def state():
    """The state of a pipeline after a few steps, with probabilities of all sizes."""
    nlp = tiny_nlp()
    train(nlp, make_examples(nlp), steps=25)
    return nlp.to_bytes()


@pytest.fixture
def nlp(state):
    return tiny_nlp().from_bytes(state)


@pytest.fixture
def component(nlp):
    return nlp.get_pipe("egp_ner")


def spans_by_score(nlp):
    """{(doc, start, end, label): probability} of what is predicted."""
    return {
        (i, span.start, span.end - 1, span.label_): score
        for i, doc in enumerate(nlp.pipe(TEXTS))
        for span, score in zip(doc.spans["sc"], doc.spans["sc"].attrs["scores"])
    }


def thresholds_between(spans):
    """A table of thresholds, which some spans of each label exceed."""
    labels = {label for *_, label in spans}
    return {
        label: float(np.median([p for span, p in spans.items() if span[-1] == label]))
        for label in labels
    }


def test_spans_are_above_the_threshold_of_their_label(nlp, component):
    component.threshold = 0.0
    everything = spans_by_score(nlp)
    table = thresholds_between(everything)
    assert len(set(table.values())) == 4
    component.threshold = table
    expected = {x: p for x, p in everything.items() if p > table[x[-1]]}
    assert spans_by_score(nlp).keys() == expected.keys()
    del table["LOC"]
    component.threshold = table
    expected = {x: p for x, p in everything.items() if p > table.get(x[-1], 0.5)}
    assert spans_by_score(nlp).keys() == expected.keys()


def test_a_table_of_equal_thresholds_is_the_number(nlp, component):
    for selection in ("any", "nested", "flat"):
        component.overlap = selection
        component.threshold = 0.02
        expected = spans_by_score(nlp)
        component.threshold = dict.fromkeys(component.labels, 0.02)
        assert spans_by_score(nlp) == expected


def test_a_table_can_be_changed_in_place(nlp, component, tmp_path):
    component.threshold = {"LOC": 0.9}
    component.threshold["LOC"] = 0.0
    assert {label for *_, label in spans_by_score(nlp)} == {"LOC"}
    nlp.to_disk(tmp_path)
    assert spacy.load(tmp_path).get_pipe("egp_ner").threshold == {"LOC": 0.0}


def test_labels_are_chosen_before_spans_are_selected(nlp, component):
    """A span that overlaps a better span of another label is found instead of it."""
    component.threshold = 0.0
    component.overlap = "flat"
    everything = spans_by_score(nlp)
    component.predicted_labels = ["PLACES", "TITLE"]
    found = spans_by_score(nlp)
    assert {label for *_, label in found} == {"PLACES", "TITLE"}
    assert found.keys() - everything.keys()
    assert not any(overlap(a, b) for a in found for b in found if a != b)


@pytest.mark.parametrize(
    "settings",
    [
        {"threshold": {"LOC": 0.01, "PERSON": 0.03, "TITLE": 0.9}},
        {"threshold": 0.01, "predicted_labels": ["LOC", "PLACES"]},
    ],
)
@pytest.mark.parametrize("selection", ["any", "flat"])
def test_report_has_the_scores_of_spacy(nlp, component, settings, selection):
    component.overlap = selection
    for name, value in settings.items():
        setattr(component, name, value)
    examples = make_examples(nlp)
    [evaluation] = evaluate(nlp, "egp_ner", examples)
    overall, expected = score_overall(evaluation.spans), nlp.evaluate(examples)
    assert [overall.p, overall.r, overall.f] == [
        expected[f"spans_sc_{x}"] for x in "prf"
    ]
    assert overall.predicted > 0


@pytest.mark.skipif(
    Version(version("confection")) < Version("1.0"),
    reason="Old versions of confection cannot set a number in place of a table.",
)
def test_spacy_finds_a_common_threshold_in_place_of_a_table(
    nlp, component, corpus_path, tmp_path
):
    component.threshold = 0.5
    nlp.to_disk(tmp_path / "common")
    component.threshold = {"LOC": 0.1, "PERSON": 1.0}
    nlp.to_disk(tmp_path / "table")
    results = [
        find_threshold(
            str(tmp_path / name),
            corpus_path,
            "egp_ner",
            "threshold",
            "spans_sc_f",
            n_trials=5,
        )
        for name in ("common", "table")
    ]
    assert results[0] == results[1]
    assert len(set(results[0][2].values())) > 1


def test_unknown_labels_are_reported_once(nlp, component):
    component.threshold = {"LOC": 0.3, "PERS": 0.3}
    component.predicted_labels = ["LOC", "PLACE"]
    with pytest.warns(UserWarning, match="EGPW040.*'egp_ner'.*: PERS, PLACE. Correct"):
        nlp(TEXTS[0])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        nlp(TEXTS[0])


@given(st.text(min_size=1, max_size=6) | st.text("a.:= #;@[]*%$\\\"'{}", min_size=1))
def test_labels_that_a_config_can_have_as_keys(label):
    """They come back as they are; other labels are refused."""
    if CONFIG_KEY.fullmatch(label):
        config = Config({"a": {"threshold": {label: 0.5}, "b": 1}})
        assert Config().from_str(config.to_str()) == config
