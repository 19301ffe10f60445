from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_egp.report.spans import SpanTable, merge_tables
from spacy_egp.report.statistics import (
    Score,
    calibrate,
    calibration_error,
    classify_errors,
    confuse_labels,
    count_boundaries,
    find_best_threshold,
    nesting_depths,
    score_lengths,
    score_overall,
    score_thresholds,
)

LABELS = ("A", "B", "C")


def make_table(probabilities, gold, thresholds=(0.1, 0.5)):
    """Likely spans (doc, start, end, label) with probabilities, and gold spans."""

    def table(rows, is_gold, probability):
        doc, start, end, label = np.asarray(rows, dtype="int64").reshape(-1, 4).T
        probability = np.asarray(probability, dtype="float32")
        return SpanTable(
            doc=doc,
            start=start,
            end=end,
            label=label,
            is_gold=np.full(len(rows), is_gold),
            probability=probability,
            selected=np.nan_to_num(probability)[:, None] > thresholds,
            thresholds=np.asarray(thresholds),
            threshold=0.5,
        )

    likely = table(list(probabilities), False, list(probabilities.values()))
    return merge_tables([table(sorted(gold), True, [np.nan] * len(gold)), likely])


def make_predicted(predicted, gold):
    return make_table(dict.fromkeys(predicted, 0.9), gold)


bounds = st.tuples(st.integers(0, 9), st.integers(1, 5))
spans = st.builds(
    lambda doc, bounds, label: (doc, bounds[0], sum(bounds), label),
    st.integers(0, 2),
    bounds,
    st.integers(0, 2),
)
span_sets = st.sets(spans, max_size=25)


@given(span_sets, span_sets)
def test_overall_score(predicted, gold):
    score = score_overall(make_predicted(predicted, gold))
    assert score.support == len(gold)
    assert score.predicted == len(predicted)
    assert score.correct == len(gold & predicted)
    assert score.p == pytest.approx(len(gold & predicted) / max(len(predicted), 1))
    assert score.r == pytest.approx(len(gold & predicted) / max(len(gold), 1))
    assert score.f == pytest.approx(
        2 * score.correct / max(len(gold) + len(predicted), 1)
    )


def depth_by_definition(span, gold):
    longer = [
        other
        for other in gold
        if other[0] == span[0]
        and other[1] <= span[1]
        and other[2] >= span[2]
        and other[1:3] != span[1:3]
    ]
    return 1 + max((depth_by_definition(other, gold) for other in longer), default=0)


@given(span_sets, span_sets)
def test_nesting_depths(predicted, gold):
    table = make_predicted(predicted, gold)
    expected = [depth_by_definition(table.row(i), gold) for i in range(len(table))]
    assert nesting_depths(table).tolist() == expected


def test_lengths():
    lengths = [1, 5, 6, 10, 11, 20, 21, 90]
    gold = {(0, 0, length, 0) for length in lengths}
    scores = score_lengths(make_predicted({(0, 0, 6, 0), (0, 9, 90, 1)}, gold))
    assert {name: score.support for name, score in scores.items()} == {
        "1": 1,
        "5": 1,
        "6\N{EN DASH}10": 2,
        "11\N{EN DASH}20": 2,
        "21+": 2,
    }
    assert scores["6\N{EN DASH}10"] == Score(1.0, 0.5, pytest.approx(2 / 3), 2, 1, 1)
    assert scores["21+"].predicted == 1


def test_thresholds():
    probabilities = {(0, i, i + 1, 0): p for i, p in enumerate([0.9, 0.6, 0.4, 0.2])}
    gold = {span for span, p in probabilities.items() if p != 0.6}
    scores = score_thresholds(make_table(probabilities, gold, (0.1, 0.3, 0.5, 0.7)))
    assert [score.correct for score in scores.values()] == [3, 2, 1, 1]
    assert [score.predicted for score in scores.values()] == [4, 3, 2, 1]
    assert find_best_threshold(scores) == 0.1


