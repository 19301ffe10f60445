"""Turn records into docs: align their spans with tokens."""

import re
from bisect import bisect_left
from typing import NamedTuple

from spacy.tokens import Doc, Span
from spacy.vocab import Vocab

from .records import (
    MAX_CHARS,
    Offsets,
    Record,
    SpanText,
    TextRecord,
    TokenRecord,
    excerpt,
)
from .summary import Fate
from .tokenization import Tokenization

# The languages of spaCy that are written without spaces between words.
LANGUAGES_WITHOUT_SPACES = frozenset({"ja", "th", "zh"})
SOLID = re.compile(r"\S")
ALIGNMENTS = ("strict", "expand", "contract")


class AlignedDoc(NamedTuple):
    """A doc and its spans, which are not set on it yet.

    doc (Doc): The doc.
    spans (list[Span]): The spans, each once.
    fates (list[tuple[Fate, SpanText]]): Spans of the file that were changed or left
        out, and what happened to them.
    """

    doc: Doc
    spans: list[Span]
    fates: list[tuple[Fate, SpanText]]


def align_record(record: Record, tokenization: Tokenization, align: str) -> AlignedDoc:
    """Make a doc of a record.

    record (Record): The record.
    tokenization (Tokenization): The vocab, and the tokenizer for texts without tokens.
    align (str): Whether spans that begin or end inside a token are left out ("strict"),
        get the whole token ("expand"), or lose it ("contract").
    RETURNS (AlignedDoc): The doc and its spans.
    """
    fates = [(Fate.DISCONTINUOUS, span) for span in record.discontinuous]
    if isinstance(record, TextRecord):
        doc, spans = _align_text(record, tokenization, align, fates)
    elif isinstance(record, TokenRecord):
        doc, spans = _align_tokens(record, tokenization)
    else:
        doc, spans = record.doc, record.spans
    unique = {(span.start, span.end, span.label): span for span in reversed(spans)}
    if len(unique) < len(spans):
        kept = set(map(id, unique.values()))
        fates += [
            (Fate.DUPLICATE, SpanText(record.source, span.label_, _excerpt(span)))
            for span in spans
            if id(span) not in kept
        ]
    return AlignedDoc(doc, list(reversed(unique.values())), fates)


def _excerpt(span: Span) -> str:
    """RETURNS (str): The beginning of the span's text."""
    return span[:MAX_CHARS].text[:MAX_CHARS]


def _align_text(
    record: TextRecord,
    tokenization: Tokenization,
    align: str,
    fates: list[tuple[Fate, SpanText]],
) -> tuple[Doc, list[Span]]:
    if record.tokens is None:
        doc = tokenization.tokenize(record.text)
    else:
        words, spaces = record.tokens
        doc = Doc(tokenization.vocab, words=words, spaces=spaces)
    spans = []
    solid = [match.start() for match in SOLID.finditer(record.text)]
    for offsets in record.spans:
        source = offsets.source or record.source
        text = excerpt(record.text, offsets.start, offsets.end)
        shown = SpanText(source, offsets.label, text)
        trimmed = _trim(solid, offsets)
        if trimmed is None:
            fates.append((Fate.BLANK, shown))
            continue
        start, end = trimmed
        if (start, end) != offsets[:2]:
            fates.append((Fate.TRIMMED, shown))
        span = doc.char_span(start, end, label=offsets.label)
        if span is None:
            span = doc.char_span(start, end, label=offsets.label, alignment_mode=align)
            shown = shown._replace(cut=_find_cut(doc, start, end))
            fates.append((_name_fate(align, span), shown))
        if span is not None:
            spans.append(span)
    return doc, spans


def _trim(solid: list[int], span: Offsets) -> tuple[int, int] | None:
    """Remove white space from the edges of a span.

    solid (list[int]): The positions of all characters that are not white space.
    span (Offsets): The span.
    RETURNS (tuple[int, int] | None): The span, or None if nothing is left.
    """
    first = bisect_left(solid, span.start)
    last = bisect_left(solid, span.end) - 1
    return (solid[first], solid[last] + 1) if first <= last else None


def _name_fate(align: str, span: Span | None) -> Fate:
    if span is None:
        return Fate.MISFIT
    return Fate.EXPANDED if align == "expand" else Fate.CONTRACTED


def _find_cut(doc: Doc, start: int, end: int) -> str:
    """RETURNS (str): The tokens inside which the span begins or ends."""
    around = doc.char_span(start, end, alignment_mode="expand")
    tokens = [] if around is None else [around[0], around[-1]][: len(around)]
    return " ".join(
        token.text
        for token in tokens
        if token.idx < start or token.idx + len(token) > end
    )


def _align_tokens(
    record: TokenRecord, tokenization: Tokenization
) -> tuple[Doc, list[Span]]:
    doc = make_doc(record, tokenization.vocab)
    spans = [Span(doc, s.start, s.end, label=s.label) for s in record.spans]
    return doc, spans


def make_doc(record: TokenRecord, vocab: Vocab) -> Doc:
    """RETURNS (Doc): The tokens of the record, and its sentences if it has any."""
    spaces = record.spaces
    # If spaces are unknown, spaCy trains and evaluates on the given tokens.
    if spaces is None and vocab.lang in LANGUAGES_WITHOUT_SPACES:
        spaces = [False] * len(record.words)
    starts: list[bool | int | None] | None = None
    if record.sent_starts is not None:
        starts = [False] * len(record.words)
        for start in record.sent_starts:
            starts[start] = True
    return Doc(vocab, words=record.words, spaces=spaces, sent_starts=starts)
