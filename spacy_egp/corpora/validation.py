"""Check records span by span for what no format allows."""

from collections.abc import Iterator
from dataclasses import replace

from ..errors import Errors
from .records import (
    BadRecord,
    DocRecord,
    Entry,
    Offsets,
    Record,
    TextRecord,
    TokenRecord,
    count_confirmed,
    excerpt,
    has_words,
    shorten,
)
from .tokenization import MAX_LENGTH

# The last character that is one unit of UTF-16.
MAX_UNIT = "\uffff"


def check_record(record: Record) -> Iterator[Entry]:
    """Divide a record into what can be converted and what cannot.

    record (Record): The record.
    YIELDS (Entry): A BadRecord for each span that cannot be read, then the record with
        the others; or only a BadRecord if the text cannot be read.
    """
    bad = list(record.bad)
    if isinstance(record, DocRecord):
        good = [span for span in record.spans if span.label_]
        n_unlabelled = len(record.spans) - len(good)
        bad += [BadRecord(record.source, Errors.EGP237)] * n_unlabelled
        yield from bad
        yield replace(record, spans=good)
        return
    problem = _find_problem(record)
    if problem:
        yield BadRecord(record.source, problem)
        return
    if isinstance(record, TextRecord):
        record = _count_characters(record)
    good_spans = []
    for span in record.spans:
        problem = _find_span_problem(record, span)
        if problem:
            bad.append(BadRecord(span.source or record.source, problem))
        else:
            good_spans.append(span)
    yield from bad
    yield replace(record, spans=good_spans)


def _count_characters(record: TextRecord) -> TextRecord:
    """RETURNS (TextRecord): The record. Offsets that count units of UTF-16, as those of
    tools in JavaScript do, become characters if the text of the spans confirms it."""
    text = record.text
    if text.isascii() or max(text) <= MAX_UNIT:
        return record
    units = [i for i, char in enumerate(text) for _ in range(1 + (char > MAX_UNIT))]
    units.append(len(text))
    spans = [
        span._replace(start=units[span.start], end=units[span.end])
        if 0 <= span.start <= span.end < len(units)
        else span
        for span in record.spans
    ]
    n_confirmed = count_confirmed(text, record.spans)
    if count_confirmed(text, spans) <= n_confirmed:
        return record
    return replace(record, spans=spans)


def _find_problem(record: TextRecord | TokenRecord) -> str | None:
    if isinstance(record, TextRecord):
        words = record.tokens[0] if record.tokens else []
        text, n_chars = record.text, len(record.text)
    else:
        words = record.words
        text, n_chars = "".join(words), sum(len(word) + 1 for word in words)
    if n_chars > MAX_LENGTH:
        return Errors.EGP238.format(n_chars=n_chars, max_length=MAX_LENGTH)
    if not all(words):
        return Errors.EGP223.format(columns=words.index(""))
    return _find_surrogate(text)


def _find_surrogate(text: str) -> str | None:
    try:
        text.encode("utf8")
    except UnicodeEncodeError as error:
        return Errors.EGP213.format(error=error)
    return None


def _find_span_problem(record: TextRecord | TokenRecord, span: Offsets) -> str | None:
    start, end, label, expected, _ = span
    if isinstance(record, TextRecord):
        n_parts, unit = len(record.text), "characters"
    else:
        n_parts, unit = len(record.words), "tokens"
    if not 0 <= start < end <= n_parts:
        return Errors.EGP214.format(
            start=start, end=end, label=shorten(label), n_parts=n_parts, unit=unit
        )
    if not label.strip():
        return Errors.EGP215.format(start=start, end=end)
    if (
        expected is not None
        and isinstance(record, TextRecord)
        and not has_words(record.text, start, end, expected)
    ):
        return Errors.EGP216.format(
            start=start,
            end=end,
            text=shorten(excerpt(record.text, start, end)),
            expected=shorten(expected),
        )
    return _find_surrogate(label)
