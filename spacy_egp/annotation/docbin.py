"""spaCy's own .spacy files, which are read and written as a whole."""

import json
from collections.abc import Iterator
from typing import IO

from spacy.tokens import Doc, DocBin
from spacy.vocab import Vocab

from ..docbins import get_docs, load_docbin
from .documents import Hash, Record, Slice
from .rows import dump_json


def cut_docbin(file: IO[bytes], docs_per_part: int) -> Iterator[Slice]:
    """Cut a file into slices. It is in memory as a whole.

    file (IO[bytes]): The open file.
    docs_per_part (int): The largest number of docs in a slice.
    YIELDS (Slice): The slices.
    """
    content = file.read()
    n_docs = len(load_docbin(content))
    digest = Hash(content).hexdigest()
    for offset in range(0, n_docs, docs_per_part):
        n_docs_here = min(docs_per_part, n_docs - offset)
        yield Slice(offset, offset + 1, n_docs_here, digest)


def read_docbin(
    file: IO[bytes], url: str, slice: Slice, text_column: str, vocab: Vocab
) -> Iterator[Record]:
    """Read docs, which keep their tokens and other annotation. Their columns are in
    doc.user_data, where DocBinWriter puts them; keys other than strings are spaCy's.

    file (IO[bytes]): The open file.
    url (str): Its name.
    slice (Slice): What to read.
    text_column (str): The column to put the text in.
    vocab (Vocab): The pipeline's vocab.
    YIELDS (Record): A record per doc.
    """
    content = file.read()
    slice.check(Hash(content))
    docs = load_docbin(content)
    for string in docs.strings:
        vocab[string]
    for number in range(slice.first, slice.first + slice.n_docs):
        source = f"{url}, doc {number}"
        try:
            doc = _get_doc(docs, number - 1, vocab)
        except Exception as error:
            # A damaged doc makes spaCy raise errors of any type.
            yield Record(source, error, {})
            continue
        columns = {k: v for k, v in doc.user_data.items() if isinstance(k, str)}
        columns[text_column] = doc.text
        yield Record(source, doc, columns)


def _get_doc(docs: DocBin, i: int, vocab: Vocab) -> Doc:
    """A single doc. The method for all docs ends at the first damaged one."""
    single = DocBin()
    single.attrs = docs.attrs
    for name in ("tokens", "spaces", "cats", "flags", "span_groups", "user_data"):
        setattr(single, name, getattr(docs, name)[i : i + 1])
    [doc] = get_docs(single, vocab)
    return doc


class DocBinWriter:
    """Writes docs with all their annotation; other columns are in doc.user_data. A file
    is written as a whole, so the docs of a part are in memory in serialized form.

    file (IO[bytes]): The open file of the part.
    text_column (str): The column that is the doc's text.
    """

    def __init__(self, file: IO[bytes], text_column: str) -> None:
        self.file = file
        self.text_column = text_column
        self.doc_bin = DocBin(store_user_data=True)

    def encode(self, record: Record, doc: Doc) -> DocBin:
        """record (Record): The document. doc (Doc): Its annotation.
        RETURNS (DocBin): The doc with the columns, which can be written.
        """
        if not isinstance(record.content, Doc):
            columns = json.loads(dump_json(dict(record.columns)))
            del columns[self.text_column]
            doc.user_data.update(columns)
        return DocBin(docs=[doc], store_user_data=True)

    def write(self, item: DocBin) -> None:
        """item (DocBin): A doc with its columns."""
        self.doc_bin.merge(item)

    def close(self) -> None:
        """Write the docs."""
        self.file.write(self.doc_bin.to_bytes())
