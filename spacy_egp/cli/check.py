"""`spacy egp check`: the options of a check, and what it has found on the screen."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from spacy.cli._util import (
    Arg,
    Opt,
    import_code,
    parse_config_overrides,
    setup_gpu,
)
from spacy.util import load_config, load_model
from wasabi import format_repr, msg

from ..errors import Errors
from .options import CodeOption, ComponentOption, GpuOption, JsonOption
from .terminal import escape, print_rest

if TYPE_CHECKING:
    from ..checks.check import Result
    from ..checks.contradictions import Contradiction
    from ..checks.places import Place
    from ..corpora.summary import Listing

MAX_EXAMPLES = 10
CONTEXT_SETTINGS = {"allow_extra_args": True, "ignore_unknown_options": True}


def check_cli(
    context: typer.Context,
    train_path: Annotated[
        Path, Arg(help="Training docs, a .spacy file or a folder", exists=True)
    ],
    dev_path: Annotated[
        Path, Arg(help="Development docs, a .spacy file or a folder", exists=True)
    ],
    config_path: Annotated[
        Path | None,
        Opt("--config", help="Config of the training", exists=True),
    ] = None,
    component: ComponentOption = None,
    model: Annotated[
        str | None,
        Opt("--model", "-m", help="Trained pipeline, to list what it contradicts"),
    ] = None,
    n_folds: Annotated[
        int,
        Opt(
            "--folds",
            min=0,
            help="Number of folds: train on the others, to list contradictions in each",
        ),
    ] = 0,
    code_path: CodeOption = None,
    json_path: JsonOption = None,
    use_gpu: GpuOption = -1,
) -> None:
    """
    Check annotated docs before a training: counts, spans that cannot be learned,
    texts that occur twice, and strings that are annotated in some places but not in
    others. With --model or --folds, also likely errors: spans that a model
    contradicts.

    Settings of the config can be overridden, as in spaCy's commands: --nlp.lang de.
    The exit code is 1 if a training would break.

    $ spacy egp check train.spacy dev.spacy --config egp_cnn.cfg
    """
    # These import transformers. spaCy's other commands should not have to wait for it.
    from ..checks.check import check
    from .json_file import check_json, write_json

    import_code(code_path)
    setup_gpu(use_gpu)
    paths = {"train": train_path, "dev": dev_path}
    overrides = parse_config_overrides(context.args)
    if n_folds:
        msg.info(f"Training {n_folds} pipelines")
    try:
        check_json(json_path, paths.values())
        if overrides and config_path is None:
            raise ValueError(Errors.EGP280.format(settings=", ".join(overrides)))
        result = check(
            paths,
            load_config(config_path, overrides) if config_path else None,
            component,
            model=load_model(model) if model else None,
            n_folds=n_folds,
            use_gpu=use_gpu,
        )
        if json_path is not None:
            write_json(json_path, result.to_dict())
    except (ImportError, OSError, ValueError) as error:
        msg.fail("Cannot check the docs", escape(error), exits=1)
    print_result(result)
    if result.errors:
        raise SystemExit(1)


def print_result(result: "Result") -> None:
    """Show what a check has found.

    result (Result): What it has found.
    """
    _print_counts(result)
    msg.divider("Inconsistent strings")
    _print_strings(result)
    if result.contradictions is not None:
        msg.divider("Likely errors")
        _print_contradictions(result.contradictions)
    problems = {
        f"{part}: {problem.description}": places
        for part, counts in result.parts.items()
        for problem, places in counts.problems.items()
        if places.count
    }
    if problems:
        msg.divider("Spans to look at")
    for title, places in problems.items():
        msg.text(f"{places.count} {title}")
        _print_contexts(places.first[:MAX_EXAMPLES])
        print_rest(places.count, MAX_EXAMPLES)
    msg.divider("Verdict")
    for sentence in result.unchecked:
        msg.info(escape(sentence))
    for sentence in result.warnings:
        msg.warn(escape(sentence))
    for sentence in result.errors:
        msg.fail(escape(sentence))
    if not result.errors:
        msg.good("Nothing breaks a training")


def _print_counts(result: "Result") -> None:
    parts = list(result.parts.values())
    rows: list[tuple[Any, ...]] = [
        ("Docs", *(counts.census.n_docs for counts in parts)),
        ("Not annotated", *(counts.census.n_unannotated for counts in parts)),
        ("Without spans", *(counts.negative for counts in parts)),
        ("Tokens", *(counts.tokens for counts in parts)),
        ("Spans", *(counts.spans for counts in parts)),
        ("Longest span", *(max(counts.lengths, default=0) for counts in parts)),
        ("Nesting depth", *(max(counts.depths, default=0) for counts in parts)),
        ("Crossing spans", *(counts.crossing for counts in parts)),
    ]
    msg.divider("Counts")
    msg.table(rows, header=("", *result.parts), divider=True)
    labels = sum((counts.labels for counts in parts[1:]), start=parts[0].labels)
    by_label = [
        (escape(label) or "(none)", *(counts.labels[label] for counts in parts))
        for label, _ in labels.most_common()
    ]
    msg.table(by_label, header=("Label", *result.parts), divider=True)


def _print_strings(result: "Result") -> None:
    msg.text(
        f"{result.strings.count} strings are annotated in some places but not in "
        "others, or with different labels; the most likely errors first"
    )
    for string in result.strings.first[:MAX_EXAMPLES]:
        counts = ", ".join(
            f"{' + '.join(reading.labels) or 'not annotated'}: {reading.count}"
            for reading in string.readings
        )
        msg.text(escape(f"{format_repr(string.text)} ({counts})"))
        for reading in string.readings[1:]:
            _print_contexts(reading.places)
    print_rest(result.strings.count, MAX_EXAMPLES)


def _print_contradictions(contradictions: "Listing[Contradiction]") -> None:
    msg.text(
        f"{contradictions.count} spans have a label, or none, that is less likely than "
        "another one; the least likely first"
    )
    for place, label, log_odds in contradictions.first[:MAX_EXAMPLES]:
        msg.text(escape(f"likely {label} (log-odds {log_odds:.1f})"))
        _print_contexts([place])
    print_rest(contradictions.count, MAX_EXAMPLES)


def _print_contexts(places: Sequence["Place"]) -> None:
    for place in places:
        label = place.label or "not annotated"
        text = f"{place.before}[{place.text}]{place.after}".replace("\n", " ")
        msg.text(escape(f"  {place.part} {place.doc}  {label}: {text}"))
