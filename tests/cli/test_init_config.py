"""`spacy egp init-config`: the configs it writes, and how they depend on a corpus."""

import subprocess
import sys

import pytest
import spacy
import srsly
from conftest import CONFIGS, NESTED_DATA, make_examples, words_of
from spacy.tokens import DocBin
from spacy.util import load_config, load_config_from_str, load_model_from_config
from thinc.api import Config
from typer.testing import CliRunner

from spacy_egp.cli import app
from spacy_egp.configs.config import CURATED_SIZES, ENCODERS, make_config
from spacy_egp.pretrained import CURATED_SETTINGS


def run(*arguments):
    return CliRunner().invoke(app, ["init-config", *map(str, arguments)])


def write_corpus(path, data, key="sc"):
    examples = make_examples(spacy.blank("en"), data, key=key)
    DocBin(docs=[example.reference for example in examples]).to_disk(path)
    return path


@pytest.mark.parametrize("encoder", ENCODERS)
def test_configs_of_the_repository_are_the_defaults(encoder, tmp_path):
    path = tmp_path / "new" / "config.cfg"
    result = run(path, "--encoder", encoder)
    assert result.exit_code == 0, result.output
    assert path.read_text("utf8") == (CONFIGS / f"egp_{encoder}.cfg").read_text("utf8")


@pytest.mark.parametrize("encoder", ["cnn", "bilstm"])
@pytest.mark.parametrize("lang", ["zh", "de", "ja", "xx"])
def test_language(lang, encoder):
    """Its tokenizer is that of spaCy's defaults; the config is valid and complete."""
    text = make_config(lang, encoder)
    config = load_config_from_str(text)
    defaults = spacy.util.get_lang_class(lang).default_config
    assert config["nlp"]["tokenizer"] == defaults["nlp"]["tokenizer"]
    if lang != "ja":  # It needs SudachiPy.
        nlp = load_model_from_config(load_config_from_str(text), auto_fill=True)
        assert load_config_from_str(nlp.config.to_str()) == config


@pytest.mark.parametrize(
    ("train", "dev"),
    [("corpus-train.spacy", "corpus-dev.spacy"), ("docs.spacy", "dev.spacy")],
)
def test_the_next_command(train, dev, tmp_path):
    """It names the parts as `convert --split` does, and never names the training part
    for both."""
    path = write_corpus(tmp_path / train, NESTED_DATA)
    result = run(tmp_path / "config.cfg", "--train", path)
    assert f"--paths.train {path} --paths.dev {tmp_path / dev} " in result.output


def test_gpu():
    """As in spaCy's init config, a GPU means the transformer of the language."""
    result = run("-", "--gpu", "--lang", "de")
    config = load_config_from_str(result.stdout)
    assert config["paths"]["transformer"] == "bert-base-german-cased"
    assert config["components"]["transformer"]["factory"] == "transformer"
    config = load_config_from_str(run("-", "--gpu", "--encoder", "cnn").stdout)
    assert config["system"]["gpu_allocator"] == "pytorch"


def test_sizes_of_a_curated_transformer(bert_path):
    pytest.importorskip("spacy_curated_transformers")
    result = run("-", "--encoder", "curated_trf", "--transformer", bert_path)
    config = load_config_from_str(result.stdout).interpolate()
    sizes = srsly.read_json(bert_path / "config.json")
    model = config["components"]["transformer"]["model"]
    expected = {
        setting: sizes.get(key, CURATED_SIZES[setting])
        for setting, key in CURATED_SETTINGS.items()
    }
    # As spaCy writes it: old versions of confection write 1e-12 as 0.0.
    expected = load_config_from_str(Config({"model": expected}).to_str())["model"]
    assert {setting: model[setting] for setting in expected} == expected
    load_model_from_config(config)


