"""What a user has set last and most explicitly wins, wherever it is set, and lasts."""

import gc
import pickle
import shutil
import warnings
import weakref

import numpy as np
import pytest
import spacy
import srsly
from conftest import NESTED_DATA, PIPELINES, config_for, make_examples, spans_of
from spacy.tokens import DocBin
from spacy.training.initialize import init_nlp
from spacy.training.loop import train as train_loop
from spacy.util import load_config, load_model_from_config

from spacy_egp.component import EGPRecognizer
from spacy_egp.settings import DEFAULTS

TEXT = NESTED_DATA[2][0]
CHANGED = {
    "spans_key": "entities",
    "threshold": 0.25,
    "max_length": 2,
    "within_sentences": True,
    "overlap": "flat",
    "predicted_labels": ["LOC", "PERSON"],
    "annotate_ents": True,
    "labels_attr": "types",
    "stretch_length": None,
    "label_weights": {"LOC": 2.0},
}
NAN = float("nan")


@pytest.fixture
def folder(model_path, tmp_path):
    """A copy of the pipeline that has learned `NESTED_DATA`."""
    return shutil.copytree(model_path, tmp_path / "model")


def settings_of(component):
    return {setting: getattr(component, setting) for setting in DEFAULTS}


def settings_in(section):
    return {setting: section[setting] for setting in DEFAULTS}


def assert_everywhere(nlp, settings, name="egp_ner"):
    """The component, its cfg and the pipeline's config have the settings."""
    assert settings_of(nlp.get_pipe(name)) == settings
    assert settings_in(nlp.get_pipe(name).cfg) == settings
    assert settings_in(nlp.config["components"][name]) == settings


def assert_saved(nlp, path, settings, name="egp_ner"):
    """So do the files, and the pipeline that is loaded from them."""
    nlp.to_disk(path)
    assert settings_in(srsly.read_json(path / name / "cfg")) == settings
    config = load_config(path / "config.cfg").interpolate()
    assert settings_in(config["components"][name]) == settings
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message=r"\[EGPW")
        assert_everywhere(spacy.load(path), settings, name)


# Values


@pytest.mark.parametrize("name", CHANGED)
def test_a_setting_is_an_attribute(name, nlp):
    component = nlp.get_pipe("egp_ner")
    setattr(component, name, CHANGED[name])
    assert_everywhere(nlp, {**DEFAULTS, name: CHANGED[name]})
    assert getattr(EGPRecognizer, name).__doc__


BAD_VALUES = [
    *(("EGP001", "threshold", value) for value in (-0.1, 1.1, 50, NAN, True, "0.5")),
    *(("EGP001", "threshold", value) for value in (None, [0.5], np.float32("inf"))),
    *(("EGP040", "threshold", {"LOC": value}) for value in (-0.1, NAN, True, None)),
    *(("EGP041", "threshold", {label: 0.5}) for label in ("", "a:b", 1, "#a", "a ")),
    *(("EGP047", "label_weights", value) for value in (2, "balanced", ["LOC"])),
    *(
        ("EGP048", "label_weights", {"LOC": value})
        for value in (0, -1.0, NAN, float("inf"), True, None, "2")
    ),
    ("EGP041", "label_weights", {"": 1.0}),
    *(("EGP042", "predicted_labels", value) for value in ([], "LOC", [1], [""], 1)),
    *(("EGP002", "overlap", value) for value in ("longest", "", None, ["any"], 1)),
    *(("EGP003", "max_length", value) for value in (0, -3, "longest", "5", 2.0, 2.7)),
    *(("EGP003", "max_length", value) for value in (True, NAN, [1], np.int64(0))),
    *(("EGP030", "within_sentences", value) for value in (1, "true", None)),
    *(("EGP030", "annotate_ents", value) for value in (0, "no", NAN)),
    *(("EGP031", "spans_key", value) for value in ("", None, 1, True)),
    *(("EGP031", "labels_attr", value) for value in ("", None, ["a"])),
    *(("EGP032", "stretch_length", value) for value in (0, True, 2.5, "8", "auto")),
]


@pytest.fixture(scope="module")
def component():
    return spacy.blank("en").add_pipe("egp_ner")


