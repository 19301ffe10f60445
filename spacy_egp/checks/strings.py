"""Strings that are annotated in some places but not in others, or with different
labels."""

import math
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate
from typing import Any, NamedTuple

import numpy as np
from spacy.attrs import ORTH, SPACY
from spacy.tokens import Doc, Span
from spacy.vocab import Vocab

from ..corpora.summary import Listing, Tally
from .places import Address, Bounds, Place, make_place
from .settings import Settings

# The most places that are kept of each reading of a string.
MAX_PLACES = 3
# Labels of an occurrence, sorted; none if it is not annotated.
Labels = tuple[str, ...]
# Hashes of tokens.
Words = tuple[int, ...]


@dataclass
class Reading:
    """How a string is annotated in some of the places where it occurs.

    labels (tuple[str, ...]): The labels; none if it is not annotated.
    count (int): The number of these places.
    places (list[Place]): The first of them.
    """

    labels: Labels
    count: int
    places: list[Place]


class InconsistentString(NamedTuple):
    """A string with several readings.

    text (str): The string.
    readings (list[Reading]): Its readings, the most frequent one first.
    """

    text: str
    readings: list[Reading]

    @property
    def rank(self) -> tuple[bool, float]:
        """RETURNS (tuple[bool, float]): How likely the rare readings are errors. A name
        that is not annotated once is more often an error than a common word that is
        annotated once."""
        most, *others = (reading.count for reading in self.readings)
        odds = math.log(most) - 2 * math.log(sum(others))
        return bool(self.readings[0].labels), odds

    def to_dict(self) -> dict[str, Any]:
        """RETURNS (dict[str, Any]): The string and its readings, for JSON."""
        readings = [
            {
                "labels": list(reading.labels),
                "count": reading.count,
                "places": [place._asdict() for place in reading.places],
            }
            for reading in self.readings
        ]
        return {"text": self.text, "readings": readings}


class _Annotated(NamedTuple):
    """What is kept of a doc of n tokens.

    part (str): Its part.
    i (int): Its index in the part.
    tokens (np.ndarray): Hash of each token, and whether a space follows: uint64 of
        shape (n, 2).
    labels (dict[Bounds, set[str]]): Its annotated spans.
    is_partial (bool): Whether it is annotated for only some of the labels.
    """

    part: str
    i: int
    tokens: np.ndarray
    labels: dict[Bounds, set[str]]
    is_partial: bool

    def make_doc(self, vocab: Vocab) -> Doc:
        """RETURNS (Doc): The tokens."""
        words = [vocab.strings[word] for word in self.tokens[:, 0].tolist()]
        return Doc(vocab, words=words, spaces=self.tokens[:, 1].astype(bool).tolist())


class _Occurrences(Tally[tuple[_Annotated, Bounds]]):
    """A count, with the first docs and spans."""

    MAX_ITEMS = MAX_PLACES


