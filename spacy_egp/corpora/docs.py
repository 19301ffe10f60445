"""Records as docs: spans in characters meet the tokens."""

from typing import NamedTuple

from spacy.language import Language
from spacy.tokens import Doc, Span

from .records import Record, SpanText, TextRecord, TokenRecord

# Those of spaCy's languages that put no spaces between words.
LANGUAGES_WITHOUT_SPACES = frozenset({"ja", "th", "zh"})


class AlignedDoc(NamedTuple):
    """A doc, its spans (not set on it yet), and those that do not fit its tokens."""

    doc: Doc
    spans: list[Span]
    misaligned: list[SpanText]


def align_record(record: Record, nlp: Language) -> AlignedDoc:
    """Make a doc of a record.

    record (Record): The record.
    nlp (Language): The vocab, and the tokenizer for texts that come without tokens.
    RETURNS (AlignedDoc): The doc and its spans.
    """
    if isinstance(record, TextRecord):
        return _align_text(record, nlp)
    if isinstance(record, TokenRecord):
        return _align_tokens(record, nlp)
    return AlignedDoc(record.doc, record.spans, [])


def _align_text(record: TextRecord, nlp: Language) -> AlignedDoc:
    if record.tokens is None:
        doc = nlp.tokenizer(record.text)
    else:
        words, spaces = record.tokens
        doc = Doc(nlp.vocab, words=words, spaces=spaces)
    aligned = AlignedDoc(doc, [], [])
    for start, end, label in record.spans:
        span = doc.char_span(start, end, label=label)
        if span is None:
            aligned.misaligned.append(
                SpanText(record.source, label, record.text[start:end])
            )
        else:
            aligned.spans.append(span)
    return aligned


def _align_tokens(record: TokenRecord, nlp: Language) -> AlignedDoc:
    # Where spaces are not known, spaCy trains and evaluates on the given tokens.
    is_unspaced = nlp.lang in LANGUAGES_WITHOUT_SPACES
    spaces = [False] * len(record.words) if is_unspaced else None
    doc = Doc(nlp.vocab, words=record.words, spaces=spaces)
    spans = [Span(doc, start, end, label=label) for start, end, label in record.spans]
    return AlignedDoc(doc, spans, [])