@pytest.mark.parametrize("code, name, value", BAD_VALUES, ids=str)
def test_bad_values(code, name, value, component):
    """They are refused when they are set, and when a value of `cfg` is used."""
    message = rf"\[{code}\] 'egp_ner': {name} "
    with pytest.raises(ValueError, match=message):
        setattr(component, name, value)
    assert settings_of(component) == DEFAULTS
    with pytest.raises(ValueError, match=message):
        EGPRecognizer(component.vocab, component.model, **{name: value})
    component.cfg[name] = value
    with pytest.raises(ValueError, match=message):
        getattr(component, name)
    with pytest.raises(ValueError, match=message):
        component.to_disk("unused")
    component.cfg[name] = DEFAULTS[name]


@pytest.mark.parametrize(
    "code, name, value",
    [
        ("EGP001", "threshold", True),
        ("EGP001", "threshold", "0.5"),
        ("EGP002", "overlap", None),
        ("EGP003", "max_length", 2.7),
        ("EGP003", "max_length", "5"),
        ("EGP030", "annotate_ents", "no"),
        ("EGP031", "spans_key", 1),
        ("EGP032", "stretch_length", False),
    ],
)
def test_bad_values_of_a_config(code, name, value):
    """spaCy turns none of them into another value."""
    nlp = spacy.blank("en")
    with pytest.raises(ValueError, match=rf"\[{code}\] 'egp_ner': {name} must be"):
        nlp.add_pipe("egp_ner", config={name: value})


def test_numbers_of_numpy_are_saved(nlp, tmp_path):
    nlp.initialize(lambda: make_examples(nlp))
    component = nlp.get_pipe("egp_ner")
    component.threshold = np.float32(0.25)
    component.max_length = np.int64(2)
    component.cfg["annotate_ents"] = np.bool_(True)
    expected = {"threshold": 0.25, "max_length": 2, "annotate_ents": True}
    assert_saved(nlp, tmp_path / "saved", {**DEFAULTS, **expected})


def test_bad_cfg_fails_where_it_is_used(trained_nlp):
    nlp = spacy.blank("en")
    nlp.add_pipe("egp_ner")
    nlp.from_bytes(trained_nlp.to_bytes())
    for name, value, code in [
        ("overlap", "longest", "EGP002"),
        ("threshold", 50, "EGP001"),
        ("max_length", "5", "EGP003"),
    ]:
        cfg = nlp.get_pipe("egp_ner").cfg
        before, cfg[name] = cfg[name], value
        with pytest.raises(ValueError, match=rf"\[{code}\] 'egp_ner': {name}"):
            nlp(TEXT)
        cfg[name] = before


# Who wins


def test_attributes_last(folder, tmp_path):
    nlp = spacy.load(folder)
    for name, value in CHANGED.items():
        setattr(nlp.get_pipe("egp_ner"), name, value)
    assert_everywhere(nlp, CHANGED)
    assert_saved(nlp, tmp_path / "saved", CHANGED)


def test_changes_of_cfg_last(folder, tmp_path):
    nlp = spacy.load(folder)
    nlp.get_pipe("egp_ner").cfg.update(CHANGED)
    assert_saved(nlp, tmp_path / "saved", CHANGED)


def test_config_of_a_training_is_not_changed(folder):
    """It may be in the folder where somebody saves the component alone."""
    nlp = spacy.load(folder)
    (folder / "meta.json").unlink()
    before = (folder / "config.cfg").read_text("utf8")
    nlp.get_pipe("egp_ner").threshold = 0.25
    nlp.get_pipe("egp_ner").to_disk(folder / "egp_ner")
    assert (folder / "config.cfg").read_text("utf8") == before


def test_config_given_to_load_wins(folder, tmp_path):
    # spaCy cannot override null with a table.
    changed = {**CHANGED, "label_weights": None}
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message=r"\[EGPW")
        nlp = spacy.load(folder, config={"components": {"egp_ner": changed}})
    assert_everywhere(nlp, changed)
    doc = nlp(TEXT)
    assert max(len(span) for span in doc.spans["entities"]) == 2
    assert_saved(nlp, tmp_path / "saved", changed)


