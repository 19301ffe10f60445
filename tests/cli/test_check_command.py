import pytest
import srsly
from conftest import CONFIGS, NESTED_DATA, make_examples, words_of
from spacy import blank
from spacy.tokens import DocBin
from typer.testing import CliRunner

from spacy_egp.cli import app


def write_docs(path, data=NESTED_DATA, key="sc"):
    examples = make_examples(blank("en"), data, key=key)
    DocBin(docs=[example.reference for example in examples]).to_disk(path)
    return path


def run(*arguments):
    return CliRunner().invoke(app, ["check", *map(str, arguments)])


@pytest.fixture
def data(tmp_path):
    """Docs in which London is a person once."""
    repeated = [("London.", [(0, 6, "LOC")]), ("I left London.", [(7, 13, "PERSON")])]
    return write_docs(tmp_path / "train.spacy", [*NESTED_DATA, *repeated])


def test_what_is_shown_and_written(data, tmp_path):
    json_path = tmp_path / "check.json"
    result = run(data, data, "--config", CONFIGS / "egp_cnn.cfg", "--json", json_path)
    assert result.exit_code == 0, result.output
    words = words_of(result)
    assert "Spans 10 10" in words
    assert "LOC 5 5" in words
    assert "'London' (LOC: 6, PERSON: 2)" in words
    assert "train 5 PERSON: I left [London]." in words
    assert "6 docs of a part have the text of a doc of another part" in words
    assert "Nothing breaks a training" in words
    found = srsly.read_json(json_path)
    assert found["parts"]["train"]["spans"] == 10
    assert found["strings"]["items"][0]["text"] == "London"
    assert found["repeats"]["leaks"]["count"] == 6
    assert found["errors"] == []


def test_exit_code_of_errors(tmp_path):
    json_path = tmp_path / "check.json"
    data = write_docs(tmp_path / "train.spacy", key="other")
    result = run(data, data, "--json", json_path)
    assert result.exit_code == 1
    assert "[EGP271] None of the 4 docs has doc.spans['sc']" in words_of(result)
    assert "set spans_key to one of them" in words_of(result)
    assert srsly.read_json(json_path)["errors"]


def test_overrides(data):
    config = CONFIGS / "egp_cnn.cfg"
    result = run(data, data, "--config", config, "--components.egp_ner.max_length", 2)
    assert "2 spans longer than max_length" in words_of(result)
    assert "train: longer than max_length" not in words_of(
        run(data, data, "--config", config)
    )


def test_bad_input(data, tmp_path):
    (tmp_path / "bad.spacy").write_text("garbage")
    result = run(tmp_path / "bad.spacy", data)
    assert result.exit_code == 1
    assert "Cannot check the docs" in words_of(result)
    result = run(data, data, "--config", CONFIGS / "egp_cnn.cfg", "--component", "x")
    assert result.exit_code == 1
    assert "[EGP277]" in words_of(result)


def test_labels_do_not_control_the_terminal(tmp_path):
    data = [("London", [(0, 6, "\x1b]0;title\x07")]), ("London", [])]
    path = write_docs(tmp_path / "train.spacy", data)
    result = run(path, path)
    assert "\x07" not in result.output


def test_a_trained_model(data, model_path, tmp_path):
    """The pipeline has learned that London is a place."""
    json_path = tmp_path / "check.json"
    result = run(data, data, "--model", model_path, "--json", json_path)
    assert result.exit_code == 0, result.output
    assert "likely LOC (log-odds" in words_of(result)
    assert "train 5 PERSON: I left [London]." in words_of(result)
    found = srsly.read_json(json_path)["contradictions"]["items"]
    assert {
        "label": "PERSON",
        "likely_label": "LOC",
        "part": "dev",
        "doc": 5,
    }.items() <= (found[0].items() | found[1].items())


def test_the_data_are_not_written_over(data):
    before = data.read_bytes()
    result = run(data, data, "--json", data)
    assert result.exit_code == 1
    assert "[EGP309]" in words_of(result)
    assert data.read_bytes() == before


def test_options_that_exclude_each_other(data, model_path):
    config = CONFIGS / "egp_cnn.cfg"
    for wrong in (["--folds", 2], ["--config", config, "--model", model_path]):
        result = run(data, data, *wrong)
        assert result.exit_code == 1
        assert "[EGP279]" in words_of(result)
    result = run(data, data, "--nlp.lang", "de")
    assert result.exit_code == 1
    assert "[EGP280] nlp.lang would override" in words_of(result)


def test_folds_of_a_training_that_breaks(data, tmp_path):
    """Nothing is trained."""
    bad = write_docs(tmp_path / "bad.spacy", [("London", [])])
    result = run(data, bad, "--config", CONFIGS / "egp_cnn.cfg", "--folds", 2)
    assert result.exit_code == 1
    assert "[EGPW273]" in words_of(result)
    assert "[EGP272]" in words_of(result)
