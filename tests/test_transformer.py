"""`egp_ner` over a tiny BERT, through spacy-transformers and curated transformers."""

import numpy as np
import pytest
import spacy
import torch
from conftest import (
    NESTED_DATA,
    build_bert,
    make_examples,
    spans_of,
    transformer_config,
)
from spacy.training import Example
from spacy.training.initialize import init_nlp
from spacy.training.loop import train as train_loop
from spacy.util import fix_random_seed, load_model_from_config
from transformers import BertModel, BertTokenizerFast

TEXTS = [text for text, _ in NESTED_DATA]


@pytest.fixture(scope="module", params=["egp_trf", "egp_curated_trf"])
def name(request):
    return request.param


@pytest.fixture
def config(name, bert_path):
    return transformer_config(name, bert_path)


def build(config, get_examples=make_examples):
    """An initialized pipeline."""
    nlp = load_model_from_config(config.interpolate(), auto_fill=True)
    fix_random_seed(0)
    nlp.initialize(lambda: get_examples(nlp))
    return nlp


def fit(nlp, examples, steps=100, **options):
    optimizer = nlp.create_optimizer()
    optimizer.learn_rate = 0.001
    for _ in range(steps):
        nlp.update(examples, sgd=optimizer, **options)
    return nlp


@pytest.fixture(scope="module")
def trained_trf(name, bert_path):
    """A pipeline that has learned `NESTED_DATA`. Tests must not change it."""
    nlp = build(transformer_config(name, bert_path))
    return fit(nlp, make_examples(nlp))


def test_learns(trained_trf):
    assert trained_trf.evaluate(make_examples(trained_trf))["spans_sc_f"] == 1.0


def test_loads_without_the_pretrained_model(trained_trf, tmp_path):
    trained_trf.to_disk(tmp_path)
    config = (tmp_path / "config.cfg").read_text(encoding="utf8")
    path = trained_trf.config["paths"]["transformer"]
    (tmp_path / "config.cfg").write_text(config.replace(path, "gone"), encoding="utf8")
    assert spans_of(spacy.load(tmp_path)(TEXTS[2])) == spans_of(trained_trf(TEXTS[2]))


# Word pieces, strides and pooling


def set_strides(config, window, stride):
    model = config["components"]["transformer"]["model"]
    model.get("with_spans", model).update(window=window, stride=stride)


@pytest.fixture(scope="module")
def flat_bert_path(tmp_path_factory):
    """A BERT without attention and positions: a piece has the same vector in all
    contexts, and strides cannot make a difference."""
    path = build_bert(tmp_path_factory.mktemp("bert") / "flat", n_layers=0)
    model = BertModel.from_pretrained(path)
    model.embeddings.position_embeddings.weight.data.zero_()
    model.save_pretrained(path)
    return path


def means_of_pieces(path, doc):
    """The vectors that tokens should have, one by one; 0 without pieces."""
    tokenizer = BertTokenizerFast.from_pretrained(path)
    model = BertModel.from_pretrained(path)
    vectors = np.zeros((len(doc), model.config.hidden_size), dtype="float32")
    for token in doc:
        pieces = tokenizer(token.text, add_special_tokens=False, return_tensors="pt")
        if pieces["input_ids"].shape[1]:
            with torch.no_grad():
                vectors[token.i] = (
                    model.eval().embeddings(pieces["input_ids"])[0].mean(0)
                )
    return vectors


TOKENIZERS = {
    "en": {"@tokenizers": "spacy.Tokenizer.v1"},
    "zh": {"@tokenizers": "spacy.zh.ChineseTokenizer"},
}


