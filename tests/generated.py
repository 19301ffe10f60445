"""Hypothesis strategies: docs of any text, and gold spans of any shape."""

import spacy
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from spacy.tokens import Doc, Span

LABELS = ("A", "B", "C")
# All of Unicode except surrogates, which spaCy refuses.
CHARACTERS = st.characters(exclude_categories=["Cs"])
# spaCy's alignment assumes that a character is as long as its lower case; "İ" is not.
ALIGNED_CHARACTERS = CHARACTERS.filter(lambda c: len(c.lower()) == 1 and c.strip())
SPACES = st.sampled_from(" \t\n\r\x0b\x0c\x85\xa0\u2003\u2028\u3000")
WORDS = st.text(CHARACTERS, min_size=1, max_size=8) | st.text(SPACES, min_size=1)

TINY_TOK2VEC = {
    "@architectures": "spacy.HashEmbedCNN.v2",
    "pretrained_vectors": None,
    "width": 16,
    "depth": 1,
    "embed_size": 100,
    "window_size": 1,
    "maxout_pieces": 2,
    "subword_features": True,
}

# Values that readers may not expect.
HOSTILE_VALUES = st.sampled_from(
    [
        *(None, True, 0, -1, 2**63, 2**40, 1.5, float("nan"), "", b"", "x" * 1000, []),
        *({}, [[]], {"a": 1}, b"\xff" * 64, ["sc"]),
    ]
)

# On a busy machine, computing takes more time than hypothesis allows.
patient = settings(deadline=None, suppress_health_check=list(HealthCheck))


def tiny_nlp():
    """A pipeline with an `egp_ner` that takes milliseconds to train, without labels."""
    model = {
        "@architectures": "spacy-egp.EfficientGlobalPointer.v1",
        "tok2vec": TINY_TOK2VEC,
        "head_size": 8,
    }
    nlp = spacy.blank("xx")
    nlp.add_pipe("egp_ner", config={"model": model})
    return nlp


@st.composite
def docs(draw, nlp, repeats=(1,)):
    """A doc of text for the tokenizer, or of words; words are repeated."""
    if draw(st.booleans()):
        return nlp.make_doc(draw(st.text(CHARACTERS | SPACES)))
    words = draw(st.lists(WORDS, max_size=20)) * draw(st.sampled_from(repeats))
    spaces = draw(st.lists(st.booleans(), min_size=1, max_size=5)) * len(words)
    return draw(sentences(Doc(nlp.vocab, words=words, spaces=spaces[: len(words)])))


@st.composite
def sentences(draw, doc):
    """The doc, with sentences that start at any of its first tokens, or without any."""
    for i in draw(st.sets(st.integers(0, 50), max_size=5)):
        if i < len(doc):
            doc[i].is_sent_start = True
    return doc


@st.composite
def spans(draw, doc, labels=LABELS):
    """Spans of a doc: nested, crossing, equal but for the label, or equal."""
    if not len(doc):
        return []
    bounds = st.tuples(*[st.integers(0, len(doc) - 1)] * 2).map(sorted)
    bounds |= st.just([0, len(doc) - 1])
    drawn = draw(st.lists(st.tuples(bounds, st.sampled_from(labels)), max_size=8))
    return [Span(doc, start, end + 1, label=label) for (start, end), label in drawn]


@st.composite
def segmentations(draw, text, nlp):
    """A doc with a text that is cut into words at any place."""
    cuts = sorted(draw(st.sets(st.integers(1, max(1, len(text) - 1)))))
    bounds = zip([0, *cuts], [*cuts, len(text)], strict=True)
    words = [text[start:end] for start, end in bounds if text[start:end]]
    doc = Doc(nlp.vocab, words=words, spaces=[False] * len(words))
    return draw(sentences(doc))


def damage(draw, value):
    """A value of JSON or msgpack with one of its parts changed, removed or doubled."""
    if isinstance(value, dict) and value:
        key = draw(st.sampled_from(sorted(value)))
        rest = {name: part for name, part in value.items() if name != key}
        return rest | draw(st.just({}) | st.just({key: damage(draw, value[key])}))
    if isinstance(value, list | tuple) and value:
        i = draw(st.integers(0, len(value) - 1))
        parts = st.sampled_from([[], [value[i]] * 2, [damage(draw, value[i])]])
        return [*value[:i], *draw(parts), *value[i + 1 :]]
    if isinstance(value, bytes) and value and draw(st.booleans()):
        i = draw(st.integers(0, len(value) - 1))
        return value[:i] + draw(st.binary(max_size=3)) + value[i + 1 :]
    return draw(HOSTILE_VALUES)
