"""`spacy egp annotate`: the options of an annotation, and its summary on the screen."""

import json
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any, BinaryIO

from typer import Argument as Arg
from typer import Option as Opt
from wasabi import msg

from ..annotation.annotate import ENGINES, annotate
from ..annotation.formats import OUTPUTS
from ..annotation.summary import Summary
from ..errors import Errors
from .json_file import check_json, write_json
from .options import CodeOption, JsonOption
from .terminal import escape

FORMAT_HELP = f"Format of the output: {', '.join(OUTPUTS)}"
THRESHOLD_HELP = """Threshold instead of the pipeline's: 0.3 or '{"LABEL": 0.3}'"""
ENGINE_HELP = f"What runs the workers: {', '.join(ENGINES)} (Ray Data)"


def annotate_cli(
    model: Annotated[str, Arg(help="Name or path of a pipeline")],
    input_path: Annotated[
        str,
        Arg(
            help="File, folder, pattern or URL: .parquet, .jsonl, .txt (lines), .spacy"
        ),
    ],
    output_path: Annotated[
        str, Arg(help="Folder or URL to write the parts to; - for stdout")
    ],
    format: Annotated[str, Opt("--format", "-f", help=FORMAT_HELP)] = "jsonl",
    text_column: Annotated[
        str, Opt("--text-column", help="Column of the text")
    ] = "text",
    spans_key: Annotated[
        str, Opt("--spans-key", "-k", help="Key of the spans to write")
    ] = "sc",
    threshold: Annotated[
        Any,
        Opt("--threshold", parser=json.loads, help=THRESHOLD_HELP),
    ] = None,
    max_length: Annotated[
        int | None,
        Opt("--max-length", help="Maximum length of a span, instead of the pipeline's"),
    ] = None,
    max_chars: Annotated[
        int, Opt("--max-chars", help="Characters above which a document fails", min=1)
    ] = 1_000_000,
    max_seconds: Annotated[
        float,
        Opt("--max-seconds", help="Seconds after which a document fails", min=0.1),
    ] = 3600.0,
    docs_per_part: Annotated[
        int, Opt("--docs-per-part", help="Documents in a part of the output", min=1)
    ] = 10_000,
    batch_words: Annotated[
        int, Opt("--batch-words", help="Tokens that are processed together", min=1)
    ] = 5_000,
    engine: Annotated[str, Opt("--engine", "-e", help=ENGINE_HELP)] = "local",
    n_process: Annotated[
        int, Opt("--n-process", "-n", help="Workers: processes or Ray actors", min=1)
    ] = 1,
    gpu: Annotated[
        float, Opt("--gpu-share", help="Part of a GPU for each worker", min=0)
    ] = 0.0,
    address: Annotated[
        str | None, Opt("--address", "-a", help="Ray cluster; a local one if not set")
    ] = None,
    code_path: CodeOption = None,
    json_path: JsonOption = None,
) -> None:
    """
    Annotate a corpus of any size with a trained pipeline. The command adds a column
    with spans and keeps the other columns and the order of the documents.

    The output is written in parts. If the command is interrupted, run it again:
    it continues with the missing parts. Documents that fail are listed in the
    folder _failed of the output, and the exit code is then 1. With - as the
    output, the documents are written to stdout when all are annotated.

    $ spacy egp annotate training/model-best corpus.jsonl.gz annotated -n 4
    """
    stdout = sys.stdout.buffer
    # With -, stdout is only for the documents.
    with redirect_stdout(sys.stderr if output_path == "-" else sys.stdout):
        try:
            check_json(json_path, [model, input_path, output_path])
            # Ray reports on its workers on stdout, which is for the summary.
            with (
                parts_folder(output_path, format, stdout) as folder,
                redirect_stdout(sys.stderr),
            ):
                summary = annotate(
                    model,
                    input_path,
                    folder,
                    format=format,
                    text_column=text_column,
                    spans_key=spans_key,
                    threshold=threshold,
                    max_length=max_length,
                    max_chars=max_chars,
                    max_seconds=max_seconds,
                    docs_per_part=docs_per_part,
                    batch_words=batch_words,
                    engine=engine,
                    n_process=n_process,
                    gpu=gpu,
                    address=address,
                    code=str(code_path) if code_path else None,
                    silent=False,
                )
            if output_path == "-":
                summary.output = "standard output"
            if json_path is not None:
                write_json(json_path, summary.to_dict())
        except (ImportError, OSError, ValueError) as error:
            msg.fail("Cannot annotate the input", escape(error), exits=1)
        print_summary(summary)
    if summary.total.failed.count:
        raise SystemExit(1)


@contextmanager
def parts_folder(output_path: str, format: str, stdout: BinaryIO) -> Iterator[str]:
    """Provide a folder for the parts of an annotation.

    output_path (str): The folder; with -, the parts are written to stdout at the end.
    format (str): The format of the output.
    stdout (BinaryIO): Where to write them in this case.
    YIELDS (str): The folder, a temporary one for -.
    RAISES (ValueError): If the format cannot be written to stdout.
    """
    if output_path != "-":
        yield output_path
        return
    if OUTPUTS.get(format, ".jsonl") != ".jsonl":
        raise ValueError(Errors.EGP325.format(format=format))
    with TemporaryDirectory() as folder:
        parts = Path(folder, "parts")
        yield str(parts)
        for path in sorted(parts.glob("part-*")):
            with path.open("rb") as file:
                shutil.copyfileobj(file, stdout)


def print_summary(summary: Summary) -> None:
    """Show the counts of an annotation, and what failed.

    summary (Summary): The counts.
    """
    total, failed = summary.total, summary.total.failed
    msg.divider("Annotated corpus")
    rows = {
        "Docs": total.docs,
        "Words": total.words,
        "Spans": total.labels.total(),
        "In this run": summary.run.docs,
        "Seconds": f"{summary.seconds:.1f}",
        "Docs/s": f"{summary.docs_per_second:,.0f}",
        "Words/s": f"{summary.words_per_second:,.0f}",
    }
    msg.table(rows)
    labels = [(escape(label), n) for label, n in total.labels.most_common()]
    msg.table(labels, header=("Label", "Spans"), divider=True)
    msg.good(f"Saved {summary.parts} part(s)", escape(summary.output))
    if failed.count:
        msg.warn(f"{failed.count} document(s) failed, listed in _failed")
        msg.table([(escape(f.source), escape(f.reason)) for f in failed.first])
    if total.temporary:
        msg.warn(
            f"Memory or time ran out for {total.temporary} of them",
            "Run the same command again to retry these",
        )
