"""`spacy egp threshold`: find the best thresholds on annotated docs."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

from spacy.cli._util import Arg, Opt, import_code, setup_gpu
from tqdm import tqdm
from wasabi import msg

from ..component import EGPRecognizer
from ..docbins import read_examples
from ..errors import Errors
from ..pipelines import check_output, find_component, load_pipeline, save_pipeline
from .json_file import check_json, write_json
from .options import (
    CodeOption,
    ComponentOption,
    GpuOption,
    JsonOption,
    ModelArgument,
)
from .terminal import escape

if TYPE_CHECKING:
    from ..report.statistics import Score
    from ..report.tuning import Tuning


def threshold_cli(
    model: ModelArgument,
    data_path: Annotated[
        Path,
        Arg(help="Annotated docs, but not those of the test part", exists=True),
    ],
    by_label: Annotated[
        bool, Opt("--by-label", help="Find a threshold for each label")
    ] = False,
    precision: Annotated[
        float | None,
        Opt("--precision", help="Precision to reach", min=0, max=1),
    ] = None,
    recall: Annotated[
        float | None, Opt("--recall", help="Recall to reach", min=0, max=1)
    ] = None,
    output_path: Annotated[
        Path | None,
        Opt(
            "--write",
            "-w",
            help="Folder for the pipeline with the thresholds, or its own folder",
        ),
    ] = None,
    component: ComponentOption = None,
    code_path: CodeOption = None,
    use_gpu: GpuOption = -1,
    json_path: JsonOption = None,
) -> None:
    """
    Find the threshold with the best F on annotated docs, or the one that reaches a
    precision or recall, in one pass. Do not use the docs of the final evaluation.

    With --by-label, a label gets its own threshold if that is better on held-out
    parts of the docs (cross-validation); the other labels share one threshold.

    $ spacy egp threshold training/model-best dev.spacy --write training/model-tuned
    """
    from ..report.tuning import Target, tune

    import_code(code_path)
    setup_gpu(use_gpu)
    target = Target()
    if precision is not None:
        target = Target("precision", precision)
    elif recall is not None:
        target = Target("recall", recall)
    try:
        if precision is not None and recall is not None:
            raise ValueError(Errors.EGP310)
        check_json(json_path, [model, data_path])
        if output_path is not None:
            check_output(output_path, model)
        nlp = load_pipeline(model)
        name = find_component(nlp, component)
        tuning = tune(
            nlp,
            name,
            # The progress bar is only shown on a terminal.
            lambda: tqdm(read_examples(data_path, nlp), unit=" docs", disable=None),
            target=target,
            by_label=by_label,
        )
        if output_path is not None:
            cast(EGPRecognizer, nlp.get_pipe(name)).threshold = tuning.threshold
            save_pipeline(nlp, output_path)
        if json_path is not None:
            write_json(json_path, asdict(tuning))
    except (OSError, ValueError) as error:
        msg.fail("Cannot find the threshold", escape(error), exits=1)
    print_tuning(tuning)
    if output_path is not None:
        msg.good("Saved the pipeline", output_path)


def print_tuning(tuning: "Tuning") -> None:
    """Show a curve, thresholds and what they score.

    tuning (Tuning): The thresholds and scores.
    """
    from ..report.tuning import N_FOLDS

    header = ("Threshold", "Precision", "Recall", "F")
    msg.divider("One threshold for all labels")
    curve = {round(100 * x): score for x, score in tuning.curve.items()}
    msg.table(
        [(f"{x / 100:.2f}", *_percent(curve[x])) for x in sorted(curve) if x % 5 == 0],
        header=header,
        divider=True,
        aligns="r",
    )
    if isinstance(tuning.threshold, dict):
        msg.divider("Thresholds by label")
        msg.table(
            [
                (escape(label), f"{tuning.threshold[label]:.2f}", *_percent(score))
                for label, score in tuning.labels.items()
            ],
            header=("Label", *header),
            divider=True,
            aligns=("l", *"rrrr"),
        )
        if len(set(tuning.threshold.values())) == 1:
            msg.info("No label does better with a threshold of its own")
    msg.divider("Result")
    rows = {
        "As the pipeline is": tuning.before,
        "With the suggested threshold": tuning.score,
        "Found on other docs": tuning.held_out,
    }
    msg.table(
        [(name, *_percent(score)) for name, score in rows.items()],
        header=("", *header[1:]),
        divider=True,
        aligns=("l", *"rrr"),
    )
    msg.text(
        f"Found on other docs: the docs are cut into {N_FOLDS} parts, and each is "
        "scored with the threshold found on the others. Expect this on new docs."
    )
    if not isinstance(tuning.threshold, dict):
        if tuning.unreached:
            msg.warn("No threshold reaches the target; this one comes nearest")
        msg.good(f"Suggested threshold: {tuning.threshold:.2f}")
    elif tuning.unreached:
        msg.warn(
            "Labels that reach the target at no threshold; they have the nearest one",
            escape(", ".join(tuning.unreached)),
        )


def _percent(score: "Score") -> list[str]:
    return [f"{100 * value:.1f}" for value in (score.p, score.r, score.f)]
