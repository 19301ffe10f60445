"""Markdown tables of the project's results."""

from collections.abc import Iterable, Sequence
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
