"""The work on one part: its documents are read, annotated and written."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import spacy
from spacy.tokens import Doc
from spacy.util import import_file

from ..errors import Errors
from ..thresholds import Threshold
from .corpus import Part, read_part
from .documents import Failure, Record
from .formats import OUTPUTS, make_writer
from .output import Output
from .resources import is_temporary, time_limit
from .summary import Counts

# After this many new strings, of about 500 bytes each, the vocab forgets them and the
# tokenizer starts with an empty cache. Doing so for every part would make small parts
# slow.
MAX_NEW_STRINGS = 100_000

# Where doc._.trf_data is stored, the output of a transformer.
TRF_DATA: Any = ("._.", "trf_data", None, None)


@dataclass(frozen=True)
class Settings:
    """What a worker has to know.

    model (str): Path or package of the pipeline.
    output (str): URL of the folder to write.
    format (str): Format of the output.
    text_column (str): The column of the text.
    spans_key (str): Key of the spans in doc.spans.
    threshold (float | dict[str, float] | None): The threshold of `egp_ner`, if not its
        own.
    max_length (int | None): The largest length of its spans, if not its own.
    max_chars (int): The most characters of a document; longer ones fail.
    max_seconds (float): The most seconds for a document; slower ones fail.
    batch_words (int): Tokens that the pipeline is given at a time.
    gpu (float): The worker's share of a GPU; 0 for the CPU.
    code (str | None): Python file to import before the pipeline is loaded.
    schema (pyarrow.Schema | None): The columns of the input, for Parquet.
    """

    model: str
    output: str
    format: str
    text_column: str
    spans_key: str
    threshold: Threshold | None
    max_length: int | None
    max_chars: int
    max_seconds: float
    batch_words: int
    gpu: float
    code: str | None
    schema: Any


class Annotator:
    """Annotates one part after another, with a pipeline that is loaded once.

    settings (Settings): The settings.
    RAISES:
        ImportError: If the Python file has an error.
        ValueError: If the pipeline does not write the spans, or a setting is not valid.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.output = Output(settings.output)
        if settings.gpu:
            spacy.require_gpu()
        if settings.code:
            _import_code(settings.code)
        self.nlp = spacy.load(settings.model)
        self.nlp.max_length = settings.max_chars
        keys = list(self.nlp("x").spans)
        if settings.spans_key not in keys:
            raise ValueError(
                Errors.EGP403.format(
                    model=settings.model, spans_key=settings.spans_key, keys=keys
                )
            )
        for name in ("threshold", "max_length"):
            value = getattr(settings, name)
            if value is not None:
                self._configure(name, value)
        self._max_strings = len(self.nlp.vocab.strings) + MAX_NEW_STRINGS
        self._memory_zone = ExitStack()
        self._memory_zone.enter_context(self.nlp.memory_zone())

    def __call__(self, part: Part) -> Counts:
        """Annotate a part and write it. The output depends on nothing but the part.

        part (Part): The part.
        RETURNS (Counts): What was annotated.
        """
        format, key = self.settings.format, self.settings.spans_key
        column = self.settings.text_column
        counts = Counts()
        failures = []
        self._limit_strings()
        records = read_part(part, column, self.nlp.vocab)
        with self.output.open_part(part.number, OUTPUTS[format]) as file:
            writer = make_writer(format, file, key, column, self.settings.schema)
            for record, doc in self._annotate(records):
                try:
                    if isinstance(doc, Exception):
                        raise doc
                    item = writer.encode(record, doc)
                except Exception as error:
                    failures.append(_describe_failure(record, error))
                else:
                    writer.write(item)
                    counts.add_doc(doc, key)
            writer.close()
        counts.add_failures(failures)
        self.output.finish_part(part.number, failures, counts)
        return counts

    def _configure(self, setting: str, value: Threshold) -> None:
        """Change a setting of each `egp_ner` that writes the spans."""
        key = self.settings.spans_key
        pipeline: list[tuple[str, Any]] = self.nlp.pipeline
        pipes = [
            pipe
            for name, pipe in pipeline
            if self.nlp.get_pipe_meta(name).factory == "egp_ner" and pipe.key == key
        ]
        if not pipes:
            raise ValueError(
                Errors.EGP438.format(
                    model=self.settings.model,
                    spans_key=key,
                    option="--" + setting.replace("_", "-"),
                    names=", ".join(self.nlp.pipe_names),
                )
            )
        for pipe in pipes:
            setattr(pipe, setting, value)

    def _limit_strings(self) -> None:
        if len(self.nlp.vocab.strings) > self._max_strings:
            self._memory_zone.close()
            self._memory_zone.enter_context(self.nlp.memory_zone())

    def _annotate(
        self, records: Iterable[Record]
    ) -> Iterator[tuple[Record, Doc | Exception]]:
        """Each record and its annotated doc, or the error if it failed. No more than a
        batch of docs is in memory."""
        made = ((record, self._make_doc(record.content)) for record in records)
        for batch in _batch_by_words(made, self.settings.batch_words):
            docs = [doc for _, doc in batch if isinstance(doc, Doc)]
            annotated = iter(self._pipe(docs) if docs else [])
            for record, doc in batch:
                yield record, next(annotated) if isinstance(doc, Doc) else doc

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
        if isinstance(content, Doc):
            return content
        try:
            with time_limit(self.settings.max_seconds):
                return self.nlp.make_doc(content)
        except Exception as error:
            return error.with_traceback(None)

    def _pipe(self, docs: Sequence[Doc]) -> list[Doc | Exception]:
        """Annotate a batch; if that fails, one doc at a time."""
        try:
            with time_limit(self.settings.max_seconds):
                annotated = list(self.nlp.pipe(docs, batch_size=len(docs)))
            if len(annotated) < len(docs):
                raise ValueError(Errors.EGP424)
            return [_drop_tensors(doc) for doc in annotated]
        except Exception as error:
            # The traceback would keep what the pipeline has computed in memory.
            failure = error.with_traceback(None)
        if len(docs) == 1:
            return [failure]
        return [result for doc in docs for result in self._pipe([doc])]


