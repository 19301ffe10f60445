"""The check of the pretrained models that a config names."""

import pytest
from conftest import CONFIGS, make_examples, transformer_config
from spacy.cli._util import app as spacy_app
from spacy.util import load_model_from_config
from typer.testing import CliRunner


@pytest.fixture(params=["egp_trf", "egp_curated_trf"])
def config(request, bert_path):
    return transformer_config(request.param, bert_path)


def initialize(config):
    nlp = load_model_from_config(config.interpolate(), auto_fill=True)
    nlp.initialize(lambda: make_examples(nlp))


@pytest.mark.parametrize("folder", ["missing", "empty"])
def test_no_such_model(config, tmp_path, folder):
    (tmp_path / "empty").mkdir()
    path = tmp_path / folder
    config["paths"]["transformer"] = str(path)
    message = rf"EGP024.*'transformer': cannot find .* '{path}'.* in \[paths\]"
    with pytest.raises(ValueError, match=message):
        initialize(config)


def test_other_settings_than_the_pretrained_model(bert_path):
    config = transformer_config("egp_curated_trf", bert_path)
    config["components"]["transformer"]["model"].update(hidden_width=8, padding_idx=1)
    message = r"EGP025.*'transformer'.* hidden_width = 32, padding_idx = 0"
    with pytest.raises(ValueError, match=message):
        initialize(config)


def test_training_ends_with_the_message_alone(corpus_path, tmp_path):
    paths = {"transformer": tmp_path, "train": corpus_path, "dev": corpus_path}
    options = [f"--paths.{name}={path}" for name, path in paths.items()]
    result = CliRunner().invoke(
        spacy_app, ["train", str(CONFIGS / "egp_trf.cfg"), *options]
    )
    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit)
    assert "[EGP024] 'transformer': cannot find" in result.output