def edit(folder, **settings):
    config = load_config(folder / "config.cfg")
    config["components"]["egp_ner"].update(settings)
    config.to_disk(folder / "config.cfg")


def test_edited_config_wins(folder, tmp_path):
    edit(folder, **CHANGED)
    nlp = spacy.load(folder)
    assert_everywhere(nlp, CHANGED)
    assert_saved(nlp, tmp_path / "saved", CHANGED)


def test_default_in_the_config_wins_with_a_warning(folder):
    """Perhaps nobody has chosen it."""
    nlp = spacy.load(folder)
    nlp.get_pipe("egp_ner").threshold = 0.25
    nlp.to_disk(folder)
    message = (
        r"EGPW010.*'egp_ner'.*differ: threshold = 0.5 \(config\) or 0.25 \(saved\)"
        r"\. The config's values"
    )
    edit(folder, threshold=0.5)
    with pytest.warns(UserWarning, match=message):
        nlp = spacy.load(folder)
    assert_everywhere(nlp, DEFAULTS)


def test_variables_of_a_config_stay(folder, tmp_path):
    config = load_config(folder / "config.cfg", interpolate=False)
    config["vars"] = {"threshold": 0.25}
    config["components"]["egp_ner"]["threshold"] = "${vars.threshold}"
    config.to_disk(folder / "config.cfg")
    nlp = spacy.load(folder)
    assert nlp.get_pipe("egp_ner").threshold == 0.25
    nlp.to_disk(tmp_path / "saved")
    assert (
        "threshold = ${vars.threshold}" in (tmp_path / "saved/config.cfg").read_text()
    )
    nlp.get_pipe("egp_ner").threshold = 0.75
    assert_saved(nlp, tmp_path / "other", {**DEFAULTS, "threshold": 0.75})


def test_pipeline_of_version_0_1_0_predicts_the_same(tmp_path):
    """Its `cfg` was used, whatever its config said; from now on both agree."""
    folder = shutil.copytree(PIPELINES / "0.1.0", tmp_path / "model")
    path = folder / "egp_ner" / "cfg"
    srsly.write_json(path, {**srsly.read_json(path), "threshold": 0.25})
    message = r"threshold = 0.5 \(config\) or 0.25 \(saved\)\. The saved values"
    with pytest.warns(UserWarning, match=message):
        nlp = spacy.load(folder)
    expected = {**DEFAULTS, "threshold": 0.25, "max_length": None}
    assert_everywhere(nlp, expected)
    assert_saved(nlp, tmp_path / "saved", expected)


def test_bytes_bring_their_settings(folder):
    nlp = spacy.load(folder)
    nlp.get_pipe("egp_ner").threshold = 0.25
    state = nlp.to_bytes()
    copy = type(nlp).from_config(nlp.config)
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message=r"\[EGPW")
        copy.from_bytes(state)
    assert_everywhere(copy, {**DEFAULTS, "threshold": 0.25})
    other = spacy.blank("en")
    other.add_pipe("egp_ner", config={"threshold": 0.75})
    message = r"threshold = 0.75 \(config\) or 0.25 \(saved\)\. The saved values"
    with pytest.warns(UserWarning, match=message):
        other.from_bytes(state)
    assert_everywhere(other, {**DEFAULTS, "threshold": 0.25})


@pytest.mark.parametrize("alive", [True, False])
def test_sourced_component(alive, folder, tmp_path):
    source = spacy.load(folder)
    source.get_pipe("egp_ner").threshold = 0.25
    nlp = spacy.blank("en")
    component = nlp.add_pipe("egp_ner", name="nested", source=source)
    assert_everywhere(nlp, {**DEFAULTS, "threshold": 0.25}, "nested")
    if not alive:
        del source
        gc.collect()
    component.threshold = 0.75
    component.overlap = "flat"
    nlp.rename_pipe("nested", "renamed")
    expected = {**DEFAULTS, "threshold": 0.75, "overlap": "flat"}
    assert_saved(nlp, tmp_path / "saved", expected, "renamed")


def test_renamed_component(folder, tmp_path):
    nlp = spacy.load(folder)
    nlp.rename_pipe("egp_ner", "nested")
    nlp.get_pipe("nested").threshold = 0.25
    assert_everywhere(nlp, {**DEFAULTS, "threshold": 0.25}, "nested")
    assert_saved(nlp, tmp_path / "saved", {**DEFAULTS, "threshold": 0.25}, "nested")


