"""Tabulate and plot what `train.py` has found."""

from pathlib import Path
from typing import Annotated, Any

import srsly
import typer

from scripts.compare.plots import plot
from scripts.shared.figures import save_figure
from scripts.shared.markdown_table import markdown_table, percent

Comparison = dict[str, Any]


def compare_tables(
    input_path: Annotated[Path, typer.Argument(help="JSON file of train.py")],
) -> None:
    """Write tables (Markdown) and a plot (PNG) next to the JSON file."""
    comparison = srsly.read_json(input_path)
    tables = [
        describe(comparison),
        heads_table(comparison),
        joined_table(comparison),
        labels_table(comparison),
    ]
    text = "\n".join(tables)
    input_path.with_suffix(".md").write_text(text, encoding="utf8")
    typer.echo(text, nl=False)
    save_figure(plot(comparison), input_path.with_suffix(""))


def describe(comparison: Comparison) -> str:
    """Describe what was trained, how and where, and the version of the code."""
    runs = [run for head in comparison["heads"] for run in head["runs"]]
    machines = {_name_machine(run["machine"]) for run in runs}
    commits = {str(run["commit"]) for run in runs}
    speed = comparison["speed_measured"]
    seeds = ", ".join(map(str, comparison["seeds"]))
    learn_rate = comparison["learn_rate"]
    return (
        f"{comparison['dataset']}, encoder {comparison['encoder']}, "
        f"{comparison['budget']} a training, learning rate "
        f"{learn_rate or 'of the config'}, {comparison['docs']} docs, seeds {seeds}. "
        f"Scores on the test part in percent, strict, over all gold spans; mean and "
        f"standard deviation of the seeds. Trained on "
        f"{' and '.join(sorted(machines))}, commit "
        f"{' and '.join(sorted(commits))}; speed measured on "
        f"{_name_machine(speed['machine'])}, commit {speed['commit']}.\n"
    )


def _name_machine(machine: dict[str, Any]) -> str:
    versions = ", ".join(f"{p} {machine[p]}" for p in ("spacy", "thinc", "torch"))
    return (
        f"{machine['gpu'] or machine['processor']} ({machine['threads']} thread(s), "
        f"{versions})"
    )


def heads_table(comparison: Comparison) -> str:
    """Markdown table of scores, speed, size and cost, a row for each head."""
    rows = []
    for head in comparison["heads"]:
        speeds = head["words_per_second"]
        minutes = sum(run["minutes"] for run in head["runs"]) / len(head["runs"])
        rows.append(
            [
                head["recognizer"],
                *(percent(head["all"][measure]) for measure in "fpr"),
                f"{speeds['training']['median']:,.0f}",
                f"{speeds['prediction']['median']:,.0f}",
                f"{head['parameters']:,}",
                f"{minutes:.1f}",
                f"{head['dropout']:g}",
                f"{head['learns']}: {100 * head['learned']:.1f}",
                f"{100 * head['ceiling']:.1f}",
            ]
        )
    header = ["head", "F", "P", "R", "training words/s", "prediction words/s"]
    header += [
        "parameters",
        "minutes",
        "dropout",
        "learns, % of gold",
        "best F possible",
    ]
    return markdown_table(header, rows)


def joined_table(comparison: Comparison) -> str:
    """Markdown table of F by the number of test docs that are joined, a row for each
    head."""
    heads = comparison["heads"]
    numbers = list(heads[0]["joined"])
    rows = [
        [head["recognizer"], *(percent(head["joined"][n]["f"]) for n in numbers)]
        for head in heads
    ]
    return markdown_table(["F by docs joined", *numbers], rows)


def labels_table(comparison: Comparison) -> str:
    """Markdown table of F (P / R) in percent, a row for each label."""
    heads = comparison["heads"]
    rows = []
    for label, n_spans in sorted(comparison["labels"].items()):
        scores = [head["per_type"][label] for head in heads]
        cells = [
            f"{percent(s['f'])} ({percent(s['p'])} / {percent(s['r'])})" for s in scores
        ]
        rows.append([label, n_spans, *cells])
    names = [f"{head['recognizer']}: F (P / R)" for head in heads]
    return markdown_table(["label", "gold spans", *names], rows)


if __name__ == "__main__":
    typer.run(compare_tables)