def test_errors_are_classified_by_the_closest_one():
    gold = {(0, 0, 2, 0), (0, 4, 6, 0), (0, 8, 9, 0), (1, 0, 3, 1), (2, 5, 6, 2)}
    predicted = {
        (0, 0, 2, 0): None,
        (0, 4, 6, 1): "label",
        (0, 7, 9, 0): "boundaries",
        (1, 1, 4, 0): "label and boundaries",
        # The gold span that it overlaps is found.
        (0, 0, 1, 0): "everything",
        # The gold span with the same tokens is in another doc.
        (1, 5, 6, 2): "everything",
    }
    table = make_predicted(predicted, gold)
    kinds = {table.row(i): kind for i, kind in classify_errors(table).items()}
    missed = {
        (0, 4, 6, 0): "label",
        (0, 8, 9, 0): "boundaries",
        (1, 0, 3, 1): "label and boundaries",
        (2, 5, 6, 2): "everything",
    }
    wrong = {span: kind for span, kind in predicted.items() if kind}
    assert kinds == {**wrong, **missed}


def test_confusion():
    gold = {(0, 0, 2, 0), (0, 0, 2, 1), (0, 3, 4, 0), (0, 5, 6, 1)}
    predicted = {(0, 0, 2, 0), (0, 0, 2, 2), (0, 3, 4, 1), (0, 7, 8, 0)}
    pairs = confuse_labels(make_predicted(predicted, gold), LABELS)
    assert {(pair.gold, pair.predicted): pair.count for pair in pairs} == {
        ("A", "A"): 1,
        ("B", "C"): 1,
        ("A", "B"): 1,
        ("B", None): 1,
        (None, "A"): 1,
    }


@given(span_sets, span_sets)
def test_confusion_has_all_spans(predicted, gold):
    """As long as no tokens have several labels, rows add up to the support."""
    gold = set({span[:3]: span for span in gold}.values())
    predicted = set({span[:3]: span for span in predicted}.values())
    pairs = confuse_labels(make_predicted(predicted, gold), LABELS)
    rows, columns = Counter(), Counter()
    for pair in pairs:
        rows[pair.gold] += pair.count
        columns[pair.predicted] += pair.count
    support = Counter(LABELS[label] for *_, label in gold)
    assert {label: rows[label] for label in support} == support
    n_predicted = Counter(LABELS[label] for *_, label in predicted)
    assert {label: columns[label] for label in n_predicted} == n_predicted


def test_boundaries():
    gold = {(0, 2, 6, 0), (0, 7, 9, 0), (0, 20, 22, 1)}
    predicted = {
        (0, 1, 6, 0): ("early", "exact"),
        # It overlaps both, the first one more.
        (0, 3, 8, 0): ("late", "late"),
        (0, 20, 21, 1): ("exact", "early"),
        (0, 21, 22, 0): None,
    }
    counts = count_boundaries(make_predicted(predicted, gold))
    expected = Counter(kind for kind in predicted.values() if kind)
    sides = ("early", "exact", "late")
    assert counts == {s: {e: expected[s, e] for e in sides} for s in sides}


def test_calibration():
    probabilities = {(0, i, i + 1, 0): (i + 0.5) / 100 for i in range(100)}
    gold = {span for i, span in enumerate(probabilities) if i % 10 < i // 10}
    bins = calibrate(make_table(probabilities, gold, (0.05, 0.5)))
    assert [one.count for one in bins] == [5] + [10] * 9
    assert [one.lower for one in bins] == pytest.approx([0.05, *np.arange(1, 10) / 10])
    assert [one.gold for one in bins] == pytest.approx(np.arange(10) / 10)
    expected = [0.075, *(0.05 + np.arange(1, 10) / 10)]
    assert [one.probability for one in bins] == pytest.approx(expected)
    difference = (0.075 * 5 + 0.05 * 90) / 95
    assert calibration_error(bins) == pytest.approx(difference)


def test_calibration_leaves_out_unlikely_gold_spans():
    bins = calibrate(
        make_table({(0, 0, 1, 0): 0.05, (0, 1, 2, 0): 0.3}, {(0, 0, 1, 0)})
    )
    assert [one.count for one in bins] == [1]
    assert bins[0].gold == 0
