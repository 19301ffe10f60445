"""The most probable errors, in their context."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from markupsafe import Markup
from spacy.tokens import Doc

from .evaluation import Evaluation
from .spans import SpanTable
from .statistics import ErrorKind

MAX_EXAMPLES = 50
# How many characters of a text, a token and a label are shown.
CHARACTERS_OF_TEXT = 200
CHARACTERS_OF_TOKEN = 40
CHARACTERS_OF_LABEL = 40
# Tokens of context on either side of a span, and the most that are shown of the span.
TOKENS_AROUND = 15
TOKENS_OF_SPAN = 30
# Spans that are shown in a context.
MAX_SPANS = 40
# How the spans of a context are told apart, in addition to their colors.
MARKS = {"correct": "\N{CHECK MARK}", "wrong": "+", "missed": "\N{MINUS SIGN}"}


@dataclass(frozen=True)
class Context:
    """The surroundings of a span, with gold and predicted spans in it.

    html (Markup): The tokens; those of the span are marked.
    direction (str): Of the text: "rtl", or "auto" if its characters tell.
    spans (List[Tuple[str, str, int, int]]): Kind, name, first token and token after
        the last one of the spans there, outer ones first.
    tokens_before (int): Tokens of the doc left out before it.
    tokens_after (int): Tokens of the doc left out after it.
    spans_left_out (int): Spans that are not shown, as there are too many.
    """

    html: Markup
    direction: str
    spans: list[tuple[str, str, int, int]]
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
    """The errors with the largest probabilities, at most `MAX_EXAMPLES`."""

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
        best = np.argsort(-probability, kind="stable")[:MAX_EXAMPLES]
        is_full = len(self._ranked) == MAX_EXAMPLES
        floor = self._ranked[-1][0] if is_full else -np.inf
        for i, rank in zip(
            errors[best].tolist(), probability[best].tolist(), strict=True
        ):
            if rank > floor:
                example = make_example(evaluation, i, list(ErrorKind)[kinds[i]])
                context = render_context(evaluation, i)
                self._ranked.append((rank, example, context))
        self._ranked.sort(key=lambda ranked: -ranked[0])
        del self._ranked[MAX_EXAMPLES:]


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
    # Nearly all tokens have a visible character: so many tokens are enough.
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
    direction = reference.vocab.writing_system["direction"]
    bounds = (begin, start, min(end, beyond), beyond)
    return Context(
        html=_render(reference, bounds, _kind(spans, i)),
        direction="rtl" if direction == "rtl" else "auto",
        spans=_describe_spans(evaluation, np.sort(found[:MAX_SPANS]), begin, beyond),
        tokens_before=begin,
        tokens_after=len(reference) - beyond,
        spans_left_out=max(len(found) - MAX_SPANS, 0),
    )


def _find_spans(spans: SpanTable, doc: int, begin: int, beyond: int) -> np.ndarray:
    """Indices of the gold and the predicted spans of a stretch of a doc."""
    first, last = np.searchsorted(spans.doc, [doc, doc + 1])
    rows = slice(first, last)
    is_shown = spans.is_gold[rows] | spans.is_predicted[rows]
    is_shown &= (spans.start[rows] < beyond) & (spans.end[rows] > begin)
    return first + np.flatnonzero(is_shown)


def _describe_spans(
    evaluation: Evaluation, shown: np.ndarray, begin: int, beyond: int
) -> list[tuple[str, str, int, int]]:
    """Spans on the tokens of a stretch of their doc, see Context."""
    spans = evaluation.spans
    rows = [(*spans.row(i)[1:], _kind(spans, i)) for i in shown.tolist()]
    rows.sort(key=lambda row: (row[0], -row[1], row[2]))
    return [
        (
            kind,
            f"{MARKS[kind]} {shorten(evaluation.labels[label], CHARACTERS_OF_LABEL)}",
            max(start, begin) - begin,
            min(end, beyond) - begin,
        )
        for start, end, label, kind in rows
    ]


def _render(doc: Doc, bounds: tuple[int, int, int, int], kind: str) -> Markup:
    """Tokens before, in and after a span, which is marked."""
    before, text, after = (
        Markup("").join(
            Markup("<span>{}</span>{}").format(
                shorten(token.text, CHARACTERS_OF_TOKEN), token.whitespace_
            )
            for token in doc[start:end]
        )
        for start, end in pairwise(bounds)
    )
    space = doc[bounds[2] - 1].whitespace_
    return Markup('{}<mark class="{}">{}</mark>{}{}').format(
        before, kind, text.removesuffix(space), space, after
    )


def _kind(spans: SpanTable, i: int) -> str:
    if spans.is_gold[i]:
        return "correct" if spans.is_predicted[i] else "missed"
    return "wrong"
