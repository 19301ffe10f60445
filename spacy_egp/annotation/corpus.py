"""The input as a whole: its files, and the parts that they are cut into."""

import io
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import IO, Any, NamedTuple

import fsspec
from fsspec.compression import available_compressions
from spacy.vocab import Vocab

from ..errors import Errors
from .documents import Hash, Record, Slice
from .formats import COMPRESSED, get_reader, import_parquet, input_suffix
from .names import full_name
from .rows import SPANS_COLUMN


class Part(NamedTuple):
    """The unit of work and of restart: a slice of an input file and its number.

    number (int): From 0, in the order of the input.
    url (str): The file.
    slice (Slice): The stretch of the file.
    """

    number: int
    url: str
    slice: Slice


def find_files(url: str, output: str) -> list[str]:
    """Find the input files, in the order of their names.

    url (str): A file, a folder or a pattern, local or of any file system that fsspec
        knows. In folders, names that begin with "." or "_" are left out.
    output (str): The folder of the output, which may be inside.
    RETURNS (list[str]): Their paths or URLs.
    RAISES:
        FileNotFoundError: If there are none.
        ValueError: If one of them is not a regular file.
    """
    fs, path = fsspec.url_to_fs(url)
    if fs.isdir(path):
        infos = fs.find(path, detail=True)
        infos = {file: infos[file] for file in infos if not _is_hidden(file, path)}
    else:
        infos = fs.glob(path, detail=True)
        infos = {file: infos[file] for file in infos if not fs.isdir(file)}
    urls = []
    for file, info in sorted(infos.items()):
        file_url = full_name(fs, file)
        if file_url == output or file_url.startswith(f"{output}/"):
            continue
        # Follow links, which the listing does not.
        if info["type"] != "file" and fs.info(file)["type"] != "file":
            raise ValueError(Errors.EGP434.format(url=file_url))
        urls.append(file_url)
    if not urls:
        raise FileNotFoundError(Errors.EGP404.format(url=url))
    return urls


def _is_hidden(path: str, folder: str) -> bool:
    inner = PurePosixPath(path).relative_to(folder)
    return any(name.startswith((".", "_")) for name in inner.parts)


def cut_files(urls: Sequence[str], docs_per_part: int) -> list[Part]:
    """Cut files into parts, which only depend on the files and this number.

    urls (Sequence[str]): The files.
    docs_per_part (int): The largest number of documents in a part.
    RETURNS (list[Part]): The parts.
    RAISES (ValueError): If a file is damaged or in an unknown format.
    """
    parts: list[Part] = []
    for url in urls:
        cut = get_reader(url).cut
        with _open(url) as file:
            for slice in cut(file, docs_per_part):
                parts.append(Part(len(parts), url, slice))
    return parts


def list_digests(urls: Sequence[str], parts: Iterable[Part]) -> dict[str, str]:
    """List hashes that tell whether the files are those of an earlier run.

    urls (Sequence[str]): The files.
    parts (Iterable[Part]): Their parts.
    RETURNS (dict[str, str]): A hash of the content of each.
    """
    hashes = {url: Hash() for url in urls}
    for part in parts:
        hashes[part.url].update(part.slice.digest.encode())
    return {url: hash.hexdigest() for url, hash in hashes.items()}


def read_part(part: Part, text_column: str, vocab: Vocab) -> Iterator[Record]:
    """Read the documents of a part.

    part (Part): The part.
    text_column (str): The column of the text.
    vocab (Vocab): The pipeline's vocab.
    YIELDS (Record): A record per document.
    RAISES (ValueError): If the file is damaged, or has changed since it was cut.
    """
    read = get_reader(part.url).read
    with _open(part.url) as file:
        yield from read(file, part.url, part.slice, text_column, vocab)


def find_schema(parts: Sequence[Part], text_column: str) -> Any:
    """Find the columns of the input, for output in Parquet: those of a Parquet file, or
    of the documents in the first part.

    parts (Sequence[Part]): All parts.
    text_column (str): The column of the text.
    RETURNS (pyarrow.Schema): The columns.
    RAISES (ValueError): If input files in Parquet differ in their columns.
    """
    parquet = import_parquet()
    schemas = dict(_read_schemas(dict.fromkeys(part.url for part in parts)))
    if not schemas:
        records = read_part(parts[0], text_column, Vocab())
        columns = [record.columns for record in records]
        return parquet.infer_schema(columns, text_column)
    first, *others = schemas
    for url in others:
        if schemas[url] != schemas[first]:
            raise ValueError(Errors.EGP409.format(url=url, first=first))
    if SPANS_COLUMN in schemas[first].names:
        raise ValueError(Errors.EGP425.format(column=SPANS_COLUMN))
    return schemas[first]


def check_columns(urls: Iterable[str], text_column: str) -> None:
    """Check the columns of the files in Parquet.

    urls (Iterable[str]): The files.
    text_column (str): The column of the text.
    RAISES (ValueError): If one has no such column, or two columns with the same name.
    """
    for url, schema in _read_schemas(urls):
        import_parquet().check_schema(url, schema, text_column)


def _read_schemas(urls: Iterable[str]) -> Iterator[tuple[str, Any]]:
    for url in urls:
        if input_suffix(url) == ".parquet":
            with _open(url) as file:
                schema = import_parquet().read_schema(file)
            yield url, schema


@contextmanager
def _open(url: str) -> Iterator[IO[bytes]]:
    """Open a file, decompressed, to read it in any order. Any error while it is open is
    reported as one of the file: damaged bytes make libraries raise errors of any type.
    """
    compression = COMPRESSED.get(PurePosixPath(url).suffix)
    if compression not in available_compressions():
        raise ImportError(Errors.EGP435.format(url=url, compression=compression))
    try:
        with fsspec.open(url, "rb", compression=compression) as file:
            # Files of fsspec are slow at reading lines.
            yield io.BufferedReader(file)
    except ImportError:
        raise
    except Exception as error:
        raise ValueError(Errors.EGP407.format(url=url, error=error)) from error
