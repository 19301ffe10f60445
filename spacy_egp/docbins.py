"""Read .spacy files for commands: whatever a file holds, the result is docs or an error
that names the file."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc, DocBin
from spacy.training import Corpus, Example
from spacy.training.corpus import FILE_TYPE
from spacy.vocab import Vocab
from srsly.msgpack import msgpack_decoders

from .corpora.files import decompress, walk_files
from .corpora.records import LeftOut
from .errors import Errors


def load_docbin(data: bytes) -> DocBin:
    """Read the content of a file.

    data (bytes): The content.
    RETURNS (DocBin): The docs, which may still be damaged.
    RAISES (Exception): Whatever damaged data makes zlib, msgpack or NumPy raise;
        OSError if it decompresses to more than is plausible.
    """
    # Checked first, because a DocBin decompresses data of any size.
    decompress(data)
    return DocBin().from_bytes(data)


def get_docs(doc_bin: DocBin, vocab: Vocab) -> Iterator[Doc]:
    """Get the docs of a DocBin, as its own method does, but faster. The method searches
    the registry and the entry points of all packages for decoders three times per doc,
    which takes longer than everything else.

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


def read_docs(path: Path, vocab: Vocab) -> Iterator[Doc]:
    """Read docs, including those without tokens, which spaCy's Corpus skips.

    path (Path): A .spacy file, or a folder of such files.
    vocab (Vocab): The vocab of the docs.
    YIELDS (Doc): The docs.
    RAISES (ValueError): If a file is damaged or not a regular file.
    """
    for file, doc_bin in _read_docbins(path):
        number = 0
        try:
            for doc in get_docs(doc_bin, vocab):
                number += 1
                # This raises an error if the strings of the file lack a label.
                for group in (doc.ents, *doc.spans.values()):
                    for span in group:
                        _ = span.label_
                yield doc
        except Exception as error:
            raise ValueError(_describe(file, number + 1, error)) from error


def read_examples(path: Path, nlp: Language) -> Iterator[Example]:
    """Read docs with tokens as spaCy's Corpus does.

    path (Path): A .spacy file, or a folder of such files.
    nlp (Language): The pipeline whose tokenizer makes the docs to predict.
    YIELDS (Example): The examples.
    RAISES (ValueError): If a file is damaged or not a regular file.
    """
    yield from Corpus(path).make_examples(nlp, filter(len, read_docs(path, nlp.vocab)))


def _describe(path: Path, number: int, error: Exception) -> str:
    problem = f"{type(error).__name__}: {error}"
    return Errors.EGP103.format(path=path, number=number, error=problem)


def _read_docbins(path: Path) -> Iterator[tuple[Path, DocBin]]:
    """Files, sorted by name, and their docs, which may still be damaged."""
    for _, file in walk_files([path]):
        if isinstance(file, LeftOut) and file.source.endswith(FILE_TYPE):
            raise ValueError(f"{file.source}: {file.reason}")
        if isinstance(file, Path) and file.suffix == FILE_TYPE:
            try:
                doc_bin = load_docbin(file.read_bytes())
            except Exception as error:
                raise ValueError(_describe(file, 1, error)) from error
            yield file, doc_bin


@contextmanager
def _known_decoders(decoders: Mapping[str, Any]) -> Iterator[None]:
    registry = vars(msgpack_decoders)
    registry["get_all"] = lambda: decoders
    try:
        yield
    finally:
        # Another thread may read docs, too.
        registry.pop("get_all", None)
