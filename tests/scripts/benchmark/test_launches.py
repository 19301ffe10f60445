"""What the head launches."""

import srsly

from scripts.benchmark import launches
from scripts.benchmark.heads import Case


def operations(docs, tokens, labels):
    steps = launches.make_steps(Case("egp_ner", "", docs, tokens, labels), seed=0)
    return [launches.launched(step)["operations"] for step in steps.values()]


def test_a_batch_of_any_size_is_as_many_operations():
    """As long as its pairs of tokens fit in a block."""
    training, prediction = operations(docs=2, tokens=20, labels=2)
    assert operations(docs=30, tokens=20, labels=40) == [training, prediction]
    assert 0 < prediction < training < 100
    assert prediction < 40


def test_table(monkeypatch, tmp_path):
    monkeypatch.setattr(launches, "SIZES", [(2, 10, 3)])
    monkeypatch.setattr(launches, "N_ROUNDS", 1)
    launches.measure_launches(tmp_path / "launches.json")
    results = srsly.read_json(tmp_path / "launches.json")["results"]
    assert [result["phase"] for result in results] == ["training", "prediction"]
    table = (tmp_path / "launches.md").read_text(encoding="utf8")
    assert f"| {results[0]['operations']} |" in table.splitlines()[2]
