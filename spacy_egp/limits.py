"""Which spans of a doc may be learned and predicted."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from spacy.tokens import Doc, Span


class Exclusion(StrEnum):
    """Why a gold span cannot be learned."""

    MISALIGNED = "misaligned"
    TOO_LONG = "too_long"
    CROSSES_SENTENCES = "crosses_sentences"
    UNANNOTATED_LABEL = "unannotated_label"

    @property
    def description(self) -> str:
        """RETURNS (str): The reason as the end of a sentence about gold spans."""
        return DESCRIPTIONS[self]

    @property
    def remedy(self) -> str:
        """RETURNS (str): What lets such spans be learned, as a sentence."""
        return REMEDIES[self]


DESCRIPTIONS = {
    Exclusion.MISALIGNED: "that do not fit the tokens",
    Exclusion.TOO_LONG: "longer than max_length",
    Exclusion.CROSSES_SENTENCES: "that cross a sentence boundary",
    Exclusion.UNANNOTATED_LABEL: "of labels that their docs are not annotated for",
}
REMEDIES = {
    Exclusion.MISALIGNED: (
        "Compare [nlp] lang and [nlp.tokenizer] with the tokenizer of the corpus, and "
        "correct the boundaries of the spans."
    ),
    Exclusion.TOO_LONG: "Raise max_length.",
    Exclusion.CROSSES_SENTENCES: (
        "Correct the sentence boundaries, or set within_sentences to false."
    ),
    Exclusion.UNANNOTATED_LABEL: "Add the labels to the list of their docs.",
}


@dataclass(frozen=True)
class SpanLimits:
    """The limits of a span in a doc.

    max_length (Optional[int]): The largest number of tokens in a span.
    within_sentences (bool): Whether a span must lie within a sentence of a doc that has
        sentence boundaries.
    """

    max_length: int | None
    within_sentences: bool

    def exclusion(self, doc: Doc, span: Span) -> Exclusion | None:
        """Tell why a span can be neither learned nor predicted.

        doc (Doc): The doc to predict.
        span (Span): A span on its tokens, of this doc or of one with the same tokens.
        RETURNS (Optional[Exclusion]): The reason, or None if it can be predicted.
        """
        if self.max_length is not None and len(span) > self.max_length:
            return Exclusion.TOO_LONG
        if self._has_segments(doc) and any(
            doc[i].is_sent_start for i in range(span.start + 1, span.end)
        ):
            return Exclusion.CROSSES_SENTENCES
        return None

    def segments(self, docs: Iterable[Doc]) -> list[int] | None:
        """Find the segments of docs that no span may cross.

        docs (Iterable[Doc]): The docs.
        RETURNS (Optional[List[int]]): Their lengths in the order of tokens; None if
            each doc is a segment.
        """
        if not self.within_sentences:
            return None
        lengths: list[int] = []
        for doc in docs:
            if self._has_segments(doc):
                lengths.extend(len(sentence) for sentence in doc.sents)
            else:
                lengths.append(len(doc))
        return lengths

    def lacks_sentences(self, doc: Doc) -> bool:
        """Tell whether spans must lie within the sentences of a doc that has none.

        doc (Doc): The doc.
        RETURNS (bool): Whether its sentences are missing.
        """
        return self.within_sentences and len(doc) > 1 and not self._has_segments(doc)

    def _has_segments(self, doc: Doc) -> bool:
        return self.within_sentences and bool(doc.has_annotation("SENT_START"))
