"""Write tables of what `annotate.py` has measured into a page."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import srsly
import typer

from scripts.shared.markdown_table import markdown_table

Results = dict[str, Any]

BEGIN = "<!-- ANNOTATE_TABLES: START (written by annotate_tables.py) -->"
END = "<!-- ANNOTATE_TABLES: END -->"
DOCS_PER_PART = 10_000


def annotate_tables(
    metrics: Annotated[Path, typer.Argument(help="Folder of the JSON files")],
    page: Annotated[Path, typer.Argument(help="Markdown page with the two marks")],
) -> None:
    """Write the tables between the marks of a page, replacing what is there."""
    before, rest = page.read_text(encoding="utf8").split(BEGIN)
    after = rest.split(END)[1]
    sections = []
    for title, name, make_table in SECTIONS:
        path = metrics / f"annotate-{name}.json"
        table = "Not measured yet.\n"
        if path.exists():
            results = srsly.read_json(path)
            table = f"{make_table(results)}\n{describe_run(results['run'])}\n"
        sections.append(f"### {title}\n\n{table}")
    tables = "\n".join(sections)
    page.write_text(f"{before}{BEGIN}\n\n{tables}\n{END}{after}", encoding="utf8")


def speed_table(results: Results) -> str:
    """Words per second, and their ratio to those of the row of comparison."""
    pipe = results["nlp_pipe"]
    one_worker = {
        row["engine"]: row["words_per_second"]["median"]
        for row in results["setups"]
        if row["workers"] == 1
    }
    rows = [["`nlp.pipe`", "", _format_spread(pipe), "", ""]]
    for row in results["setups"]:
        engine, compared, name = row["engine"], pipe["median"], "`nlp.pipe`"
        if row["workers"] > 1:
            compared, name = one_worker[engine], "1 worker"
        ratio = row["words_per_second"]["median"] / compared
        rows.append(
            [
                f"`{engine}`" + (f", {row['nodes']} nodes" if row["nodes"] else ""),
                row["workers"],
                _format_spread(row["words_per_second"]),
                f"{row['startup_seconds']['median']:.1f}",
                f"{ratio:.2f} x {name}",
            ]
        )
    return (
        f"Words/s over {results['docs']:,} documents ({results['words']:,} words), "
        f"without startup: median of {results['rounds']} interleaved rounds (min-max). "
        f"The same output each time: {_yes_or_no(results['equal'])}.\n\n"
        + markdown_table(
            ["engine", "workers", "words/s", "startup, s", "compared"], rows
        )
    )


def plan_table(results: Results) -> str:
    """Time and cost of a billion words on cores as fast as those of the two nodes, and
    the number of cores at which the driver becomes the limit."""
    [setup] = [row for row in results["setups"] if row["nodes"]]
    per_core = setup["words_per_second"]["median"] / setup["workers"]
    core_hours = 1e9 / per_core / 3600
    words_per_part = DOCS_PER_PART * results["words"] / results["docs"]
    max_cores = results["parts_per_second"] * words_per_part / per_core
    rows = [
        [
            f"{n_cores:,}",
            f"{n_cores * per_core:,.0f}",
            f"{60 * core_hours / n_cores:,.1f}",
            "measured" if n_cores == setup["workers"] else "computed",
        ]
        for n_cores in (1, 2, 16, 128, 1024)
    ]
    return (
        f"With {per_core:,.0f} words/s for a core, as on the two nodes above, a "
        f"billion words are {core_hours:,.1f} core hours. The driver handed out "
        f"{results['parts_per_second']:,.0f} parts/s to two workers when parts were "
        f"next to empty. With parts of {DOCS_PER_PART:,} documents "
        f"({words_per_part:,.0f} words), that is enough for {max_cores:,.0f} "
        "cores.\n\n"
        + markdown_table(["cores", "words/s", "minutes for 10⁹ words", ""], rows)
    )


def kill_table(results: Results) -> str:
    """One row: how many workers were killed, and whether the output was the same."""
    return markdown_table(
        ["documents", "workers killed", "same output"],
        [
            [
                f"{results['docs']:,}",
                results["killed"],
                _yes_or_no(results["equal"]),
            ]
        ],
    )


def memory_table(results: Results) -> str:
    """Memory by the share of the run's time."""
    columns = zip(results["driver_mb"], results["largest_worker_mb"], strict=True)
    rows = [[f"{10 * i}%", *(f"{x:.0f}" for x in row)] for i, row in enumerate(columns)]
    return (
        f"{results['docs']:,} documents ({results['words']:,} words).\n\n"
        + markdown_table(["time", "driver, MB", "largest worker, MB"], rows)
    )


def size_table(results: Results) -> str:
    """A row per size of the text."""
    return markdown_table(
        ["text, MB", "documents", "words", "peak memory, MB"],
        [
            [
                row["megabytes"],
                f"{row['docs']:,}",
                f"{row['words']:,}",
                f"{row['peak_mb']:.0f}",
            ]
            for row in results["texts"]
        ],
    )


def long_table(results: Results) -> str:
    """A row per document."""
    return markdown_table(
        ["characters", "words", "spans", "seconds", "peak memory, MB"],
        [
            [
                f"{row['characters']:,}",
                f"{row['words']:,}",
                f"{row['spans']:,}",
                f"{row['seconds']:.1f}",
                f"{row['peak_mb']:.0f}",
            ]
            for row in results["documents"]
        ],
    )


# Title, name of the JSON file, table.
SECTIONS: list[tuple[str, str, Callable[[Results], str]]] = [
    ("Speed", "speed", speed_table),
    ("A billion words", "speed", plan_table),
    ("Killed workers", "kill", kill_table),
    ("Memory", "memory", memory_table),
    ("Memory over a transformer", "size", size_table),
    ("Long documents", "long", long_table),
]


def describe_run(run: dict[str, Any]) -> str:
    """What the figures were measured on."""
    packages = ", ".join(f"{name} {run[name]}" for name in ("spacy", "torch", "ray"))
    return f"On {run['cores']} cores of {run['processor']}; {packages}."


def _format_spread(speed: dict[str, float]) -> str:
    return f"{speed['median']:,.0f} ({speed['min']:,.0f}-{speed['max']:,.0f})"


def _yes_or_no(value: bool) -> str:
    return "yes" if value else "**no**"


if __name__ == "__main__":
    typer.run(annotate_tables)
