"""Tabulate the batches and blocks that `measure.py` has measured, and plot the rest."""

from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Annotated, Any

import srsly
import typer

from scripts.benchmark.plots import plot_heads, plot_pipelines
from scripts.shared.figures import save_figure
from scripts.shared.markdown_table import markdown_table

Results = list[dict[str, Any]]


def benchmark_tables(
    input_path: Annotated[Path, typer.Argument(help="JSON file of measure.py")],
) -> None:
    """Write plots (PNG) and tables (Markdown) next to the JSON file."""
    results = srsly.read_json(input_path)
    heads = [result for result in results["heads"] if "given_up" not in result]
    figures = {
        "pipelines": plot_pipelines(results["pipelines"]),
        "training": plot_heads(heads, "training"),
        "prediction": plot_heads(heads, "prediction"),
    }
    for name, figure in figures.items():
        save_figure(figure, input_path.with_name(f"{input_path.stem}-{name}"))
    tables = f"{batches_table(results['heads'])}\n{blocks_table(heads)}"
    input_path.with_suffix(".md").write_text(tables, encoding="utf8")


def batches_table(results: Results) -> str:
    """Markdown table of time and memory of each batch, for `egp_ner` and the others."""
    rows = []
    batches = [result for result in results if result["axis"] == "batches"]
    by_batch = itemgetter("phase", "docs", "tokens", "labels")
    for (phase, *size), group in groupby(batches, key=by_batch):
        same_size = list(group)
        ours = same_size[0]
        for result in same_size:
            cells = [" x ".join(map(str, size)), phase, result["head"]]
            rows.append([*cells, *_figures(result, ours)])
    return markdown_table(
        ["docs x tokens x labels", "phase", "head", "ms (min-max)", "MB", "/ egp_ner"],
        rows,
    )


def blocks_table(results: Results) -> str:
    """Markdown table of time and memory of `egp_ner` by the pairs in a block."""
    rows = []
    for result in results:
        if result["axis"] == "pairs_per_block":
            size = f"{result['pairs_per_block']:,}"
            rows.append([size, result["phase"], *_figures(result, result)[:2]])
    return markdown_table(["pairs per block", "phase", "ms (min-max)", "MB"], rows)


def _figures(result: dict[str, Any], ours: dict[str, Any]) -> list[str]:
    if "given_up" in result:
        return [f"given up: {result['given_up']}", "", ""]
    median, least, most = (1000 * x for x in result["seconds"].values())
    ratio = result["seconds"]["median"] / ours["seconds"]["median"]
    return [
        f"{median:.1f} ({least:.1f}-{most:.1f})",
        f"{result['memory_mb']:.0f}",
        "" if result is ours else f"{ratio:.1f}x",
    ]


if __name__ == "__main__":
    typer.run(benchmark_tables)
