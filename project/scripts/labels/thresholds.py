"""Find thresholds by label on the development part, and score them on the test part."""

from collections import Counter
from functools import partial
from pathlib import Path
from typing import Annotated, Any, cast

import spacy
import srsly
import typer
from spacy.language import Language
from spacy.training import Corpus
from weasel.util import get_checksum

from scripts.peers.recognizers import SPANS_KEY
from scripts.shared.markdown_table import markdown_table, percent
from scripts.shared.measuring import commit, machine, mean_and_sd, portable
from spacy_egp.component import EGPRecognizer
from spacy_egp.corpora.writer import temporary_output
from spacy_egp.pipelines import find_component
from spacy_egp.report.tuning import Target, tune
from spacy_egp.thresholds import Threshold

Result = dict[str, Any]
BEST_F = Target()


def thresholds(
    output_path: Annotated[Path, typer.Argument(help="JSON file to write")],
    dev: Annotated[Path, typer.Option(help="Docs to find thresholds on", exists=True)],
    test: Annotated[Path, typer.Option(help="Docs to score on", exists=True)],
    model: Annotated[
        list[Path],
        typer.Option(help="Trained pipeline; repeated, those of several seeds"),
    ],
    precision: Annotated[
        float, typer.Option(help="Precision that each label shall reach")
    ] = 0.9,
    n_spans: Annotated[
        int, typer.Option(help="Least gold spans of a label in the table")
    ] = 100,
) -> None:
    """Find thresholds on some docs and score them on others: a common one and those by
    label with the best F, and those by label that reach a precision. Write a JSON file,
    and a table next to it."""
    gold = Counter(
        span.label_
        for example in Corpus(test)(spacy.blank("xx"))
        for span in example.reference.spans[SPANS_KEY]
    )
    figures = {
        "dev": {"path": portable(dev), "checksum": get_checksum(dev)},
        "test": {"path": portable(test), "checksum": get_checksum(test)},
        "models": list(map(portable, model)),
        "precision": precision,
        "labels": [label for label, n in gold.most_common() if n >= n_spans],
        "runs": [measure(spacy.load(path), dev, test, precision) for path in model],
        "run": {**machine(), "commit": commit()},
    }
    table = describe(figures)
    output_path.parent.mkdir(parents=True, exist_ok=True)
    with temporary_output(output_path) as path:
        srsly.write_json(path, figures)
        path.with_suffix(".md").write_text(table, encoding="utf8")
    typer.echo(table, nl=False)


def measure(nlp: Language, dev: Path, test: Path, precision: float) -> Result:
    """Find thresholds and score them.

    nlp (Language): The pipeline.
    dev (Path): The docs to find them on.
    test (Path): The docs to score them on.
    precision (float): The precision that each label should reach.
    RETURNS (Dict[str, Any]): For each way to find them, the threshold and the scores.
    """
    name = find_component(nlp)
    ways = {
        "common": (BEST_F, False),
        "by label": (BEST_F, True),
        "precision": (Target("precision", precision), True),
    }
    found: Result = {}
    for way, (target, by_label) in ways.items():
        examples = partial(Corpus(dev), nlp)
        tuning = tune(nlp, name, examples, target=target, by_label=by_label)
        found[way] = score_at(nlp, name, tuning.threshold, test)
    return found


def score_at(nlp: Language, name: str, threshold: Threshold, path: Path) -> Result:
    """RETURNS (Dict[str, Any]): A threshold, and its scores on docs."""
    cast(EGPRecognizer, nlp.get_pipe(name)).threshold = threshold
    scores = nlp.evaluate(list(Corpus(path)(nlp)))
    return {
        "threshold": threshold,
        "f": scores[f"spans_{SPANS_KEY}_f"],
        "labels": scores[f"spans_{SPANS_KEY}_per_type"],
    }


def describe(figures: Result) -> str:
    """RETURNS (str): Markdown: what was scored where, F with each way to find
    thresholds, and the precision of each label."""
    runs = figures["runs"]
    best_f = [
        [way, percent(mean_and_sd(run[way]["f"] for run in runs))]
        for way in ("common", "by label")
    ]
    by_label = []
    for label in figures["labels"]:
        scores = [run["precision"]["labels"].get(label, {}) for run in runs]
        row = [percent(mean_and_sd(x.get(m, 0.0) for x in scores)) for m in "pr"]
        by_label.append([label, *row])
    run, n_runs = figures["run"], len(runs)
    where = ", ".join(f"{p} {run[p]}" for p in ("spacy-egp", "spacy", "thinc", "torch"))
    spread = f"; mean and standard deviation of {n_runs} pipelines" * (n_runs > 1)
    target = f"{100 * figures['precision']:g}%"
    return (
        f"Thresholds that are found on {figures['dev']['path']}, strict scores in "
        f"percent on {figures['test']['path']}{spread}. {run['processor']} ({where}), "
        f"commit {run['commit']}.\n\n"
        f"{markdown_table(['threshold with the best F', 'F'], best_f)}\n"
        f"{markdown_table([f'precision of {target}', 'P', 'R'], by_label)}"
    )


if __name__ == "__main__":
    typer.run(thresholds)
