"""The work on one part: its documents are read, annotated and written."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from typing import Any

import spacy
from spacy.tokens import Doc
from spacy.training.batchers import minibatch_by_words

from ..errors import Errors
from .corpus import Part, read_part
from .formats import make_writer
from .output import Output
from .records import Failure, Record
from .summary import Counts

# New strings, about 500 bytes each, after which the vocab forgets them and the
# tokenizer begins with an empty cache. To begin anew with every part makes small parts
# slow.
MOST_NEW_STRINGS = 100_000


@dataclass(frozen=True)
class Settings:
    """What a worker has to know.

    model (str): Path or package of the pipeline.
    output (str): URL of the folder to write.
    format (str): Format of the output.
    text_column (str): The column of the text.
    spans_key (str): Key of the spans in doc.spans.
    max_chars (int): The most characters of a document; longer ones fail.
    batch_words (int): Tokens that the pipeline is given at a time.
    gpu (float): The worker's share of a GPU; 0 for the CPU.
    schema (pyarrow.Schema | None): The columns of the input, for Parquet.
    """

    model: str
    output: str
    format: str
    text_column: str
    spans_key: str
    max_chars: int
    batch_words: int
    gpu: float
    schema: Any


class Annotator:
    """Annotates one part after the other, with a pipeline that is loaded once.

    settings (Settings): The settings.
    RAISES (ValueError): If the pipeline does not write the spans.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.output = Output(settings.output)
        if settings.gpu:
            spacy.require_gpu()
        self.nlp = spacy.load(settings.model)
        self.nlp.max_length = settings.max_chars
        keys = list(self.nlp("x").spans)
        if settings.spans_key not in keys:
            raise ValueError(
                Errors.EGP403.format(
                    model=settings.model, spans_key=settings.spans_key, keys=keys
                )
            )
        self._most_strings = len(self.nlp.vocab.strings) + MOST_NEW_STRINGS
        self._memory_zone = ExitStack()
        self._memory_zone.enter_context(self.nlp.memory_zone())

    def __call__(self, part: Part) -> Counts:
        """Annotate a part and write it. Nothing but the part decides what is written.

        part (Part): The part.
        RETURNS (Counts): What was annotated.
        """
        key, column = self.settings.spans_key, self.settings.text_column
        writer = make_writer(self.settings.format, key, column, self.settings.schema)
        counts = Counts()
        failures = []
        self._limit_strings()
        records = list(read_part(part, column, self.nlp.vocab))
        for record, doc in zip(records, self._annotate(records), strict=True):
            try:
                if isinstance(doc, Exception):
                    raise doc
                writer.add(record, doc)
                counts.add_doc(doc, key)
            except Exception as error:
                reason = f"{type(error).__name__}: {error}"
                failures.append(Failure(record.source, reason))
        counts.failed.add(failures)
        self.output.write_part(part.number, writer, failures, counts)
        return counts

    def _limit_strings(self) -> None:
        if len(self.nlp.vocab.strings) > self._most_strings:
            self._memory_zone.close()
            self._memory_zone.enter_context(self.nlp.memory_zone())

    def _annotate(self, records: Sequence[Record]) -> list[Doc | Exception]:
        """The annotated docs, with an error in place of each one that failed."""
        results = [self._make_doc(record.content) for record in records]
        docs = {i: doc for i, doc in enumerate(results) if isinstance(doc, Doc)}
        for batch in minibatch_by_words(
            docs, self.settings.batch_words, get_length=lambda i: len(docs[i])
        ):
            annotated = self._pipe([docs[i] for i in batch])
            for i, result in zip(batch, annotated, strict=True):
                results[i] = result
        return results

    def _make_doc(self, content: Any) -> Doc | Exception:
        if isinstance(content, Exception):
            return content
        if not isinstance(content, str | Doc):
            return TypeError(Errors.EGP422.format(type=type(content).__name__))
        n_chars = len(content if isinstance(content, str) else content.text)
        max_chars = self.settings.max_chars
        if n_chars > max_chars:
            return ValueError(
                Errors.EGP423.format(n_chars=n_chars, max_chars=max_chars)
            )
        try:
            return self.nlp.make_doc(content) if isinstance(content, str) else content
        except Exception as error:
            return error

    def _pipe(self, docs: Sequence[Doc]) -> list[Doc | Exception]:
        """Annotate a batch; if that fails, one doc at a time."""
        try:
            annotated = list(self.nlp.pipe(docs, batch_size=len(docs)))
            if len(annotated) < len(docs):
                raise ValueError(Errors.EGP424)
            return [*annotated]
        except Exception as error:
            # The traceback holds what the pipeline has computed.
            failure = error.with_traceback(None)
        if len(docs) == 1:
            return [failure]
        return [result for doc in docs for result in self._pipe([doc])]


# A worker process loads the pipeline with its first part.
_load_annotator = cache(Annotator)


def annotate_in_worker(settings: Settings, part: Part) -> Counts:
    """Annotate a part in a process that works for one run only.

    settings (Settings): The settings.
    part (Part): The part.
    RETURNS (Counts): What was annotated.
    """
    return _load_annotator(settings)(part)
