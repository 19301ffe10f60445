"""Tabulate what `annotate_benchmark.py` has measured, within a page."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import srsly
import typer
from markdown_table import markdown_table

Results = dict[str, Any]

BEGIN = "<!-- ANNOTATE_TABLES: START (written by annotate_tables.py) -->"
END = "<!-- ANNOTATE_TABLES: END -->"


def annotate_tables(
    metrics: Annotated[Path, typer.Argument(help="Folder of the JSON files")],
    page: Annotated[Path, typer.Argument(help="Markdown page with the two marks")],
) -> None:
    """Write the tables between the marks of a page, in place of what is there."""
    before, rest = page.read_text(encoding="utf8").split(BEGIN)
    after = rest.split(END)[1]
    sections = []
    for name, (title, make_table) in SECTIONS.items():
        path = metrics / f"annotate-{name}.json"
        table = "Not measured yet.\n"
        if path.exists():
            results = srsly.read_json(path)
            table = f"{make_table(results)}\n{describe_run(results['run'])}\n"
        sections.append(f"### {title}\n\n{table}")
    tables = "\n".join(sections)
    page.write_text(f"{before}{BEGIN}\n\n{tables}\n{END}{after}", encoding="utf8")


def speed_table(results: Results) -> str:
    """Words per second, and how many times those of the row it is compared with."""
    pipe = results["nlp_pipe"]
    speeds = {
        (row["engine"], row["workers"]): row["words_per_second"]
        for row in results["workers"]
    }
    rows = [["`nlp.pipe`", "", _format_spread(pipe), "", ""]]
    for row in results["workers"]:
        engine, n_workers = row["engine"], row["workers"]
        speed, compared = row["words_per_second"]["median"], pipe["median"]
        name = "`nlp.pipe`"
        if n_workers > 1:
            compared, name = speeds[engine, 1]["median"], "1 worker"
        rows.append(
            [
                f"`{engine}`",
                n_workers,
                _format_spread(row["words_per_second"]),
                _format_spread(row["words_per_second_with_startup"]),
                f"{speed / compared:.2f} x {name}",
            ]
        )
    return (
        f"Words/s over {results['docs']:,} documents ({results['words']:,} words), "
        f"without and with startup: median of {results['rounds']} interleaved rounds "
        "(min-max).\n\n"
        + markdown_table(
            ["engine", "workers", "words/s", "with startup", "compared"], rows
        )
    )


def kill_table(results: Results) -> str:
    """One row: what was killed, and what became of the output."""
    return markdown_table(
        ["documents", "workers killed", "seconds", "undisturbed", "same output"],
        [
            [
                f"{results['docs']:,}",
                results["killed"],
                f"{results['seconds']:.0f}",
                f"{results['seconds_undisturbed']:.0f}",
                _yes_or_no(results["equal"]),
            ]
        ],
    )


def memory_table(results: Results) -> str:
    """Memory by the share of the run's time."""
    columns = zip(results["driver_mb"], results["largest_worker_mb"], strict=True)
    rows = [[f"{10 * i}%", *(f"{x:.0f}" for x in row)] for i, row in enumerate(columns)]
    return (
        f"{results['docs']:,} documents ({results['words']:,} words), "
        f"{results['docs_per_second']:,.0f} documents/s with two workers.\n\n"
        + markdown_table(["time", "driver, MB", "largest worker, MB"], rows)
    )


def long_table(results: Results) -> str:
    """A row per document."""
    return markdown_table(
        ["characters", "words", "seconds", "peak memory, MB"],
        [
            [
                f"{row['characters']:,}",
                f"{row['words']:,}",
                f"{row['seconds']:.1f}",
                f"{row['peak_mb']:.0f}",
            ]
            for row in results["documents"]
        ],
    )


def cluster_table(results: Results) -> str:
    """One row: the run on the cluster."""
    return markdown_table(
        ["nodes", "documents", "words/s", "same output"],
        [
            [
                results["nodes"],
                f"{results['docs']:,}",
                f"{results['words_per_second']:,.0f}",
                _yes_or_no(results["equal"]),
            ]
        ],
    )


# Name of the JSON file: title and table.
SECTIONS: dict[str, tuple[str, Callable[[Results], str]]] = {
    "speed": ("Speed", speed_table),
    "kill": ("Killed workers", kill_table),
    "memory": ("Memory", memory_table),
    "long": ("Long documents", long_table),
    "cluster": ("A cluster of two nodes", cluster_table),
}


def describe_run(run: dict[str, Any]) -> str:
    """What the figures are measured on."""
    packages = ", ".join(f"{name} {run[name]}" for name in ("spacy", "torch", "ray"))
    return f"On {run['cores']} cores of {run['processor']}; {packages}."


def _format_spread(speed: dict[str, float]) -> str:
    return f"{speed['median']:,.0f} ({speed['min']:,.0f}-{speed['max']:,.0f})"


def _yes_or_no(value: bool) -> str:
    return "yes" if value else "**no**"


if __name__ == "__main__":
    typer.run(annotate_tables)
