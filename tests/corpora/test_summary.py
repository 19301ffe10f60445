"""The summary counts as a person would, span by span."""

from spacy_egp.corpora.summary import Listing, Repeat, RepeatListing


def test_other_spans_are_counted_beyond_the_list(monkeypatch):
    monkeypatch.setattr(Listing, "MAX_ITEMS", 2)
    repeats = RepeatListing()
    repeats.add(Repeat("a", "text", same_spans=i < 5) for i in range(12))
    assert (repeats.count, repeats.others, len(repeats.first)) == (12, 7, 2)
