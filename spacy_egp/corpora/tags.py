"""IOB tags as spans, however many tags a token has."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from ..errors import Errors
from .records import Offsets, shorten

# IOB, IOB2 and IOBES; the latter is also written as BILUO and as BMES.
PREFIXED = re.compile(r"[BIEMSLU][-_]\S.*")
OUTSIDE = frozenset({"O", "_", ""})
# What joins the tags of a token in one cell. A blank may follow the others.
SEPARATORS = "|;,+ "
# The most tags of a token. The time to match them with the previous ones grows with
# their square.
MAX_TAGS = 100


class TagError(ValueError):
    """A tag that is not valid, or that cannot follow the tags before it.

    token (int): The token.
    """

    def __init__(self, token: int, problem: str) -> None:
        super().__init__(problem)
        self.token = token


class Open(NamedTuple):
    """A span that has begun."""

    start: int
    label: str
    column: int


def is_tag(cell: str) -> bool:
    """RETURNS (bool): Whether the cell has one or more tags other than O."""
    return PREFIXED.fullmatch(cell) is not None


def is_outside(cell: str) -> bool:
    """RETURNS (bool): Whether the cell says that there is no span."""
    return cell in OUTSIDE


def split_tags(cell: str) -> list[str]:
    """RETURNS (list[str]): The tags that are joined in a cell. As a label may contain a
    separator, the cell is only split where another tag follows."""
    for separator in SEPARATORS:
        parts = [part.strip() for part in cell.split(separator) if part.strip()]
        if len(parts) > 1 and all(is_tag(part) or part in OUTSIDE for part in parts):
            return parts
    return [cell]


def read_tags(tokens: Sequence[Sequence[str]]) -> list[Offsets]:
    """Find the spans that tags mark.

    A tag continues the span with its label that has the same place among the tags of
    the previous token, or else any span with its label. I- and M- begin a span if there
    is none to continue.

    tokens (Sequence[Sequence[str]]): The cells with tags of each token.
    RETURNS (list[Offsets]): The spans, in tokens.
    RAISES (TagError): If a cell is not a tag, or a tag has no span to continue.
    """
    spans: list[Offsets] = []
    open_spans: list[Open] = []
    closed: set[tuple[int, str]] = set()
    for i, cells in enumerate(tokens):
        tags = _number_tags(i, cells)
        continued = _match(open_spans, tags)
        kept = set(map(id, continued.values()))
        spans += [Offsets(s.start, i, s.label) for s in open_spans if id(s) not in kept]
        open_spans, before, closed = [], closed, set()
        for column, (prefix, label) in tags.items():
            span = continued.get(column)
            if span is None:
                is_closed = (column, label) in before
                if prefix in "EL" or (prefix in "IM" and is_closed):
                    problem = Errors.EGP225.format(tag=shorten(f"{prefix}-{label}"))
                    raise TagError(i, problem)
                span = Open(i, label, column)
            if prefix in "ELSU":
                spans.append(Offsets(span.start, i + 1, label))
                closed.add((column, label))
            else:
                open_spans.append(span._replace(column=column))
    spans += [Offsets(s.start, len(tokens), s.label) for s in open_spans]
    return spans


def _number_tags(token: int, cells: Sequence[str]) -> dict[int, tuple[str, str]]:
    """RETURNS (dict[int, tuple[str, str]]): Prefix and label by place of the tag."""
    tags = {}
    column = 0
    for cell in cells:
        for tag in [cell] if cell == "O" else split_tags(cell):
            if is_tag(tag):
                tags[column] = (tag[0], tag[2:])
            elif tag not in OUTSIDE:
                raise TagError(token, Errors.EGP224.format(tag=shorten(tag)))
            column += 1
    if column > MAX_TAGS:
        raise TagError(token, Errors.EGP295.format(n_tags=column, max_tags=MAX_TAGS))
    return tags


def _match(open_spans: list[Open], tags: dict[int, tuple[str, str]]) -> dict[int, Open]:
    """RETURNS (dict[int, Open]): The spans that continue, by the place of the tag."""
    left = list(open_spans)
    continued: dict[int, Open] = {}
    for same_column in (True, False):
        for column, (prefix, label) in tags.items():
            if prefix in "BSU" or column in continued:
                continue
            for span in left:
                if span.label == label and (span.column == column or not same_column):
                    continued[column] = span
                    left.remove(span)
                    break
    return continued


def read_types(cells: Sequence[str]) -> list[Offsets]:
    """Find the spans that bare labels mark: equal ones in a row are one span.

    cells (Sequence[str]): The label of each token, or O.
    RETURNS (list[Offsets]): The spans, in tokens.
    """
    spans = []
    start = 0
    for i in range(1, len(cells) + 1):
        if i == len(cells) or cells[i] != cells[start]:
            if cells[start] not in OUTSIDE:
                spans.append(Offsets(start, i, cells[start]))
            start = i
    return spans
