"""The entries of a whole corpus, file after file."""

from collections.abc import Callable, Iterable, Iterator

from ..errors import Errors
from .files import DAMAGED, FilePath, bare_name, file_size, open_file
from .format import Format, Options, Sample
from .formats import FORMATS
from .records import BadRecord, BaseRecord, Entry, LeftOut
from .validation import check_record

# A file with one of these suffixes must be in a known format. Other files may lie next
# to a corpus.
DATA_SUFFIXES = (
    *(".ann", ".a1", ".a2", ".bio", ".conll", ".conllu", ".conllup", ".iob", ".iob2"),
    *(".json", ".jsonl", ".ndjson", ".parquet", ".pubtator", ".spacy", ".tsv", ".xmi"),
)
# What tools write if there is nothing to write.
NOTHING = (b"", b"[]", b"{}")


def read_corpus(
    files: Iterable[FilePath | BadRecord | LeftOut],
    options: Options,
    format: str | None,
    progress: Callable[[int], object],
) -> Iterator[Entry]:
    """Read the files, holding one record at a time.

    files (Iterable[FilePath | BadRecord | LeftOut]): The files.
    options (Options): What a user says of them.
    format (str | None): The name of their format. If None, it is detected per file.
    progress (Callable[[int], object]): Called with the number of bytes just read.
    YIELDS (Entry): One record per doc, with checked spans, or what takes its place.
    """
    for path in files:
        if isinstance(path, (BadRecord, LeftOut)):
            yield path
            continue
        try:
            file_format = FORMATS[format] if format else detect_format(path)
            if isinstance(file_format, LeftOut):
                yield file_format
            else:
                yield from _read_file(path, file_format, options, progress)
        except BadRecord as error:
            yield error
        except DAMAGED as error:
            yield BadRecord(str(path), Errors.EGP211.format(error=error))


def detect_format(path: FilePath) -> Format | LeftOut:
    """Find a file's format by its name and its first records.

    path (FilePath): The file.
    RETURNS (Format | LeftOut): The format, or the reason why the file is not part of a
        corpus.
    RAISES (BadRecord): If the file should be part of it by its name, but is in none of
        the formats.
    """
    sample = Sample(path)
    try:
        for format in FORMATS.values():
            if format.matches(sample):
                return format
    except BadRecord as error:
        if bare_name(path).endswith(DATA_SUFFIXES):
            raise
        return LeftOut(error.source, error.problem)
    for value in sample.values:
        if isinstance(value, ValueError):
            raise BadRecord(str(path), str(value))
    if sample.head.strip() in NOTHING:
        return LeftOut(str(path), Errors.EGP260)
    problem = Errors.EGP210.format(formats=", ".join(FORMATS))
    # A list of labels and the like is JSON, too.
    if bare_name(path).endswith(DATA_SUFFIXES) and not sample.values:
        raise BadRecord(str(path), problem)
    return LeftOut(str(path), problem)


def _read_file(
    path: FilePath,
    format: Format,
    options: Options,
    progress: Callable[[int], object],
) -> Iterator[Entry]:
    size = file_size(path)
    with open_file(path) as file:
        position = 0
        for entry in format.read(path, file, options):
            if isinstance(entry, BaseRecord):
                yield from check_record(entry)
            else:
                yield entry
            # In a compressed file, only the end position is known.
            if file.seekable():
                progress(file.tell() - position)
                position = file.tell()
        progress(size - position)