def test_settings_for_a_corpus(tmp_path):
    """Long docs are cut and not joined; a small corpus gets few steps."""
    text = " ".join(["I like London and Berlin ."] * 300)
    spans = [(7, 13, "LOC"), (7, 24, "PLACES")]
    train = write_corpus(tmp_path / "train.spacy", [(text, spans)] * 2)
    result = run(tmp_path / "config.cfg", "--train", train)
    assert result.exit_code == 0, result.output
    printed = words_of(result)
    assert "Docs 2 Words 3600 Spans 4 Labels LOC (2), PLACES (2)" in printed
    for line in (
        "training.max_steps = 1000 100 passes",
        "training.patience = 1000",
        "training.eval_frequency = 50",
        "training.batcher.size = 360 a pass over 3,600 words is 10 batches",
        "corpora.train.max_joined = 1 docs of 1800.0 words on average are documents",
        "corpora.train.max_length = 1000 the longest doc has 1,800 words",
        "embed.rows = [5000, 1000, 2500, 2500] 6 different words",
        'max_length = "auto" the longest span has 3 tokens, and spans of up to 4',
        'overlap = "nested" 50.0% of the spans are nested, 0.0% cross others',
    ):
        assert line in printed
    config = load_config(tmp_path / "config.cfg")
    assert config["training"]["batcher"]["size"] == 360
    assert config["training"]["max_steps"] == 1000
    assert config["corpora"]["train"]["max_length"] == 1000
    assert config["corpora"]["dev"]["max_length"] == 0
    assert config["components"]["egp_ner"]["overlap"] == "nested"
    load_model_from_config(config.interpolate())


def test_rows_for_many_words(tmp_path):
    """Those of the default config: with fewer rows, too many words would share one."""
    text = " ".join(f"word{i}" for i in range(5001))
    train = write_corpus(tmp_path / "train.spacy", [(text, [(0, 5, "A")])])
    run(tmp_path / "config.cfg", "--train", train)
    embed = load_config(tmp_path / "config.cfg")["components"]["tok2vec"]["model"]
    assert embed["embed"]["rows"] == [10000, 2500, 5000, 2500]


@pytest.mark.parametrize(
    "spans, overlap",
    [
        ([(0, 1, "A"), (2, 6, "B")], "flat"),
        ([(2, 6, "A"), (2, 6, "B")], "nested"),
        ([(0, 6, "A"), (2, 13, "B")], "any"),
    ],
)
@pytest.mark.parametrize("encoder", ["bilstm", "trf"])
def test_every_setting_reaches_the_config(spans, overlap, encoder, tmp_path):
    train = write_corpus(tmp_path / "train.spacy", [("I like London " * 200, spans)])
    path = tmp_path / "config.cfg"
    printed = run(path, "--train", train, "--encoder", encoder).stdout
    config = load_config(path)
    settings = [line for line in printed.splitlines() if " = " in line]
    assert len(settings) >= 6
    for line in settings:
        name, _, value = line.partition(" = ")
        section = config
        for key in name.split("."):
            section = section[key]
        assert section == srsly.json_loads(value)
    assert config["components"]["egp_ner"]["overlap"] == overlap


def test_existing_file(tmp_path):
    path = tmp_path / "config.cfg"
    path.write_text("mine")
    result = run(path)
    assert result.exit_code == 1
    assert "[EGP324]" in words_of(result) and "--force" in words_of(result)
    assert path.read_text() == "mine"
    assert run(path, "--force").exit_code == 0
    assert path.read_text() == make_config()


@pytest.mark.parametrize(
    "options, message",
    [
        (["--encoder", "lstm"], "[EGP101] Unknown encoder 'lstm': choose one of cnn"),
        (
            ["--encoder", "cnn", "--transformer", "x"],
            "[EGP320] The encoder cnn does not use",
        ),
        (["--lang", "qq"], "[EGP321] There is no language 'qq'"),
    ],
)
def test_options_that_cannot_be_honored(options, message, tmp_path):
    result = run(tmp_path / "config.cfg", *options)
    assert result.exit_code == 1
    assert message in words_of(result)
    assert list(tmp_path.iterdir()) == []


def test_kind_of_transformer_that_curated_lacks(tmp_path):
    srsly.write_json(tmp_path / "config.json", {"model_type": "electra"})
    result = run("-", "--encoder", "curated_trf", "--transformer", tmp_path)
    assert result.exit_code == 1
    assert "[EGP322]" in words_of(result) and "'electra'" in words_of(result)


def test_corpus_without_spans(tmp_path):
    train = write_corpus(tmp_path / "train.spacy", NESTED_DATA, key="entities")
    result = run(tmp_path / "config.cfg", "--train", train)
    assert result.exit_code == 1
    assert "[EGP323] None of the 4 docs" in words_of(result)
    assert "Their keys are entities." in words_of(result)


def test_commands_import_nothing_heavy():
    """spaCy imports PyTorch. Its help should not wait for other heavy packages."""
    heavy = {"cassis", "matplotlib", "pandas", "pyarrow", "ray", "transformers"}
    code = "import sys, spacy_egp.cli; print(*sys.modules)"
    output = subprocess.check_output([sys.executable, "-c", code], text=True)
    assert not heavy & set(output.split())
