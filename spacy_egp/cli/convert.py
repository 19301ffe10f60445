"""`spacy egp convert`: the options of a conversion, and its summary on the screen."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any

from typer import Argument as Arg
from typer import Option as Opt
from wasabi import format_repr, msg

from ..corpora.convert import ConversionError, convert
from ..corpora.docs import ALIGNMENTS
from ..corpora.formats import FORMATS
from ..corpora.records import SpanText
from ..corpora.summary import Fate, Summary, Tally
from ..corpora.writer import part_path
from ..errors import Errors
from .json_file import check_json, write_json
from .options import JsonOption
from .terminal import escape, print_rest

MAX_EXAMPLES = 10
MAX_SHOWN_ERRORS = 100
FORMATS_HELP = f"Format of the input, one of {', '.join(FORMATS)}; detected if not set"
FATES = {
    Fate.TRIMMED: "span(s) trimmed of white space at an edge",
    Fate.EXPANDED: "span(s) expanded to the whole tokens that they cut",
    Fate.CONTRACTED: "span(s) contracted by the tokens that they cut",
    Fate.MISFIT: (
        "span(s) left out that do not fit the tokens: they cut those in the last "
        "column. Set --align, or --tokenizer"
    ),
    Fate.BLANK: "span(s) left out that are only white space",
    Fate.DISCONTINUOUS: "span(s) left out that are discontinuous",
    Fate.DUPLICATE: "duplicate span(s) removed",
}


def convert_cli(
    input_paths: Annotated[
        list[Path], Arg(help="Files, folders and zip archives", exists=True)
    ],
    output_path: Annotated[
        Path, Arg(help="A .spacy file, or a new folder for several smaller files")
    ],
    format: Annotated[str | None, Opt("--format", "-f", help=FORMATS_HELP)] = None,
    columns: Annotated[
        str | None,
        Opt("--columns", help="Columns with annotation: 4, or NAME,NAME"),
    ] = None,
    label_names: Annotated[
        str | None,
        Opt("--label-names", help="Names of numbered tags, e.g. O,B-PER,I-PER"),
    ] = None,
    lang: Annotated[
        str | None, Opt("--lang", "-l", help="Language (zh: characters are tokens)")
    ] = None,
    tokenizer: Annotated[
        str | None,
        Opt(
            "--tokenizer",
            help="whitespace, characters, a config or a pipeline; default: of --lang",
        ),
    ] = None,
    align: Annotated[
        str,
        Opt("--align", help=f"What to do if spans cut tokens: {', '.join(ALIGNMENTS)}"),
    ] = "strict",
    spans_key: Annotated[
        str, Opt("--spans-key", "-k", help="Key of the spans to write")
    ] = "sc",
    source_key: Annotated[
        str | None,
        Opt("--source-key", "-K", help="Key in .spacy input; doc.ents if not set"),
    ] = None,
    split: Annotated[
        str | None,
        Opt("--split", "-s", help="Ratios of train, dev, test, e.g. 0.8,0.1,0.1"),
    ] = None,
    by_document: Annotated[
        bool, Opt("--by-document", "-D", help="Keep documents together in a split")
    ] = False,
    seed: Annotated[int, Opt("--seed", help="Random seed of the split")] = 0,
    skip_bad: Annotated[
        bool, Opt("--skip-bad", "-S", help="Leave out and count malformed parts")
    ] = False,
    annotated_labels: Annotated[
        bool,
        Opt(
            "--annotated-labels",
            "-A",
            help="Each input is annotated only for the labels that occur in it",
        ),
    ] = False,
    json_path: JsonOption = None,
) -> None:
    """
    Convert an annotated corpus to .spacy files with all its spans in doc.spans.
    The summary shows what was converted, and what was left out and why.

    Texts that are already tokenized keep their tokens; others are tokenized with
    the tokenizer of the language or with --tokenizer. Gzipped files need not be
    decompressed. A split is written to corpus-train.spacy and so on, or to
    corpus/train and so on.

    $ spacy egp convert train.iob2 corpus.spacy --lang de --split 0.9,0.1
    """
    error = None
    try:
        check_json(json_path, input_paths)
        summary = convert(
            input_paths,
            output_path,
            format=format,
            columns=_parse_list(columns),
            label_names=_parse_list(label_names),
            lang=lang,
            tokenizer=tokenizer,
            align=align,
            spans_key=spans_key,
            source_key=source_key,
            split=_parse_ratios(split) if split else None,
            by_document=by_document,
            seed=seed,
            skip_bad=skip_bad,
            annotated_labels=annotated_labels,
            silent=False,
        )
    except ConversionError as conversion_error:
        error, summary = conversion_error, conversion_error.summary
    except (ImportError, OSError, ValueError) as other_error:
        msg.fail("Cannot convert the input", escape(other_error), exits=1)
    if json_path is not None:
        write_json(json_path, summary.to_dict())
    if error is not None:
        print_left_out(summary, MAX_SHOWN_ERRORS)
        msg.fail("Cannot convert the input", escape(error), exits=1)
    print_summary(summary)
    for part, count in summary.docs.items():
        msg.good(f"Saved {count} doc(s)", escape(part_path(output_path, part)))


def _parse_list(names: str | None) -> list[str]:
    return [name.strip() for name in names.split(",")] if names else []


def _parse_ratios(split: str) -> list[float]:
    try:
        return [float(ratio) for ratio in split.split(",")]
    except ValueError as error:
        raise ValueError(Errors.EGP201.format(ratios=split)) from error


def print_summary(summary: Summary) -> None:
    """Show the counts of a conversion, and what was left out.

    summary (Summary): The counts.
    """
    n_spans = summary.labels.total()
    depths = dict(sorted(summary.depths.items()))
    crossing = f"{summary.crossing} ({summary.crossing / max(n_spans, 1):.1%})"
    msg.divider("Converted corpus")
    rows = {
        "Docs": _format_counts(summary.docs.total(), summary.docs),
        "Tokens": summary.tokens,
        "Spans": n_spans,
        "Nesting depth": _format_counts(max(depths, default=0), depths),
        "Longest span": _format_longest(summary.longest, summary.longest_tokens),
        "Crossing spans": crossing,
    }
    msg.table(rows)
    labels = [(escape(label), n) for label, n in summary.labels.most_common()]
    msg.table(labels, header=("Label", "Spans"), divider=True)
    print_left_out(summary, MAX_EXAMPLES)
    for part, count in summary.docs.items():
        if not count:
            msg.warn(f"No docs in {part!r}: the input is too small for this split")


def print_left_out(summary: Summary, n_errors: int) -> None:
    """Show what was changed or left out, with examples.

    summary (Summary): The counts.
    n_errors (int): The largest number of errors to show.
    """
    for fate, title in FATES.items():
        _print_spans(title, summary.fates[fate])
    if summary.bad.count:
        msg.warn(f"{summary.bad.count} record(s) or span(s) that cannot be read")
        for bad in summary.bad.first[:n_errors]:
            msg.text(escape(bad))
        print_rest(summary.bad.count, n_errors)
    for reason, count in summary.unannotated.items():
        msg.warn(f"{count} text(s) left out that are not annotated: {escape(reason)}")
    for kind, count in summary.other.items():
        msg.warn(f"{count} annotation(s) left out that are not spans: {escape(kind)}")
    _print_list(
        "file(s) left out that are not part of the corpus",
        summary.files.count,
        summary.files.count,
        (f"{file.source}: {file.reason}" for file in summary.files.first),
    )
    repeats = summary.repeats
    others = (repeat for repeat in repeats.first if not repeat.same_spans)
    _print_list(
        f"doc(s) with texts that occur more than once; {repeats.others} of them have "
        "other spans than the first",
        repeats.count,
        repeats.others,
        (f"{repeat.source}: {format_repr(repeat.text)}" for repeat in others),
    )
    for notice in summary.notices.first:
        msg.warn(escape(f"{notice.source}: {notice.text}"))


def _format_counts(total: int, counts: Mapping[Any, int]) -> str:
    if len(counts) < 2:
        return str(total)
    parts = ", ".join(f"{key}: {count}" for key, count in counts.items())
    return f"{total} ({parts})"


def _format_longest(longest: SpanText | None, n_tokens: int) -> str:
    if longest is None:
        return "0"
    text = format_repr(longest.text)
    return escape(f"{n_tokens} tokens: {longest.label} {text} in {longest.source}")


def _print_spans(title: str, spans: Tally[SpanText]) -> None:
    if spans.count:
        msg.warn(f"{spans.count} {title}")
        msg.table(
            [
                tuple(map(escape, (s.source, s.label, format_repr(s.text), s.cut)))
                for s in spans.first[:MAX_EXAMPLES]
            ]
        )
        print_rest(spans.count, MAX_EXAMPLES)


def _print_list(title: str, count: int, n_lines: int, lines: Iterable[str]) -> None:
    """Show a number of things, and the first lines of those that have one."""
    if count:
        msg.warn(f"{count} {title}")
        for _, line in zip(range(MAX_EXAMPLES), lines, strict=False):
            msg.text(escape(line))
        print_rest(n_lines, MAX_EXAMPLES)
