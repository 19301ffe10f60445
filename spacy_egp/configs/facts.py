"""What a training corpus is like, as far as settings depend on it."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from spacy.attrs import NORM
from spacy.vocab import Vocab

from ..docbins import read_docs
from ..errors import Errors
from ..nesting import count_crossing, nesting_depths
from ..settings import DEFAULTS


@dataclass
class CorpusFacts:
    """Counts over the docs of a corpus.

    docs (int): Docs.
    words (int): Their tokens.
    distinct_words (int): Different norms of tokens.
    longest_doc (int): Tokens of the longest doc.
    labels (Counter[str]): Gold spans by label.
    longest_span (int): Tokens of the longest gold span.
    nested (int): Gold spans inside another one, or with the same bounds.
    crossing (int): Gold spans that overlap another one, while neither is inside the
        other.
    """

    docs: int = 0
    words: int = 0
    distinct_words: int = 0
    longest_doc: int = 0
    labels: Counter[str] = field(default_factory=Counter)
    longest_span: int = 0
    nested: int = 0
    crossing: int = 0

    @property
    def spans(self) -> int:
        """RETURNS (int): Gold spans."""
        return self.labels.total()


def read_facts(path: Path, spans_key: str = DEFAULTS["spans_key"]) -> CorpusFacts:
    """Count over a corpus.

    path (Path): A .spacy file, or a folder of them.
    spans_key (str): Key of the gold spans in `doc.spans`.
    RETURNS (CorpusFacts): The counts.
    RAISES (ValueError): If a file is not a DocBin, or there are no gold spans.
    """
    facts = CorpusFacts()
    keys: set[str] = set()
    norms: set[int] = set()
    for doc in filter(len, read_docs(path, Vocab())):
        spans = doc.spans.get(spans_key, ())
        bounds = [(span.start, span.end) for span in spans]
        facts.docs += 1
        facts.words += len(doc)
        facts.longest_doc = max(facts.longest_doc, len(doc))
        facts.labels.update(span.label_ for span in spans)
        facts.longest_span = max(facts.longest_span, *(len(s) for s in spans), 0)
        # The second of two labels of the same tokens counts as nested, too.
        facts.nested += sum(depth > 1 for depth in nesting_depths(set(bounds)))
        facts.nested += len(bounds) - len(set(bounds))
        facts.crossing += count_crossing(bounds)
        keys.update(doc.spans)
        norms.update(doc.to_array(NORM).tolist())
    facts.distinct_words = len(norms)
    if not facts.docs:
        raise ValueError(Errors.EGP307.format(path=path))
    if not facts.spans:
        raise ValueError(
            Errors.EGP323.format(
                path=path,
                n_docs=facts.docs,
                spans_key=spans_key,
                keys=", ".join(sorted(keys)) or "none",
            )
        )
    return facts
