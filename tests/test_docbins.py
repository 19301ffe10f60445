"""Docs are read as spaCy reads them, with decoders that are looked up once."""

import pytest
import spacy
import spacy.training
from spacy.tokens import Doc, DocBin, Span
from spacy.vocab import Vocab
from srsly.msgpack import msgpack_decoders

from spacy_egp.docbins import get_docs, read_docs
from spacy_egp.readers import Corpus


@pytest.fixture
def paths(tmp_path):
    for i, texts in enumerate((["Ann left", "", "Bo"], ["Cy ran"])):
        docs = [Doc(Vocab(), words=text.split(), user_data={"i": i}) for text in texts]
        for doc in docs:
            doc.spans["sc"] = [Span(doc, j, j + 1, label="X") for j in range(len(doc))]
        DocBin(docs=docs, store_user_data=True).to_disk(tmp_path / f"{i}.spacy")
    return tmp_path


def to_json(docs):
    return [(doc.to_json(), doc.user_data) for doc in docs]


def test_docs_are_those_of_spacy(paths):
    files = sorted(paths.iterdir())
    bins = [DocBin(store_user_data=True).from_disk(file) for file in files]
    expected = to_json(doc for one in bins for doc in one.get_docs(Vocab()))
    assert to_json(read_docs(paths, Vocab())) == expected and len(expected) == 4
    by_spacy = [e.reference for e in spacy.training.Corpus(paths)(spacy.blank("en"))]
    for limit in range(4):
        # spaCy's limit is that of the first file, with a doc of each other one.
        docs = [e.reference for e in Corpus(paths, limit=limit)(spacy.blank("en"))]
        assert to_json(docs) == to_json(by_spacy[: limit or None])


def test_decoders_are_looked_up_once(paths, monkeypatch):
    lookups = []
    get_all = type(msgpack_decoders).get_all
    monkeypatch.setattr(
        type(msgpack_decoders),
        "get_all",
        lambda self: lookups.append(self) or get_all(self),
    )
    docs = read_docs(paths / "0.spacy", Vocab())
    next(docs)
    n_lookups = len(lookups)
    assert len(list(docs)) == 2 and len(lookups) == n_lookups


def test_registry_is_as_before_between_docs(paths):
    before = dict(vars(msgpack_decoders))
    docs = get_docs(DocBin().from_disk(paths / "0.spacy"), Vocab())
    for _ in docs:
        assert vars(msgpack_decoders) == before
    broken = DocBin().from_disk(paths / "0.spacy")
    broken.span_groups[0] = b"x"
    with pytest.raises(AttributeError):
        list(get_docs(broken, Vocab()))
    assert vars(msgpack_decoders) == before
