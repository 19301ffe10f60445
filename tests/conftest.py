import resource
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
import spacy
import srsly
from hypothesis import Phase, settings
from spacy.tokens import DocBin
from spacy.training import Example
from spacy.util import fix_random_seed, load_config, load_model_from_config
from thinc.util import has_cupy_gpu

from scripts.shared.random_bert import write_bert
from spacy_egp.pretrained import CURATED_SETTINGS

# `pytest tests/faults --hypothesis-profile=long`
settings.register_profile("long", max_examples=10_000, deadline=None)
# For mutation tests: the first failure kills a mutant, and chance plays no part.
settings.register_profile(
    "mutants", phases=(Phase.explicit, Phase.generate), derandomize=True
)

needs_gpu = pytest.mark.skipif(not has_cupy_gpu, reason="needs a GPU, and CuPy")

CONFIGS = Path(__file__).parent.parent / "configs"
PROJECT = Path(__file__).parent.parent / "project"
# Pipelines that earlier versions have saved.
PIPELINES = Path(__file__).parent / "pipelines"
NESTED_DATA = [
    ("Who is Shaka Khan?", [(7, 17, "PERSON")]),
    (
        "I like London and Berlin.",
        [(7, 13, "LOC"), (18, 24, "LOC"), (7, 24, "PLACES")],
    ),
    (
        "The mayor of Greater London met Ada Lovelace.",
        [(4, 27, "TITLE"), (13, 27, "LOC"), (21, 27, "LOC"), (32, 44, "PERSON")],
    ),
    ("Nothing to see here.", []),
]


def make_examples(nlp, data=NESTED_DATA, key="sc"):
    return [
        Example.from_dict(nlp.make_doc(text), {"spans": {key: spans}})
        for text, spans in data
    ]


def make_records(data):
    """The lines of an export in JSONL."""
    names = ("start", "end", "label")
    return [
        {"text": text, "spans": [dict(zip(names, span, strict=True)) for span in spans]}
        for text, spans in data
    ]


def spans_of(doc, key="sc"):
    return [(s.start_char, s.end_char, s.label_) for s in doc.spans[key]]


def words_of(result):
    """What a command has printed, without line breaks."""
    return " ".join(result.output.split())


def run_script(module, *args):
    """Run a script of the project as its commands do, and return what it prints."""
    command = [sys.executable, "-m", f"scripts.{module}", *map(str, args)]
    result = subprocess.run(
        command, cwd=PROJECT, capture_output=True, text=True, encoding="utf8"
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def train(nlp, examples, steps=60):
    fix_random_seed(0)
    optimizer = nlp.initialize(lambda: examples)
    for _ in range(steps):
        nlp.update(examples, sgd=optimizer)
    return optimizer


def build_bert(path, n_layers=2):
    """Write a BERT of small layers with random weights. Its pieces are characters."""
    characters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ?.北京大学😀"
    pieces = [prefix + character for character in characters for prefix in ("", "##")]
    fix_random_seed(0)
    return write_bert(
        path,
        pieces,
        hidden_size=32,
        num_hidden_layers=n_layers,
        num_attention_heads=2,
        intermediate_size=64,
    )


@pytest.fixture(scope="session")
def bert_path(tmp_path_factory):
    """The folder of a tiny BERT."""
    return build_bert(tmp_path_factory.mktemp("bert") / "tiny")


def transformer_config(name, path):
    """A config of ours with the transformer in a folder."""
    config = load_config(CONFIGS / f"{name}.cfg")
    config["paths"]["transformer"] = str(path)
    if name == "egp_curated_trf":
        # .ci/compat runs without this extra, which holds NumPy back.
        pytest.importorskip("spacy_curated_transformers")
        sizes = srsly.read_json(path / "config.json")
        config["components"]["transformer"]["model"].update(
            {setting: sizes[key] for setting, key in CURATED_SETTINGS.items()}
        )
    return config


@contextmanager
def full_disk(n_bytes):
    """No file can grow beyond a size: writing more is an OSError, even for root."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def config_for(corpus_path, name="egp_cnn", **training):
    """A config of ours for a short training on the corpus."""
    config = load_config(CONFIGS / f"{name}.cfg", interpolate=False)
    config["paths"].update(train=str(corpus_path), dev=str(corpus_path))
    config["training"].update(dropout=0.0, eval_frequency=50, **training)
    return config


@pytest.fixture
def nlp():
    """A blank pipeline with an `egp_ner` that is not initialized."""
    nlp = spacy.blank("en")
    nlp.add_pipe("egp_ner")
    return nlp


@pytest.fixture(scope="session")
def trained_nlp():
    """A pipeline that has learned `NESTED_DATA`. Tests must not change it."""
    nlp = spacy.blank("en")
    nlp.add_pipe("egp_ner")
    train(nlp, make_examples(nlp))
    return nlp


@pytest.fixture(scope="session", params=["egp_cnn", "egp_bilstm", "egp_trf"])
def any_nlp(request, bert_path):
    """A pipeline of a config of ours that finds every pair of tokens."""
    if request.param == "egp_trf":
        config = transformer_config(request.param, bert_path)
    else:
        config = load_config(CONFIGS / f"{request.param}.cfg")
    config["components"]["egp_ner"].update(threshold=0.0, max_length=3)
    nlp = load_model_from_config(config.interpolate(), auto_fill=True)
    nlp.initialize(lambda: make_examples(nlp))
    return nlp


@pytest.fixture(scope="session")
def model_path(trained_nlp, tmp_path_factory):
    """The folder of `trained_nlp`."""
    path = tmp_path_factory.mktemp("model") / "nested"
    trained_nlp.to_disk(path)
    return path


@pytest.fixture(scope="session")
def corpus_path(tmp_path_factory):
    """`NESTED_DATA` as a .spacy file."""
    nlp = spacy.blank("en")
    path = tmp_path_factory.mktemp("corpus") / "corpus.spacy"
    DocBin(docs=[example.reference for example in make_examples(nlp)]).to_disk(path)
    return path


@pytest.fixture
def texts_path(tmp_path):
    """A corpus of 60 documents, some of them empty."""
    texts = [text for text, _ in NESTED_DATA] + ["", "Ada Lovelace likes London."]
    path = tmp_path / "corpus.jsonl"
    rows = [{"id": i, "text": texts[i % len(texts)]} for i in range(60)]
    srsly.write_jsonl(path, rows)
    return path
