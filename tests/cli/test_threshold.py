import json
import shutil

import pytest
import spacy
from conftest import NESTED_DATA, make_examples, train, words_of
from generated import tiny_nlp
from spacy.cli.evaluate import evaluate
from spacy.tokens import DocBin
from spacy.util import load_config
from typer.testing import CliRunner

from spacy_egp.cli import app
from spacy_egp.cli.threshold import print_tuning
from spacy_egp.report.statistics import Score
from spacy_egp.report.tuning import Tuning


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    """A pipeline that has learned a little, and annotated docs."""
    folder = tmp_path_factory.mktemp("threshold")
    nlp = tiny_nlp()
    train(nlp, make_examples(nlp), steps=45)
    nlp.to_disk(folder / "model")
    docs = [example.reference for example in make_examples(nlp, NESTED_DATA * 2)]
    DocBin(docs=docs).to_disk(folder / "dev.spacy")
    return folder / "model", folder / "dev.spacy"


def run(*arguments):
    return CliRunner().invoke(app, ["threshold", *map(str, arguments)])


@pytest.mark.parametrize("options", [[], ["--by-label"], ["--recall", "0.5"]])
def test_the_saved_pipeline_has_the_scores(paths, options, tmp_path):
    out = tmp_path / "new" / "tuned"
    json_path = tmp_path / "tuning.json"
    result = run(*paths, *options, "--write", out, "--json", json_path)
    assert result.exit_code == 0, result.output
    found = json.loads(json_path.read_text("utf8"))
    assert isinstance(found["threshold"], dict) == ("--by-label" in options)
    assert spacy.load(out).get_pipe("egp_ner").threshold == found["threshold"]
    config = load_config(out / "config.cfg")
    assert config["components"]["egp_ner"]["threshold"] == found["threshold"]
    expected = evaluate(str(out), paths[1])
    assert found["score"]["f"] == pytest.approx(expected["spans_sc_f"])
    before = evaluate(str(paths[0]), paths[1])
    assert found["before"]["f"] == pytest.approx(before["spans_sc_f"])


def test_what_is_shown(paths, tmp_path):
    json_path = tmp_path / "tuning.json"
    result = run(*paths, "--json", json_path)
    found = json.loads(json_path.read_text("utf8"))
    words = words_of(result)
    assert f"Suggested threshold: {found['threshold']:.2f}" in words
    score = found["score"]
    row = " ".join(f"{100 * score[x]:.1f}" for x in "prf")
    assert f"With the suggested threshold {row}" in words
    words = words_of(run(*paths, "--by-label", "--precision", "1.0"))
    assert "Thresholds by label" in words
    for label in ("LOC", "PERSON", "PLACES", "TITLE"):
        assert label in words


@pytest.mark.parametrize(
    ("threshold", "unreached", "words"),
    [
        (0.9, ["all"], "No threshold reaches the target; this one comes nearest"),
        (
            {"LOC": 0.9, "PER": 0.5},
            ["LOC"],
            "Labels that reach the target at no threshold",
        ),
    ],
)
def test_a_target_that_is_not_reached(threshold, unreached, words, capsys):
    score = Score.count(4, 3, 2)
    labels = dict.fromkeys(["LOC", "PER"], score)
    tuning = Tuning(threshold, score, score, score, labels, {}, unreached)
    print_tuning(tuning)
    assert words in " ".join(capsys.readouterr().out.split())


def test_a_pipeline_gets_its_thresholds_in_place(paths, tmp_path):
    model = tmp_path / "model"
    shutil.copytree(paths[0], model)
    (model / "notes.txt").write_text("Other files stay.")
    # The same folder under another name.
    result = run(model, paths[1], "--by-label", "--write", model / ".")
    assert result.exit_code == 0, result.output
    found = spacy.load(model).get_pipe("egp_ner").threshold
    assert found != spacy.load(paths[0]).get_pipe("egp_ner").threshold
    assert (model / "notes.txt").exists()
    assert list(tmp_path.iterdir()) == [model]


def test_what_cannot_be(paths, tmp_path):
    model, data = paths
    both = run(model, data, "--precision", "0.9", "--recall", "0.9")
    exists = run(model, data, "--write", tmp_path)
    examples = make_examples(spacy.blank("en"), key="other")
    path = tmp_path / "other.spacy"
    DocBin(docs=[example.reference for example in examples]).to_disk(path)
    without = run(model, path, "--write", tmp_path / "tuned")
    for result, code in ((both, "EGP310"), (exists, "EGP102"), (without, "EGP311")):
        assert result.exit_code == 1
        assert f"[{code}]" in result.output
    assert not (tmp_path / "tuned").exists()
