import numpy as np
import pytest
import spacy
from conftest import make_examples, transformer_config
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.util import load_model_from_config
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import BertTokenizer, BertTokenizerFast, PreTrainedTokenizerFast

from spacy_egp.windows import find_windows

TEXT = (
    "Anna visited Rome in May; 北京大学在北京。 Straße, naïve café 😀 0x7f3a9c.\n" * 3
)


def byte_level_bpe():
    """A tokenizer like RoBERTa's: a space is part of the piece that follows it."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=400, initial_alphabet=alphabet)
    tokenizer.train_from_iterator([TEXT], trainer)
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=64)


def unigram():
    """A tokenizer like XLM-RoBERTa's."""
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = trainers.UnigramTrainer(
        vocab_size=150, unk_token="<unk>", special_tokens=["<unk>"]
    )
    tokenizer.train_from_iterator([TEXT], trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, model_max_length=64, unk_token="<unk>"
    )


@pytest.fixture(
    scope="module", params=["wordpiece", "slow wordpiece", "byte-level BPE", "unigram"]
)
def tokenizer(request, bert_path):
    make = {
        "wordpiece": lambda: BertTokenizerFast.from_pretrained(bert_path),
        "slow wordpiece": lambda: BertTokenizer.from_pretrained(bert_path),
        "byte-level BPE": byte_level_bpe,
        "unigram": unigram,
    }
    return make[request.param]()


WORDS = st.one_of(
    st.sampled_from(TEXT.split()),
    st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=30),
)


@settings(deadline=None)
@given(st.lists(WORDS, max_size=60), st.integers(1, 40), st.data())
def test_windows_cover_a_doc(tokenizer, words, window, data):
    """Each token is in a window, in order, and a window has about as many pieces as it
    may have, or is a single token."""
    stride = data.draw(st.integers(1, window))
    doc = spacy.blank("xx")(" ".join(words))
    windows = find_windows(doc, tokenizer, window, stride)
    assert {i for span in windows for i in range(span.start, span.end)} == set(
        range(len(doc))
    )
    starts = [span.start for span in windows]
    assert starts == sorted(set(starts))
    for span in windows:
        pieces = tokenizer(span.text, add_special_tokens=False)["input_ids"]
        # The first word may have other pieces without the space before it.
        assert len(pieces) <= window + 10 or len(span) == 1


def test_window_beyond_what_the_transformer_takes(bert_path):
    tokenizer = BertTokenizerFast.from_pretrained(bert_path, model_max_length=64)
    doc = spacy.blank("en")("Ann")
    assert len(find_windows(doc, tokenizer, 62, 50)) == 1
    with pytest.raises(ValueError, match="EGP027.* 63 word pieces .* 62 that"):
        find_windows(doc, tokenizer, 63, 50)


@pytest.mark.parametrize(("window", "stride"), [(0, 0), (8, 0), (8, 9), (-1, -2)])
def test_bad_stride(window, stride, bert_path):
    config = transformer_config("egp_trf", bert_path)
    config["components"]["transformer"]["model"].update(window=window, stride=stride)
    with pytest.raises(ValueError, match=f"EGP026.* {window} and stride is {stride}"):
        load_model_from_config(config, auto_fill=True)


@pytest.mark.parametrize(
    "many_pieces",
    [
        " ".join(["0f3ac9d81be24756"] * 80),
        "北京大学" * 190,
        "Who is Ann? " + "北京大学" * 190 + " " + "abcdefghij" * 200,
    ],
)
def test_every_token_has_a_vector(many_pieces, bert_path):
    config = transformer_config("egp_trf", bert_path)
    nlp = load_model_from_config(config.interpolate(), auto_fill=True)
    nlp.initialize(lambda: make_examples(nlp))
    doc = nlp.make_doc(f"{many_pieces} Anna visited Rome in May.")
    nlp.get_pipe("transformer")(doc)
    assert (doc._.trf_data.align.lengths > 0).all()
    [vectors] = nlp.get_pipe("egp_ner").model.get_ref("tok2vec").predict([doc])
    assert np.abs(vectors).sum(axis=1).all()
