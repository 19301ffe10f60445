"""`spacy egp convert`: the options of a conversion, and its summary on the screen."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from spacy.cli._util import Arg, Opt
from wasabi import format_repr, msg

from ..corpora.convert import convert
from ..corpora.formats import get_formats
from ..corpora.records import BadRecord, SpanText
from ..corpora.summary import Summary, Tally
from ..corpora.writer import part_path
from ..errors import Errors

FORMATS_HELP = f"Format, one of {', '.join(get_formats())}; detected if not set"


def convert_cli(
    input_paths: Annotated[
        list[Path], Arg(help="Files, folders and zip archives", exists=True)
    ],
    output_path: Annotated[
        Path, Arg(help="A .spacy file, or a new folder for files of bounded size")
    ],
    format: Annotated[str | None, Opt("--format", "-f", help=FORMATS_HELP)] = None,
    lang: Annotated[
        str, Opt("--lang", "-l", help="Language (zh: a token per character)")
    ] = "en",
    spans_key: Annotated[
        str, Opt("--spans-key", "-k", help="Key of the spans to write")
    ] = "sc",
    source_key: Annotated[
        str | None,
        Opt("--source-key", "-K", help="Key in .spacy input, doc.ents if not set"),
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
        bool, Opt("--skip-bad", "-S", help="Leave out and count what is malformed")
    ] = False,
) -> None:
    """
    Convert an annotated corpus to .spacy files with all its spans in doc.spans.
    The summary tells what was converted, and what was left out and why.

    Sentences that are tokenized already keep their tokens, other texts are
    tokenized with the language's tokenizer. Gzipped files can be read as they
    are. A split is written to corpus-train.spacy and so on, or corpus/train.

    $ spacy egp convert train.iob2 corpus.spacy --lang de --split 0.9,0.1
    """
    try:
        summary = convert(
            input_paths,
            output_path,
            format=format,
            lang=lang,
            spans_key=spans_key,
            source_key=source_key,
            split=_parse_ratios(split) if split else None,
            by_document=by_document,
            seed=seed,
            skip_bad=skip_bad,
            silent=False,
        )
    except BadRecord as error:
        title = "Malformed input. Correct it, or leave it out with --skip-bad"
        msg.fail(title, error, exits=1)
    except (ImportError, OSError, ValueError) as error:
        msg.fail("Cannot convert the input", error, exits=1)
    print_summary(summary)
    for part, count in summary.docs.items():
        msg.good(f"Saved {count} docs", part_path(output_path, part))


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
    msg.table(summary.labels.most_common(), header=("Label", "Spans"), divider=True)
    _warn_of_spans("do not fit the tokens: is --lang right?", summary.misaligned)
    _warn_of_spans("are discontinuous", summary.discontinuous)
    if summary.bad.count:
        msg.warn(f"{summary.bad.count} record(s) left out that cannot be read")
        msg.table([(error.source, error.problem) for error in summary.bad.first])
    for reason, count in summary.unannotated.items():
        msg.warn(f"{count} text(s) left out that are not annotated: {reason}")
    for kind, count in summary.other.items():
        msg.warn(f"{count} annotation(s) left out that are no spans: {kind}")
    if summary.duplicates:
        msg.warn(f"{summary.duplicates} duplicate span(s) removed")
    for part, count in summary.docs.items():
        if not count:
            msg.warn(f"No docs in {part!r}: the input is too small for this split")


def _format_counts(total: int, counts: Mapping[Any, int]) -> str:
    if len(counts) < 2:
        return str(total)
    parts = ", ".join(f"{key}: {count}" for key, count in counts.items())
    return f"{total} ({parts})"


def _format_longest(longest: SpanText | None, n_tokens: int) -> str:
    if longest is None:
        return "0"
    text = format_repr(longest.text)
    return f"{n_tokens} tokens: {longest.label} {text} in {longest.source}"


def _warn_of_spans(problem: str, spans: Tally[SpanText]) -> None:
    if spans.count:
        msg.warn(f"{spans.count} span(s) left out that {problem}")
        msg.table(
            [(span.source, span.label, format_repr(span.text)) for span in spans.first]
        )
