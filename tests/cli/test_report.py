import shutil
import sys
from dataclasses import replace

import pytest
import spacy
import srsly
from conftest import NESTED_DATA, make_examples, words_of
from spacy.cli.evaluate import evaluate
from spacy.tokens import DocBin
from typer.testing import CliRunner

from spacy_egp.checks.check import check
from spacy_egp.cli import app
from spacy_egp.report.report import report
from spacy_egp.report.results import describe_joined
from spacy_egp.report.statistics import Score


@pytest.fixture
def data(tmp_path):
    """Annotated docs, in which not everything is as the model has learned it."""
    text, spans = NESTED_DATA[1]
    return write_data(tmp_path, [*NESTED_DATA, (text, [(7, 13, "JOB"), *spans[1:]])])


def write_data(folder, data, key="sc"):
    examples = make_examples(spacy.blank("en"), data, key=key)
    path = folder / "data.spacy"
    DocBin(docs=[example.reference for example in examples]).to_disk(path)
    return path


def run(*arguments):
    return CliRunner().invoke(app, ["report", *map(str, arguments)])


def test_numbers_are_those_of_spacy_evaluate(model_path, data, tmp_path):
    json_path = tmp_path / "new" / "report.json"
    result = run(
        model_path, data, tmp_path / "new" / "report.html", "--json", json_path
    )
    assert result.exit_code == 0, result.output
    numbers = srsly.read_json(json_path)
    expected = evaluate(str(model_path), data)
    for name in "prf":
        assert numbers["overall"][name] == pytest.approx(expected[f"spans_sc_{name}"])
        per_type = {label: score[name] for label, score in numbers["labels"].items()}
        assert per_type == pytest.approx(
            {k: scores[name] for k, scores in expected["spans_sc_per_type"].items()}
        )
    assert f"F {expected['spans_sc_f']:.1%}" in words_of(result)
    assert numbers["counts"]["unknown_labels"] == {"JOB": 1}
    joined = numbers["joined"]["5"]["score"]["f"]
    assert f"F, 5 docs joined {joined:.1%}" in words_of(result)
    assert "1 gold span(s) have labels that the component lacks" in words_of(result)
    assert "JOB (1)" in words_of(result)
    page = (tmp_path / "new" / "report.html").read_text("utf8")
    assert "JOB (1)" in page
    assert sorted(path.name for path in json_path.parent.iterdir()) == [
        "report.html",
        "report.json",
    ]


def test_seen_and_unseen_entities(model_path, data, tmp_path):
    (tmp_path / "train").mkdir()
    train_path = write_data(tmp_path / "train", NESTED_DATA[:1])
    results = report(model_path, data, tmp_path / "r.html", train_path=train_path)
    assert results.seen["seen"].support == 1
    assert results.seen["unseen"].support == results.overall.support - 1
    assert report(model_path, data, tmp_path / "r.html").seen is None


def break_model(model, tmp_path):
    shutil.copytree(model, tmp_path / "model")
    (tmp_path / "model" / "egp_ner" / "model").write_bytes(b"garbage")
    return tmp_path / "model"


def make_other_model(model, tmp_path):
    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    nlp.to_disk(tmp_path / "model")
    return tmp_path / "model"


def make_model_with_several(model, tmp_path):
    nlp = spacy.load(model)
    nlp.add_pipe("egp_ner", name="second", source=spacy.load(model))
    nlp.to_disk(tmp_path / "model")
    return tmp_path / "model"


@pytest.mark.parametrize(
    ("make_model", "message"),
    [
        (lambda model, path: path / "none", "[EGP301] Cannot read the pipeline"),
        (break_model, "[EGP301] Cannot read the pipeline"),
        (
            make_other_model,
            "[EGP302] The pipeline has no component 'egp_ner'. Its components are",
        ),
    ],
)
def test_models_without_egp_ner(make_model, message, model_path, data, tmp_path):
    result = run(make_model(model_path, tmp_path), data, tmp_path / "report.html")
    assert result.exit_code == 1
    assert "Cannot write the report" in result.output
    assert message in words_of(result)
    assert not (tmp_path / "report.html").exists()


