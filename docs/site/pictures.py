"""The pictures of the page on concepts, as inline SVG."""

import math
from collections.abc import Iterable

TOKENS = ("University", "of", "Calgary", "in", "Canada")
# First and last token of the entities of two labels.
ENTITIES = {(0, 2): "ORG", (2, 2): "PLACE", (4, 4): "PLACE"}
COLORS = {"ORG": "#3949ab", "PLACE": "#00897b"}


def svg(width: int, height: int, title: str, parts: Iterable[str]) -> str:
    """A picture with a description for those who cannot see it."""
    return (
        f'<svg viewBox="0 0 {width} {height}" width="{width}" role="img" '
        f'style="max-width:100%" font-size="13" fill="currentColor">'
        f"<title>{title}</title>{''.join(parts)}</svg>"
    )


def text(x: float, y: float, content: str, anchor: str = "middle") -> str:
    """A line of text."""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{content}</text>'


def box(x: float, y: float, width: float, height: float, color: str) -> str:
    """A rectangle, empty if the color is none."""
    return (
        f'<rect x="{x}" y="{y}" width="{width}" height="{height}" fill="{color}" '
        'stroke="currentColor" stroke-opacity="0.35"/>'
    )


def line(x: float, y: float, x2: float, y2: float, color: str = "currentColor") -> str:
    """A line."""
    return (
        f'<line x1="{x:.1f}" y1="{y:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" '
        f'stroke="{color}" stroke-width="2"/>'
    )


def score_matrix() -> str:
    """Pairs of tokens, and those that are entities."""
    width, height, left, top = 72, 34, 100, 34
    parts = []
    for i, token in enumerate(TOKENS):
        parts.append(text(left - 8, top + (i + 0.6) * height, token, "end"))
        parts.append(text(left + (i + 0.5) * width, top - 10, token))
        for j in range(i, len(TOKENS)):
            label = ENTITIES.get((i, j))
            x, y = left + j * width, top + i * height
            parts.append(box(x, y, width, height, COLORS[label] if label else "none"))
            if label:
                name = text(x + width / 2, y + height * 0.6, label)
                parts.append(f'<g fill="#fff" font-size="11">{name}</g>')
    parts.append(text(left - 8, top - 10, "first \\ last", "end"))
    n = len(TOKENS)
    title = "A square of first and last tokens; the pairs of three entities are filled"
    return svg(left + n * width + 20, top + n * height + 10, title, parts)


def rotation() -> str:
    """A query and a key at two places, with the same distance and the same angle."""
    radius, step = 70, 0.5
    parts = []
    for x, first in ((90, 0), (290, 2)):
        parts.append(
            f'<circle cx="{x}" cy="90" r="{radius}" fill="none" '
            'stroke="currentColor" stroke-opacity="0.35"/>'
        )
        arrows = (("q", first, COLORS["ORG"]), ("k", first + 2, COLORS["PLACE"]))
        for name, position, color in arrows:
            angle = position * step
            dx, dy = math.cos(angle), -math.sin(angle)
            parts.append(line(x, 90, x + radius * dx, 90 + radius * dy, color))
            label = f"{name}<tspan font-size='10' dy='3'>{position}</tspan>"
            parts.append(text(x + (radius + 12) * dx, 94 + (radius + 12) * dy, label))
        caption = f"tokens {first} and {first + 2}"
        parts.append(text(x, 186, caption))
    title = "A query and a key two tokens apart enclose the same angle at two places"
    return svg(390, 196, title, parts)


def stretches() -> str:
    """The scored pairs of a doc, in terms of the loss."""
    n, size, longest, cell = 15, 5, 4, 14
    colors = ("#3949ab", "#00897b", "#ef6c00")
    parts = []
    for i in range(n):
        for j in range(i, n):
            scored = j - i < longest
            color = colors[i // size] if scored else "none"
            parts.append(box(40 + j * cell, 20 + i * cell, cell, cell, color))
    for k in range(n // size):
        y = 20 + (k + 0.5) * size * cell
        parts.append(text(50 + n * cell, y, f"term {k + 1}", "start"))
    title = "A triangle of pairs; a band along its diagonal is divided into three terms"
    return svg(120 + n * cell, 30 + n * cell, title, parts)


def probability() -> str:
    """The probability of a score, with the threshold 0.5."""
    left, top, width, height = 50, 20, 300, 150

    def place(score: float) -> tuple[float, float]:
        p = 1 / (1 + math.exp(-score))
        return left + (score + 6) / 12 * width, top + (1 - p) * height

    curve = " ".join("{:.1f},{:.1f}".format(*place(s / 10)) for s in range(-60, 61))
    parts = [
        line(left, top + height, left + width, top + height),
        line(left, top, left, top + height),
        f'<polyline points="{curve}" fill="none" stroke="{COLORS["ORG"]}" '
        'stroke-width="2"/>',
        line(left, top + height / 2, left + width, top + height / 2, COLORS["PLACE"]),
        text(left + width, top + height / 2 - 6, "threshold 0.5", "end"),
        *(text(place(s)[0], top + height + 18, str(s)) for s in (-6, -3, 0, 3, 6)),
        *(text(left - 8, place(s)[1] + 4, p, "end") for s, p in ((0, "0.5"),)),
        text(left - 8, top + 4, "1", "end"),
        text(left - 8, top + height + 4, "0", "end"),
        text(left + width / 2, top + height + 36, "score"),
    ]
    title = (
        "The probability rises from 0 to 1 with the score and is 0.5 at a score of 0"
    )
    return svg(left + width + 20, top + height + 46, title, parts)
