"""The summary counts as a person would, span by span."""

import json

from spacy_egp.corpora.convert import convert
from spacy_egp.corpora.summary import Fate, Listing, Repeat, RepeatListing

ROWS = [
    ("Ann met Bo", [[0, 3, "PER"], [0, 7, "X"], [4, 10, "X"], [8, 10, "PER"]]),
    ("Ann met Bo", [[0, 3, "PER"]]),
    ("Bo left", [[0, 1, "PER"]]),
    ("A", [[0, 9, "PER"]]),
]


def test_json_has_all_that_was_counted(tmp_path):
    path = tmp_path / "in" / "a.jsonl"
    path.parent.mkdir()
    lines = [json.dumps({"text": text, "label": spans}) for text, spans in ROWS]
    path.write_text("\n".join(lines))
    (path.parent / "notes.txt").write_text("hello")
    summary = convert([path.parent], tmp_path / "out.spacy", skip_bad=True)
    found = json.loads(json.dumps(summary.to_dict()))
    [bad], [file] = found["bad"].pop("items"), found["files"].pop("items")
    assert (bad["source"], bad["problem"][:8]) == (f"{path}:4", "[EGP214]")
    assert file["source"].endswith("notes.txt")
    nothing = {"count": 0, "items": []}
    misfit = {"source": f"{path}:3", "label": "PER", "text": "B", "cut": "Bo"}
    longest = {"source": f"{path}:1", "label": "X", "text": "Ann met", "cut": ""}
    repeat = {"source": f"{path}:2", "text": "Ann met Bo", "same_spans": False}
    assert found == {
        "docs": {"": 4},
        "tokens": 9,
        "spans": 5,
        "labels": {"PER": 3, "X": 2},
        "depths": {"1": 3, "2": 2},
        "crossing": 2,
        "longest": {**longest, "tokens": 2},
        **{fate.value: {**nothing, "labels": {}} for fate in Fate},
        "misfit": {"count": 1, "items": [misfit], "labels": {"PER": 1}},
        "repeats": {"count": 1, "items": [repeat], "others": 1},
        "bad": {"count": 1},
        "unannotated": {},
        "other": {},
        "files": {"count": 1},
        "notices": nothing,
    }


def test_other_spans_are_counted_beyond_the_list(monkeypatch):
    monkeypatch.setattr(Listing, "MAX_ITEMS", 2)
    repeats = RepeatListing()
    repeats.add(Repeat("a", "text", same_spans=i < 5) for i in range(12))
    assert (repeats.count, repeats.others, len(repeats.first)) == (12, 7, 2)
