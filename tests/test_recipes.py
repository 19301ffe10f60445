"""The recipes of docs/recipes.md, as they are on the page."""

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from http.server import ThreadingHTTPServer
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
import spacy
import srsly
import thinc.shims.pytorch
from conftest import (
    NESTED_DATA,
    config_for,
    make_examples,
    spans_of,
)
from packaging.version import Version
from spacy.tokens import DocBin
from spacy.training.initialize import init_nlp
from spacy.training.loop import train as train_loop
from spacy.util import load_config
from thinc.api import Config

DOCS = Path(__file__).parent.parent / "docs"
TEXTS = [text for text, _ in NESTED_DATA]


def blocks(language):
    """The blocks of the page by heading."""
    found, heading = {}, ""
    page = (DOCS / "recipes.md").read_text("utf8")
    pattern = rf"^## ([^\n]*)|^```{language}\n(.*?)^```"
    for match in re.finditer(pattern, page, flags=re.MULTILINE | re.DOTALL):
        if match[1]:
            heading = match[1]
        else:
            found.setdefault(heading, []).append(match[2])
    return found


@pytest.fixture(scope="module")
def folder(model_path, tmp_path_factory):
    """A folder in which a pipeline was trained."""
    folder = tmp_path_factory.mktemp("recipes")
    shutil.copytree(model_path, folder / "training" / "model-best")
    return folder


@pytest.fixture(scope="module")
def namespace(folder):
    """The names that the code of the page defines, after it has run."""
    names = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for codes in blocks("python").values():
            for code in codes:
                exec(code, names)
    return names


def test_setting_of_a_trained_pipeline(namespace, folder):
    path = folder / "training" / "model-tuned"
    assert spacy.load(path).get_pipe("egp_ner").threshold == 0.4
    config = load_config(path / "config.cfg")
    assert config["components"]["egp_ner"]["threshold"] == 0.4


def test_json(namespace, trained_nlp):
    text = TEXTS[2]
    spans = json.loads(json.dumps(namespace["rows"]))
    assert {(s["start"], s["end"], s["label"]) for s in spans} == set(NESTED_DATA[2][1])
    scores = trained_nlp(text).spans["sc"].attrs["scores"]
    np.testing.assert_allclose([span["score"] for span in spans], scores, rtol=1e-4)


def test_spans_above_a_probability(namespace, trained_nlp):
    doc = trained_nlp(TEXTS[2])
    before = dict(zip(spans_of(doc), doc.spans["sc"].attrs["scores"]))
    probability = sorted(before.values())[1]
    namespace["keep_above"](doc, probability)
    kept = {span: score for span, score in before.items() if score > probability}
    assert len(kept) == 2
    assert dict(zip(spans_of(doc), doc.spans["sc"].attrs["scores"])) == kept


def test_joined_docs(namespace):
    joined, docs = namespace["joined"], namespace["docs"]
    assert len(joined.spans["sc"]) == sum(len(doc.spans["sc"]) for doc in docs)
    scores = np.concatenate([doc.spans["sc"].attrs["scores"] for doc in docs])
    np.testing.assert_array_equal(joined.spans["sc"].attrs["scores"], scores)


def test_displacy(namespace):
    assert "PERSON" in namespace["html"]


def test_entities_of_a_ruler(namespace):
    ents = [(ent.text, ent.label_) for ent in namespace["nlp"](TEXTS[2]).ents]
    assert ents == [("London", "CAPITAL"), ("Ada Lovelace", "PERSON")]


def recipe_config(heading, corpus_path, folder):
    """A config of ours with the settings of a recipe."""
    [text] = blocks("ini")[heading]
    sections = re.findall(r"^\[([^\]]+)\]$", text, flags=re.MULTILINE)
    # A recipe shows a part of a config, without the sections around it.
    around = {s[:i] for s in sections for i, c in enumerate(s) if c == "."}
    text = "".join(f"[{s}]\n" for s in sorted(around - set(sections))) + text
    recipe = Config().from_str(text.replace('"training/', f'"{folder}/training/'))
    config = config_for(corpus_path, max_steps=2)
    for name, section in recipe.get("components", {}).items():
        if "source" in section:
            config["components"][name] = {}
    return config.merge(recipe)