def source_config(folder, corpus_path, **settings):
    """A training that continues with a component."""
    config = config_for(corpus_path, max_steps=1)
    config["nlp"]["pipeline"] = ["egp_ner"]
    config["components"] = {"egp_ner": {"source": str(folder), **settings}}
    return config


def test_settings_beside_source_win(folder, corpus_path, tmp_path):
    nlp = init_nlp(source_config(folder, corpus_path, **CHANGED))
    assert_everywhere(nlp, CHANGED)
    assert_saved(nlp, tmp_path / "saved", CHANGED)


def test_settings_beside_source_from_the_command_line(folder, corpus_path):
    """As `spacy train --components.egp_ner.threshold 0.25` overrides the config."""
    config = source_config(folder, corpus_path, threshold="${vars.threshold}")
    config["vars"] = {"threshold": 0.75}
    config.to_disk(folder / "train.cfg")
    overrides = {"components.egp_ner.overlap": "flat", "vars.threshold": 0.25}
    config = load_config(folder / "train.cfg", overrides=overrides)
    nlp = load_model_from_config(config, auto_fill=True)
    expected = {**DEFAULTS, "threshold": 0.25, "overlap": "flat"}
    assert_everywhere(nlp, expected)


def test_bad_settings_beside_source(folder, corpus_path):
    with pytest.raises(ValueError, match="EGP001.*'egp_ner': threshold"):
        init_nlp(source_config(folder, corpus_path, threshold=7))


def test_model_beside_source_is_reported(folder, corpus_path):
    config = source_config(folder, corpus_path, model={"head_size": 8}, treshold=0.3)
    message = "EGPW011.*'egp_ner': model, treshold next to source"
    with pytest.warns(UserWarning, match=message):
        init_nlp(config)


def test_training_with_a_source_is_checked(folder, corpus_path, tmp_path):
    """At the first update: spaCy does not initialize a sourced component."""
    config = source_config(folder, corpus_path, spans_key="entities")
    docs = list(DocBin().from_disk(corpus_path).get_docs(spacy.blank("en").vocab))
    for doc in docs:
        doc.spans["entities"] = doc.spans["sc"]
    DocBin(docs=docs).to_disk(tmp_path / "docs.spacy")
    config["paths"]["train"] = str(tmp_path / "docs.spacy")
    with pytest.warns(UserWarning, match="EGPW012.*spans_entities_f = 1.0"):
        train_loop(init_nlp(config))
    for doc in docs:
        doc.spans["entities"].attrs["annotated_labels"] = ["LOC"]
    DocBin(docs=docs).to_disk(tmp_path / "docs.spacy")
    augmenter = {"@augmenters": "spacy.lower_case.v1", "level": 1.0}
    path = "${paths.train}"
    reader = {"@readers": "spacy.Corpus.v1", "path": path, "augmenter": augmenter}
    config["corpora"]["train"] = reader
    with pytest.raises(ValueError, match=r"EGP035.*'entities'"):
        train_loop(init_nlp(config))


# Copies


def test_copies_do_not_keep_the_pipeline(folder):
    nlp = spacy.load(folder)
    component, pipeline = nlp.get_pipe("egp_ner"), weakref.ref(nlp)
    copy = pickle.loads(pickle.dumps(component))
    copy.threshold = 0.25
    assert_everywhere(nlp, DEFAULTS)
    assert copy.threshold == 0.25
    del nlp
    gc.collect()
    assert pipeline() is None
    component.threshold = 0.25


def test_predictions_after_a_load_without_the_vocab(trained_nlp, tmp_path):
    trained_nlp.to_disk(tmp_path, exclude=["vocab"])
    expected = spans_of(trained_nlp(TEXT))
    assert spans_of(spacy.load(tmp_path, exclude=["vocab"])(TEXT)) == expected
    copy = spacy.blank("en")
    copy.add_pipe("egp_ner")
    copy.from_bytes(trained_nlp.to_bytes(exclude=["vocab"]))
    assert spans_of(copy(TEXT)) == expected
