"""`egp_ner` over spacy-transformers, with a tiny BERT that the test builds."""

import pytest
from conftest import NESTED_DATA, make_examples, spans_of
from spacy.util import fix_random_seed, load_config, load_model_from_config
from test_pipeline import CONFIGS
from transformers import BertConfig, BertModel, BertTokenizerFast


@pytest.fixture(scope="module")
def bert_path(tmp_path_factory):
    """A BERT of 2 small layers with random weights; words are split into letters."""
    path = tmp_path_factory.mktemp("bert")
    letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ?."
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokens += [prefix + letter for letter in letters for prefix in ("", "##")]
    (path / "vocab.txt").write_text("\n".join(tokens), encoding="utf8")
    vocab_file = str(path / "vocab.txt")
    BertTokenizerFast(vocab_file, do_lower_case=False).save_pretrained(path)
    fix_random_seed(0)
    config = BertConfig(
        vocab_size=len(tokens),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
    )
    BertModel(config).save_pretrained(path)
    return path


def test_learns_through_the_listener(bert_path):
    """With the config's architecture; what is saved loads without the BERT's files."""
    config = load_config(CONFIGS / "egp_trf.cfg")
    config["components"]["transformer"]["model"]["name"] = str(bert_path)
    nlp = load_model_from_config(config)
    examples = make_examples(nlp)
    fix_random_seed(0)
    optimizer = nlp.initialize(lambda: examples)
    optimizer.learn_rate = 0.001
    for _ in range(100):
        nlp.update(examples, sgd=optimizer)
    assert nlp.evaluate(examples)["spans_sc_f"] > 0.9
    text = NESTED_DATA[2][0]
    loaded = load_model_from_config(config).from_bytes(nlp.to_bytes())
    assert spans_of(loaded(text)) == spans_of(nlp(text))
