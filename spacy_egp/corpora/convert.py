"""The conversion of a corpus: records are read, turned into docs, counted and
written."""

import os
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from pathlib import Path

from spacy.tokens import Doc, Span
from tqdm import tqdm

from ..errors import Errors
from ..settings import DEFAULTS
from .docs import ALIGNMENTS, align_record
from .files import FilePath, file_size, walk_files, walk_folders
from .format import Options
from .formats import FORMATS
from .reader import read_corpus
from .records import (
    BadRecord,
    DocRecord,
    Entry,
    LeftOut,
    Notice,
    Record,
    TextRecord,
    TokenRecord,
    Unannotated,
)
from .split import Split
from .summary import Fate, Summary
from .tokenization import Tokenization
from .writer import DocWriter, part_path, temporary_output

# Reading continues after an error to list all of them, but not forever.
MAX_ERRORS = 10_000
# The language or the tokenizer is wrong if more than this share of the spans misfits.
MAX_MISFITS = 0.75


class ConversionError(ValueError):
    """A corpus that was read and cannot be converted.

    summary (Summary): What was read, and what is wrong with it.
    """

    def __init__(self, message: str, summary: Summary) -> None:
        super().__init__(message)
        self.summary = summary


def convert(
    input_paths: Sequence[Path],
    output_path: Path,
    *,
    format: str | None = None,
    columns: Sequence[str] = (),
    label_names: Sequence[str] = (),
    lang: str | None = None,
    tokenizer: str | None = None,
    align: str = "strict",
    spans_key: str = "sc",
    source_key: str | None = None,
    split: Sequence[float] | None = None,
    by_document: bool = False,
    seed: int = 0,
    skip_bad: bool = False,
    annotated_labels: bool = False,
    silent: bool = True,
) -> Summary:
    """Convert an annotated corpus to .spacy files, its spans to doc.spans[spans_key].

    Every doc has this key; an empty group means that the doc has no entities. The
    input is streamed. See DocWriter for how the memory depends on the output.

    input_paths (Sequence[Path]): Files, folders and zip archives. Files may be gzipped.
    output_path (Path): A .spacy file, or a folder that does not exist yet.
    format (str | None): Name of the input's format. If None, it is detected per file.
    columns (Sequence[str]): Columns (or keys) with annotation, by number from 1 or by
        name. If there are none, they are detected.
    label_names (Sequence[str]): The names of tags that are numbers, from 0.
    lang (str | None): Language whose tokenizer is used for texts without tokens. If
        None, that of the tokenizer, or English.
    tokenizer (str | None): Tokenizer to use instead: "whitespace", "characters", or
        that of a config or a pipeline.
    align (str): What happens to spans that begin or end inside a token: they are left
        out ("strict"), get the whole token ("expand"), or lose it ("contract").
    spans_key (str): Key of the spans to write.
    source_key (str | None): Key of the spans in .spacy input. If None, doc.ents.
    split (Sequence[float] | None): Ratios of train, dev and, if there are three, test
        docs. Parts are written to corpus-dev.spacy, or for a folder to corpus/dev.
    by_document (bool): Whether the split keeps the sentences of a document together.
    seed (int): Random seed of the split.
    skip_bad (bool): Whether to leave out records and spans that cannot be read.
    annotated_labels (bool): Whether each input is annotated only for the labels that
        occur in it. Its docs list them in doc.spans[spans_key].attrs, for training.
    silent (bool): Whether to hide the progress bar.
    RETURNS (Summary): What was converted and what was left out.
    RAISES: If there is an error, nothing is written.
        ConversionError: If records cannot be read and skip_bad is not set, there are no
            docs or spans, or hardly any span fits the tokens.
        ValueError: If a setting is not valid.
        FileExistsError: If the output is an existing folder.
    """
    _check_choice("format", format, FORMATS)
    _check_choice("align", align, ALIGNMENTS)
    options = Options(source_key, tuple(columns), tuple(label_names))
    tokenization = Tokenization(lang, tokenizer)
    splitter = Split(split, by_document, seed) if split else None
    parts = list(splitter.ratios) if splitter else [""]
    check_outputs([part_path(output_path, part) for part in parts], input_paths)
    n_bytes = sum(
        file_size(path)
        for _, path in walk_files(input_paths)
        if not isinstance(path, (BadRecord, LeftOut))
    )
    labels = {}
    if annotated_labels:
        for input_path, files in _group(input_paths):
            entries = read_corpus(files, options, format, lambda n_bytes: None)
            labels[input_path] = _find_labels(entries)
    summary = Summary()
    with (
        temporary_output(output_path) as path,
        tqdm(
            total=n_bytes, unit="B", unit_scale=True, disable=silent or None
        ) as progress_bar,
    ):
        writers = {part: DocWriter(part_path(path, part)) for part in parts}
        summary.docs.update(dict.fromkeys(parts, 0))
        for input_path, files in _group(input_paths):
            attrs = {}
            if annotated_labels:
                attrs[DEFAULTS["labels_attr"]] = labels[input_path]
            entries = read_corpus(files, options, format, progress_bar.update)
            for record in _select_records(entries, skip_bad, summary):
                doc, spans, fates = align_record(record, tokenization, align)
                for fate, span in fates:
                    summary.fates[fate].add([span])
                summary.other += record.other
                _set_spans(doc, spans, spans_key, source_key)
                doc.spans[spans_key].attrs.update(attrs)
                part = splitter.draw(record.document, doc.text) if splitter else ""
                summary.add_doc(part, record.source, doc, spans)
                writers[part].add(doc)
        _check_summary(summary, skip_bad)
        if splitter:
            splitter.check()
        for writer in writers.values():
            writer.close()
    return summary


