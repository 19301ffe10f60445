"""Which of the predicted spans become entities, beside those that a doc has."""

from collections.abc import Sequence

import numpy as np
from spacy.attrs import ENT_IOB, ENT_TYPE
from spacy.tokens import Doc, Span

from .decoding import ScoredSpans

# spaCy's codes of tokens inside an entity and at its beginning. Without a label the
# latter means that the token is blocked.
INSIDE, BEGIN = 1, 3


def outside_entities(docs: Sequence[Doc], spans: ScoredSpans) -> ScoredSpans:
    """Leave out spans that overlap entities or blocked tokens of their docs.

    docs (Sequence[Doc]): The docs.
    spans (ScoredSpans): Spans of them.
    RETURNS (ScoredSpans): The other spans.
    """
    taken = [np.isin(doc.to_array(ENT_IOB), (INSIDE, BEGIN)) for doc in docs]
    n_taken = np.cumsum(np.concatenate([[0], *taken]))
    first = np.cumsum([0, *map(len, docs)])[spans.doc]
    n_in_span = n_taken[first + spans.last + 1] - n_taken[first + spans.start]
    return spans.take(np.flatnonzero(n_in_span == 0))


def add_entities(doc: Doc, spans: Sequence[Span]) -> None:
    """Add entities to those of a doc, and mark the other tokens as outside of entities.

    doc (Doc): The doc. Blocked tokens stay blocked.
    spans (Sequence[Span]): The entities, which do not overlap those of the doc.
    """
    codes = doc.to_array([ENT_IOB, ENT_TYPE]).reshape(-1, 2)
    is_blocked = (codes[:, 0] == BEGIN) & (codes[:, 1] == 0)
    blocked = [doc[i : i + 1] for i in np.flatnonzero(is_blocked).tolist()]
    doc.set_ents([*doc.ents, *spans], blocked=blocked)
