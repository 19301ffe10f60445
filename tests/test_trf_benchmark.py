"""The measurements over transformers: what is computed is what is measured, and every
command writes its table."""

import shutil

import datasets
import pytest
import srsly
import trf_benchmark
import trf_memory
from learn_rate_scales import learn_rate_scales
from trf_memory import Case, computed_memory, measured_memory


@pytest.fixture
def small_encoder(monkeypatch):
    sizes = {
        "vocab_size": 1000,
        "hidden_size": 96,
        "num_hidden_layers": 4,
        "intermediate_size": 384,
    }
    monkeypatch.setattr(trf_memory, "ENCODERS", {"MiniLM-L6": sizes})
    monkeypatch.setattr(trf_memory, "TOKENS", (256, 512))


def test_computed_memory_is_that_measured(small_encoder):
    case = Case("MiniLM-L6", tokens=4096, labels=10)
    assert measured_memory(case) == pytest.approx(computed_memory(case), rel=0.25)


def test_memory_table(small_encoder, tmp_path):
    trf_memory.trf_memory(tmp_path / "memory.json")
    table = (tmp_path / "memory.md").read_text(encoding="utf8")
    assert "| encoder | labels | 256 tokens | 512 tokens |" in table
    assert table.count("MiniLM-L6") == 2
    results = srsly.read_json(tmp_path / "memory.json")["cases"]
    by_tokens = [case["computed_mb"] for case in results if case["labels"] == 10]
    assert by_tokens == sorted(by_tokens)


def test_share_of_the_head(bert_path, corpus_path, tmp_path):
    path = tmp_path / "share.json"
    trf_benchmark.share(str(bert_path), corpus_path, path, n_rounds=2)
    for share in srsly.read_json(path)["share"].values():
        assert 0 < share["min"] <= share["max"] < 1
    assert "| training | " in path.with_suffix(".md").read_text(encoding="utf8")


def test_memory_of_long_docs(bert_path, corpus_path, tmp_path, monkeypatch):
    """What a word takes does not grow with the doc."""
    monkeypatch.setattr(trf_benchmark, "WORDS", (1000, 4000))
    path = tmp_path / "long.json"
    trf_benchmark.long(str(bert_path), corpus_path, path)
    short, long = srsly.read_json(path)["memory_mb"].values()
    assert 0 < long < 5 * short
    assert "| 4,000 | " in path.with_suffix(".md").read_text(encoding="utf8")


def test_learn_rate_scales(bert_path, corpus_path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    datasets.CORPUS.mkdir()
    for part in ("train", "dev", "test"):
        shutil.copy(corpus_path, datasets.part_path("genia_small", part))
    learn_rate_scales(
        "genia_small",
        tmp_path / "scales.json",
        encoder="trf",
        transformer=str(bert_path),
        scales="1,100",
        seed=0,
        dropout=0.0,
        steps=20,
    )
    table = (tmp_path / "scales.md").read_text(encoding="utf8")
    assert [row.split(" | ")[0] for row in table.splitlines()[2:]] == ["| 1", "| 100"]
    runs = srsly.read_json(tmp_path / "scales.json")["runs"]
    assert runs[0]["fingerprint"] != runs[1]["fingerprint"]
