"""The benchmark of `spacy egp annotate`: how it measures speed, and its tables."""

import os

import pytest
import srsly

from scripts.commands import annotate as annotate_benchmark
from scripts.commands import annotate_tables


def test_steady_speed_leaves_startup_out(tmp_path):
    """Two workers that start after 10 s and write a part of 30 words every 2 s each."""
    (tmp_path / "_done").mkdir()
    for number in range(8):
        path = tmp_path / "_done" / f"part-{number:06}.json"
        srsly.write_json(path, {"words": 30})
        written = 10 + 2 * (number // 2 + 1)
        os.utime(path, (written, written))
    assert annotate_benchmark.steady_speed(tmp_path, 2) == pytest.approx(30)


def test_tables_replace_those_of_the_page(tmp_path):
    page = tmp_path / "page.md"
    marks = f"{annotate_tables.BEGIN}\nold\n{annotate_tables.END}"
    page.write_text(f"before\n\n{marks}\n\nafter\n", encoding="utf8")
    annotate_tables.annotate_tables(tmp_path, page)
    assert page.read_text("utf8").count("Not measured yet.") == 6

    results = {
        "docs": 10,
        "words": 1234,
        "rounds": 3,
        "nlp_pipe": annotate_benchmark.spread([10000.0, 9000.0, 12000.0]),
        "setups": [
            {
                **annotate_benchmark.Setup("ray", n_workers, n_nodes)._asdict(),
                "words_per_second": annotate_benchmark.spread([speed]),
                "startup_seconds": annotate_benchmark.spread([5.0]),
            }
            for n_workers, n_nodes, speed in [(1, 0, 9000.0), (2, 2, 18000.0)]
        ],
        "equal": True,
        "parts_per_second": 50.0,
    }
    annotate_benchmark.write(tmp_path / "annotate-speed.json", **results)
    annotate_tables.annotate_tables(tmp_path, page)
    text = page.read_text("utf8")
    assert text.startswith("before\n\n") and text.endswith("\n\nafter\n")
    assert text.count("Not measured yet.") == 4
    assert "old" not in text
    assert "| `nlp.pipe` |  | 10,000 (9,000-12,000) |" in text
    assert "(9,000-9,000) | 5.0 | 0.90 x `nlp.pipe` |" in text
    assert "| `ray`, 2 nodes | 2 |" in text
    assert "18,000-18,000) | 5.0 | 2.00 x 1 worker |" in text
    # 10**9 / 9,000 / 3,600; and 50 parts of 1,234,000 words a second.
    assert "30.9 core hours. The driver" in text
    assert "enough for 6,856 cores" in text
    assert "| 16 | 144,000 | 115.7 | computed |" in text