def check_outputs(output_paths: Iterable[Path], input_paths: Iterable[Path]) -> None:
    """Check that nothing is written over the input.

    output_paths (Iterable[Path]): The files to write.
    input_paths (Iterable[Path]): Files, folders and zip archives.
    RAISES (ValueError): If one of them is an input.
    """
    outputs = {os.path.realpath(path) for path in output_paths if path.exists()}
    if not outputs:
        return
    for _, path in walk_folders(input_paths):
        if os.path.realpath(path) in outputs:
            raise ValueError(Errors.EGP297.format(path=path))


def _group(
    input_paths: Iterable[Path],
) -> Iterator[tuple[Path, Iterator[FilePath | BadRecord | LeftOut]]]:
    """YIELDS (tuple[Path, Iterator]): Each input and the files that it consists of."""
    for input_path, group in groupby(walk_files(input_paths), key=itemgetter(0)):
        yield input_path, (path for _, path in group)


def _check_choice(setting: str, value: str | None, choices: Collection[str]) -> None:
    if value is not None and value not in choices:
        raise ValueError(
            Errors.EGP101.format(
                setting=setting, value=value, choices=", ".join(choices)
            )
        )


def _select_records(
    entries: Iterator[Entry], skip_bad: bool, summary: Summary
) -> Iterator[Record]:
    """Count what is not a record. After an error, do nothing else."""
    for entry in entries:
        if isinstance(entry, BadRecord):
            summary.bad.add([entry])
            if not skip_bad and summary.bad.count >= MAX_ERRORS:
                return
        elif isinstance(entry, Unannotated):
            summary.unannotated[entry.reason] += 1
        elif isinstance(entry, LeftOut):
            summary.files.add([entry])
        elif isinstance(entry, Notice):
            summary.notices.add([entry])
        elif skip_bad or not summary.bad.count:
            yield entry


def _find_labels(entries: Iterator[Entry]) -> list[str]:
    """RETURNS (list[str]): The labels of all spans, sorted."""
    labels: set[str] = set()
    for entry in entries:
        if isinstance(entry, DocRecord):
            labels.update(span.label_ for span in entry.spans)
        elif isinstance(entry, (TextRecord, TokenRecord)):
            labels.update(span.label for span in entry.spans)
    return sorted(labels)


def _check_summary(summary: Summary, skip_bad: bool) -> None:
    if summary.bad.count and not skip_bad:
        n_errors = summary.bad.count
        raise ConversionError(Errors.EGP262.format(n_errors=n_errors), summary)
    n_spans = summary.labels.total()
    n_misfits = summary.fates[Fate.MISFIT].count
    if n_misfits > MAX_MISFITS * (n_spans + n_misfits):
        raise ConversionError(
            Errors.EGP263.format(n_misfits=n_misfits, n_spans=n_spans + n_misfits),
            summary,
        )
    if not summary.docs.total():
        n_texts = summary.unannotated.total()
        raise ConversionError(
            Errors.EGP202.format(
                n_bad=summary.bad.count, n_texts=n_texts, n_files=summary.files.count
            ),
            summary,
        )
    if not n_spans:
        raise ConversionError(
            Errors.EGP264.format(n_docs=summary.docs.total()), summary
        )


def _set_spans(
    doc: Doc, spans: list[Span], spans_key: str, source_key: str | None
) -> None:
    if spans_key in doc.spans and spans_key != source_key:
        raise ValueError(Errors.EGP203.format(spans_key=spans_key))
    doc.spans[spans_key] = spans
