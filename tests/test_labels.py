"""Labels that are removed and renamed, and those that training must not forget."""

import numpy as np
import pytest
import spacy
from conftest import NESTED_DATA, make_examples, spans_of, train, words_of
from generated import TINY_TOK2VEC
from typer.testing import CliRunner

from spacy_egp.cli import app

TEXT = NESTED_DATA[2][0]


def make_nlp(architecture="EfficientGlobalPointer"):
    nlp = spacy.blank("en")
    model = {
        "@architectures": f"spacy-egp.{architecture}.v1",
        "tok2vec": TINY_TOK2VEC,
        "head_size": 8,
    }
    nlp.add_pipe("egp_ner", config={"model": model})
    return nlp


@pytest.fixture(scope="module")
def states():
    """The states of trained pipelines, by architecture."""
    found = {}
    for architecture in ("EfficientGlobalPointer", "GlobalPointer"):
        nlp = make_nlp(architecture)
        train(nlp, make_examples(nlp), steps=150)
        found[architecture] = nlp.to_bytes()
    return found


@pytest.fixture(params=["EfficientGlobalPointer", "GlobalPointer"])
def nlp(request, states):
    return make_nlp(request.param).from_bytes(states[request.param])


@pytest.fixture
def component(nlp):
    return nlp.get_pipe("egp_ner")


def scores_of(nlp, text=TEXT):
    return nlp.get_pipe("egp_ner").score_matrix(nlp.make_doc(text))


def test_labels_that_are_not_taught_start_alike(states):
    """Also after another label was removed."""

    def scores_after(*changes):
        nlp = make_nlp().from_bytes(states["EfficientGlobalPointer"])
        component = nlp.get_pipe("egp_ner")
        for method, label in changes:
            getattr(component, method)(label)
        found = {label for *_, label in spans_of(nlp(TEXT))}
        assert found and not found & {"A", "B"}
        return dict(zip(component.labels, scores_of(nlp)))

    first, removal, second = (
        ("add_label", "A"),
        ("remove_label", "PERSON"),
        ("add_label", "B"),
    )
    expected = scores_after(removal, first, second)
    found = scores_after(first, removal, second)
    for label in expected:
        np.testing.assert_allclose(found[label], expected[label], atol=1e-4)
    np.testing.assert_allclose(found["A"], found["B"], atol=1e-4)


def test_scores_of_other_labels_stay(nlp, component, tmp_path):
    before = dict(zip(component.labels, scores_of(nlp)))
    found = spans_of(nlp(TEXT))
    assert {label for *_, label in found} == {"LOC", "PERSON", "TITLE"}
    component.remove_label("PERSON")
    component.rename_label("TITLE", "JOB")
    expected = [x for x in before if x != "PERSON"]
    assert [x.replace("JOB", "TITLE") for x in component.labels] == expected
    nlp.to_disk(tmp_path)
    for pipeline in (nlp, spacy.load(tmp_path)):
        for label, scores in zip(expected, scores_of(pipeline), strict=True):
            np.testing.assert_allclose(scores, before[label], atol=1e-5)
        assert spans_of(pipeline(TEXT)) == [
            (start, end, label.replace("TITLE", "JOB"))
            for start, end, label in found
            if label != "PERSON"
        ]


def test_training_goes_on_with_the_same_optimizer(nlp, component):
    optimizer = nlp.resume_training()
    nlp.update(make_examples(nlp), sgd=optimizer)
    component.remove_label("PERSON")
    component.add_label("PERSON")
    for _ in range(3):
        nlp.update(make_examples(nlp), sgd=optimizer)
    assert set(component.labels) == {"LOC", "PERSON", "PLACES", "TITLE"}
    assert np.isfinite(scores_of(nlp)[:, 0]).all()


def test_settings_follow(nlp, component):
    component.threshold = {"LOC": 0.3, "TITLE": 0.6}
    component.label_weights = {"TITLE": 2.0, "LOC": 3.0}
    component.predicted_labels = ["LOC", "TITLE"]
    component.rename_label("LOC", "PLACE")
    assert component.threshold == {"PLACE": 0.3, "TITLE": 0.6}
    assert component.label_weights == {"TITLE": 2.0, "PLACE": 3.0}
    assert component.predicted_labels == ["PLACE", "TITLE"]
    component.remove_label("TITLE")
    assert component.threshold == {"PLACE": 0.3}
    assert component.label_weights == {"PLACE": 3.0}
    assert component.predicted_labels == ["PLACE"]
    assert nlp.get_pipe_config("egp_ner")["predicted_labels"] == ["PLACE"]


def test_before_the_model_is_initialized():
    nlp = make_nlp()
    component = nlp.get_pipe("egp_ner")
    for label in ("A", "B", "C"):
        component.add_label(label)
    component.remove_label("A")
    component.rename_label("B", "D")
    nlp.initialize()
    assert component.labels == ("D", "C")
    assert scores_of(nlp).shape[0] == 2


def test_labels_that_cannot_be_changed(nlp, component):
    before = nlp.to_bytes()
    with pytest.raises(ValueError, match="EGP043.*'egp_ner' has no label 'X'.*LOC"):
        component.remove_label("X")
    with pytest.raises(ValueError, match="EGP043"):
        component.rename_label("X", "Y")
    with pytest.raises(ValueError, match="EGP045.*'LOC' cannot be renamed to 'TITLE'"):
        component.rename_label("LOC", "TITLE")
    for name in ("", None, 3):
        with pytest.raises(ValueError, match="EGP004"):
            component.rename_label("LOC", name)
    assert nlp.to_bytes() == before
    component.predicted_labels = ["LOC"]
    with pytest.raises(ValueError, match="EGP044.*'LOC' is the only label"):
        component.remove_label("LOC")
    component.predicted_labels = None
    for label in ("LOC", "PERSON", "PLACES"):
        component.remove_label(label)
    with pytest.raises(ValueError, match="EGP044"):
        component.remove_label("TITLE")


def run(*arguments):
    return CliRunner().invoke(app, ["labels", *map(str, arguments)])


def test_command(model_path, tmp_path):
    out = tmp_path / "new"
    changes = ["--remove", "LOC", "--rename", "PERSON=PER", "--rename", "PLACES=L"]
    result = run(model_path, out, *changes)
    assert result.exit_code == 0, result.output
    labels = [
        {"PERSON": "PER", "PLACES": "L"}.get(label, label)
        for label in spacy.load(model_path).get_pipe("egp_ner").labels
        if label != "LOC"
    ]
    assert list(spacy.load(out).get_pipe("egp_ner").labels) == labels
    assert f"Labels: {', '.join(labels)}" in words_of(result)
    for arguments, code in (
        ([], "EGP312"),
        (["--rename", "PERSON"], "EGP313"),
        (["--remove", "X"], "EGP043"),
    ):
        result = run(model_path, tmp_path / "other", *arguments)
        assert result.exit_code == 1
        assert f"[{code}]" in result.output
    assert "[EGP102]" in run(model_path, out, "--remove", "PER").output
    assert not (tmp_path / "other").exists()
    # The folder may be that of the pipeline itself.
    assert run(out, out, "--rename", "PER=P").exit_code == 0
    assert "P" in spacy.load(out).get_pipe("egp_ner").labels
