"""spaCy's own .spacy files, whose spans are in doc.ents or under another spans key.

Source: https://spacy.io/api/docbin
"""

from collections.abc import Iterator

from spacy.tokens import Doc, DocBin
from spacy.training.corpus import FILE_TYPE
from spacy.vocab import Vocab

from ...docbins import get_docs, load_docbin
from ...errors import Errors
from ..files import ByteStream, FilePath
from ..format import Format, Options, Sample
from ..records import BadRecord, DocRecord, Entry, Unannotated


def matches_docbin(sample: Sample) -> bool:
    """RETURNS (bool): Whether the file's name says that it is a DocBin."""
    return sample.name.endswith(FILE_TYPE)


def read_docbin(path: FilePath, file: ByteStream, options: Options) -> Iterator[Entry]:
    """Read docs with all their annotation. A DocBin is in memory as a whole.

    path (FilePath): The file's name.
    file (ByteStream): The open file.
    options (Options): The key of the spans to convert.
    YIELDS (Entry): One record per doc.
    """
    number = 0
    try:
        for doc in get_docs(load_docbin(file.read()), Vocab()):
            # Some damage only shows when the doc is written.
            DocBin(docs=[doc], store_user_data=True)
            number += 1
            yield _read_doc(f"{path}, doc {number}", doc, options.source_key)
    # Damaged files make msgpack, NumPy and spaCy raise errors of any type.
    except Exception as error:
        problem = Errors.EGP221.format(error=f"{type(error).__name__}: {error}")
        yield BadRecord(f"{path}, doc {number + 1}", problem)


def _read_doc(source: str, doc: Doc, source_key: str | None) -> Entry:
    if source_key is not None:
        if source_key not in doc.spans:
            reason = f"doc.spans has no key {source_key!r}{_list_keys(doc)}"
            return Unannotated(source, reason)
        spans = list(doc.spans[source_key])
    elif doc.has_annotation("ENT_IOB"):
        spans = list(doc.ents)
    else:
        return Unannotated(source, f"doc.ents is not set{_list_keys(doc)}")
    return DocRecord(source=source, document=source, doc=doc, spans=spans)


def _list_keys(doc: Doc) -> str:
    keys = ", ".join(f"--source-key {key}" for key in doc.spans)
    return f"; its spans are read with {keys}" if keys else ""


FORMAT = Format("spacy", matches_docbin, read_docbin)
