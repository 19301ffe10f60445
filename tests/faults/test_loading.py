"""Folders of pipelines that are damaged, or that somebody else has made."""

import json
import os
import pickle
import re
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
import spacy
import srsly
import torch
from conftest import (
    NESTED_DATA,
    config_for,
    full_disk,
    make_examples,
    spans_of,
    train,
)
from generated import TINY_TOK2VEC, damage, patient, tiny_nlp
from hypothesis import given
from hypothesis import strategies as st
from spacy.ml.models.tok2vec import build_hash_embed_cnn_tok2vec
from spacy.training.initialize import init_nlp
from srsly.msgpack._packer import Packer
from srsly.msgpack._unpacker import unpackb

from spacy_egp.architectures import EfficientGlobalPointer
from spacy_egp.component import DEFAULT_MODEL, EGPRecognizer

pytestmark = pytest.mark.faults

TEXT = NESTED_DATA[2][0]
NLP = tiny_nlp()


@pytest.fixture
def folder(model_path, tmp_path):
    """A copy of the pipeline that has learned `NESTED_DATA`."""
    return shutil.copytree(model_path, tmp_path / "model")


@pytest.mark.parametrize("name", ["model", "cfg"])
@pytest.mark.parametrize("share", [0.0, 0.5, 0.999])
def test_truncated_file(name, share, folder):
    path = folder / "egp_ner" / name
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(ValueError, match=r"\[EGP\d+\] 'egp_ner'"):
        spacy.load(folder)


@pytest.mark.parametrize("name", ["model", "cfg"])
def test_missing_file(name, folder):
    (folder / "egp_ner" / name).unlink()
    with pytest.raises(ValueError, match=r"\[EGP\d+\] 'egp_ner'"):
        spacy.load(folder)


def test_pipeline_saved_to_a_full_disk(trained_nlp, tmp_path):
    """Saving reports it, and the incomplete pipeline is not loaded as a whole one."""
    with full_disk(100_000), pytest.raises(OSError):
        trained_nlp.to_disk(tmp_path / "full")
    with pytest.raises(ValueError, match=r"\[EGP\d+\] 'egp_ner'"):
        spacy.load(tmp_path / "full")


OTHER_MODELS = {
    "head size": {"head_size": 32},
    "no rotary embedding": {"rope": False},
    "bias input": {"bias_input": "hidden"},
    "architecture": {"@architectures": "spacy-egp.GlobalPointer.v1"},
    "encoder": {"tok2vec": TINY_TOK2VEC},
}


@pytest.mark.parametrize("other", OTHER_MODELS)
def test_weights_of_another_model(other, folder):
    """The file holds the weights of a model that is not the config's."""
    settings = {**DEFAULT_MODEL, **OTHER_MODELS[other]}
    if "Efficient" not in settings["@architectures"]:
        del settings["bias_input"]
    nlp = spacy.blank("en")
    nlp.add_pipe("egp_ner", config={"model": settings})
    nlp.initialize(lambda: make_examples(nlp))
    nlp.get_pipe("egp_ner").model.to_disk(folder / "egp_ner" / "model")
    code = "EGP017" if other == "no rotary embedding" else "EGP012"
    with pytest.raises(ValueError, match=rf"\[{code}\] 'egp_ner'"):
        spacy.load(folder)


def test_weights_of_another_component(folder):
    nlp = spacy.blank("en")
    nlp.add_pipe("tok2vec").initialize(lambda: make_examples(nlp))
    nlp.get_pipe("tok2vec").model.to_disk(folder / "egp_ner" / "model")
    with pytest.raises(ValueError, match=r"\[EGP\d+\] 'egp_ner'"):
        spacy.load(folder)


