"""The conversion of a corpus: records are read, made docs, counted and written."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import spacy
from spacy.language import Language
from spacy.tokens import Doc, Span
from tqdm import tqdm

from ..errors import Errors
from .docs import align_record
from .files import file_size, walk_files
from .formats import get_formats
from .reader import read_corpus
from .records import BadRecord, Entry, Record, TextRecord, Unannotated
from .split import Split
from .summary import Summary
from .writer import DocWriter, part_path, temporary_output


def convert(
    input_paths: Sequence[Path],
    output_path: Path,
    *,
    format: str | None = None,
    lang: str = "en",
    spans_key: str = "sc",
    source_key: str | None = None,
    split: Sequence[float] | None = None,
    by_document: bool = False,
    seed: int = 0,
    skip_bad: bool = False,
    silent: bool = True,
) -> Summary:
    """Convert an annotated corpus to .spacy files, its spans to doc.spans[spans_key].

    Every doc has this key; an empty group means that the doc has no entities. The
    input is streamed. See DocWriter for how the memory depends on the output.

    input_paths (Sequence[Path]): Files, folders and zip archives. Files may be gzipped.
    output_path (Path): A .spacy file, or a folder that does not exist yet.
    format (str | None): Name of the input's format. If None, it is detected per file.
    lang (str): Language, whose tokenizer is used for texts that come without tokens.
    spans_key (str): Key of the spans to write.
    source_key (str | None): Key of the spans in .spacy input. If None, doc.ents.
    split (Sequence[float] | None): Ratios of train, dev and, if there are three, test
        docs. Parts are written to corpus-dev.spacy, or for a folder to corpus/dev.
    by_document (bool): Whether the split keeps the sentences of a document together.
    seed (int): Random seed of the split.
    skip_bad (bool): Whether to leave out records that cannot be read.
    silent (bool): Whether to show no progress bar.
    RETURNS (Summary): What was converted and what was left out.
    RAISES: Whatever is raised, nothing is written.
        BadRecord: If a record cannot be read, unless skip_bad is set.
        ValueError: If a setting is not valid or there is nothing to write.
        FileExistsError: If the output is a folder that exists.
    """
    formats = get_formats(source_key)
    if format is not None and format not in formats:
        raise ValueError(
            Errors.EGP101.format(
                setting="format", value=format, choices=", ".join(formats)
            )
        )
    nlp = spacy.blank(lang)
    splitter = Split(split, by_document, seed) if split else None
    files = list(walk_files(input_paths))
    n_bytes = sum(file_size(path) for path in files)
    summary = Summary()
    with (
        temporary_output(output_path) as path,
        tqdm(
            total=n_bytes, unit="B", unit_scale=True, disable=silent or None
        ) as progress_bar,
    ):
        parts = list(splitter.ratios) if splitter else [""]
        writers = {part: DocWriter(part_path(path, part)) for part in parts}
        summary.docs.update(dict.fromkeys(parts, 0))
        entries = read_corpus(files, formats, format, progress_bar.update)
        for record in _select_records(entries, skip_bad, summary):
            part = splitter.draw(record.document) if splitter else ""
            doc, spans = _make_doc(record, nlp, summary)
            _set_spans(doc, spans, spans_key, source_key)
            summary.add_doc(part, record.source, doc, spans)
            writers[part].add(doc)
        if not summary.docs.total():
            n_left_out = summary.bad.count + summary.unannotated.total()
            raise ValueError(Errors.EGP202.format(n_left_out=n_left_out))
        for writer in writers.values():
            writer.close()
    return summary


def _select_records(
    entries: Iterator[Entry], skip_bad: bool, summary: Summary
) -> Iterator[Record]:
    for entry in entries:
        if isinstance(entry, BadRecord):
            if not skip_bad:
                raise entry
            summary.bad.add([entry])
        elif isinstance(entry, Unannotated):
            summary.unannotated[entry.reason] += 1
        else:
            yield entry


def _make_doc(
    record: Record, nlp: Language, summary: Summary
) -> tuple[Doc, list[Span]]:
    doc, spans, misaligned = align_record(record, nlp)
    unique = {(span.start, span.end, span.label): span for span in spans}
    summary.duplicates += len(spans) - len(unique)
    summary.misaligned.add(misaligned)
    if isinstance(record, TextRecord):
        summary.discontinuous.add(record.discontinuous)
        summary.other += record.other
    return doc, list(unique.values())


def _set_spans(
    doc: Doc, spans: list[Span], spans_key: str, source_key: str | None
) -> None:
    if spans_key in doc.spans and spans_key != source_key:
        raise ValueError(Errors.EGP203.format(spans_key=spans_key))
    doc.spans[spans_key] = spans
