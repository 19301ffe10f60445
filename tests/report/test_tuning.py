"""Thresholds, compared with an evaluation of the pipeline at each of them."""

from functools import partial
from itertools import product

import numpy as np
import pytest
from conftest import NESTED_DATA, make_examples, train
from generated import tiny_nlp

from spacy_egp.report import tuning
from spacy_egp.report.evaluation import THRESHOLDS
from spacy_egp.report.results import find_results
from spacy_egp.report.texts import Texts
from spacy_egp.report.tuning import Target, tune

BEST_F = Target()
GRID = np.asarray([0.02, 0.1, 0.3, 0.5, 0.7])
# Gold spans other than those it has learned, so that scores are between 0 and 1.
DATA = [
    *NESTED_DATA,
    ("Ada Lovelace likes Berlin.", [(0, 12, "PERSON"), (0, 3, "TITLE")]),
    ("Who is London?", [(7, 13, "PERSON"), (7, 13, "LOC")]),
    ("Greater London and Berlin.", [(0, 14, "LOC"), (19, 25, "LOC")]),
] * 2


@pytest.fixture(scope="module")
def state():
    nlp = tiny_nlp()
    train(nlp, make_examples(nlp), steps=45)
    return nlp.to_bytes()


@pytest.fixture
def nlp(state, monkeypatch):
    monkeypatch.setattr(tuning, "GRID", GRID)
    return tiny_nlp().from_bytes(state)


def tune_on_data(nlp, target=BEST_F, *, by_label=False):
    return tune(
        nlp,
        "egp_ner",
        partial(make_examples, nlp, DATA),
        target=target,
        by_label=by_label,
    )


def evaluate(nlp, threshold):
    nlp.get_pipe("egp_ner").threshold = threshold
    return nlp.evaluate(make_examples(nlp, DATA))


def measures(score):
    return [score.p, score.r, score.f]


def measures_of_spacy(scores):
    return [scores[f"spans_sc_{x}"] for x in "prf"]


@pytest.mark.parametrize("overlap", ["any", "flat"])
def test_curve_and_best_threshold(nlp, overlap):
    nlp.get_pipe("egp_ner").overlap = overlap
    found = tune_on_data(nlp)
    expected = {x: evaluate(nlp, x) for x in GRID.tolist()}
    assert list(found.curve) == GRID.tolist()
    for x, score in found.curve.items():
        assert measures(score) == pytest.approx(measures_of_spacy(expected[x]))
    best = max(expected, key=lambda x: (expected[x]["spans_sc_f"], -abs(x - 0.5)))
    assert found.threshold == best
    assert measures(found.score) == measures(found.curve[best])
    assert measures(found.before) == measures(found.curve[0.5])


@pytest.mark.parametrize("measure, other", [("precision", "r"), ("recall", "p")])
def test_least_precision_and_recall(nlp, measure, other):
    curve = tune_on_data(nlp).curve
    least = getattr(curve[0.3], measure[0])
    found = tune_on_data(nlp, Target(measure, least))
    possible = [x for x in curve.values() if getattr(x, measure[0]) >= least]
    assert 0 < len(possible) < len(GRID)
    assert getattr(found.score, measure[0]) >= least
    assert getattr(found.score, other) == max(getattr(x, other) for x in possible)
    assert not found.unreached
    assert tune_on_data(nlp, Target("recall", 1.0)).unreached == ["all"]


@pytest.mark.parametrize("overlap", ["any", "flat"])
def test_scores_by_label_are_those_of_the_pipeline(nlp, overlap):
    nlp.get_pipe("egp_ner").overlap = overlap
    found = tune_on_data(nlp, Target("precision", 0.6), by_label=True)
    expected = evaluate(nlp, found.threshold)
    assert measures(found.score) == pytest.approx(measures_of_spacy(expected))
    for label, score in found.labels.items():
        assert score.f == pytest.approx(expected["spans_sc_per_type"][label]["f"])
    assert found.unreached == [x for x, score in found.labels.items() if score.p < 0.6]


def test_thresholds_by_label_have_the_best_f_of_all(nlp):
    """Compared with all combinations of thresholds."""
    counts, grid, _ = tuning._count(nlp, "egp_ner", make_examples(nlp, DATA))
    total = counts.sum(0)
    labels = np.arange(total.shape[1])
    chosen = tuning._choose_by_label(total, grid, Target())
    best = max(
        tuning._score(total[:, labels, [*ks, 0]].sum(1)).f
        for ks in product(range(len(GRID)), repeat=4)
    )
    assert tuning._score(total[:, labels, chosen].sum(1)).f == best
    assert len(set(chosen[:4].tolist())) > 1


def test_report_suggests_the_same(nlp, monkeypatch):
    monkeypatch.setattr(tuning, "GRID", THRESHOLDS)
    found = tune_on_data(nlp, by_label=True)
    results = find_results(
        nlp,
        "egp_ner",
        partial(make_examples, nlp, DATA),
        model="",
        data="",
        texts=Texts(),
    ).results
    suggested = results.label_thresholds
    assert list(suggested) == list(results.labels)
    assert {x: one.threshold for x, one in suggested.items()} == found.threshold
    assert {x: one.score for x, one in suggested.items()} == found.labels


def test_noise_of_a_rare_label_gives_no_threshold_of_its_own():
    """A label whose best thresholds differ between folds gets the common one. A label
    that has the same other threshold in each fold gets that one."""
    grid = np.asarray([0.3, 0.5, 0.7])
    counts = np.zeros((5, 3, 4, 3), dtype="int64")
    counts[:, 0] = 20
    # Frequent labels: best at 0.5, and best at 0.7.
    counts[:, 1:, 0] = [[60, 20, 8], [20, 20, 8]]
    counts[:, 1:, 1] = [[60, 40, 20], [20, 20, 20]]
    # A rare label: at 0.7, there are few wrong spans in fold 0, but few right ones in
    # the others.
    counts[:, 0, 2] = 1
    counts[0, 1:, 2] = [[2, 2, 0], [0, 0, 0]]
    counts[1:, 1:, 2] = [[1, 1, 1], [0, 0, 0]]
    counts[1, 1:, 2] = [[2, 2, 2], [1, 1, 1]]
    common = tuning._score_held_out(counts, grid, Target())
    own = tuning._score_held_out_by_label(counts, grid, Target())
    is_better = tuning._is_better(own, common, Target())
    assert is_better.tolist()[:3] == [False, True, False]