@pytest.mark.parametrize(
    ("lang", "text"),
    [
        ("en", "One"),
        ("en", TEXTS[2]),
        ("en", f"{TEXTS[2]} " * 80),
        ("en", "  Greater \n\n London\t \n"),
        ("en", "I like 😀 and ☃ 😀."),
        ("zh", "北京大学在北京。"),
        ("zh", "北京大学" * 100),
        # Words of many pieces, and some of more than a window.
        ("en", "Ann met abcdefghijkl and xyzxyzxyz in Rome. " * 5),
    ],
)
def test_vectors_are_means_of_pieces(name, lang, text, flat_bert_path):
    config = transformer_config(name, flat_bert_path)
    config["nlp"].update(lang=lang, tokenizer=TOKENIZERS[lang])
    set_strides(config, window=8, stride=5)
    nlp = build(config)
    doc = nlp(text)
    (vectors,) = nlp.get_pipe("egp_ner").model.get_ref("tok2vec").predict([doc])
    expected = means_of_pieces(flat_bert_path, doc)
    np.testing.assert_allclose(vectors, expected, atol=1e-5)


def test_spans_in_a_long_doc(config):
    """More than 3,000 pieces; spans are cut by the windows at every place, and some are
    longer than a window."""
    set_strides(config, window=12, stride=8)
    text, spans = "", []
    for i in range(120):
        begin = len(text)
        sentence, entities = NESTED_DATA[2] if i % 2 else NESTED_DATA[1]
        spans += [(begin + start, begin + end, label) for start, end, label in entities]
        text += f"{sentence} "
    nlp = build(config)
    examples = make_examples(nlp, [(text, spans)])
    assert sum(len(token) for token in examples[0].reference) > 3000
    fit(nlp, examples, steps=100)
    assert nlp.evaluate(examples)["spans_sc_f"] > 0.99


def test_word_of_more_pieces_than_fit(trained_trf):
    """Like a DNA sequence. The tokenizer does not know the model's maximum."""
    doc = trained_trf(f"{TEXTS[1]} {'acgt' * 500}")
    assert set(spans_of(doc)) >= set(spans_of(trained_trf(TEXTS[1])))


def test_words_without_a_vector_are_reported_once(bert_path):
    """Windows of spacy-transformers are counted in tokens."""
    config = transformer_config("egp_trf", bert_path)
    model = config["components"]["transformer"]["model"]
    del model["window"], model["stride"]
    model["@architectures"] = "spacy-transformers.TransformerModel.v3"
    model["get_spans"] = {"@span_getters": "spacy-transformers.doc_spans.v1"}
    nlp = build(config)
    text = "abcdefghij " * 60 + " \n end"
    doc = nlp.make_doc(text)
    nlp.get_pipe("transformer")(doc)
    n_without = sum(
        not n and token.text.isalnum()
        for n, token in zip(doc._.trf_data.align.lengths, doc)
    )
    assert n_without > 5
    message = f"EGPW005.*'egp_ner': {n_without} of {len(doc)} tokens .*'abcdefghij'"
    with pytest.warns(UserWarning, match=message) as record:
        nlp(text)
        nlp(text)
    assert sum("EGPW005" in str(warning.message) for warning in record) == 1


def test_docs_without_pieces_in_a_batch(trained_trf):
    texts = ["", TEXTS[1], " \n", "\x00\u200d", "", TEXTS[2]]
    docs = list(trained_trf.pipe(texts))
    assert spans_of(docs[1]) == spans_of(trained_trf(TEXTS[1]))
    assert spans_of(docs[5]) == spans_of(trained_trf(TEXTS[2]))
    assert not any(spans_of(docs[i]) for i in (0, 2, 4))


@pytest.mark.parametrize("text", ["", " ", "\n \n"])
def test_doc_without_pieces(trained_trf, text):
    assert spans_of(trained_trf(text)) == []


def test_learns_from_docs_without_pieces(config):
    nlp = build(config)
    data = [("", []), (" \n", []), *NESTED_DATA, ("", [])]
    fit(nlp, make_examples(nlp, data))
    assert nlp.evaluate(make_examples(nlp))["spans_sc_f"] == 1.0


# One transformer for several components


def parsed_examples(nlp):
    """`NESTED_DATA` with tags and a chain of heads."""
    examples = []
    for text, spans in NESTED_DATA:
        doc = nlp.make_doc(text)
        tags = ["CAP" if token.is_title else "LOW" for token in doc]
        annotations = {
            "spans": {"sc": spans},
            "tags": tags,
            "heads": [max(0, i - 1) for i in range(len(doc))],
            "deps": ["ROOT", *tags[1:]],
        }
        examples.append(Example.from_dict(doc, annotations))
    return examples