class StringIndex:
    """Finds the readings of all strings that are annotated somewhere. It keeps some 20
    bytes per token.

    settings (Settings): The keys of the annotations.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._docs: dict[Address, _Annotated] = {}
        self._strings: set[Words] = set()
        # The lengths of the strings that begin with each token.
        self._lengths: dict[int, set[int]] = {}

    def add(self, part: str, i: int, doc: Doc) -> None:
        """Add a doc.

        part (str): Its part.
        i (int): Its index in the part.
        doc (Doc): The doc. One that is not annotated is skipped.
        """
        group = doc.spans.get(self.settings.spans_key)
        if group is None:
            return
        tokens = doc.to_array([ORTH, SPACY]).reshape(-1, 2)
        words = tokens[:, 0].tolist()
        labels: dict[Bounds, set[str]] = {}
        for span in group:
            labels.setdefault((span.start, span.end), set()).add(span.label_)
            self._strings.add(tuple(words[span.start : span.end]))
            self._lengths.setdefault(words[span.start], set()).add(len(span))
        is_partial = self.settings.labels_attr in group.attrs
        self._docs[part, i] = _Annotated(part, i, tokens, labels, is_partial)

    @cached_property
    def _readings(self) -> dict[Words, dict[Labels, _Occurrences]]:
        """The readings of each string. All docs must have been added."""
        found: dict[Words, dict[Labels, _Occurrences]] = {}
        for doc in self._docs.values():
            for words, bounds, labels in self._occurrences(doc):
                readings = found.setdefault(words, {})
                occurrences = readings.setdefault(labels, _Occurrences())
                occurrences.add([(doc, bounds)])
        return found

    def occurrences(self, address: Address) -> dict[Bounds, tuple[Words, Labels]]:
        """Find the strings in a doc. All docs must have been added.

        address (Address): Where the doc is.
        RETURNS (dict[Bounds, tuple[Words, Labels]]): Each occurrence, annotated or not,
            with the string and the labels there.
        """
        found = self._occurrences(self._docs[address])
        return {bounds: (words, labels) for words, bounds, labels in found}

    def count(self) -> "StringCounts":
        """RETURNS (StringCounts): How often the strings have each label."""
        counts = StringCounts()
        for words, readings in self._readings.items():
            counts.occurrences[words] = sum(x.count for x in readings.values())
            counts.total += counts.occurrences[words]
            for labels, occurrences in readings.items():
                for label in labels:
                    counts.labels[words, label] += occurrences.count
                    counts.of_label[label] += occurrences.count
        return counts

    def inconsistent(self, vocab: Vocab) -> Listing[InconsistentString]:
        """Find the strings with several readings.

        vocab (Vocab): That of the docs.
        RETURNS (Listing[InconsistentString]): The strings; first those whose rare
            readings are most likely errors.
        """
        strings = [
            _describe(readings, vocab)
            for readings in self._readings.values()
            if len(readings) > 1
        ]
        strings.sort(key=lambda string: string.text)
        strings.sort(key=lambda string: string.rank, reverse=True)
        listing: Listing[InconsistentString] = Listing()
        listing.add(strings)
        return listing

    def _occurrences(self, doc: _Annotated) -> Iterator[tuple[Words, Bounds, Labels]]:
        """Where the strings are in a doc, and their labels there."""
        words = doc.tokens[:, 0].tolist()
        reach = _reach(len(words), doc.labels)
        for start, word in enumerate(words):
            for length in self._lengths.get(word, ()):
                end = start + length
                string = tuple(words[start:end])
                if end > len(words) or string not in self._strings:
                    continue
                labels = tuple(sorted(doc.labels.get((start, end), ())))
                # A part of a longer entity need not be an entity. If the doc is
                # annotated for only some labels, a missing span says nothing.
                if labels or not (doc.is_partial or reach[start] >= end):
                    yield string, (start, end), labels


@dataclass
class StringCounts:
    """How often each string that is annotated somewhere occurs, and with which labels.

    occurrences (Counter[Words]): Occurrences of each string.
    labels (Counter[tuple[Words, str]]): Those with each label.
    of_label (Counter[str]): Occurrences of all strings with each label.
    total (int): Occurrences of all strings.
    """

    occurrences: Counter[Words] = field(default_factory=Counter)
    labels: Counter[tuple[Words, str]] = field(default_factory=Counter)
    of_label: Counter[str] = field(default_factory=Counter)
    total: int = 0

    def evidence(self, words: Words, labels: Labels, label: str) -> float:
        """Measure how strongly the other occurrences of a string suggest a label.

        words (Words): The string.
        labels (tuple[str, ...]): The labels of the occurrence that does not count.
        label (str): The label.
        RETURNS (float): What they add to the log-odds of the label, by a beta-binomial
            model whose prior is one occurrence with the label's share among all
            strings. It is 0 if there are no others.
        """
        share = (self.of_label[label] + 1) / (self.total + 2)
        n = self.occurrences[words] - 1
        n_label = self.labels[words, label] - (label in labels)
        odds = (n_label + share) / (n - n_label + 1 - share)
        return math.log(odds * (1 - share) / share)


def _describe(readings: dict[Labels, _Occurrences], vocab: Vocab) -> InconsistentString:
    described = [
        Reading(
            labels,
            occurrences.count,
            [
                make_place(
                    doc.part,
                    doc.i,
                    Span(doc.make_doc(vocab), *bounds),
                    label=", ".join(labels),
                )
                for doc, bounds in occurrences.first
            ],
        )
        for labels, occurrences in readings.items()
    ]
    described.sort(key=lambda reading: (-reading.count, reading.labels))
    return InconsistentString(described[0].places[0].text, described)


def _reach(n_tokens: int, bounds: Iterable[Bounds]) -> list[int]:
    """For each of n tokens, the furthest end of a span that begins there or before."""
    ends = [0] * n_tokens
    for start, end in bounds:
        ends[start] = max(ends[start], end)
    return list(accumulate(ends, max))
