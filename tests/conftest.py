from pathlib import Path

import pytest
import spacy
import srsly
from spacy.tokens import DocBin
from spacy.training import Example
from spacy.util import fix_random_seed, load_config
from transformers import BertConfig, BertModel, BertTokenizerFast

from spacy_egp.pretrained import CURATED_SETTINGS

CONFIGS = Path(__file__).parent.parent / "configs"

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


def spans_of(doc, key="sc"):
    return [(s.start_char, s.end_char, s.label_) for s in doc.spans[key]]


def words_of(result):
    """What a command has printed, without its line breaks."""
    return " ".join(result.output.split())


def train(nlp, examples, steps=60):
    fix_random_seed(0)
    optimizer = nlp.initialize(lambda: examples)
    for _ in range(steps):
        nlp.update(examples, sgd=optimizer)
    return optimizer


def build_bert(path, n_layers=2):
    """Write a BERT of small layers with random weights. Its pieces are characters."""
    characters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ?.北京大学😀"
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    pieces += [prefix + character for character in characters for prefix in ("", "##")]
    path.mkdir()
    (path / "vocab.txt").write_text("\n".join(pieces), encoding="utf8")
    vocab_file = str(path / "vocab.txt")
    BertTokenizerFast(vocab_file, do_lower_case=False).save_pretrained(path)
    fix_random_seed(0)
    config = BertConfig(
        vocab_size=len(pieces),
        hidden_size=32,
        num_hidden_layers=n_layers,
        num_attention_heads=2,
        intermediate_size=64,
    )
    BertModel(config).save_pretrained(path)
    return path


@pytest.fixture(scope="session")
def bert_path(tmp_path_factory):
    """The folder of a tiny BERT."""
    return build_bert(tmp_path_factory.mktemp("bert") / "tiny")


def transformer_config(name, path):
    """A config of ours with the transformer in a folder."""
    config = load_config(CONFIGS / f"{name}.cfg")
    config["paths"]["transformer"] = str(path)
    if name == "egp_curated_trf":
        sizes = srsly.read_json(path / "config.json")
        config["components"]["transformer"]["model"].update(
            {setting: sizes[key] for setting, key in CURATED_SETTINGS.items()}
        )
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
