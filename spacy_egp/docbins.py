"""The docs of .spacy files, read without looking up the same decoders for each."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from spacy.tokens import Doc, DocBin
from spacy.training.corpus import FILE_TYPE, walk_corpus
from spacy.vocab import Vocab
from srsly.msgpack import msgpack_decoders


def read_docs(path: Path, vocab: Vocab) -> Iterator[Doc]:
    """Read docs, also those without tokens, which spaCy's Corpus passes over.

    path (Path): A .spacy file, or a folder of such files.
    vocab (Vocab): The vocab of the docs.
    YIELDS (Doc): The docs.
    """
    for file in walk_corpus(path, FILE_TYPE):
        yield from get_docs(DocBin().from_disk(file), vocab)


def get_docs(doc_bin: DocBin, vocab: Vocab) -> Iterator[Doc]:
    """Get the docs of a DocBin, as its own method does. That searches the registry and
    the entry points of all packages for decoders three times a doc, which takes longer
    than all else.

    doc_bin (DocBin): The docs.
    vocab (Vocab): Their vocab.
    YIELDS (Doc): The docs.
    """
    decoders = msgpack_decoders.get_all()
    docs = doc_bin.get_docs(vocab)
    while True:
        with _known_decoders(decoders):
            doc = next(docs, None)
        if doc is None:
            return
        yield doc


@contextmanager
def _known_decoders(decoders: Mapping[str, Any]) -> Iterator[None]:
    registry = vars(msgpack_decoders)
    registry["get_all"] = lambda: decoders
    try:
        yield
    finally:
        # Another thread may read docs, too.
        registry.pop("get_all", None)
