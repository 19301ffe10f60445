"""The most probable errors, in their context."""

from dataclasses import dataclass
from unicodedata import east_asian_width

import numpy as np
from markupsafe import Markup, escape
from spacy.tokens import Doc

from .evaluation import Evaluation
from .spans import SpanTable
from .statistics import ErrorKind

N_EXAMPLES = 50
# Characters that are shown of a text, a token and a label.
CHARACTERS_OF_TEXT = 200
CHARACTERS_OF_TOKEN = 40
CHARACTERS_OF_LABEL = 40
# Tokens of context on either side of a span, and the most that are shown of the span.
TOKENS_AROUND = 15
TOKENS_OF_SPAN = 30
# Tokens that are marked in a context, each as often as it is in a span.
MARKED_TOKENS = 300
# How the spans of a context are told apart beside their colors.
MARKS = {"correct": "\N{CHECK MARK}", "wrong": "+", "missed": "\N{MINUS SIGN}"}
# Pixels of a character of the text and of a label, about.
PIXELS_OF_TEXT = 7
PIXELS_OF_LABEL = 7


@dataclass(frozen=True)
class Context:
    """The surroundings of a span, with gold and predicted spans in it.

    html (Markup): The text with its spans.
    tokens_before (int): Tokens of the doc left out before it.
    tokens_after (int): Tokens of the doc left out after it.
    spans_left_out (int): Spans that are not shown, as there are too many.
    """

    html: Markup
    tokens_before: int
    tokens_after: int
    spans_left_out: int


@dataclass(frozen=True)
class ErrorExample:
    """A wrong or a missed span.

    label (str): Its label.
    text (str): Its text, or the beginning of it.
    probability (Optional[float]): What the component gives it; None if it cannot
        predict the span.
    kind (ErrorKind): How it relates to the spans of the other side.
    doc (int): Index of the doc among those evaluated.
    start (int): First token.
    end (int): Token after the last one.
    """

    label: str
    text: str
    probability: float | None
    kind: ErrorKind
    doc: int
    start: int
    end: int


class MostProbable:
    """The errors with the largest probabilities, at most `N_EXAMPLES`."""

    def __init__(self) -> None:
        self._ranked: list[tuple[float, ErrorExample, Context]] = []

    @property
    def examples(self) -> list[ErrorExample]:
        """RETURNS (List[ErrorExample]): The errors, in order."""
        return [example for _, example, _ in self._ranked]

    @property
    def contexts(self) -> list[Context]:
        """RETURNS (List[Context]): Their contexts."""
        return [context for _, _, context in self._ranked]

    def add(
        self, evaluation: Evaluation, is_error: np.ndarray, kinds: np.ndarray
    ) -> None:
        """Add errors of the next docs.

        evaluation (Evaluation): N spans.
        is_error (np.ndarray): Which of them are the errors, bool of shape (N,).
        kinds (np.ndarray): Their kinds, see `classify_errors`.
        """
        errors = np.flatnonzero(is_error)
        # Spans that cannot be predicted come last.
        probability = np.nan_to_num(evaluation.spans.probability[errors], nan=-1)
        best = np.argsort(-probability, kind="stable")[:N_EXAMPLES]
        is_full = len(self._ranked) == N_EXAMPLES
        floor = self._ranked[-1][0] if is_full else -np.inf
        for i, rank in zip(
            errors[best].tolist(), probability[best].tolist(), strict=True
        ):
            if rank > floor:
                example = make_example(evaluation, i, list(ErrorKind)[kinds[i]])
                context = render_context(evaluation, i)
                self._ranked.append((rank, example, context))
        self._ranked.sort(key=lambda ranked: -ranked[0])
        del self._ranked[N_EXAMPLES:]


def make_example(evaluation: Evaluation, i: int, kind: ErrorKind) -> ErrorExample:
    """Describe an error.

    evaluation (Evaluation): The spans and docs.
    i (int): Index of the span.
    kind (ErrorKind): Its kind.
    RETURNS (ErrorExample): The description.
    """
    doc, start, end, label = evaluation.spans.row(i)
    probability = float(evaluation.spans.probability[i])
    reference = evaluation.examples[doc].reference
    # A token may have no character that is seen, but not many of them.
    text = reference[start : min(end, start + CHARACTERS_OF_TEXT)].text
    return ErrorExample(
        label=evaluation.labels[label],
        text=shorten(text, CHARACTERS_OF_TEXT),
        probability=None if np.isnan(probability) else probability,
        kind=kind,
        doc=evaluation.first_doc + doc,
        start=start,
        end=end,
    )


def shorten(text: str, max_characters: int) -> str:
    """RETURNS (str): A text, or its beginning and an ellipsis."""
    if len(text) <= max_characters:
        return text
    return f"{text[: max_characters - 1]}\N{HORIZONTAL ELLIPSIS}"