@pytest.mark.parametrize(
    "code, changed",
    [
        ("EGP013", {"labels": ["PERSON", "LOC", "PLACES"]}),
        ("EGP013", {"labels": ["PERSON", "LOC", "PLACES", "TITLE", "MORE"]}),
        ("EGP016", {"labels": ["PERSON", "LOC", "PLACES", "LOC"]}),
        ("EGP016", {"labels": "ABCD"}),
        ("EGP016", {"labels": None}),
        ("EGP001", {"threshold": 7}),
        ("EGP002", {"overlap": "some"}),
        ("EGP003", {"max_length": 0}),
        ("EGP016", {"labels": ["PERSON", "LOC", "PLACES", "\ud800"]}),
        ("EGP016", {"labels": ["PERSON", "LOC", "PLACES", ""]}),
        *(
            ("EGP070", {"learned_length": value})
            for value in (0, -1, 1.5, True, "5", [], {}, [None])
        ),
    ],
    ids=str,
)
def test_cfg_that_does_not_fit(code, changed, folder):
    path = folder / "egp_ner" / "cfg"
    # As srsly does, but with anything that JSON can hold.
    path.write_text(json.dumps({**srsly.read_json(path), **changed}))
    with pytest.raises(ValueError, match=rf"\[{code}\] 'egp_ner'"):
        spacy.load(folder)


@pytest.mark.parametrize("labels", [["L"] * 10**6, [str(i) for i in range(10**6)]])
def test_a_million_labels(labels, folder):
    """They do not make the message longer."""
    path = folder / "egp_ner" / "cfg"
    srsly.write_json(path, {**srsly.read_json(path), "labels": labels})
    with pytest.raises(ValueError, match=r"\[EGP01[36]\] 'egp_ner'") as error:
        spacy.load(folder)
    assert len(str(error.value)) < 1000


ANOTHER_FORM = {
    "float64": lambda param: param.astype("float64"),
    "float16": lambda param: param.astype("float16"),
    "integers": lambda param: param.astype("int32"),
    "complex": lambda param: param.astype("complex64"),
    "flat": lambda param: param.ravel()[:-1],
    "fewer": lambda param: param[:-1],
    "more": lambda param: np.concatenate([param, param]),
    "another axis": lambda param: param[None],
    "no axis": lambda param: param.ravel()[0],
    "nothing": lambda param: param[:0],
    "text": lambda param: "x",
    "a list": lambda param: [1.0],
    "missing": lambda param: None,
}


@pytest.mark.parametrize("form", ANOTHER_FORM)
def test_weights_of_another_form(form, model_path, folder):
    """They are refused when they are loaded, not at the first doc."""
    saved = srsly.read_msgpack(model_path / "egp_ner" / "model")
    layers = {
        (node["name"], param): i
        for i, node in enumerate(saved["nodes"])
        for param, value in saved["params"][i].items()
        if value is not None
    }
    for name, param in (("scaled_linear", "W"), ("hashembed", "E"), ("maxout", "b")):
        i = layers[name, param]
        before = saved["params"][i][param]
        saved["params"][i][param] = ANOTHER_FORM[form](before)
        srsly.write_msgpack(folder / "egp_ner" / "model", saved)
        code = "EGP050" if form == "missing" else "EGP071"
        with pytest.raises(ValueError, match=rf"\[{code}\] 'egp_ner'"):
            spacy.load(folder)
        saved["params"][i][param] = before


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("ref", ["tok2vec", "pointer", "bias"])
def test_weights_that_are_no_numbers(ref, value, folder):
    model = spacy.load(folder).get_pipe("egp_ner").model
    node = next(node for node in model.get_ref(ref).walk() if node.param_names)
    name = node.param_names[0]
    param = node.get_param(name).copy()
    param.flat[0] = value
    node.set_param(name, param)
    model.to_disk(folder / "egp_ner" / "model")
    with pytest.raises(ValueError, match=r"\[EGP\d+\] 'egp_ner'"):
        spacy.load(folder)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """The files of a component that has learned `NESTED_DATA`, by name."""
    nlp = tiny_nlp()
    train(nlp, make_examples(nlp), steps=25)
    path = tmp_path_factory.mktemp("saved")
    nlp.get_pipe("egp_ner").to_disk(path, exclude=["vocab"])
    return {file.name: file.read_bytes() for file in path.iterdir()}