def test_tagger_and_parser_share_the_transformer(config):
    listener = config["components"]["egp_ner"]["model"]["tok2vec"]
    tagger = {"@architectures": "spacy.Tagger.v2", "tok2vec": listener}
    parser = {
        "@architectures": "spacy.TransitionBasedParser.v2",
        "state_type": "parser",
        "extra_state_tokens": False,
        "hidden_width": 32,
        "maxout_pieces": 2,
        "tok2vec": listener,
    }
    config["components"]["tagger"] = {"factory": "tagger", "model": tagger}
    config["components"]["parser"] = {
        "factory": "parser",
        "min_action_freq": 1,
        "model": parser,
    }
    config["nlp"]["pipeline"] = ["transformer", "tagger", "parser", "egp_ner"]
    nlp = build(config, parsed_examples)
    examples = parsed_examples(nlp)
    scores = fit(nlp, examples, steps=150).evaluate(examples)
    for score in ("tag_acc", "dep_las", "spans_sc_f"):
        assert scores[score] > 0.95


def test_replace_listeners(trained_trf, tmp_path):
    trained_trf.to_disk(tmp_path)
    nlp = spacy.load(tmp_path)
    nlp.replace_listeners("transformer", "egp_ner", ["model.tok2vec"])
    nlp.to_disk(tmp_path / "replaced")
    loaded = spacy.load(tmp_path / "replaced", exclude=["transformer"])
    assert spans_of(loaded(TEXTS[2])) == spans_of(trained_trf(TEXTS[2]))
    fit(loaded, make_examples(loaded), steps=2)


def test_frozen_transformer(name, config, corpus_path, tmp_path):
    """A pretrained transformer that is not trained, in the ways of the docs."""
    config["paths"].update(train=str(corpus_path), dev=str(corpus_path))
    config["training"].update(max_steps=4, eval_frequency=4, dropout=0.0)
    if name == "egp_curated_trf":
        config["components"]["transformer"]["frozen"] = True
    else:
        alone = spacy.blank("en")
        model = {"name": config["paths"]["transformer"]}
        alone.add_pipe("transformer", config={"model": model})
        alone.initialize()
        alone.to_disk(tmp_path)
        config["components"]["transformer"] = {"source": str(tmp_path)}
        frozen = ["transformer"]
        config["training"].update(
            frozen_components=frozen, annotating_components=frozen
        )
    nlp = init_nlp(config)
    before = {pipe: nlp.get_pipe(pipe).model.to_bytes() for pipe in nlp.pipe_names}
    train_loop(nlp)
    for pipe in nlp.pipe_names:
        is_unchanged = nlp.get_pipe(pipe).model.to_bytes() == before[pipe]
        assert is_unchanged == (pipe == "transformer")


# Devices


def test_loads_on_the_cpu_what_was_trained_on_a_gpu(trained_trf, tmp_path, monkeypatch):
    """The weights are marked as those of a GPU when they are saved."""
    with monkeypatch.context() as patch:
        patch.setattr("torch.serialization.location_tag", lambda storage: "cuda:0")
        trained_trf.to_disk(tmp_path)
    assert b"cuda:0" in (tmp_path / "transformer" / "model").read_bytes()
    assert spans_of(spacy.load(tmp_path)(TEXTS[2])) == spans_of(trained_trf(TEXTS[2]))


@pytest.mark.filterwarnings("ignore:User provided device_type")
def test_mixed_precision_predicts_on_the_cpu(trained_trf, tmp_path):
    config = {"components": {"transformer": {"model": {"mixed_precision": True}}}}
    trained_trf.to_disk(tmp_path)
    nlp = spacy.load(tmp_path, config=config)
    assert spans_of(nlp(TEXTS[2])) == spans_of(trained_trf(TEXTS[2]))
