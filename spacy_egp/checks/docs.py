"""The docs of .spacy files, read without looking up the same entry points for each."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from spacy.tokens import Doc, DocBin
from spacy.training.corpus import FILE_TYPE, walk_corpus
from spacy.vocab import Vocab
from srsly.msgpack import msgpack_decoders


def read_docs(path: Path, vocab: Vocab) -> Iterator[Doc]:
    """Read docs.

    path (Path): A .spacy file, or a folder of such files.
    vocab (Vocab): The vocab of the docs.
    YIELDS (Doc): The docs.
    """
    # spaCy's Corpus passes over docs without tokens.
    for file in walk_corpus(path, FILE_TYPE):
        yield from DocBin().from_disk(file).get_docs(vocab)


@contextmanager
def known_decoders() -> Iterator[None]:
    """Have spaCy read docs with the decoders of msgpack that are installed now. It
    would look for others among the entry points of all packages three times a doc,
    which takes longer than all else."""
    for name, decoder in msgpack_decoders.get_all().items():
        msgpack_decoders.register(name, func=decoder)
    before = msgpack_decoders.entry_points
    msgpack_decoders.entry_points = False
    try:
        yield
    finally:
        msgpack_decoders.entry_points = before