def _import_code(path: str) -> None:
    try:
        import_file("python_code", path)
    except Exception as error:
        raise ImportError(Errors.EGP429.format(path=path, error=repr(error))) from error


def _describe_failure(record: Record, error: Exception) -> Failure:
    reason = f"{type(error).__name__}: {error}"
    return Failure(record.source, reason, is_temporary(error))


def _batch_by_words(
    made: Iterable[tuple[Record, Doc | Exception]], batch_words: int
) -> Iterator[list[tuple[Record, Doc | Exception]]]:
    """Batches of at most this many words, or of a single doc that has more. spaCy's
    `minibatch_by_words` would change the order."""
    batch: list[tuple[Record, Doc | Exception]] = []
    n_words = 0
    for record, doc in made:
        length = len(doc) if isinstance(doc, Doc) else 1
        if batch and n_words + length > batch_words:
            yield batch
            batch, n_words = [], 0
        batch.append((record, doc))
        n_words += length
    if batch:
        yield batch


def _drop_tensors(doc: Doc) -> Doc:
    """Drop what components compute for each other. It is many times larger than the
    rest, and .spacy files would store it."""
    doc.tensor = np.zeros((0,), dtype="f")
    doc.user_data.pop(TRF_DATA, None)
    return doc


# A worker process loads the pipeline with its first part.
_load_annotator = cache(Annotator)


def annotate_in_worker(settings: Settings, part: Part) -> Counts:
    """Annotate a part in a process that works for one run only.

    settings (Settings): The settings.
    part (Part): The part.
    RETURNS (Counts): What was annotated.
    """
    return _load_annotator(settings)(part)