def make_corrupt_data(tmp_path):
    path = tmp_path / "data.spacy"
    path.write_text("garbage")
    return path


@pytest.mark.parametrize(
    ("make_data", "message"),
    [
        (make_corrupt_data, "[EGP103]"),
        (lambda path: write_data(path, []), "[EGP307] There are no docs"),
        (lambda path: write_data(path, NESTED_DATA, key="x"), "None of the 4 docs"),
        (lambda path: path, "There are no docs"),
    ],
)
@pytest.mark.filterwarnings("ignore:.*W090")
def test_data_that_cannot_be_evaluated(make_data, message, model_path, tmp_path):
    output = tmp_path / "report.html"
    output.write_text("an earlier one")
    result = run(model_path, make_data(tmp_path), output)
    assert result.exit_code == 1
    assert message in words_of(result)
    assert output.read_text() == "an earlier one"


def test_several_components(model_path, data, tmp_path):
    several = make_model_with_several(model_path, tmp_path)
    result = run(several, data, tmp_path / "report.html")
    assert result.exit_code == 1
    assert "[EGP303]" in result.output
    assert "choose one of egp_ner, second with --component" in words_of(result)
    result = run(several, data, tmp_path / "report.html", "--component", "second")
    assert result.exit_code == 0, result.output
    result = run(several, data, tmp_path / "report.html", "--component", "third")
    assert "no component 'egp_ner' called 'third'" in words_of(result)


def test_outputs_over_inputs(model_path, data, tmp_path):
    """Nothing is read or written."""
    shutil.copytree(model_path, tmp_path / "model")
    (tmp_path / "log.jsonl").touch()
    (tmp_path / "link.html").symlink_to(data)
    model, page, numbers = (tmp_path / x for x in ("model", "r.html", "r.json"))
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    for arguments, message in (
        ([model, data, data], "[EGP308] The report would overwrite"),
        ([model, data, tmp_path / "link.html"], "which is the data"),
        ([model, data, page, "--json", page], "[EGP309] * does not end in .json"),
        ([model, data, page, "--json", model / "meta.json"], "which is the model"),
        ([model, data, page, "--json", data], "which is the data"),
        ([model, data, page, "-T", tmp_path, "--json", tmp_path / "log.jsonl"], "log"),
        ([model, tmp_path / "log.jsonl", data, "-t", data], "the training data"),
        ([model, data, tmp_path / "train.spacy"], "[EGP309]"),
        ([tmp_path / "none", data, data], "[EGP308]"),
    ):
        result = run(*arguments)
        assert result.exit_code == 1
        for part in message.split(" * "):
            assert part in words_of(result)
    after = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert after == before
    assert run(model, data, page, "--json", numbers).exit_code == 0
    # A page may overwrite an earlier one, even next to the model.
    for _ in range(2):
        assert run(model, data, model / "report.html").exit_code == 0


def test_docs_without_the_key_are_counted(model_path, tmp_path):
    data = write_data(tmp_path, NESTED_DATA)
    other = DocBin().from_disk(write_data(tmp_path, NESTED_DATA, key="other"))
    both = DocBin().from_disk(write_data(tmp_path, NESTED_DATA))
    both.merge(other)
    both.to_disk(data)
    result = run(model_path, data, tmp_path / "report.html")
    assert result.exit_code == 0, result.output
    assert "Docs 4" in words_of(result)
    assert "4 doc(s) left out that are not annotated" in words_of(result)


def test_names_of_labels_do_not_control_the_terminal(model_path, tmp_path):
    text, _ = NESTED_DATA[1]
    data = [(text, [(0, 1, f"\x1b]0;title\x07{i}")]) for i in range(12)]
    result = run(model_path, write_data(tmp_path, data), tmp_path / "report.html")
    assert result.exit_code == 0, result.output
    assert "and 2 others" in words_of(result)
    assert "\x07" not in result.output


