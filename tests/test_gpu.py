"""Training on a GPU with spaCy's command, and using the result on a CPU."""

import subprocess
import sys

import pytest
import spacy
import srsly
from conftest import (
    CONFIGS,
    make_examples,
    needs_gpu,
    run_script,
    transformer_config,
)
from spacy.util import load_config

pytestmark = needs_gpu


def train_on_gpu(config, corpus_path, folder):
    """Train with `spacy train` in a separate process: a process that has computed on a
    GPU does not go back to the CPU."""
    config["paths"].update(train=str(corpus_path), dev=str(corpus_path))
    config["training"].update(
        dropout=0.0, max_steps=100, eval_frequency=50, accumulate_gradient=1
    )
    config.to_disk(folder / "config.cfg")
    command = ["spacy", "train", "config.cfg", "--output", ".", "--gpu-id", "0"]
    subprocess.run([sys.executable, "-m", *command], cwd=folder, check=True)


def check_on_cpu(folder):
    """The pipeline has learned the corpus, and loses nothing on the CPU."""
    nlp = spacy.load(folder / "model-last")
    assert nlp.meta["performance"]["spans_sc_f"] == 1.0
    assert nlp.evaluate(make_examples(nlp))["spans_sc_f"] == 1.0


@pytest.mark.parametrize("name", ["egp_cnn", "gp_cnn", "egp_bilstm"])
def test_trains_on_a_gpu(name, corpus_path, tmp_path):
    train_on_gpu(load_config(CONFIGS / f"{name}.cfg"), corpus_path, tmp_path)
    check_on_cpu(tmp_path)


@pytest.mark.parametrize("mixed_precision", [False, True])
@pytest.mark.parametrize("name", ["egp_trf", "egp_curated_trf"])
@pytest.mark.filterwarnings("ignore:User provided device_type")
def test_transformer_trains_on_a_gpu(
    name, mixed_precision, bert_path, corpus_path, tmp_path
):
    config = transformer_config(name, bert_path)
    config["components"]["transformer"]["model"]["mixed_precision"] = mixed_precision
    config["training"]["optimizer"]["learn_rate"] = 0.001
    train_on_gpu(config, corpus_path, tmp_path)
    check_on_cpu(tmp_path)


def test_a_step_is_a_handful_of_launches(tmp_path):
    """Whatever the size of the batch. It only waits for the GPU at its end: for the
    loss, or for candidates and their scores."""
    path = tmp_path / "launches.json"
    run_script("benchmark.launches", path, "--gpu-id", 0)
    most = {
        "training": {"kernels": 150, "copies": 6, "waits": 8},
        "prediction": {"kernels": 60, "copies": 6, "waits": 8},
    }
    for result in srsly.read_json(path)["results"]:
        for figure, limit in most[result["phase"]].items():
            assert result[figure] <= limit, result
