"""GENIA's XML (GPML): articles of sentences, with terms as elements inside each other.

Source: http://www.geniaproject.org/genia-corpus/term-corpus
"""

import re
from collections.abc import Iterator
from xml.etree.ElementTree import Element

from ..elements import read_elements
from ..files import ByteStream, FilePath
from ..format import Format, Options, Sample
from ..records import Entry, Offsets, SpanText, TextRecord
from ..tokenization import match_words

SENTENCE, TERM, TOKEN = "sentence", "cons", "w"
# What names an article.
ARTICLE = "bibliomisc"
# Of terms that share words, as in "T and B cells": (AND G#cell_type G#cell_type).
COORDINATION = re.compile(r"[^\s()]+")
OPERATORS = frozenset({"AND", "OR", "BUT_NOT", "AND_NOT", "AS_WELL_AS", "THAN", "TO"})


def matches_genia(sample: Sample) -> bool:
    """RETURNS (bool): Whether there are terms in sentences."""
    return bool(sample.root) and b"<cons" in sample.head and b"<sentence" in sample.head


def read_genia(path: FilePath, file: ByteStream, options: Options) -> Iterator[Entry]:
    """Read the sentences. Each becomes a doc.

    path (FilePath): The file's name.
    file (ByteStream): The open file.
    options (Options): Not used.
    YIELDS (Entry): One record per sentence; its document is the article.
    """
    document = str(path)
    for element in read_elements(path, file, {ARTICLE, SENTENCE}):
        source = f"{path}:{element.line}"
        if element.tag == ARTICLE:
            document = f"{path}: {element.text}"
            continue
        yield _read_sentence(source, document, element)


def _read_sentence(source: str, document: str, sentence: Element) -> TextRecord:
    text = "".join(sentence.itertext())
    words = ["".join(word.itertext()) for word in sentence.iter(TOKEN)]
    record = TextRecord(
        source=source,
        document=document,
        text=text,
        tokens=match_words(words, text) if words else None,
        spans=[],
    )
    _read_terms(record, sentence, 0)
    return record


def _read_terms(record: TextRecord, element: Element, start: int) -> int:
    """RETURNS (int): Where the text of the element ends."""
    end = start + len(element.text or "")
    for child in element:
        end = _read_terms(record, child, end) + len(child.tail or "")
    if element.tag == TERM:
        _add_term(record, element.get("sem"), start, end)
    return end


def _add_term(record: TextRecord, label: str | None, start: int, end: int) -> None:
    if label is None:
        record.other["terms without sem, such as parts of coordinated ones"] += 1
    elif label.startswith("("):
        labels = [x for x in COORDINATION.findall(label) if x not in OPERATORS]
        text = record.text[start:end]
        record.discontinuous.extend(
            SpanText(record.source, label, text) for label in labels
        )
    else:
        record.spans.append(Offsets(start, end, label))


FORMAT = Format("genia", matches_genia, read_genia)
