"""The page for users of spancat, with the config that spaCy writes for them."""

import json
import re
from pathlib import Path

import pytest
import spacy
from conftest import NESTED_DATA, make_examples
from spacy.cli.init_config import init_config
from spacy.language import Language
from spacy.training.initialize import init_nlp
from spacy.training.loop import train
from thinc.api import Config

PAGE = Path(__file__).parent.parent / "docs" / "spancat.md"


def side(sign):
    """The part of a config that the diff of the page shows before (-) or after (+)."""
    [diff] = re.findall(r"```diff\n(.*?)```", PAGE.read_text("utf8"), re.DOTALL)
    lines = [line[1:] for line in diff.splitlines() if line[:1] in ("", " ", sign)]
    sections = [line[1:-1] for line in lines if line.startswith("[")]
    # The page does not show the sections around it.
    around = {s[:i] for s in sections for i, c in enumerate(s) if c == "."}
    shown = [f"[{section}]" for section in sorted(around - set(sections))]
    return Config().from_str("\n".join([*shown, *lines]), interpolate=False)


def remove(config, part):
    """Remove a part from a config, and the sections that are empty without it."""
    for name, value in part.items():
        if isinstance(value, dict):
            remove(config[name], value)
            if not config[name]:
                del config[name]
        else:
            assert config.pop(name) == value


def test_changed_config_trains(corpus_path):
    config = init_config(lang="en", pipeline=["spancat"], optimize="efficiency")
    remove(config, side("-"))
    assert "spancat" not in config.to_str()
    config = config.merge(side("+"))
    config["paths"].update(train=str(corpus_path), dev=str(corpus_path))
    config["training"].update(dropout=0.0, max_steps=60, eval_frequency=60)
    nlp = init_nlp(config)
    train(nlp)
    assert nlp.evaluate(make_examples(nlp))["spans_sc_f"] == 1.0
    assert sum(map(len, (nlp(text).spans["sc"] for text, _ in NESTED_DATA))) == 8


@pytest.fixture(scope="module")
def rows():
    """The cells of the table of settings."""
    _, table = PAGE.read_text("utf8").split("## What maps to what")
    return re.findall(r"^\| (`.*?) \| (.+) \|$", table.split("##")[0], re.MULTILINE)


def settings(factory):
    spacy.blank("en")
    return set(Language.get_factory_meta(factory).default_config)


@pytest.mark.parametrize("factory", ["spancat", "spancat_singlelabel"])
def test_every_setting_of_spancat_has_a_row(factory, rows):
    named = {name for left, _ in rows for name in re.findall(r"`(\w+)", left)}
    assert settings(factory) <= named


def test_counterparts_are_valid_settings(rows, nlp):
    found = dict(re.findall(r"`(\w+) = (.+?)`", "\n".join(right for _, right in rows)))
    assert set(found) == {"max_length", "within_sentences", "overlap"}
    for name, value in found.items():
        setattr(nlp.get_pipe("egp_ner"), name, json.loads(value))
