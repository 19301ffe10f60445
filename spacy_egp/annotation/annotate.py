"""The annotation of a corpus: plan, manifest, engine, summary."""

import time
from collections.abc import Collection, Iterator, Sequence
from hashlib import file_digest
from importlib.metadata import version
from pathlib import Path

from spacy.util import get_package_path, is_package
from tqdm import tqdm

from ..errors import Errors
from ..thresholds import Threshold
from .annotator import Settings
from .corpus import (
    Part,
    check_columns,
    cut_files,
    find_files,
    find_schema,
    list_digests,
)
from .documents import Hash
from .formats import COMPRESSED, OUTPUTS, SUFFIXES
from .local import annotate_locally
from .names import check_folder_name
from .output import Output
from .summary import Counts, Summary

ENGINES = ("local", "ray")
# The most that the system's timers accept: three years.
MAX_SECONDS = 1e8


def annotate(
    model: str,
    input_path: str,
    output_path: str,
    *,
    format: str = "jsonl",
    text_column: str = "text",
    spans_key: str = "sc",
    threshold: Threshold | None = None,
    max_length: int | None = None,
    max_chars: int = 1_000_000,
    max_seconds: float = 3600,
    docs_per_part: int = 10_000,
    batch_words: int = 5_000,
    engine: str = "local",
    n_process: int = 1,
    gpu: float = 0.0,
    address: str | None = None,
    code: str | None = None,
    silent: bool = True,
) -> Summary:
    """Annotate a corpus with a trained pipeline, or resume an interrupted run.

    The output is a folder with a file for each part of the input, in its order. It does
    not depend on the engine, n_process or batch_words.

    model (str): Path or package of the pipeline.
    input_path (str): A file, a folder or a pattern: .parquet, .jsonl, .txt (a document
        per line) or .spacy. Local, or a URL that fsspec knows.
    output_path (str): The folder, local or a URL.
    format (str): Format of the output: "jsonl", "parquet", "spacy", or tasks with
        predictions for "prodigy", "doccano" or "label-studio".
    text_column (str): The column of the text.
    spans_key (str): Key of the spans in doc.spans.
    threshold (float | dict[str, float] | None): Probability above which `egp_ner`
        writes a span, or a table of labels and probabilities. None for that of the
        pipeline.
    max_length (int | None): The maximum number of tokens in a span of `egp_ner`. None
        for that of the pipeline.
    max_chars (int): The maximum number of characters of a document; longer ones fail.
    max_seconds (float): The maximum number of seconds for a document; slower ones
        fail. The next call tries them again.
    docs_per_part (int): The maximum number of documents in a part.
    batch_words (int): Number of tokens that the pipeline processes together.
    engine (str): "local" (processes on this machine) or "ray" (Ray Data).
    n_process (int): The number of workers: processes, or Ray actors.
    gpu (float): Share of a GPU for each worker; 0 for the CPU.
    address (str | None): Address of a Ray cluster. None to start one on this machine.
    code (str | None): Python file that each worker imports before it loads the
        pipeline, with the components that the pipeline needs.
    silent (bool): Whether to hide the progress bar.
    RETURNS (Summary): What was annotated, and what failed.
    RAISES:
        ValueError: If a setting or an input file is not valid.
        OSError: If files are missing, or the folder has other content.
        ChildProcessError: If workers were killed; the same call resumes the run.
        ImportError: If an extra is not installed.
    """
    _check_choice("format", format, OUTPUTS)
    _check_choice("engine", engine, ENGINES)
    if not 0 < max_seconds <= MAX_SECONDS:
        raise ValueError(Errors.EGP441.format(value=max_seconds, most=MAX_SECONDS))
    if address and engine != "ray":
        raise ValueError(Errors.EGP401.format(address=address))
    model_path = _find_model(model)
    code_path = _find_code(code) if code else None
    check_folder_name(output_path, (*SUFFIXES, *COMPRESSED, *OUTPUTS.values()))
    output = Output(output_path)
    files = find_files(input_path, output.url)
    check_columns(files, text_column)
    parts = cut_files(files, docs_per_part)
    if not parts:
        raise ValueError(Errors.EGP405.format(url=input_path))
    settings = Settings(
        model=str(model_path),
        output=output.url,
        format=format,
        text_column=text_column,
        spans_key=spans_key,
        threshold=threshold,
        max_length=max_length,
        max_chars=max_chars,
        max_seconds=max_seconds,
        batch_words=batch_words,
        gpu=gpu,
        code=str(code_path) if code_path else None,
        schema=find_schema(parts, text_column) if format == "parquet" else None,
    )
    manifest = {
        "model": _digest(model_path),
        "format": format,
        "text_column": text_column,
        "spans_key": spans_key,
        "threshold": threshold,
        "max_length": max_length,
        "max_chars": max_chars,
        "docs_per_part": docs_per_part,
        "code": _digest(code_path) if code_path else None,
        "versions": {name: version(name) for name in ("spacy", "spacy-egp")},
        # Compared last, because it depends on docs_per_part.
        "input": list_digests(files, parts),
    }
    with output.lock():
        output.begin(manifest)
        done = output.read_done(OUTPUTS[format])
        missing = [part for part in parts if part.number not in done]
        summary = Summary(output.url, len(parts))
        for counts in done.values():
            summary.total.add(counts)
        begin = time.perf_counter()
        with tqdm(
            total=sum(part.slice.n_docs for part in parts),
            initial=summary.total.docs + summary.total.failed.count,
            unit=" docs",
            mininterval=1.0,
            disable=silent,
        ) as progress_bar:
            for counts in _run_engine(engine, settings, missing, n_process, address):
                summary.add(counts, time.perf_counter() - begin)
                words_per_second = f"{summary.words_per_second:,.0f} words/s"
                progress_bar.set_postfix_str(words_per_second, refresh=False)
                progress_bar.update(counts.docs + counts.failed.count)
        output.clean()
        return summary


def _check_choice(name: str, value: str, choices: Collection[str]) -> None:
    if value not in choices:
        raise ValueError(
            Errors.EGP101.format(setting=name, value=value, choices=", ".join(choices))
        )


def _find_model(model: str) -> Path:
    """The folder of the pipeline, given its path or the name of its package."""
    path = Path(model)
    if path.exists():
        return path.resolve()
    if is_package(model):
        return get_package_path(model)
    raise FileNotFoundError(Errors.EGP402.format(model=model))


def _find_code(code: str) -> Path:
    path = Path(code)
    if not path.is_file():
        raise FileNotFoundError(Errors.EGP428.format(path=code))
    return path.resolve()


def _digest(path: Path) -> str:
    """RETURNS (str): Hash of a file, or of the names and contents of the files in a
    folder, without those that Python has compiled."""
    hash = Hash()
    for file_path in sorted(path.rglob("*")) if path.is_dir() else [path]:
        if file_path.is_file() and file_path.suffix != ".pyc":
            with file_path.open("rb") as file:
                content = file_digest(file, Hash)
            name = file_path.relative_to(path).as_posix()
            hash.update(f"{name}:{content.hexdigest()}\n".encode())
    return hash.hexdigest()


def _run_engine(
    engine: str,
    settings: Settings,
    parts: Sequence[Part],
    n_process: int,
    address: str | None,
) -> Iterator[Counts]:
    if not parts:
        return iter(())
    if engine == "local":
        return annotate_locally(settings, parts, n_process)
    try:
        from .ray_data import annotate_with_ray
    except ImportError as error:
        raise ImportError(Errors.EGP411) from error
    return annotate_with_ray(settings, parts, n_process, address)