def test_predict_correct_retrain(model_path, corpus_path, tmp_path, monkeypatch):
    """A person removes a span of a new doc, which is learned together with the docs
    before."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(model_path, tmp_path / "training" / "model-best")
    (tmp_path / "corpus").mkdir()
    shutil.copy(corpus_path, tmp_path / "corpus" / "train.spacy")
    shutil.copy(corpus_path, tmp_path / "dev.spacy")
    srsly.write_jsonl("texts.jsonl", [{"text": "I like London and Berlin."}])
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)
    predict, retrain = blocks("bash")["Predict, correct, retrain"]
    subprocess.run(["bash", "-ec", predict], check=True)
    [task] = srsly.read_jsonl("tasks.jsonl")
    assert len(task["spans"]) == 3
    task["spans"] = [span for span in task["spans"] if span["label"] != "PLACES"]
    srsly.write_jsonl("corrected.jsonl", [{**task, "answer": "accept"}])
    # A short training.
    retrain = retrain.replace("--output", "--training.max_steps 2 --output")
    subprocess.run(["bash", "-ec", retrain], check=True)
    [doc] = (
        DocBin().from_disk("corpus/corrected.spacy").get_docs(spacy.blank("en").vocab)
    )
    assert sorted(spans_of(doc)) == [(7, 13, "LOC"), (18, 24, "LOC")]
    nlp = spacy.load("retrained/model-last")
    assert set(nlp.get_pipe("egp_ner").labels) == {"PERSON", "LOC", "PLACES", "TITLE"}


def test_another_key(corpus_path, folder, tmp_path):
    nlp = spacy.blank("en")
    examples = make_examples(nlp, key="entities")
    path = tmp_path / "entities.spacy"
    DocBin(docs=[example.reference for example in examples]).to_disk(path)
    config = recipe_config("Use another key in a training", path, folder)
    nlp = init_nlp(config)
    weights = nlp.config["training"]["score_weights"]
    assert {name: w for name, w in weights.items() if w} == {"spans_entities_f": 1.0}


def test_own_copy_of_what_it_listens_to(corpus_path, tmp_path):
    """The component works without the one that it used to listen to."""
    trained = init_nlp(config_for(corpus_path, max_steps=1))
    (tmp_path / "training").mkdir()
    trained.to_disk(tmp_path / "training" / "model-best")
    config = recipe_config("Beside other components", corpus_path, tmp_path)
    config["nlp"]["pipeline"] = ["egp_ner"]
    del config["components"]["tok2vec"]
    nlp = init_nlp(config)
    np.testing.assert_allclose(
        nlp.get_pipe("egp_ner").score_matrix(nlp.make_doc(TEXTS[0])),
        trained.get_pipe("egp_ner").score_matrix(trained(TEXTS[0])),
        rtol=1e-5,
    )


def test_new_label(corpus_path, tmp_path):
    """A part of `spacy train`: the label is there, and the corpora have predictions."""
    trained = init_nlp(config_for(corpus_path, max_steps=1))
    (tmp_path / "training").mkdir()
    trained.get_pipe("egp_ner").threshold = 0.0
    trained.get_pipe("egp_ner").max_length = 2
    trained.to_disk(tmp_path / "training" / "model-best")
    doc = trained.make_doc("Shaka Khan likes pink.")
    doc.spans["sc"] = [doc.char_span(17, 21, label="COLOUR")]
    doc.spans["sc"].attrs["annotated_labels"] = ["COLOUR"]
    path = tmp_path / "new.spacy"
    DocBin(docs=[doc, trained.make_doc(TEXTS[0])]).to_disk(path)
    config = recipe_config("Teach a new label", path, tmp_path)
    for corpus in config["corpora"].values():
        corpus["corpus"]["path"] = str(path)
    nlp = init_nlp(config)
    labels = trained.get_pipe("egp_ner").labels
    assert nlp.get_pipe("egp_ner").labels == (*labels, "COLOUR")
    corpora = spacy.registry.resolve(nlp.config.interpolate()["corpora"])
    for corpus in corpora.values():
        annotated, raw = (example.reference.spans["sc"] for example in corpus(nlp))
        assert annotated.attrs["annotated_labels"] == ["COLOUR", *labels]
        assert raw.attrs["annotated_labels"] == list(labels)
        assert len(annotated) == 1 + len(trained(doc.text).spans["sc"])
        assert len(raw) == len(trained(TEXTS[0]).spans["sc"]) > 0
    train_loop(nlp)


def test_new_label_in_python(namespace):
    assert "COLOUR" in namespace["component"].labels
    doc = namespace["pipeline"](TEXTS[2])
    assert {label for *_, label in spans_of(doc)} == {"LOC", "PERSON", "TITLE"}


def test_frozen_cnn(corpus_path, tmp_path):
    trained = init_nlp(config_for(corpus_path, max_steps=1))
    (tmp_path / "training").mkdir()
    trained.to_disk(tmp_path / "training" / "model-best")
    config = recipe_config("Freeze the CNN", corpus_path, tmp_path)
    nlp = init_nlp(config)
    before = nlp.get_pipe("tok2vec").model.to_bytes()
    assert before == trained.get_pipe("tok2vec").model.to_bytes()
    train_loop(nlp)
    assert nlp.get_pipe("tok2vec").model.to_bytes() == before


@pytest.mark.parametrize("reader", ["spacy-egp.Corpus.v1", "spacy.Corpus.v1"])
def test_augmented_docs_keep_their_labels(reader, folder, tmp_path):
    nlp = spacy.blank("en")
    examples = make_examples(nlp)
    for example in examples:
        example.reference.spans["sc"].attrs["annotated_labels"] = ["LOC", "PERSON"]
    path = tmp_path / "partial.spacy"
    DocBin(docs=[example.reference for example in examples]).to_disk(path)
    heading = "Augment docs that are annotated for some labels"
    config = recipe_config(heading, path, folder)
    config["corpora"]["train"]["augmenter"]["level"] = 1.0
    if reader == "spacy.Corpus.v1":
        config["corpora"]["train"] = {
            "@readers": reader,
            "path": str(path),
            "augmenter": config["corpora"]["train"]["augmenter"],
        }
        with pytest.raises(ValueError, match=r"EGP035.*'egp_ner'.*spacy-egp.Corpus"):
            init_nlp(config)
    else:
        config["corpora"]["train"]["max_joined"] = 1
        nlp = init_nlp(config)
        corpus = spacy.registry.resolve(nlp.config.interpolate()["corpora"])["train"]
        references = [example.reference for example in corpus(nlp)]
        assert [doc.text for doc in references] == [text.lower() for text in TEXTS]
        for doc in references:
            assert doc.spans["sc"].attrs["annotated_labels"] == ["LOC", "PERSON"]


# Threads


def ask(url, texts):
    request = urllib.request.Request(url, json.dumps(texts).encode())
    with urllib.request.urlopen(request, timeout=600) as response:
        return json.load(response)


def test_web_service(namespace, trained_nlp):
    server = ThreadingHTTPServer(("localhost", 0), namespace["Service"])
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        url = f"http://localhost:{server.server_port}"
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(ask, [url] * 8, [TEXTS] * 8))
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    expected = [spans_of(doc) for doc in trained_nlp.pipe(TEXTS)]
    for answer in answers:
        assert [[tuple(span[:3]) for span in spans] for spans in answer] == expected


@pytest.mark.parametrize("n_threads", [4, 8])
def test_threads_that_take_turns(n_threads, any_nlp, namespace):
    """Five rounds of 8 x 15 docs have the spans and scores of one thread."""
    find_spans = namespace["find_spans"]
    batches = [[f"{TEXTS[i % 3]} {i} {b}" for i in range(15)] for b in range(8)]
    expected = [find_spans(any_nlp, batch) for batch in batches]
    for _ in range(5):
        with ThreadPoolExecutor(n_threads) as pool:
            found = list(pool.map(lambda batch: find_spans(any_nlp, batch), batches))
        for docs, expected_docs in zip(found, expected):
            for spans, expected_spans in zip(docs, expected_docs):
                assert [s[:3] for s in spans] == [s[:3] for s in expected_spans] != []
                scores = [[s[3] for s in group] for group in (spans, expected_spans)]
                np.testing.assert_allclose(*scores, rtol=1e-3)


@pytest.mark.skipif(
    Version(version("thinc")) < Version("8.3.14"),
    reason="The patch is for Thinc 8.3.14.",
)
def test_patch_of_thinc(tmp_path):
    """Its test passes with the patch, and fails without."""
    path = tmp_path / "thinc" / "shims" / "pytorch.py"
    path.parent.mkdir(parents=True)
    shutil.copy(thinc.shims.pytorch.__file__, path)
    patch = DOCS / "thinc-threads.patch"
    subprocess.run(["git", "apply", patch], cwd=tmp_path, check=True)
    tests = load(tmp_path / "thinc/tests/shims/test_pytorch_threads.py", "tests")
    test_names = [name for name in vars(tests) if name.startswith("test_")]
    assert len(test_names) == 2
    with pytest.raises(AssertionError):
        tests.test_predict_keeps_evaluation_mode_of_other_threads()
    tests.PyTorchShim = load(path, "thinc.shims.patched").PyTorchShim
    for name in test_names:
        vars(tests)[name]()


def load(path, name):
    """Import a file under the name of a module."""
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
