"""Scores by the length of docs: those of the docs as they are, and of docs joined into
longer ones."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import cast

import numpy as np
from spacy.language import Language
from spacy.training import Example
from spacy.util import minibatch

from ..component import EGPRecognizer
from ..readers import join_docs
from .evaluation import evaluate
from .spans import SpanTable
from .statistics import Score, find_groups

# The shortest length of each group of docs, in tokens.
DOC_LENGTHS = (0, 26, 51, 101, 201, 501, 1001, 2001, 5001)
# How many docs are joined, as long as joined docs have at most `MAX_JOINED_TOKENS` on
# average: encoders need memory for a whole doc.
JOINED = (5, 10, 30)
MAX_JOINED_TOKENS = 20_000


@dataclass(frozen=True)
class DocScore:
    """How a component does on docs of about the same length.

    docs (int): The number of docs.
    tokens (int): Their tokens.
    score (Score): The score of their spans.
    gold_per_1000 (float): Gold spans in 1,000 tokens.
    predicted_per_1000 (float): Predicted spans in 1,000 tokens.
    gold_length (float): Mean number of tokens of gold spans, 0 if there are none.
    predicted_length (float): That of predicted spans.
    longest_gold (int): Tokens of the longest gold span.
    longest_predicted (int): Tokens of the longest predicted span.
    """

    docs: int
    tokens: int
    score: Score
    gold_per_1000: float
    predicted_per_1000: float
    gold_length: float
    predicted_length: float
    longest_gold: int
    longest_predicted: int

    @classmethod
    def count(
        cls,
        docs: int,
        tokens: int,
        score: Score,
        lengths: tuple[float, float],
        longest: tuple[int, int],
    ) -> "DocScore":
        """Compute the rates. lengths: the sum of the lengths of gold and of predicted
        spans; longest: the length of the longest of each."""
        return cls(
            docs=docs,
            tokens=tokens,
            score=score,
            gold_per_1000=1000 * score.support / max(tokens, 1),
            predicted_per_1000=1000 * score.predicted / max(tokens, 1),
            gold_length=lengths[0] / max(score.support, 1),
            predicted_length=lengths[1] / max(score.predicted, 1),
            longest_gold=longest[0],
            longest_predicted=longest[1],
        )

    def __add__(self, other: "DocScore") -> "DocScore":
        both = (self, other)
        return DocScore.count(
            self.docs + other.docs,
            self.tokens + other.tokens,
            self.score + other.score,
            (
                sum(one.gold_length * one.score.support for one in both),
                sum(one.predicted_length * one.score.predicted for one in both),
            ),
            (
                max(one.longest_gold for one in both),
                max(one.longest_predicted for one in both),
            ),
        )


def score_docs(spans: SpanTable, lengths: np.ndarray) -> dict[int, DocScore]:
    """Score docs by their length.

    spans (SpanTable): The spans.
    lengths (np.ndarray): Tokens of each doc, int64 of shape (docs,).
    RETURNS (Dict[int, DocScore]): The scores by length, as in `DOC_LENGTHS`.
    """
    group = find_groups(lengths, DOC_LENGTHS)
    scores = {}
    for i in np.unique(group).tolist():
        docs = group == i
        is_of_group = docs[spans.doc]
        is_gold = spans.is_gold & is_of_group
        is_predicted = spans.is_predicted & is_of_group
        n_tokens = spans.end - spans.start
        both = (n_tokens[is_gold], n_tokens[is_predicted])
        scores[i] = DocScore.count(
            int(docs.sum()),
            int(lengths[docs].sum()),
            Score.of(is_gold, is_predicted),
            (float(both[0].sum()), float(both[1].sum())),
            (int(both[0].max(initial=0)), int(both[1].max(initial=0))),
        )
    return scores


def score_joined(
    nlp: Language,
    name: str,
    read_examples: Callable[[], Iterable[Example]],
    single: DocScore,
) -> dict[int, DocScore]:
    """Score the docs again, with consecutive ones joined into one.

    nlp (Language): The pipeline.
    name (str): Name of the `egp_ner`.
    read_examples (Callable[[], Iterable[Example]]): Reads the annotated docs.
    single (DocScore): The score of the docs as they are.
    RETURNS (Dict[int, DocScore]): Scores by the number of docs that are joined: the
        numbers in `JOINED` for which there are enough docs, and joined docs have at
        most `MAX_JOINED_TOKENS` on average.
    """
    key = cast(EGPRecognizer, nlp.get_pipe(name)).key
    scores = {}
    for number in JOINED:
        if number > single.docs or number * single.tokens > (
            MAX_JOINED_TOKENS * single.docs
        ):
            break
        annotated = (eg for eg in read_examples() if key in eg.reference.spans)
        runs = minibatch(annotated, number)
        examples = (join_examples(run, key) for run in runs)
        parts = evaluate(nlp, name, examples, thresholds=np.empty(0))
        scores[number] = reduce(
            add,
            (
                score
                for part in parts
                for score in score_docs(
                    part.spans, np.asarray([len(eg.reference) for eg in part.examples])
                ).values()
            ),
        )
    return scores


def join_examples(examples: Sequence[Example], spans_key: str) -> Example:
    """Join the docs of annotated examples. The tokens stay those of the single docs.

    examples (Sequence[Example]): The examples, which are changed.
    spans_key (str): Key of the spans that the joined doc has.
    RETURNS (Example): The example of all docs.
    """
    for example in examples:
        # Docs with other groups and attrs cannot be joined.
        spans = list(example.reference.spans[spans_key])
        example.reference.spans.clear()
        example.reference.spans[spans_key] = spans
    return Example(
        join_docs([example.predicted for example in examples]),
        join_docs([example.reference for example in examples]),
    )