def render_context(evaluation: Evaluation, i: int) -> Context:
    """Render the surroundings of a span.

    evaluation (Evaluation): The spans and docs.
    i (int): Index of the span.
    RETURNS (Context): Its surroundings.
    """
    spans = evaluation.spans
    doc, start, end, _ = spans.row(i)
    reference = evaluation.examples[doc].reference
    begin = max(start - TOKENS_AROUND, 0)
    beyond = min(min(end, start + TOKENS_OF_SPAN) + TOKENS_AROUND, len(reference))
    found = _find_spans(spans, doc, begin, beyond)
    # The span itself, gold spans, and the most probable of the others.
    order = np.lexsort(
        (-np.nan_to_num(spans.probability[found]), ~spans.is_gold[found], found != i)
    )
    found = found[order]
    lengths = np.minimum(spans.end[found], beyond) - np.maximum(
        spans.start[found], begin
    )
    shown = found[np.cumsum(lengths) <= MARKED_TOKENS]
    html = _render(evaluation, reference, begin, beyond, np.sort(shown))
    return Context(html, begin, len(reference) - beyond, len(found) - len(shown))


def _find_spans(spans: SpanTable, doc: int, begin: int, beyond: int) -> np.ndarray:
    """Indices of the gold and the predicted spans of a stretch of a doc."""
    first, last = np.searchsorted(spans.doc, [doc, doc + 1])
    rows = slice(first, last)
    is_shown = spans.is_gold[rows] | spans.is_predicted[rows]
    is_shown &= (spans.start[rows] < beyond) & (spans.end[rows] > begin)
    return first + np.flatnonzero(is_shown)


@dataclass(frozen=True)
class _Line:
    """A line below the text that marks a span."""

    kind: str
    label: str
    start: int
    end: int
    lane: int


def _render(
    evaluation: Evaluation, doc: Doc, begin: int, beyond: int, shown: np.ndarray
) -> Markup:
    """The tokens of a stretch of a doc, with lines below those of spans."""
    lines = _arrange(evaluation, shown, begin, beyond)
    texts = [shorten(token.text, CHARACTERS_OF_TOKEN) for token in doc[begin:beyond]]
    spaces = [token.whitespace_ for token in doc[begin:beyond]]
    widths = [_width(text + space) for text, space in zip(texts, spaces, strict=True)]
    parts = []
    for i, (text, space) in enumerate(zip(texts, spaces, strict=True)):
        here = [line for line in lines if line.start <= begin + i < line.end]
        if here and not text.isspace():
            marks = Markup("").join(
                _mark(line, begin + i, sum(widths[i + 1 : line.end - begin]))
                for line in here
            )
            parts.append(
                Markup('<span class="token"><span>{}</span>{}</span>').format(
                    text, marks
                )
            )
        else:
            parts.append(escape(text))
        parts.append(escape(space))
    return Markup('<bdi class="spans">{}</bdi>').format(Markup("").join(parts))


def _arrange(
    evaluation: Evaluation, shown: np.ndarray, begin: int, beyond: int
) -> list[_Line]:
    """Lines of spans in lanes so that those that share tokens are below each other."""
    spans = evaluation.spans
    rows = [(*spans.row(i)[1:], i) for i in shown.tolist()]
    lines: list[_Line] = []
    # Where each lane is free.
    free: list[int] = []
    for start, end, label, i in sorted(rows, key=lambda row: (row[0], -row[1], row[2])):
        first, last = max(start, begin), min(end, beyond)
        lane = next((k for k, at in enumerate(free) if at <= first), len(free))
        free[lane : lane + 1] = [last]
        name = shorten(evaluation.labels[label], CHARACTERS_OF_LABEL)
        lines.append(_Line(_kind(spans, i), name, first, last, lane))
    return lines


def _mark(line: _Line, token: int, width_behind: int) -> Markup:
    """A line's part below a token; where it begins, with the label, for which the token
    makes room if the tokens behind it have not enough."""
    kind = f"{line.kind} last" if token == line.end - 1 else line.kind
    if token > line.start:
        return Markup(f'<i class="{kind}" style="--lane:{line.lane}"></i>')
    tag = f"{MARKS[line.kind]} {line.label}"
    room = max(PIXELS_OF_LABEL * len(tag) - width_behind, 0)
    return Markup(
        '<i class="{}" style="--lane:{};min-width:{}px"><b>{}</b></i>'
    ).format(kind, line.lane, room, tag)


def _width(text: str) -> int:
    """The pixels of a text, about."""
    n_wide = sum(east_asian_width(character) in "WF" for character in text)
    return PIXELS_OF_TEXT * (len(text) + n_wide)


def _kind(spans: SpanTable, i: int) -> str:
    if spans.is_gold[i]:
        return "correct" if spans.is_predicted[i] else "missed"
    return "wrong"
