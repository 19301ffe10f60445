"""The registered scorer."""

from collections.abc import Callable, Iterable
from typing import Any

from spacy.pipeline.spancat import spancat_score
from spacy.scorer import get_ner_prf
from spacy.training import Example


def make_span_scorer() -> Callable[..., dict[str, Any]]:
    """Create the scorer of overlapping labeled spans, the one that spancat uses.

    RETURNS (Callable): `span_score`.
    """
    return span_score


def span_score(examples: Iterable[Example], **kwargs: Any) -> dict[str, Any]:
    """Score the spans of `doc.spans[spans_key]`, strictly: boundaries and label.

    examples (Iterable[Example]): The examples; those whose reference doc lacks the
        key are not annotated and not scored.
    spans_key (str): Key of the spans.
    annotate_ents (bool): Whether to score the entities as well.
    RETURNS (Dict[str, Any]): `spans_{spans_key}_p`, `_r`, `_f` and `_per_type`, see
        spaCy's `Scorer.score_spans`; with `annotate_ents` also `ents_p` and so on, as
        of spaCy's `ner`.
    """
    examples = list(examples)
    scores: dict[str, Any] = spancat_score(examples, **kwargs)
    if kwargs.get("annotate_ents"):
        scores.update(get_ner_prf(examples))
    return scores
