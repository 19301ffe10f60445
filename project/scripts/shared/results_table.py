"""Write a Markdown table of the scores of one or several systems on a corpus."""

from pathlib import Path
from typing import Annotated, Any

import srsly
import typer

from scripts.shared.markdown_table import markdown_table


def results_table(
    output_path: Annotated[Path, typer.Argument(help="Markdown file to write")],
    systems: Annotated[
        list[str], typer.Argument(help="name=metrics.json of `spacy evaluate`")
    ],
    spans_key: Annotated[str, typer.Option(help="Key of the scored spans")] = "sc",
) -> None:
    """Write F, precision and recall in percent, overall and by label."""
    rows = []
    for system in systems:
        name, path = system.split("=", 1)
        scores = srsly.read_json(path)
        prefix = f"spans_{spans_key}_"
        rows.append(_row(name, "**all**", {m: scores[prefix + m] for m in "fpr"}))
        per_type: dict[str, Any] = scores.get(f"{prefix}per_type") or {}
        rows += [_row(name, label, per_type[label]) for label in sorted(per_type)]
    table = markdown_table(["system", "label", "F", "P", "R"], rows)
    output_path.write_text(table, encoding="utf8")
    typer.echo(table, nl=False)


def _row(system: str, label: str, scores: dict[str, float]) -> list[str]:
    return [system, label, *(f"{100 * scores[measure]:.1f}" for measure in "fpr")]


if __name__ == "__main__":
    typer.run(results_table)
