"""Read the gold spans of examples for the loss, and count what cannot be learned."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from spacy.attrs import ORTH
from spacy.tokens import Doc, Span, SpanGroup
from spacy.training import Example

from .errors import Errors, Hints
from .limits import Exclusion, SpanLimits


@dataclass(frozen=True)
class Gold:
    """The gold spans of a doc.

    spans (Optional[np.ndarray]): int64 of shape (spans, 3): first token, last token
        (inclusive) and label. None for a doc that is not annotated.
    annotated (np.ndarray): The labels that the doc is annotated for, bool of shape
        (labels,).
    excluded (Counter[Exclusion]): Number of spans that cannot be learned, by reason.
    """

    spans: np.ndarray | None
    annotated: np.ndarray
    excluded: Counter[Exclusion]

    def __len__(self) -> int:
        """RETURNS (int): Number of spans that can be learned."""
        return 0 if self.spans is None else len(self.spans)

    @property
    def max_length(self) -> int:
        """RETURNS (int): Number of tokens of the longest span."""
        if self.spans is None or not len(self.spans):
            return 0
        return int((self.spans[:, 1] - self.spans[:, 0]).max()) + 1


@dataclass
class GoldTally:
    """Adds up the gold spans of docs.

    n_learned (int): Number of spans that can be learned.
    excluded (Counter[Exclusion]): Number of spans that cannot, by reason.
    max_length (int): Number of tokens of the longest span that can be learned.
    """

    n_learned: int = 0
    excluded: Counter[Exclusion] = field(default_factory=Counter)
    max_length: int = 0

    def add(self, gold: Gold) -> None:
        """Add the gold spans of a doc.

        gold (Gold): Its gold spans.
        """
        self.n_learned += len(gold)
        self.excluded.update(gold.excluded)
        self.max_length = max(self.max_length, gold.max_length)

    @property
    def n_spans(self) -> int:
        """RETURNS (int): Number of spans."""
        return self.n_learned + self.excluded.total()


@dataclass
class Census:
    """Counts docs, those that are not annotated, and what these have instead.

    spans_key (str): Key of `doc.spans` for gold spans.
    n_docs (int): Number of docs.
    n_unannotated (int): Number of docs without the key.
    other_keys (Set[str]): Other keys of the docs without it.
    has_ents (bool): Whether a doc without the key has entities.
    is_cut (bool): Whether the docs may have lost their spans when they were cut.
    """

    spans_key: str
    n_docs: int = 0
    n_unannotated: int = 0
    other_keys: set[str] = field(default_factory=set)
    has_ents: bool = False
    is_cut: bool = False

    def count(self, doc: Doc) -> None:
        """Count a doc.

        doc (Doc): The annotated doc.
        """
        self.n_docs += 1
        if self.spans_key not in doc.spans:
            self.n_unannotated += 1
            self.other_keys.update(doc.spans)
            self.has_ents |= bool(doc.ents)

    @property
    def hint(self) -> str:
        """RETURNS (str): Where the annotations may be: a sentence after a space, or
        nothing."""
        if self.is_cut:
            return Hints.cut
        if self.other_keys:
            keys = ", ".join(f"'{key}'" for key in sorted(self.other_keys))
            return Hints.other_keys.format(keys=keys)
        return Hints.entities.format(spans_key=self.spans_key) if self.has_ents else ""

    @property
    def values(self) -> dict[str, Any]:
        """RETURNS (Dict[str, Any]): The values of a warning's message."""
        return {
            "n_docs": self.n_unannotated,
            "n_all": self.n_docs,
            "spans_key": self.spans_key,
            "hint": self.hint,
        }


@dataclass(frozen=True)
class GoldReader:
    """Reads the gold spans of examples for a component.

    name (str): Name of the component.
    spans_key (str): Key of `doc.spans` for gold spans.
    labels_attr (str): Entry of the group's attrs that lists the labels which a doc is
        annotated for. A doc without the entry is annotated for all labels.
    label_ids (Dict[str, int]): The component's labels and their indices.
    limits (SpanLimits): The spans that the component can learn.
    """

    name: str
    spans_key: str
    labels_attr: str
    label_ids: dict[str, int]
    limits: SpanLimits

    def read(self, example: Example) -> Gold:
        """Read the gold spans of an example on its predicted doc's tokens.

        example (Example): The example.
        RETURNS (Gold): Its gold spans.
        RAISES (ValueError): If a span has no label, or one that the component lacks.
        """
        if self.spans_key not in example.reference.spans:
            return Gold(None, np.ones(len(self.label_ids), dtype=bool), Counter())
        group = example.reference.spans[self.spans_key]
        annotated = self._annotated(group)
        aligned = align_spans(example, group)
        excluded: Counter[Exclusion] = Counter()
        if len(aligned) < len(group):
            excluded[Exclusion.MISALIGNED] = len(group) - len(aligned)
        rows = []
        for span in aligned:
            label = self.label_ids.get(span.label_)
            if label is None:
                raise ValueError(self._unknown_label(span))
            if annotated[label]:
                exclusion = self.limits.exclusion(example.predicted, span)
            else:
                exclusion = Exclusion.UNANNOTATED_LABEL
            if exclusion is None:
                rows.append((span.start, span.end - 1, label))
            else:
                excluded[exclusion] += 1
        spans = np.asarray(rows, dtype="int64").reshape(-1, 3)
        return Gold(spans, annotated, excluded)

    def _unknown_label(self, span: Span) -> str:
        """What is wrong with a span whose label the component lacks."""
        if not span.label:
            return Errors.EGP033.format(
                name=self.name,
                text=span.text,
                start=span.start_char,
                spans_key=self.spans_key,
            )
        return Errors.EGP007.format(
            name=self.name,
            text=span.text,
            label=span.label_,
            labels=", ".join(self.label_ids),
        )

    def _annotated(self, group: SpanGroup) -> np.ndarray:
        """Which of the labels a doc is annotated for."""
        if self.labels_attr not in group.attrs:
            return np.ones(len(self.label_ids), dtype=bool)
        listed = group.attrs[self.labels_attr]
        if not are_strings(listed):
            raise ValueError(
                Errors.EGP015.format(
                    name=self.name,
                    spans_key=self.spans_key,
                    labels_attr=self.labels_attr,
                    value=listed,
                )
            )
        annotated = np.zeros(len(self.label_ids), dtype=bool)
        annotated[[self.label_ids[x] for x in listed if x in self.label_ids]] = True
        return annotated


def are_strings(labels: Any) -> bool:
    """Whether a value is a list or tuple of strings."""
    return isinstance(labels, list | tuple) and all(
        isinstance(label, str) for label in labels
    )


def align_spans(example: Example, spans: SpanGroup) -> list[Span]:
    """Find the spans of the reference doc that fit the predicted doc's tokens.

    example (Example): The example.
    spans (SpanGroup): Spans of its reference doc.
    RETURNS (List[Span]): Spans of its predicted doc, or of its reference doc if both
        have the same tokens.
    """
    predicted, reference = (doc.to_array(ORTH) for doc in (example.x, example.y))
    # spaCy's alignment takes longer than the loss, and changes nothing where the
    # tokens are the same.
    if predicted.tobytes() == reference.tobytes():
        return list(spans)
    return example.get_aligned_spans_y2x(spans, allow_overlap=True)
