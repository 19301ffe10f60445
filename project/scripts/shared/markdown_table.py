"""Markdown tables of the project's results."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Write a table in Markdown.

    header (Sequence[str]): Names of the columns.
    rows (Iterable[Sequence[Any]]): The cells of each row.
    RETURNS (str): A line for the header, one to divide, and one for each row.
    """
    divider = f"|{'---|' * len(header)}\n"
    names, *lines = (f"| {' | '.join(map(str, row))} |\n" for row in (header, *rows))
    return "".join([names, divider, *lines])


def percent(score: Mapping[str, Any]) -> str:
    """Write a score in percent.

    score (Mapping[str, Any]): Mean and standard deviation, None of a single run.
    RETURNS (str): The mean and, if there is one, the standard deviation.
    """
    spread = "" if score["sd"] is None else f" ± {100 * score['sd']:.1f}"
    return f"{100 * score['mean']:.1f}{spread}"
