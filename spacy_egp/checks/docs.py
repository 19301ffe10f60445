"""Docs of .spacy files, read without looking up the same entry points for each."""

from collections.abc import Iterator
from contextlib import contextmanager

from srsly.msgpack import msgpack_decoders


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
