"""`spacy egp report`: the options of a report, and its main numbers on the screen."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from spacy.cli._util import Arg, Opt, import_code, setup_gpu
from wasabi import msg

from .options import (
    CodeOption,
    ComponentOption,
    GpuOption,
    JsonOption,
    ModelArgument,
)
from .terminal import escape

if TYPE_CHECKING:
    from ..report.results import Results


def report_cli(
    model: ModelArgument,
    data_path: Annotated[
        Path, Arg(help="Annotated docs, a .spacy file or a folder", exists=True)
    ],
    output_path: Annotated[Path, Arg(help="The page to write (.html)")],
    json_path: JsonOption = None,
    train_path: Annotated[
        Path | None,
        Opt(
            "--train",
            "-t",
            help="Training docs, to distinguish seen from unseen entities",
            exists=True,
        ),
    ] = None,
    training_dir: Annotated[
        Path | None,
        Opt(
            "--training-dir",
            "-T",
            help="Folder of the training with its log.jsonl, to show its curves",
            exists=True,
            file_okay=False,
        ),
    ] = None,
    component: ComponentOption = None,
    other_model: Annotated[
        str | None,
        Opt("--compare", help="Another pipeline to compare this one with"),
    ] = None,
    code_path: CodeOption = None,
    use_gpu: GpuOption = -1,
) -> None:
    """
    Evaluate an egp_ner and write a page that shows how well it performs, on which
    kinds of entities, where and why it fails, and what may be wrong with the
    annotation.

    The page is one HTML file that needs no network. To get the log for
    --training-dir, train with --training.logger.output_file training/log.jsonl.

    $ spacy egp report training/model-best dev.spacy report.html --train train.spacy
    """
    # This imports transformers. spaCy's other commands should not have to wait for it.
    from ..report.report import report

    import_code(code_path)
    setup_gpu(use_gpu)
    try:
        results = report(
            model,
            data_path,
            output_path,
            json_path=json_path,
            train_path=train_path,
            training_dir=training_dir,
            component=component,
            other_model=other_model,
        )
    except (ImportError, OSError, ValueError) as error:
        msg.fail("Cannot write the report", escape(error), exits=1)
    print_results(results)
    msg.good("Saved the report", output_path)
    if json_path is not None:
        msg.good("Saved the numbers", json_path)


def print_results(results: "Results") -> None:
    """Show the main numbers of a report, and what was left out.

    results (Results): The numbers.
    """
    from ..report.comparison import describe_comparison
    from ..report.results import describe_joined, describe_left_out

    overall = results.overall
    best = results.best_threshold
    msg.divider("Report")
    msg.table(
        {
            "Docs": results.counts.docs,
            "Gold spans": overall.support,
            "Precision": f"{overall.p:.1%}",
            "Recall": f"{overall.r:.1%}",
            "F": f"{overall.f:.1%}",
            "Best F": f"{results.thresholds[best].f:.1%} at a threshold of {best:g}",
            **{
                f"F, {number} docs joined": f"{joined.score.f:.1%}"
                for number, joined in results.joined.items()
                if number > 1
            },
        }
    )
    if results.comparison is not None:
        msg.info(escape(describe_comparison(results.comparison)))
    fall = describe_joined(results)
    if fall is not None:
        msg.warn(fall)
    for sentence in describe_left_out(results):
        msg.warn(escape(sentence))
