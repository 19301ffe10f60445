"""Nesting by its definition, span by span."""

from generated import patient
from hypothesis import given
from hypothesis import strategies as st

from spacy_egp.nesting import count_crossing, nesting_depths

SPANS = st.tuples(st.integers(0, 8), st.integers(1, 4)).map(lambda s: (s[0], sum(s)))


def depth(span, spans):
    outer = [s for s in spans if s[0] <= span[0] and span[1] <= s[1] and s != span]
    return 1 + max((depth(s, spans) for s in outer), default=0)


def cross(a, b):
    return a[0] < b[0] < a[1] < b[1] or b[0] < a[0] < b[1] < a[1]


@patient
@given(st.lists(SPANS, max_size=10))
def test_nesting(spans):
    assert nesting_depths(spans) == [depth(span, spans) for span in spans]
    n_crossing = sum(any(cross(span, other) for other in spans) for span in spans)
    assert count_crossing(spans) == n_crossing