def test_fall_on_longer_docs_is_told(model_path, data, tmp_path):
    results = report(model_path, data, tmp_path / "report.html")
    single = results.joined[1]
    assert list(results.joined) == [1, 5]
    assert describe_joined(replace(results, joined={1: single})) is None
    fallen = replace(single, score=Score.count(10, 990, 5))
    sentence = describe_joined(replace(results, joined={1: single, 30: fallen}))
    f = 100 * results.overall.f
    assert f"F falls from {f:.1f} to 1.0 when 30 docs are joined" in sentence


def test_output_that_is_a_folder(model_path, data, tmp_path):
    result = run(model_path, data, tmp_path)
    assert result.exit_code == 1
    assert str(tmp_path) in result.output.replace("\n", "")


def test_extra_is_named(model_path, data, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "spacy_egp.report.page", None)
    monkeypatch.delattr("spacy_egp.report.page", raising=False)
    result = run(model_path, data, tmp_path / "report.html")
    assert result.exit_code == 1
    assert '[EGP110] The report needs matplotlib: pip install "spacy-egp[report]"' in (
        words_of(result)
    )
    assert not (tmp_path / "report.html").exists()


def test_comparison_counts_what_changes(model_path, data, tmp_path):
    nlp = spacy.load(model_path)
    nlp.get_pipe("egp_ner").threshold = 1 - 1e-9
    nlp.to_disk(tmp_path / "other")
    page = tmp_path / "report.html"
    results = report(model_path, data, page, other_model=tmp_path / "other")
    one = results.comparison
    assert one.this == results.overall
    assert one.other == report(tmp_path / "other", data, page).overall
    changes = one.labels.values()
    gained = sum(x.found - x.lost for x in changes)
    assert gained == one.this.correct - one.other.correct > 0
    assert one.interval[0] <= one.f_difference <= one.interval[1]
    same = run(model_path, data, page, "--compare", model_path)
    assert "F changes by +0.0" in words_of(same)
    assert "p = 1.000: not significant" in words_of(same)
    assert "Comparison" in page.read_text("utf8")


def test_likely_errors_of_the_annotation(model_path, tmp_path):
    """They are those that the check of annotations finds with this model."""
    text, spans = NESTED_DATA[1]
    mislabeled = (text, [(7, 13, "PERSON"), *spans[1:]])
    data = write_data(tmp_path, [*NESTED_DATA, mislabeled])
    page, json_path = tmp_path / "report.html", tmp_path / "report.json"
    result = run(model_path, data, page, "--json", json_path)
    assert result.exit_code == 0, result.output
    found = srsly.read_json(json_path)["annotation"]
    expected = check({"data": data}, model=spacy.load(model_path)).to_dict()
    for name in ("contradictions", "strings", "repeats"):
        assert found[name] == expected[name]
    likeliest = found["contradictions"]["items"][0]
    assert (likeliest["text"], likeliest["label"]) == ("London", "PERSON")
    assert likeliest["likely_label"] == "LOC"
    html = page.read_text("utf8")
    assert "1 docs have the text of an earlier doc, but other spans" in html
    count = found["strings"]["count"]
    assert f"{count} texts are annotated in some places but not in others" in html


def test_data_that_is_not_converted(model_path, tmp_path):
    (tmp_path / "data.jsonl").write_text("{}")
    result = run(model_path, tmp_path / "data.jsonl", tmp_path / "report.html")
    assert result.exit_code == 1
    assert "[EGP340]" in words_of(result)


def test_comparison_with_another_spans_key(model_path, data, tmp_path):
    nlp = spacy.load(model_path)
    nlp.get_pipe("egp_ner").spans_key = "other"
    nlp.to_disk(tmp_path / "other")
    page = tmp_path / "report.html"
    result = run(model_path, data, page, "--compare", tmp_path / "other")
    assert result.exit_code == 1
    assert "[EGP341]" in words_of(result)
    assert not page.exists()
