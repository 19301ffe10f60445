"""Pipelines under the conditions of users."""

import os

import psutil
import srsly
import torch
from conftest import NESTED_DATA, make_examples
from spacy.tokens import DocBin
from spacy.util import get_lang_class

from scripts.benchmark import conditions


def test_every_condition_is_measured(monkeypatch, tmp_path):
    for name in ("N_ROUNDS", "N_PROCESSES"):
        monkeypatch.setattr(conditions, name, 1)
    nlp = get_lang_class("en")()
    docs = [example.reference for example in make_examples(nlp, NESTED_DATA * 4)]
    path = tmp_path / "docs.spacy"
    DocBin(docs=docs).to_disk(path)
    before = torch.get_num_threads()
    conditions.measure_conditions(path, path, tmp_path / "conditions.json")
    assert torch.get_num_threads() == before
    results = srsly.read_json(tmp_path / "conditions.json")
    measured = {
        (x["phase"], x["pipeline"], x["busy"], x["threads"]) for x in results["speeds"]
    }
    assert measured == {
        (phase, pipeline, is_busy, threads)
        for phase, pipelines in (
            ("training", ["egp_ner", "ner"]),
            ("prediction", ["egp_ner", "ner", "tok2vec alone"]),
        )
        for pipeline in pipelines
        for is_busy in (False, True)
        for threads in {1, before}
    }
    latency = results["latency"]
    assert 0 < latency["egp_ner"]["p50"] < latency["pipeline"]["p95"]
    first = {step: times["median"] for step, times in results["first"].items()}
    assert first["import and load"] > first["second prediction"] > 0
    table = (tmp_path / "conditions.md").read_text("utf8")
    assert table.count("\n| training | egp_ner | busy |") == len({1, before})


def test_busy_processes_end():
    this = psutil.Process()
    before = len(this.children())
    with conditions.busy_processors():
        assert len(this.children()) == before + os.cpu_count()
    assert len(this.children()) == before
