"""Choose settings for a training corpus, with reasons."""

from math import ceil
from typing import Any, NamedTuple

from ..component import LENGTH_MARGIN
from .config import TRANSFORMERS
from .facts import CorpusFacts

# Docs with fewer words on average are sentences rather than documents.
WORDS_OF_DOCUMENT = 100
# The rows of the hash embedding (norm, prefix, suffix, shape) in spaCy's quickstart.
SMALL_ROWS = [5000, 1000, 2500, 2500]
# A pass over a small corpus has at least this many batches.
BATCHES_PER_PASS = 10


class Advice(NamedTuple):
    """A setting that is chosen for a corpus.

    setting (str): Name of the setting, with dots.
    value (Any): Its value.
    reason (str): Why, in words.
    """

    setting: str
    value: Any
    reason: str


class Budget(NamedTuple):
    """How long a kind of encoder is trained.

    batch_words (int): The largest number of words in a batch.
    doc_words (int): Longer docs are cut.
    passes (int): Passes over a corpus of medium size.
    min_steps (int): The smallest number of steps.
    """

    batch_words: int
    doc_words: int
    passes: int
    min_steps: int


FROM_SCRATCH = Budget(1000, 1000, 100, 1000)
PRETRAINED = Budget(2000, 500, 20, 400)
MAX_STEPS = 20_000
# With the CNN these take some ten seconds on one core: a user soon sees that it learns.
MIN_STEPS_TO_SCORE = 50


def advise(facts: CorpusFacts, encoder: str) -> list[Advice]:
    """Choose settings for a training corpus.

    facts (CorpusFacts): What the corpus is like.
    encoder (str): The encoder, one of `spacy_egp.configs.config.ENCODERS`.
    RETURNS (List[Advice]): The settings.
    """
    budget = PRETRAINED if encoder in TRANSFORMERS else FROM_SCRATCH
    batch = _batch(facts, budget)
    return [
        *_length(facts, budget, batch.value),
        batch,
        *_reader(facts, budget),
        *_embedding(facts, encoder),
        _bound(facts),
        _overlap(facts),
    ]


def _batch(facts: CorpusFacts, budget: Budget) -> Advice:
    """Smaller batches for a small corpus, so that the model is updated often enough."""
    words = facts.words // BATCHES_PER_PASS
    size = max(budget.batch_words // 4, min(words, budget.batch_words))
    reason = f"a pass over {facts.words:,} words is {ceil(facts.words / size)} batches"
    return Advice("training.batcher.size", size, reason)


def _length(facts: CorpusFacts, budget: Budget, batch_words: int) -> list[Advice]:
    steps_per_pass = ceil(facts.words / batch_words)
    most = budget.passes * steps_per_pass
    steps = max(budget.min_steps, min(most, MAX_STEPS))
    reason = f"{steps / steps_per_pass:,.0f} passes over the corpus at most"
    patience = max(budget.min_steps, steps // 4)
    frequency = max(MIN_STEPS_TO_SCORE, min(steps_per_pass, 200))
    return [
        Advice("training.max_steps", steps, reason),
        Advice(
            "training.patience",
            patience,
            f"ends after {patience / steps:.0%} of the steps without a better score",
        ),
        Advice(
            "training.eval_frequency",
            frequency,
            f"a score every {frequency / steps_per_pass:.1f} passes",
        ),
    ]


def _reader(facts: CorpusFacts, budget: Budget) -> list[Advice]:
    mean = facts.words / facts.docs
    is_short = mean < WORDS_OF_DOCUMENT
    kind = (
        "sentences: half are joined, because longer texts may be annotated"
        if is_short
        else "documents: they are not joined"
    )
    reason = f"docs of {mean:.1f} words on average are {kind}"
    advice = [Advice("corpora.train.max_joined", 8 if is_short else 1, reason)]
    if facts.longest_doc > budget.doc_words:
        reason = (
            f"the longest doc has {facts.longest_doc:,} words: it is cut between "
            "sentences, for batches of even size"
        )
        advice.append(Advice("corpora.train.max_length", budget.doc_words, reason))
    return advice


def _embedding(facts: CorpusFacts, encoder: str) -> list[Advice]:
    """Smaller tables if there are few words, as every step updates all rows."""
    if encoder in TRANSFORMERS or facts.distinct_words > SMALL_ROWS[0]:
        return []
    reason = f"{facts.distinct_words:,} different words do not need more rows"
    return [Advice("components.tok2vec.model.embed.rows", SMALL_ROWS, reason)]


def _bound(facts: CorpusFacts) -> Advice:
    bound = ceil(facts.longest_span * LENGTH_MARGIN)
    reason = (
        f"the longest span has {facts.longest_span} tokens, and spans of up to {bound} "
        "are scored"
    )
    return Advice("components.egp_ner.max_length", "auto", reason)


def _overlap(facts: CorpusFacts) -> Advice:
    nested, crossing = facts.nested / facts.spans, facts.crossing / facts.spans
    reason = f"{nested:.1%} of the spans are nested, {crossing:.1%} cross others"
    overlap = "any" if facts.crossing else "nested" if facts.nested else "flat"
    return Advice("components.egp_ner.overlap", overlap, reason)
