"""The measurements over transformers: computed and measured memory agree, and every
command writes its table."""

import shutil

import pytest
import srsly
from conftest import run_script

from scripts.compare import train as compare
from scripts.compare.learn_rate_scales import learn_rate_scales
from scripts.corpora import prepare
from scripts.shared.measuring import in_process
from scripts.trf import measure, memory
from scripts.trf.memory import Case, computed_memory, measure_memory

SIZES = {
    "vocab_size": 1000,
    "hidden_size": 96,
    "num_hidden_layers": 4,
    "intermediate_size": 384,
}


def test_computed_memory_is_that_measured(tmp_path):
    case = Case("BERT", tokens=4096, labels=10)
    measured = in_process(measure_memory, SIZES, case, tmp_path, -1)["measured_mb"]
    assert measured == pytest.approx(computed_memory(SIZES, case), rel=0.25)


def test_memory_table(tmp_path, monkeypatch):
    monkeypatch.setattr(memory, "ENCODERS", {"BERT": SIZES})
    monkeypatch.setattr(memory, "TOKENS", (256, 512))
    monkeypatch.setattr(memory, "LABELS", (10,))
    memory.trf_memory(tmp_path / "memory.json")
    table = (tmp_path / "memory.md").read_text(encoding="utf8")
    assert "| encoder | labels | 256 tokens | 512 tokens |" in table
    short, long = srsly.read_json(tmp_path / "memory.json")["cases"]
    assert short["computed_mb"] < long["computed_mb"]
    assert short["measured_mb"] < long["measured_mb"]


def test_share_of_the_head(bert_path, corpus_path, tmp_path):
    path = tmp_path / "share.json"
    measure.share(str(bert_path), corpus_path, path, n_rounds=2)
    for share in srsly.read_json(path)["share"].values():
        assert 0 < share["min"] <= share["max"] < 1
    assert "| training | " in path.with_suffix(".md").read_text(encoding="utf8")


def test_memory_of_long_docs(bert_path, corpus_path, tmp_path):
    """The memory per word does not grow with the doc."""
    path = tmp_path / "long.json"
    run_script("trf.measure", "long", bert_path, corpus_path, path)
    growth = srsly.read_json(path)["memory_mb"]
    assert 0 < growth["10000"] < 5 * growth["2500"]
    assert "| 10,000 | " in path.with_suffix(".md").read_text(encoding="utf8")


@pytest.fixture
def genia_small(corpus_path, tmp_path, monkeypatch):
    """A folder in which a small corpus has the name genia_small."""
    monkeypatch.chdir(tmp_path)
    prepare.CORPUS.mkdir()
    for part in ("train", "dev", "test"):
        shutil.copy(corpus_path, prepare.part_path("genia_small", part))
    return tmp_path


def test_learn_rate_scales(bert_path, genia_small):
    learn_rate_scales(
        "genia_small",
        genia_small / "scales.json",
        encoder="trf",
        transformer=str(bert_path),
        scales="1,100",
        seed=0,
        dropout=0.0,
        steps=20,
    )
    table = (genia_small / "scales.md").read_text(encoding="utf8")
    assert [row.split(" | ")[0] for row in table.splitlines()[2:]] == ["| 1", "| 100"]
    runs = srsly.read_json(genia_small / "scales.json")["runs"]
    assert runs[0]["fingerprint"] != runs[1]["fingerprint"]


def test_compare_over_a_transformer(bert_path, genia_small, monkeypatch):
    """Its config has variables."""
    monkeypatch.setattr(compare, "N_ROUNDS", 1)
    path = genia_small / "compare.json"
    options = {"encoder": "trf", "transformer": str(bert_path), "steps": 20}
    compare.compare(
        "genia_small", path, heads="egp,spancat", seeds="0", dropout="0.1", **options
    )
    for head in srsly.read_json(path)["heads"]:
        assert head["words_per_second"]["training"]["median"] > 0
