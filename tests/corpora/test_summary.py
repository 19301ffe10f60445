"""The summary counts as a person would, span by span."""

from generated import patient
from hypothesis import given
from hypothesis import strategies as st

from spacy_egp.corpora.summary import (
    Listing,
    Repeat,
    RepeatListing,
    measure_nesting,
)

SPANS = st.tuples(st.integers(0, 8), st.integers(1, 4)).map(lambda s: (s[0], sum(s)))


def contains(outer, inner):
    return outer[0] <= inner[0] and inner[1] <= outer[1]


def cross(a, b):
    return a[0] < b[0] < a[1] < b[1] or b[0] < a[0] < b[1] < a[1]


@patient
@given(st.lists(SPANS, max_size=10))
def test_nesting(spans):
    depths = []
    ordered = sorted(spans, key=lambda span: (span[0], -span[1]))
    for i, span in enumerate(ordered):
        outer = [depths[j] for j in range(i) if contains(ordered[j], span)]
        depths.append(1 + max(outer, default=0))
    n_crossing = sum(any(cross(span, other) for other in spans) for span in spans)
    assert measure_nesting(spans) == (depths, n_crossing)


def test_other_spans_are_counted_beyond_the_list(monkeypatch):
    monkeypatch.setattr(Listing, "MAX_ITEMS", 2)
    repeats = RepeatListing()
    repeats.add(Repeat("a", "text", same_spans=i < 5) for i in range(12))
    assert (repeats.count, repeats.others, len(repeats.first)) == (12, 7, 2)
