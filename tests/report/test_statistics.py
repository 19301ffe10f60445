from collections import Counter
from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nervaluate import Evaluator

from spacy_egp.report.doc_lengths import score_docs
from spacy_egp.report.spans import SpanTable, merge_tables
from spacy_egp.report.statistics import (
    LENGTHS,
    ErrorKind,
    Score,
    add_up,
    calibrate,
    calibration_error,
    classify_errors,
    confuse_labels,
    count_errors,
    find_best_threshold,
    macro_average,
    name_groups,
    score_depths,
    score_labels,
    score_lengths,
    score_overall,
    score_relaxed,
    score_thresholds,
    span_depths,
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
            is_predicted=np.nan_to_num(probability) > 0.5,
            thresholds=np.asarray(thresholds),
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
def test_span_depths(predicted, gold):
    table = make_predicted(predicted, gold)
    expected = [depth_by_definition(table.row(i), gold) for i in range(len(table))]
    assert span_depths(table).tolist() == expected


def test_lengths():
    lengths = [1, 5, 6, 10, 11, 20, 21, 90]
    gold = {(0, 0, length, 0) for length in lengths}
    scores = score_lengths(make_predicted({(0, 0, 6, 0), (0, 9, 90, 1)}, gold))
    names = name_groups(LENGTHS)
    assert {names[first]: score.support for first, score in scores.items()} == {
        "1": 1,
        "5": 1,
        "6\N{EN DASH}10": 2,
        "11\N{EN DASH}20": 2,
        "21+": 2,
    }
    assert scores[6] == Score(1.0, 0.5, pytest.approx(2 / 3), 2, 1, 1)
    assert scores[21].predicted == 1


@given(span_sets, span_sets, st.lists(st.integers(20, 60), min_size=3, max_size=3))
def test_docs_by_length(predicted, gold, lengths):
    scores = score_docs(make_predicted(predicted, gold), np.asarray(lengths))
    for first, last in ((0, 25), (26, 50), (51, 100)):
        docs = [doc for doc in range(3) if first <= lengths[doc] <= last]
        assert (first in scores) == bool(docs)
        if docs:
            score = scores[first]
            sides = [{x for x in side if x[0] in docs} for side in (gold, predicted)]
            assert score.score.correct == len(sides[0] & sides[1])
            n_tokens = sum(lengths[doc] for doc in docs)
            assert (score.docs, score.tokens) == (len(docs), n_tokens)
            rates = (score.gold_per_1000, score.predicted_per_1000)
            assert rates == pytest.approx([1000 * len(x) / n_tokens for x in sides])
            sizes = [[end - start for _, start, end, _ in x] or [0] for x in sides]
            means = (score.gold_length, score.predicted_length)
            assert means == pytest.approx([np.mean(x) for x in sizes])
            longest = (score.longest_gold, score.longest_predicted)
            assert longest == tuple(max(x) for x in sizes)


def take(table, rows):
    columns = vars(table).copy()
    thresholds = columns.pop("thresholds")
    columns = {name: column[rows] for name, column in columns.items()}
    return SpanTable(**columns, thresholds=thresholds)


@given(span_sets, span_sets)
def test_parts_add_up(predicted, gold):
    table = make_predicted(predicted, gold)
    lengths = np.full(3, 20)
    parts = [take(table, table.doc < 2), take(table, table.doc == 2)]
    for score in (score_lengths, score_depths, score_thresholds, calibrate):
        total = score(table)
        added = add_up(map(score, parts))
        assert added.keys() == total.keys()
        for key, value in total.items():
            assert asdict(added[key]) == pytest.approx(asdict(value))
    docs = [score_docs(parts[0], lengths[:2]), score_docs(parts[1], lengths)]
    total, added = score_docs(table, lengths)[0], add_up(docs)[0]
    assert added.score == total.score
    assert added.predicted_length == pytest.approx(total.predicted_length)
    assert added.longest_predicted == total.longest_predicted


def test_macro_average():
    gold = {(0, 0, 1, 0), (0, 1, 2, 0), (0, 2, 3, 1)}
    scores = score_labels(make_predicted({(0, 0, 1, 0), (0, 5, 6, 2)}, gold), LABELS)
    assert list(scores) == ["A", "B", "C"]
    # C has no gold spans.
    assert macro_average(scores.values()) == pytest.approx((2 / 3 + 0) / 2)


def test_thresholds():
    probabilities = {(0, i, i + 1, 0): p for i, p in enumerate([0.9, 0.6, 0.4, 0.2])}
    gold = {span for span, p in probabilities.items() if p != 0.6}
    scores = score_thresholds(make_table(probabilities, gold, (0.1, 0.3, 0.5, 0.7)))
    assert [score.correct for score in scores.values()] == [3, 2, 1, 1]
    assert [score.predicted for score in scores.values()] == [4, 3, 2, 1]
    assert find_best_threshold(scores) == 0.1


def kind_by_definition(span, others):
    """How a span relates to others, by the definition of the kinds."""
    doc, start, end = span[:3]
    others = [other[1:3] for other in others if other[0] == doc]
    if (start, end) in others:
        return "label"
    begins = any(a == start and b < end for a, b in others)
    ends = any(b == end and a > start for a, b in others)
    if begins and ends:
        return "joins"
    if any(a == start for a, _ in others):
        return "start"
    if any(b == end for _, b in others):
        return "end"
    if any(a <= start and b >= end for a, b in others):
        return "inside"
    if any(a >= start and b <= end for a, b in others):
        return "around"
    if any(a < end and b > start for a, b in others):
        return "crosses"
    return "alone"


@given(span_sets, span_sets)
def test_kinds_of_errors(predicted, gold):
    table = make_predicted(predicted, gold)
    kinds = classify_errors(table).tolist()
    expected = Counter()
    for i, kind in enumerate(kinds):
        span = table.row(i)
        if span in gold and span in predicted:
            assert kind == -1
        else:
            side, others = ("missed", predicted) if span in gold else ("wrong", gold)
            name = kind_by_definition(span, others)
            assert list(ErrorKind)[kind] == name
            expected[name, side] += 1
    counts = count_errors(table, classify_errors(table))
    assert {key: n for key, n in counts.items() if n} == expected


def test_correct_spans_explain_wrong_ones():
    """Gold spans that are found count, too: here, each error only relates to those."""
    gold = {(0, 0, 2, 0), (0, 3, 5, 0)}
    wrong = {
        (0, 0, 5, 1): "joins",
        (0, 0, 1, 0): "start",
        (0, 4, 5, 0): "end",
        (0, 0, 2, 1): "label",
        (1, 0, 5, 0): "alone",
    }
    table = make_predicted(gold | set(wrong), gold)
    kinds = classify_errors(table)
    assert {
        table.row(i): list(ErrorKind)[kinds[i]] for i in np.flatnonzero(kinds >= 0)
    } == wrong


def test_confusion():
    gold = {(0, 0, 2, 0), (0, 0, 2, 1), (0, 3, 4, 0), (0, 5, 6, 1)}
    predicted = {(0, 0, 2, 0), (0, 0, 2, 2), (0, 3, 4, 1), (0, 7, 8, 0)}
    pairs = confuse_labels(make_predicted(predicted, gold), LABELS)
    assert pairs == {
        ("A", "A"): 1,
        ("B", "C"): 1,
        ("A", "B"): 1,
        ("B", None): 1,
        (None, "A"): 1,
    }


@given(span_sets, span_sets)
def test_confusion_has_all_spans(predicted, gold):
    """Unless spans with the same tokens have several labels, rows add up to the
    support."""
    gold = set({span[:3]: span for span in gold}.values())
    predicted = set({span[:3]: span for span in predicted}.values())
    pairs = confuse_labels(make_predicted(predicted, gold), LABELS)
    rows, columns = Counter(), Counter()
    for (gold_label, predicted_label), count in pairs.items():
        rows[gold_label] += count
        columns[predicted_label] += count
    support = Counter(LABELS[label] for *_, label in gold)
    assert {label: rows[label] for label in support} == support
    n_predicted = Counter(LABELS[label] for *_, label in predicted)
    assert {label: columns[label] for label in n_predicted} == n_predicted


def test_calibration():
    probabilities = {(0, i, i + 1, 0): (i + 0.5) / 100 for i in range(100)}
    gold = {span for i, span in enumerate(probabilities) if i % 10 < i // 10}
    bins = list(calibrate(make_table(probabilities, gold, (0.05, 0.5))).values())
    assert [one.count for one in bins] == [5] + [10] * 9
    assert [one.lower for one in bins] == pytest.approx([0.05, *np.arange(1, 10) / 10])
    assert [one.gold for one in bins] == pytest.approx(np.arange(10) / 10)
    expected = [0.075, *(0.05 + np.arange(1, 10) / 10)]
    assert [one.probability for one in bins] == pytest.approx(expected)
    difference = (0.075 * 5 + 0.05 * 90) / 95
    assert calibration_error(bins) == pytest.approx(difference)


def test_calibration_leaves_out_unlikely_gold_spans():
    table = make_table({(0, 0, 1, 0): 0.05, (0, 1, 2, 0): 0.3}, {(0, 0, 1, 0)})
    [one] = calibrate(table).values()
    assert (one.count, one.gold) == (1, 0)


def max_pairs(gold, predicted):
    """The largest number of pairs, found by trying all of them."""
    if not gold:
        return 0
    first, *others = gold
    return max(
        max_pairs(others, predicted),
        *(
            1 + max_pairs(others, [x for x in predicted if x != span])
            for span in predicted
            if first[0] == span[0] and first[1] < span[2] and span[1] < first[2]
        ),
        0,
    )


@given(st.sets(spans, max_size=5), st.sets(spans, max_size=5))
def test_relaxed_scores(predicted, gold):
    scores = score_relaxed(make_predicted(predicted, gold))
    bounds = [Counter(span[:3] for span in side) for side in (gold, predicted)]
    exact = bounds[0] & bounds[1]
    assert scores["exact"].correct == exact.total()
    left = [
        [(*span, i) for i, span in enumerate((side - exact).elements())]
        for side in bounds
    ]
    assert scores["partial"].correct == exact.total() + max_pairs(*left) / 2
    assert scores["type"].correct == sum(
        max_pairs(*([x for x in side if x[3] == k] for side in (gold, predicted)))
        for k in range(3)
    )


def make_flat(spans):
    """The first of the spans that overlap none before them."""
    flat = []
    for doc, start, end, label in sorted(spans):
        if not flat or (flat[-1][0], flat[-1][2]) <= (doc, start):
            flat.append((doc, start, end, label))
    return flat


@given(span_sets, span_sets)
def test_relaxed_scores_of_flat_docs_are_those_of_nervaluate(predicted, gold):
    gold, predicted = make_flat(gold), make_flat(predicted)
    scores = score_relaxed(make_predicted(predicted, gold))
    sides = [
        [
            [
                {"label": LABELS[label], "start": start, "end": end - 1}
                for doc, start, end, label in side
                if doc == i
            ]
            for i in range(3)
        ]
        for side in (gold, predicted)
    ]
    expected = Evaluator(*sides, tags=list(LABELS), loader="dict").evaluate()["overall"]
    for name, measure in (("exact", "exact"), ("partial", "partial")):
        found = scores[name]
        assert (found.p, found.r, found.f) == pytest.approx(
            (
                expected[measure].precision,
                expected[measure].recall,
                expected[measure].f1,
            )
        )
    # nervaluate pairs a span with one of another label, or with the nearest one, even
    # if it has a partner that no other span has.
    n_overlaps = [
        sum(a[0] == b[0] and a[1] < b[2] and b[1] < a[2] for b in theirs)
        for ours, theirs in ((gold, predicted), (predicted, gold))
        for a in ours
    ]
    correct = expected["ent_type"].correct
    assert scores["type"].correct >= correct
    if max(n_overlaps, default=0) <= 1:
        assert scores["type"].correct == correct
