"""The most confident errors, in their context."""

from dataclasses import dataclass

import numpy as np
from markupsafe import Markup
from spacy import displacy
from spacy.displacy import get_doc_settings
from spacy.util import escape_html

from .evaluation import Evaluation
from .spans import SpanTable

N_EXAMPLES = 50
# Tokens of context on either side of a span, and the most that are shown of the span.
TOKENS_AROUND = 15
TOKENS_OF_SPAN = 30
# displaCy's markup, with classes that the page styles for light and dark, and margins
# instead of positions, which make a line of text as high as its spans.
TEMPLATE = {
    "span": '<span class="token"><span>{text}</span>{span_slices}{span_starts}</span> ',
    "slice": '<span class="line" style="background: {bg}; margin-top: {top_offset}px">'
    "</span>",
    "start": '<span class="line" style="background: {bg}; margin-top: {top_offset}px">'
    '<span class="tag" style="background: {bg}">{label}{kb_link}</span></span>',
}
# How the spans of a context are told apart: a mark before the label, and a color.
MARKS = {"correct": "\N{CHECK MARK}", "wrong": "+", "missed": "\N{MINUS SIGN}"}


@dataclass(frozen=True)
class ErrorExample:
    """A wrong or a missed span.

    label (str): Its label.
    text (str): Its text.
    probability (Optional[float]): What the component gives it; None if it cannot
        predict the span.
    differs_in (str): In what the closest error of the other side differs.
    doc (int): Index of the doc among those evaluated.
    start (int): First token.
    end (int): Token after the last one.
    """

    label: str
    text: str
    probability: float | None
    differs_in: str
    doc: int
    start: int
    end: int


@dataclass(frozen=True)
class Context:
    """The surroundings of a span, with all gold and predicted spans in it.

    html (Markup): displaCy's rendering.
    tokens_before (int): Tokens of the doc left out before it.
    tokens_after (int): Tokens of the doc left out after it.
    """

    html: Markup
    tokens_before: int
    tokens_after: int


def most_confident(
    evaluation: Evaluation, is_error: np.ndarray, kinds: dict[int, str]
) -> list[ErrorExample]:
    """Find the errors with the largest probabilities.

    evaluation (Evaluation): N spans.
    is_error (np.ndarray): Which of them to choose from, bool of shape (N,).
    kinds (Dict[int, str]): In what they differ from errors of the other side.
    RETURNS (List[ErrorExample]): At most `N_EXAMPLES`, in order.
    """
    spans = evaluation.spans
    errors = np.flatnonzero(is_error)
    order = np.argsort(-np.nan_to_num(spans.probability[errors], nan=-1), kind="stable")
    examples = []
    for i in errors[order[:N_EXAMPLES]].tolist():
        doc, start, end, label = spans.row(i)
        probability = float(spans.probability[i])
        examples.append(
            ErrorExample(
                label=evaluation.labels[label],
                text=evaluation.text(i),
                probability=None if np.isnan(probability) else probability,
                differs_in=kinds[i],
                doc=doc,
                start=start,
                end=end,
            )
        )
    return examples


def render_context(evaluation: Evaluation, example: ErrorExample) -> Context:
    """Render the surroundings of a span in displaCy's span style.

    evaluation (Evaluation): The spans and docs.
    example (ErrorExample): The span.
    RETURNS (Context): Its surroundings.
    """
    doc = evaluation.examples[example.doc].reference
    begin = max(example.start - TOKENS_AROUND, 0)
    shown_end = min(example.end, example.start + TOKENS_OF_SPAN)
    end = min(shown_end + TOKENS_AROUND, len(doc))
    colors, markers = {}, []
    for i in _rows_of_doc(evaluation.spans, example.doc):
        _, span_start, span_end, label = evaluation.spans.row(i)
        if span_start < end and span_end > begin:
            kind = _kind(evaluation.spans, i)
            # displaCy escapes tokens but not labels.
            name = f"{MARKS[kind]} {escape_html(evaluation.labels[label])}"
            colors[name] = f"var(--{kind})"
            start_token, end_token = max(span_start, begin), min(span_end, end)
            markers.append(
                {
                    "label": name,
                    "start_token": start_token - begin,
                    "end_token": end_token - begin,
                }
            )
    parsed = {
        "tokens": [token.text for token in doc[begin:end]],
        "spans": markers,
        "settings": get_doc_settings(doc),
    }
    options = {"colors": colors, "template": TEMPLATE, "top_offset": 26}
    html = displacy.render(
        parsed, style="span", manual=True, options=options, jupyter=False
    )
    return Context(Markup(html), begin, len(doc) - end)


def _rows_of_doc(spans: SpanTable, doc: int) -> list[int]:
    """Indices of the gold and the predicted spans of a doc."""
    first, last = np.searchsorted(spans.doc, [doc, doc + 1])
    is_shown = spans.is_gold[first:last] | spans.is_predicted[first:last]
    return (first + np.flatnonzero(is_shown)).tolist()


def _kind(spans: SpanTable, i: int) -> str:
    if spans.is_gold[i]:
        return "correct" if spans.is_predicted[i] else "missed"
    return "wrong"
