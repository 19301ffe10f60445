"""What the texts of spans tell: whether they are entities elsewhere, and whether the
training docs have their words."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import accumulate

import numpy as np
from spacy.attrs import IDX, LENGTH
from spacy.tokens import Doc

from .evaluation import Evaluation


@dataclass(frozen=True)
class SpanTexts:
    """What the texts of N spans tell; only looked up for gold and predicted ones.

    is_seen (np.ndarray): Whether the training docs have an entity with this text, bool
        of shape (N,).
    is_elsewhere (np.ndarray): Whether they or the evaluated docs have one at another
        place, bool of shape (N,).
    is_unknown (np.ndarray): Whether the training docs lack one of the words, bool of
        shape (N,).
    """

    is_seen: np.ndarray
    is_elsewhere: np.ndarray
    is_unknown: np.ndarray


@dataclass(frozen=True)
class Texts:
    """The texts of entities, and the words of the training docs.

    entities (Counter[str]): At how many places the evaluated docs have gold spans with
        each text.
    train_entities (Optional[Set[str]]): Texts of the gold spans of the training docs;
        None if there are none.
    train_words (Set[str]): The tokens of the training docs.
    """

    entities: Counter[str] = field(default_factory=Counter)
    train_entities: set[str] | None = None
    train_words: set[str] = field(default_factory=set)

    @classmethod
    def read(
        cls, docs: Iterable[Doc], train_docs: Iterable[Doc] | None, spans_key: str
    ) -> "Texts":
        """Collect the texts.

        docs (Iterable[Doc]): The evaluated docs.
        train_docs (Iterable[Doc] | None): The training docs, if there are any.
        spans_key (str): Key of the gold spans.
        RETURNS (Texts): The texts.
        """
        entities: Counter[str] = Counter()
        for doc in docs:
            group = doc.spans.get(spans_key, ())
            # A place with several labels counts once.
            entities.update({(x.start, x.end): x.text for x in group}.values())
        if train_docs is None:
            return cls(entities)
        train_entities: set[str] = set()
        train_words: set[str] = set()
        for doc in train_docs:
            train_entities.update(span.text for span in doc.spans.get(spans_key, ()))
            train_words.update(token.text for token in doc)
        return cls(entities, train_entities, train_words)

    def look_up(self, evaluation: Evaluation) -> SpanTexts:
        """Look up spans.

        evaluation (Evaluation): N spans.
        RETURNS (SpanTexts): What their texts tell.
        """
        spans = evaluation.spans
        train_entities = self.train_entities or ()
        is_seen, is_elsewhere, is_unknown = np.zeros((3, len(spans)), dtype=bool)
        is_looked_up = spans.is_gold | spans.is_predicted
        firsts = np.searchsorted(spans.doc, np.arange(len(evaluation.examples) + 1))
        for doc, example in enumerate(evaluation.examples):
            reference = example.reference
            text = reference.text
            starts, lengths = reference.to_array([IDX, LENGTH]).T.astype(int)
            n_unknown = self._count_unknown(reference)
            rows = np.arange(firsts[doc], firsts[doc + 1])
            for i in rows[is_looked_up[rows]].tolist():
                start, end = int(spans.start[i]), int(spans.end[i])
                string = text[starts[start] : starts[end - 1] + lengths[end - 1]]
                is_seen[i] = string in train_entities
                n_others = self.entities[string] - spans.is_gold[i]
                is_elsewhere[i] = is_seen[i] or n_others > 0
                is_unknown[i] = n_unknown[end] > n_unknown[start]
        return SpanTexts(is_seen, is_elsewhere, is_unknown)

    def _count_unknown(self, doc: Doc) -> list[int]:
        """Words before each token and at the end that the training docs lack."""
        if self.train_entities is None:
            return [0] * (len(doc) + 1)
        lacks = (token.text not in self.train_words for token in doc)
        return list(accumulate(lacks, initial=0))
