from collections import Counter

import numpy as np
import pytest
import spacy
from conftest import NESTED_DATA, config_for, make_examples
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.tokens import Doc, DocBin, Span
from spacy.training.initialize import init_nlp
from spacy.training.loop import train
from spacy.util import fix_random_seed, registry

from spacy_egp.readers import (
    Corpus,
    cut_doc,
    cut_into_sentences,
    draw_size,
    join_consecutive,
    join_docs,
)

NLP = spacy.blank("en")


def annotated(text, spans=None, key="sc", **attrs):
    """A doc with spans of (start, end, label); None for one that is not annotated."""
    doc = NLP.make_doc(text)
    if spans is not None:
        doc.spans[key] = [Span(doc, start, end, label) for start, end, label in spans]
        doc.spans[key].attrs.update(attrs)
    return doc


def texts_of(docs):
    return [doc.text.strip() for doc in docs]


def list_spans(docs, key="sc"):
    return Counter((s.text, s.label_) for doc in docs for s in doc.spans.get(key, ()))


@st.composite
def docs(draw):
    """Docs of words, full stops and line breaks, with spans in two groups."""
    words = draw(st.lists(st.sampled_from(["a", "b", ".", "\n"]), min_size=1))
    doc = Doc(NLP.vocab, words=words, spaces=[True] * len(words))
    if draw(st.booleans()):
        for token in doc:
            token.is_sent_start = token.i == 0 or draw(st.booleans())
    for key in draw(st.sets(st.sampled_from(["sc", "other"]))):
        bounds = st.lists(
            st.integers(0, len(words)), min_size=2, max_size=2, unique=True
        )
        bounds = [sorted(pair) for pair in draw(st.lists(bounds, max_size=6))]
        doc.spans[key] = [Span(doc, start, end, "X") for start, end in bounds]
        doc.spans[key].attrs["scores"] = np.arange(len(bounds)) / 10
        doc.spans[key].attrs["annotated_labels"] = ["X"]
    return doc


def rows(doc, key, offset=0):
    scores = doc.spans[key].attrs["scores"]
    return [
        (s.start + offset, s.end + offset, s.label_, round(float(score), 3))
        for s, score in zip(doc.spans[key], scores)
    ]


def assert_nothing_is_lost(whole, parts):
    """Tokens, groups, spans with their scores, and attrs of the parts are the whole."""
    assert [t.text for part in parts for t in part] == [t.text for t in whole]
    offsets = np.cumsum([0, *map(len, parts)]).tolist()
    for key in whole.spans:
        found = [row for p, at in zip(parts, offsets) for row in rows(p, key, at)]
        assert sorted(found) == sorted(rows(whole, key))
    for part in parts:
        assert set(part.spans) == set(whole.spans)
        assert all(g.attrs["annotated_labels"] == ["X"] for g in part.spans.values())
        assert part.has_unknown_spaces == whole.has_unknown_spaces


@settings(deadline=None)
@given(docs(), st.integers(1, 12))
def test_cut_docs_lose_nothing(doc, max_length):
    pieces = list(cut_doc(doc, max_length))
    assert_nothing_is_lost(doc, pieces)
    for piece in pieces:
        inside = {
            i
            for group in piece.spans.values()
            for span in group
            for i in range(span.start + 1, span.end)
        }
        # A piece is only longer if there is no place to cut.
        assert len(piece) <= max_length or inside >= set(range(max_length, len(piece)))


@settings(deadline=None)
@given(docs())
def test_sentences_lose_nothing(doc):
    assert_nothing_is_lost(doc, list(cut_into_sentences(doc)))


@settings(deadline=None)
@given(docs(), st.integers(1, 12))
def test_joined_pieces_are_the_doc(doc, max_length):
    joined = join_docs(list(cut_doc(doc, max_length)))
    assert_nothing_is_lost(doc, [joined])
    assert joined.has_annotation("SENT_START") == doc.has_annotation("SENT_START")


def test_docs_are_cut_at_the_ends_of_sentences():
    text = "Ann met Bob. They left Rome! Why did they go? I know."
    doc = annotated(text, [(6, 7, "LOC")])
    expected = ["Ann met Bob. They left Rome!", "Why did they go? I know."]
    assert texts_of(cut_doc(doc, 9)) == expected
    assert texts_of(cut_doc(doc, 3))[:2] == ["Ann met Bob", "."]


def test_docs_are_cut_at_the_ends_of_paragraphs():
    doc = annotated("A title\n\nAnn met Bob")
    assert texts_of(cut_into_sentences(doc)) == ["A title", "Ann met Bob"]


def test_annotated_sentences_are_taken_first():
    doc = annotated("Ann met Dr. No. He left.")
    for token in doc:
        token.is_sent_start = token.text in ("Ann", "He")
    assert texts_of(cut_into_sentences(doc)) == ["Ann met Dr. No.", "He left."]


def test_sentences_that_a_span_crosses_stay_together():
    doc = annotated("Ann. Bob. Eve.", [(0, 3, "X")])
    assert texts_of(cut_into_sentences(doc)) == ["Ann. Bob.", "Eve."]


def test_entities_are_not_cut():
    doc = annotated("a b c d")
    doc.ents = [Span(doc, 1, 3, "X")]
    assert texts_of(cut_doc(doc, 2)) == ["a", "b c", "d"]