@st.composite
def damaged_contents(draw, name, content):
    """The content of a file in which a value or some bytes are changed."""
    if draw(st.booleans()):
        # NumPy's arrays as they are stored, by their type, shape and bytes.
        if name == "cfg":
            return json.dumps(damage(draw, json.loads(content)), default=repr).encode()
        values = unpackb(content, raw=False)
        return Packer(use_bin_type=True).pack(damage(draw, values))
    for _ in range(draw(st.integers(1, 3))):
        i = draw(st.integers(0, len(content)))
        j = draw(st.sampled_from([i, i + 1, i + 4, len(content)]))
        content = content[:i] + draw(st.binary(max_size=4)) + content[j:]
    return content


@patient
@given(st.data())
@pytest.mark.filterwarnings("ignore")
def test_any_damage_of_a_file(saved, data):
    """It is an error of the component, or a component that predicts."""
    name = data.draw(st.sampled_from(["cfg", "model"]))
    content = data.draw(damaged_contents(name, saved[name]))
    # As a pipeline makes it, which would take longer than everything else.
    settings = {name: TINY_TOK2VEC[name] for name in TINY_TOK2VEC if name[0] != "@"}
    tok2vec = build_hash_embed_cnn_tok2vec(**settings)
    component = EGPRecognizer(NLP.vocab, EfficientGlobalPointer(tok2vec, head_size=8))
    with tempfile.TemporaryDirectory() as folder:
        for file, before in saved.items():
            (Path(folder) / file).write_bytes(content if file == name else before)
        try:
            component.from_disk(folder, exclude=["vocab"])
            doc = component(NLP.make_doc(TEXT))
        except ValueError as error:
            assert re.match(r"\[EGP\d+\] 'egp_ner'", str(error)), error
            assert len(str(error)) < 2000
            return
    assert {span.label_ for span in doc.spans["sc"]} <= set(component.labels)
    assert all(0 <= p <= 1 for p in doc.spans["sc"].attrs["scores"])
    component.to_bytes()


class Exploit:
    """Unpickled, it makes a folder."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (self.path,)


def test_pickle_in_a_file_is_not_loaded(corpus_path, tmp_path):
    """A pickle in place of the weights of a PyTorch layer."""
    nlp = init_nlp(config_for(corpus_path, "egp_bilstm"))
    nlp.to_disk(tmp_path)
    path = tmp_path / "tok2vec" / "model"
    model = srsly.read_msgpack(path)
    exploit = pickle.dumps(Exploit(str(tmp_path / "exploited")))
    [node] = [i for i, shims in enumerate(model["shims"]) if shims]
    spacy.load(tmp_path)
    model["shims"][node] = [exploit]
    srsly.write_msgpack(path, model)
    with pytest.raises((ValueError, pickle.UnpicklingError)):
        spacy.load(tmp_path)
    assert not (tmp_path / "exploited").exists()
    pickle.loads(exploit)
    assert (tmp_path / "exploited").exists()


def refuse(*args, **kwargs):
    raise AssertionError("unpickled")


def test_nothing_is_unpickled(trained_nlp, folder, monkeypatch):
    for name in ("load", "loads", "Unpickler"):
        monkeypatch.setattr(pickle, name, refuse)
    monkeypatch.setattr(torch, "load", refuse)
    assert spans_of(spacy.load(folder)(TEXT)) == spans_of(trained_nlp(TEXT))


def test_no_code_of_the_folder_runs(trained_nlp, folder, monkeypatch):
    path = list(sys.path)
    for place in (folder, folder / "egp_ner"):
        for module in ("__init__", "sitecustomize", "setup", "model", "spacy_egp"):
            (place / f"{module}.py").write_text("raise AssertionError('run')")
    monkeypatch.chdir(folder.parent)
    nlp = spacy.load(folder)
    assert spans_of(nlp(TEXT)) == spans_of(trained_nlp(TEXT))
    assert sys.path == path
