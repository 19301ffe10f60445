"""spaCy's own .spacy files, which are read and written as a whole."""

import json
from collections.abc import Iterator
from itertools import islice
from typing import IO

import srsly
from spacy.tokens import Doc, DocBin
from spacy.vocab import Vocab

from .records import Record, Slice
from .rows import dump_json


def cut_docbin(file: IO[bytes], docs_per_part: int) -> Iterator[Slice]:
    """Cut a file into slices. It is in memory as a whole.

    file (IO[bytes]): The open file.
    docs_per_part (int): The largest number of docs in a slice.
    YIELDS (Slice): The slices.
    """
    n_docs = len(DocBin().from_bytes(file.read()))
    for offset in range(0, n_docs, docs_per_part):
        yield Slice(offset, offset + 1, min(docs_per_part, n_docs - offset))


def read_docbin(
    file: IO[bytes], url: str, slice: Slice, text_column: str, vocab: Vocab
) -> Iterator[Record]:
    """Read docs, which keep their tokens and other annotation. Their columns are in
    doc.user_data, where DocBinWriter puts them; other keys than strings are spaCy's.

    file (IO[bytes]): The open file.
    url (str): Its name.
    slice (Slice): What to read.
    text_column (str): The column to put the text in.
    vocab (Vocab): The pipeline's vocab.
    YIELDS (Record): A record per doc.
    """
    docs = DocBin().from_bytes(file.read()).get_docs(vocab)
    stretch = islice(docs, slice.offset, slice.offset + slice.n_docs)
    for number, doc in enumerate(stretch, slice.first):
        columns = {k: v for k, v in doc.user_data.items() if isinstance(k, str)}
        columns[text_column] = doc.text
        yield Record(f"{url}, doc {number}", doc, columns)


class DocBinWriter:
    """Writes docs with all their annotation; other columns are in doc.user_data. The
    format is written as a whole, so that the docs of a part are in memory in its form.

    file (IO[bytes]): The open file of the part.
    text_column (str): The column that is the doc's text.
    """

    def __init__(self, file: IO[bytes], text_column: str) -> None:
        self.file = file
        self.text_column = text_column
        self.doc_bin = DocBin(store_user_data=True)

    def encode(self, record: Record, doc: Doc) -> Doc:
        """record (Record): The document. doc (Doc): Its annotation.
        RETURNS (Doc): The doc with the columns.
        """
        if not isinstance(record.content, Doc):
            columns = json.loads(dump_json(dict(record.columns)))
            del columns[self.text_column]
            doc.user_data.update(columns)
        # What cannot be serialized must fail before the DocBin has taken half of it.
        srsly.msgpack_dumps(doc.user_data)
        return doc

    def write(self, item: Doc) -> None:
        """item (Doc): A doc with its columns."""
        self.doc_bin.add(item)

    def close(self) -> None:
        """Write the docs."""
        self.file.write(self.doc_bin.to_bytes())
