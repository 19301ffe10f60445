"""`egp_ner` together with other components, and with spaCy's commands."""

import os
import re
import subprocess
import sys

import numpy as np
import pytest
import spacy
import srsly
from conftest import CONFIGS, NESTED_DATA, config_for, make_examples, spans_of, train
from spacy.cli._util import app as spacy_app
from spacy.training import Example
from spacy.training.initialize import init_nlp
from spacy.training.loop import train as train_loop
from spacy.util import load_config
from thinc.api import Config
from typer.testing import CliRunner

TEXTS = [text for text, _ in NESTED_DATA]


def spacy_command(*args):
    """Run a command of spaCy's CLI; RETURNS its output."""
    result = CliRunner().invoke(spacy_app, [*map(str, args)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def tagged_examples(nlp):
    """`NESTED_DATA` with a tag that marks capitalized words."""
    examples = make_examples(nlp)
    for example in examples:
        for token in example.reference:
            token.tag_ = "CAP" if token.is_title else "LOW"
    return examples


def shared_pipeline():
    """One tok2vec with a tagger and `egp_ner` listening to it."""
    config = load_config(CONFIGS / "egp_cnn.cfg").interpolate()
    nlp = spacy.blank("en")
    nlp.add_pipe("tok2vec", config={"model": config["components"]["tok2vec"]["model"]})
    listener = {
        "@architectures": "spacy.Tok2VecListener.v1",
        "width": config["components"]["tok2vec"]["model"]["encode"]["width"],
    }
    tagger = {"@architectures": "spacy.Tagger.v2", "tok2vec": listener}
    nlp.add_pipe("tagger", config={"model": tagger})
    model = {
        "@architectures": "spacy-egp.EfficientGlobalPointer.v1",
        "tok2vec": listener,
    }
    nlp.add_pipe("egp_ner", config={"model": model})
    return nlp


@pytest.fixture(scope="module")
def shared_nlp():
    nlp = shared_pipeline()
    train(nlp, tagged_examples(nlp), steps=150)
    return nlp


def test_shared_tok2vec(shared_nlp):
    scores = shared_nlp.evaluate(tagged_examples(shared_nlp))
    assert scores["spans_sc_f"] == 1.0
    assert scores["tag_acc"] == 1.0


def test_replace_listeners(shared_nlp, tmp_path):
    shared_nlp.to_disk(tmp_path)
    nlp = spacy.load(tmp_path)
    expected = nlp.get_pipe("egp_ner").score_matrix(nlp(TEXTS[2]))
    nlp.replace_listeners("tok2vec", "egp_ner", ["model.tok2vec"])
    matrix = nlp.get_pipe("egp_ner").score_matrix(nlp.make_doc(TEXTS[2]))
    np.testing.assert_allclose(matrix, expected, rtol=1e-5)
    nlp.to_disk(tmp_path / "replaced")
    loaded = spacy.load(tmp_path / "replaced", exclude=["tok2vec", "tagger"])
    assert spans_of(loaded(TEXTS[2])) == spans_of(nlp(TEXTS[2]))


@pytest.mark.parametrize("frozen", ["tok2vec", "egp_ner"])
def test_frozen_components(frozen, shared_nlp, corpus_path, tmp_path):
    """The frozen one stays as it is. The others learn, even on top of it."""
    shared_nlp.to_disk(tmp_path)
    config = config_for(
        corpus_path,
        max_steps=5,
        frozen_components=[frozen],
        annotating_components=["tok2vec"],
    )
    names = ["tok2vec", "egp_ner"]
    config["components"] = {name: {"source": str(tmp_path)} for name in names}
    nlp = init_nlp(config)
    before = {name: nlp.get_pipe(name).model.to_bytes() for name in names}
    train_loop(nlp)
    for name in names:
        is_unchanged = nlp.get_pipe(name).model.to_bytes() == before[name]
        assert is_unchanged == (name == frozen or frozen == "egp_ner")


def test_annotating_components_give_sentences_in_training():
    """The sentencizer's boundaries reach the loss: the span across them is left out."""
    text = "I like London. And Berlin."
    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    nlp.add_pipe("egp_ner", config={"within_sentences": True})
    spans = [(7, 25, "PLACES"), (7, 13, "LOC")]
    example = Example.from_dict(nlp.make_doc(text), {"spans": {"sc": spans}})
    nlp.initialize(lambda: [example])
    with pytest.warns(UserWarning, match="1 that cross a sentence boundary"):
        nlp.update([example], annotates=["sentencizer"])


# spaCy's commands


@pytest.fixture(params=sorted(CONFIGS.glob("*.cfg")), ids=lambda path: path.stem)
def config_path(request):
    if request.param.stem == "egp_curated_trf":
        pytest.importorskip("spacy_curated_transformers")
    return request.param


def test_debug_config(config_path, corpus_path):
    paths = ["--paths.train", corpus_path, "--paths.dev", corpus_path]
    output = spacy_command("debug", "config", config_path, *paths)
    assert "Config is valid" in output


def test_configs_are_complete(config_path, tmp_path):
    """`init fill-config` has nothing to add, so that users see every setting."""
    path = tmp_path / "filled.cfg"
    spacy_command("init", "fill-config", config_path, path)
    # As spaCy writes it: old versions of confection write 1e-12 as 0.0.
    config = load_config(config_path).to_str()
    assert load_config(path) == Config().from_str(config, interpolate=False)


@pytest.mark.parametrize("name", ["egp_cnn", "gp_cnn", "egp_bilstm"])
def test_configs_train(name, corpus_path):
    nlp = init_nlp(config_for(corpus_path, name, max_steps=100))
    train_loop(nlp)
    assert nlp.evaluate(make_examples(nlp))["spans_sc_f"] > 0.9


def test_gp_config_differs_in_the_architecture_alone():
    egp, gp = (load_config(CONFIGS / f"{name}.cfg") for name in ("egp_cnn", "gp_cnn"))
    del gp["components"]["egp_ner"]["model"], egp["components"]["egp_ner"]["model"]
    assert egp == gp


def test_train_and_evaluate(corpus_path, tmp_path):
    paths = ["--paths.train", corpus_path, "--paths.dev", corpus_path]
    spacy_command(
        "train", CONFIGS / "egp_cnn.cfg", "--output", tmp_path, *paths,
        "--training.max_steps", 100, "--training.eval_frequency", 100,
        "--training.dropout", 0.0,
    )  # fmt: skip
    metrics = tmp_path / "metrics.json"
    spacy_command("evaluate", tmp_path / "model-last", corpus_path, "--output", metrics)
    scores = srsly.read_json(metrics)
    assert scores["spans_sc_f"] > 0.9
    assert set(scores["spans_sc_per_type"]) == {"PERSON", "LOC", "PLACES", "TITLE"}


def test_init_labels(corpus_path, tmp_path):
    paths = ["--paths.train", corpus_path, "--paths.dev", corpus_path]
    spacy_command("init", "labels", CONFIGS / "egp_cnn.cfg", tmp_path, *paths)
    labels = srsly.read_json(tmp_path / "egp_ner.json")
    assert labels == ["PERSON", "LOC", "PLACES", "TITLE"]


def test_find_threshold(model_path, corpus_path):
    """F changes with the threshold: it is 0 at 1, and best in between."""
    output = spacy_command(
        "find-threshold", model_path, corpus_path, "egp_ner", "threshold",
        "spans_sc_f", "--n_trials", 5,
    )  # fmt: skip
    rows = re.findall(r"^(\d(?:\.\d+)?) +(\d(?:\.\d+)?)", output, flags=re.MULTILINE)
    scores = {float(threshold): float(score) for threshold, score in rows}
    assert sorted(scores) == [0.0, 0.25, 0.5, 0.75, 1.0]
    assert scores[0.5] == 1.0
    assert 0 < scores[0.0] < 0.5
    assert scores[1.0] == 0


def test_assemble(trained_nlp, model_path, tmp_path):
    config = tmp_path / "assemble.cfg"
    config.write_text(
        f"""
        [nlp]
        lang = "en"
        pipeline = ["egp_ner"]
        [components]
        [components.egp_ner]
        source = "{model_path}"
        [initialize]
        """
    )
    spacy_command("assemble", config, tmp_path / "assembled")
    nlp = spacy.load(tmp_path / "assembled")
    assert spans_of(nlp(TEXTS[2])) == spans_of(trained_nlp(TEXTS[2]))


def test_package(trained_nlp, model_path, tmp_path):
    """The wheel requires spacy-egp, and loads from where it is installed."""
    spacy_command(
        "package", model_path, tmp_path, "--name", "nested", "--version", "1.2.3",
        "--build", "wheel",
    )  # fmt: skip
    (wheel,) = tmp_path.glob("en_nested-1.2.3/dist/*.whl")
    site = tmp_path / "site"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
    subprocess.run([*pip, "--target", site, wheel], check=True)
    script = f"""
import en_nested
doc = en_nested.load()({TEXTS[2]!r})
print([(span.start_char, span.end_char, span.label_) for span in doc.spans["sc"]])
"""
    output = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
    )
    assert output.stdout.strip() == str(spans_of(trained_nlp(TEXTS[2]))), output.stderr
    meta = srsly.read_json(site / "en_nested" / "meta.json")
    assert any(
        requirement.startswith("spacy-egp") for requirement in meta["requirements"]
    )