def test_docs_with_other_annotation_are_not_joined():
    texts = [
        annotated("a", []),
        annotated("b", []),
        annotated("c"),
        annotated("d", [], annotated_labels=["X"]),
        annotated("e", [], annotated_labels=["X"]),
        annotated("f", [], annotated_labels=["Y"]),
        annotated("g", [], key="other"),
    ]
    joined = list(join_consecutive(texts, lambda: 10))
    assert texts_of(joined) == ["a b", "c", "d e", "f", "g"]
    assert ["sc" in doc.spans for doc in joined] == [True, False, True, True, False]
    assert joined[2].spans["sc"].attrs == {"annotated_labels": ["X"]}


def test_joined_docs_of_tokens_keep_their_tokens():
    """Docs of a corpus of tokens, whose spaces are unknown, are not tokenized again."""
    parts = [Doc(NLP.vocab, words=["don't", "go"]) for _ in range(2)]
    corpus = Corpus("")
    [example] = corpus.make_examples(NLP, [join_docs(parts)])
    assert [token.text for token in example.predicted] == ["don't", "go"] * 2


# The reader


@pytest.fixture
def documents_path(tmp_path):
    """40 docs of three annotated sentences."""
    nlp = spacy.blank("en")
    parts = [example.reference for example in make_examples(nlp)][:3]
    path = tmp_path / "documents.spacy"
    DocBin(docs=[join_docs(parts) for _ in range(40)]).to_disk(path)
    return path


def read(path, **config):
    config = {"@readers": "spacy-egp.Corpus.v1", "path": path, **config}
    reader = registry.resolve({"reader": config})["reader"]
    return [example.reference for example in reader(spacy.blank("en"))]


def test_reader_keeps_all_spans(documents_path):
    whole = read(documents_path)
    assert len(whole) == 40
    for config in ({"max_length": 7}, {"sentences": True}, {"max_joined": 5}):
        made = read(documents_path, **config)
        assert len(made) != 40
        assert list_spans(made) == list_spans(whole)
        assert all("sc" in doc.spans for doc in made)
    assert max(map(len, read(documents_path, max_length=9))) <= 9
    assert len(read(documents_path, sentences=True)) == 120
    assert len(read(documents_path, limit=3)) == 3


def test_number_of_joined_docs_varies(documents_path):
    fix_random_seed(0)
    sizes = [len(doc) // 20 for doc in read(documents_path, max_joined=3)]
    assert set(sizes) == {1, 2, 3}
    fix_random_seed(0)
    again = [len(doc) // 20 for doc in read(documents_path, max_joined=3)]
    assert again == sizes


@pytest.mark.parametrize("max_joined", [2, 8])
def test_half_of_the_docs_stay_single(max_joined):
    """The others are joined, to runs of all sizes alike."""
    fix_random_seed(0)
    sizes = Counter(draw_size(max_joined) for _ in range(50_000))
    assert set(sizes) == set(range(1, max_joined + 1))
    n_joined = sum(size * n for size, n in sizes.items() if size > 1)
    assert n_joined == pytest.approx(sizes.pop(1), rel=0.05)
    mean = sizes.total() / len(sizes)
    assert all(n == pytest.approx(mean, rel=0.1) for n in sizes.values())


def test_spans_longer_than_a_piece_are_reported(documents_path):
    with pytest.warns(UserWarning, match="EGPW003.* 40 docs have more than 3 tokens"):
        docs = read(documents_path, max_length=3)
    assert sum(len(doc) > 3 for doc in docs) == 40


@pytest.mark.parametrize(
    "config, message",
    [
        ({"max_length": -1}, "max_length must be at least 0, but it is -1"),
        ({"max_joined": 0}, "max_joined must be at least 1, but it is 0"),
        ({"limit": -5}, "limit must be at least 0, but it is -5"),
    ],
)
def test_bad_settings(config, message):
    with pytest.raises(ValueError, match=f"EGP018.*{message}"):
        Corpus("corpus.spacy", **config)


def test_no_path():
    with pytest.raises(ValueError, match="E913"):
        read(None)


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"max_length": 25}, None, "EGPW013.* 5 of 6 training docs .*spacy-egp.Corpus"),
        ({"gold_preproc": True}, ValueError, "EGP006.*spacy-egp.Corpus.v1"),
    ],
)
def test_spacys_reader_that_drops_spans_is_reported(settings, error, message, tmp_path):
    doc = annotated("Ann met Bob in Rome. " * 5, [(0, 1, "PER")])
    for token in doc:
        token.is_sent_start = token.i % 6 == 0
    whole = annotated("Ann left.", [(0, 1, "PER")])
    path = tmp_path / "corpus.spacy"
    docs = [doc] if error else [doc, whole]
    DocBin(docs=docs).to_disk(path)
    config = config_for(path, max_steps=1)
    config["corpora"]["train"] = {"@readers": "spacy.Corpus.v1", "path": str(path)}
    config["corpora"]["train"].update(settings)
    with pytest.raises(error, match=message) if error else pytest.warns(match=message):
        init_nlp(config)


def test_trains_on_the_sentences_of_documents(documents_path, tmp_path):
    """spaCy's reader cannot do this: its cut docs have no spans."""
    config = config_for(documents_path, max_steps=60)
    config["corpora"]["train"].update(sentences=True)
    nlp = init_nlp(config)
    train(nlp)
    doc = nlp(NESTED_DATA[2][0])
    assert len(doc.spans["sc"]) == 4
