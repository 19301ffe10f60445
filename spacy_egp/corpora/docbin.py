"""spaCy's own .spacy files, whose spans are in doc.ents or under another spans key.

Source: https://spacy.io/api/docbin
"""

from collections.abc import Iterator

from spacy.tokens import Doc, DocBin
from spacy.training.corpus import FILE_TYPE
from spacy.vocab import Vocab

from ..errors import Errors
from .files import ByteStream, FilePath
from .records import BadRecord, DocRecord, Entry, Unannotated


def matches_docbin(path: FilePath, file: ByteStream) -> bool:
    """RETURNS (bool): Whether the file's name says that it is a DocBin."""
    return path.name.removesuffix(".gz").endswith(FILE_TYPE)


def read_docbin(
    source_key: str | None, path: FilePath, file: ByteStream
) -> Iterator[Entry]:
    """Read docs with all their annotation. A DocBin is in memory as a whole.

    source_key (str | None): Key of the spans to convert. If None, doc.ents.
    path (FilePath): The file's name.
    file (ByteStream): The open file.
    YIELDS (Entry): One record per doc.
    """
    try:
        doc_bin = DocBin().from_bytes(file.read())
    except (KeyError, ValueError) as error:
        yield BadRecord(str(path), Errors.EGP221.format(error=error))
        return
    for number, doc in enumerate(doc_bin.get_docs(Vocab()), 1):
        yield _read_doc(f"{path}, doc {number}", doc, source_key)


def _read_doc(source: str, doc: Doc, source_key: str | None) -> Entry:
    if source_key is None:
        if not doc.has_annotation("ENT_IOB"):
            return Unannotated(source, "doc.ents is not set")
        spans = list(doc.ents)
    else:
        if source_key not in doc.spans:
            return Unannotated(source, f"doc.spans has no key {source_key!r}")
        spans = list(doc.spans[source_key])
    return DocRecord(source=source, document=source, doc=doc, spans=spans)
