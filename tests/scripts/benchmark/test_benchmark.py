"""The benchmark of the project: its dense peer computes the same, and every case has
figures or the reason why there are none."""

import numpy as np
import pytest
import srsly
from oracles import random_features, random_gold

from scripts.benchmark.heads import AXES, Case, make_step, measure_heads
from scripts.benchmark.tables import benchmark_tables
from scripts.peers.dense import dense_decode, dense_loss
from spacy_egp.decoding import decode
from spacy_egp.features import PointerFeatures
from spacy_egp.loss import zlpr_loss

LENGTHS = (7, 1, 12)
N_LABELS = 4
ARRAYS = ("query", "key", "start", "end")


@pytest.mark.parametrize("n_heads", [1, N_LABELS])
def test_dense_peer_computes_the_same(n_heads):
    rng = np.random.default_rng(0)
    features = random_features(rng, LENGTHS, N_LABELS, n_heads)
    arrays = [getattr(features, name).astype("float32") for name in ARRAYS]
    features = PointerFeatures(*arrays, features.lengths)
    gold = random_gold(rng, LENGTHS, N_LABELS, spans_per_token=0.5)

    dense, ours = dense_loss(features, gold), zlpr_loss(features, gold)
    assert dense[0] == pytest.approx(ours[0])
    for name in ARRAYS:
        expected = getattr(ours[1], name)
        np.testing.assert_allclose(getattr(dense[1], name), expected, atol=1e-6)

    dense, ours = dense_decode(features), decode(features, 0.0)
    assert len(ours) > 0
    for name in ("doc", "start", "last", "label"):
        np.testing.assert_array_equal(getattr(dense, name), getattr(ours, name))


CASES = {
    Case(head, phase, docs=2, tokens=30, labels=3)
    for _, heads_by_phase in AXES.values()
    for phase, heads in heads_by_phase.items()
    for head in heads
}


@pytest.mark.filterwarnings("ignore:'crf_ner':UserWarning")
@pytest.mark.parametrize("case", sorted(CASES, key=str), ids=str)
def test_every_step_can_be_taken_again(case):
    step = make_step(case, seed=0)
    step()
    step()


@pytest.fixture
def small_axes(monkeypatch):
    """A small size on each axis, and a batch that does not fit in memory."""
    heads = {phase: ("egp_ner", "dense") for phase in ("training", "prediction")}
    axes = {axis: ([(1, 8, 2)], heads) for axis in ("tokens", "labels", "docs")}
    axes["batches"] = ([(1, 400, 20000)], {"training": ("egp_ner", "dense")})
    monkeypatch.setattr("scripts.benchmark.heads.AXES", axes)
    monkeypatch.setattr("scripts.benchmark.heads.N_ROUNDS", 1)


def test_plots_and_table(small_axes, tmp_path):
    heads = list(measure_heads(gpu_id=-1, seed=0))
    given_up = [(x["axis"], x["head"]) for x in heads if "seconds" not in x]
    assert given_up == [("batches", "dense")]
    assert len(heads) == 14
    pipelines = [
        {
            "pipeline": "egp_ner",
            "phase": phase,
            "words_per_second": {"median": 2.0, "min": 1.0, "max": 3.0},
        }
        for phase in ("training", "prediction")
    ]
    path = tmp_path / "benchmark.json"
    srsly.write_json(path, {"pipelines": pipelines, "heads": heads})
    benchmark_tables(path)
    for name in ("pipelines", "training", "prediction"):
        assert (tmp_path / f"benchmark-{name}.png").stat().st_size > 0
    table = path.with_suffix(".md").read_text(encoding="utf8")
    assert "| 1 x 400 x 20000 | training | dense | given up: " in table
