"""How spans lie inside each other or cross, in n log n steps however many overlap."""

from bisect import bisect_left, bisect_right
from collections.abc import Collection


def nesting_depths(spans: Collection[tuple[int, int]]) -> list[int]:
    """Find how deep spans are inside longer ones: 1 for a span inside none, otherwise
    one more than the deepest of those it is inside. Spans with the same tokens, which
    can have different labels, are equally deep.

    spans (Collection[Tuple[int, int]]): Start and end of each span.
    RETURNS (List[int]): The depth of each span.
    """
    # For each depth the largest end of a span, negated. Spans that contain this one
    # began before it and do not end before it; of spans that begin together, the longer
    # one comes first.
    last_ends: list[int] = []
    depths = {}
    for start, negative_end in sorted({(start, -end) for start, end in spans}):
        depth = bisect_right(last_ends, negative_end)
        last_ends[depth : depth + 1] = [negative_end]
        depths[start, -negative_end] = depth + 1
    return [depths[span] for span in spans]


def count_crossing(spans: Collection[tuple[int, int]]) -> int:
    """Count the spans that overlap another one, while neither contains the other.

    spans (Collection[Tuple[int, int]]): Start and end of each span.
    RETURNS (int): Number of spans that cross others.
    """
    mirrored = [(-end, -start) for start, end in spans]
    crossing = _crossing_before(spans)
    crossing |= {(-end, -start) for start, end in _crossing_before(mirrored)}
    return sum(span in crossing for span in spans)


def _crossing_before(spans: Collection[tuple[int, int]]) -> set[tuple[int, int]]:
    """Spans inside which a span ends that starts before them."""
    crossing = set()
    ends: list[int] = []
    for start, negative_end in sorted((start, -end) for start, end in spans):
        i = bisect_left(ends, -negative_end)
        if i and ends[i - 1] > start:
            crossing.add((start, -negative_end))
        ends.insert(i, -negative_end)
    return crossing
