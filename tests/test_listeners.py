"""`egp_ner` with nothing to listen to, or with vectors of another width."""

import numpy as np
import pytest
from conftest import CONFIGS, make_examples, transformer_config
from spacy.tokens import DocBin
from spacy.training.initialize import init_nlp
from spacy.util import load_config, load_model_from_config


@pytest.fixture(params=["egp_cnn", "egp_trf", "egp_curated_trf"])
def config(request, bert_path):
    if request.param == "egp_cnn":
        return load_config(CONFIGS / "egp_cnn.cfg")
    return transformer_config(request.param, bert_path)


def initialize(config):
    nlp = load_model_from_config(config.interpolate(), auto_fill=True)
    nlp.initialize(lambda: make_examples(nlp))


@pytest.mark.parametrize("order", [["egp_ner"], ["egp_ner", "upstream"]])
def test_no_upstream_before_the_component(config, order):
    names = {"egp_ner": "egp_ner", "upstream": config["nlp"]["pipeline"][0]}
    config["nlp"]["pipeline"] = [names[name] for name in order]
    message = (
        rf"EGP021.*'egp_ner': .* listen to.*\({', '.join(config['nlp']['pipeline'])}\)"
    )
    with pytest.raises(ValueError, match=message):
        initialize(config)


def test_upstream_with_another_name(config):
    config["components"]["egp_ner"]["model"]["tok2vec"]["upstream"] = "other"
    with pytest.raises(ValueError, match="upstream in .*must be its name or '\\*'"):
        initialize(config)


def test_upstream_of_another_kind(bert_path):
    config = transformer_config("egp_trf", bert_path)
    config["components"]["egp_ner"]["model"]["tok2vec"] = {
        "@architectures": "spacy.Tok2VecListener.v1",
        "width": 32,
    }
    with pytest.raises(ValueError, match="no component for its 'tok2vec-listener' to"):
        initialize(config)


def test_other_width(config):
    config = config.interpolate()
    listener = config["components"]["egp_ner"]["model"]["tok2vec"]
    if "width" not in listener:
        pytest.skip("This listener has the width of what it listens to.")
    width = listener["width"]
    listener["width"] = 64
    with pytest.raises(
        ValueError, match=f"EGP023.*width 64, but .* Set width .* to {width}"
    ):
        initialize(config)


def test_frozen_upstream_without_weights(bert_path, corpus_path):
    config = transformer_config("egp_trf", bert_path)
    config["paths"].update(train=str(corpus_path), dev=str(corpus_path))
    config["training"]["frozen_components"] = ["transformer"]
    with pytest.raises(
        ValueError, match="EGP022.*'transformer'.* has no weights.*source"
    ):
        init_nlp(config)


def test_docs_without_vectors(config):
    """If the upstream component did not run, this is an error, unless the component has
    a copy of its own."""
    upstream = config["nlp"]["pipeline"][0]
    nlp = load_model_from_config(config.interpolate(), auto_fill=True)
    nlp.initialize(lambda: make_examples(nlp))
    component = nlp.get_pipe("egp_ner")
    expected = component.score_matrix(nlp("I like London"))
    doc = nlp.make_doc("I like London")
    message = (
        rf"EGP034.*'egp_ner': 1 of 1 docs .*'{upstream}'.*'I like London'.*"
        rf"replace_listeners\('{upstream}', 'egp_ner', \['model.tok2vec'\]\)"
    )
    with pytest.raises(ValueError, match=message):
        component(doc)
    with pytest.raises(ValueError, match=message):
        component.score_matrix(doc)
    restored = DocBin(docs=[nlp("I like London")]).get_docs(nlp.vocab)
    with pytest.raises(ValueError, match=message):
        component.score_matrix(next(restored))
    with (
        nlp.select_pipes(disable=upstream),
        pytest.raises(ValueError, match=message),
    ):
        nlp("I like London")
    component(nlp.make_doc(""))
    nlp.replace_listeners(upstream, "egp_ner", ["model.tok2vec"])
    np.testing.assert_allclose(component.score_matrix(doc), expected, rtol=1e-4)
