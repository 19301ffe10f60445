"""The components that the benchmark and the comparison train, each with its own
defaults."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example
from spacy.util import filter_spans, registry

from scripts.peers import (
    biaffine,  # noqa: F401 (registers biaffine_ner)
    crf,  # noqa: F401 (registers crf_ner)
    dense,  # noqa: F401 (registers dense_ner and pair_products)
)
from spacy_egp.scoring import span_score

SPANS_KEY = "sc"
GLOBAL_POINTER = {"@architectures": "spacy-egp.GlobalPointer.v1"}
NGRAMS = {"@misc": "spacy.ngram_range_suggester.v1", "min_size": 1}
ENTS_SCORER = {"@scorers": "spacy-egp-project.ents_as_spans_scorer.v1"}

# Factory and config by name in the benchmark.
RECOGNIZERS: dict[str, tuple[str, dict[str, Any]]] = {
    "egp_ner": ("egp_ner", {}),
    "egp_ner, max_length 32": ("egp_ner", {"max_length": 32}),
    "egp_ner, within sentences": ("egp_ner", {"within_sentences": True}),
    "egp_ner, loss by doc": ("egp_ner", {"stretch_length": None}),
    "egp_ner, hidden biases": ("egp_ner", {"model": {"bias_input": "hidden"}}),
    "egp_ner, GlobalPointer": ("egp_ner", {"model": GLOBAL_POINTER}),
    "dense": ("dense_ner", {}),
    "matrix product": ("pair_products", {}),
    "biaffine": ("biaffine_ner", {}),
    "CRF": ("crf_ner", {}),
    "ner": ("ner", {"scorer": ENTS_SCORER}),
    "spancat 1-8": ("spancat", {"suggester": {**NGRAMS, "max_size": 8}}),
    "spancat 1-16": ("spancat", {"suggester": {**NGRAMS, "max_size": 16}}),
}

# The components that every measurement compares.
COMPARED = (
    "egp_ner",
    "egp_ner, GlobalPointer",
    "dense",
    "CRF",
    "ner",
    "spancat 1-8",
    "spancat 1-16",
)

# The components that the comparison trains, by their short names there.
HEADS = {
    "egp": "egp_ner",
    "egp-by-doc": "egp_ner, loss by doc",
    "egp-hidden": "egp_ner, hidden biases",
    "gp": "egp_ner, GlobalPointer",
    "biaffine": "biaffine",
    "crf": "CRF",
    "spancat": "spancat 1-8",
    "ner": "ner",
}


def recognizer_config(name: str, tok2vec: dict[str, Any]) -> dict[str, Any]:
    """Make the config of a component, as a pipeline's config has it.

    name (str): Name in `RECOGNIZERS`.
    tok2vec (Dict[str, Any]): Config of the component's tok2vec layer.
    RETURNS (Dict[str, Any]): The config, with the factory.
    """
    factory, config = RECOGNIZERS[name]
    model = {**config.get("model", {}), "tok2vec": tok2vec}
    return {"factory": factory, **config, "model": model}


def add_recognizer(nlp: Language, name: str, tok2vec: dict[str, Any]) -> Any:
    """Add a component to a pipeline.

    nlp (Language): The pipeline.
    name (str): Name in `RECOGNIZERS`.
    tok2vec (Dict[str, Any]): Config of the component's tok2vec layer.
    RETURNS (TrainablePipe): The component.
    """
    config = recognizer_config(name, tok2vec)
    return nlp.add_pipe(config.pop("factory"), config=config)


class Learnable(NamedTuple):
    """The gold spans of a doc that a component can learn, and predict.

    description (str): Which they are.
    select (Callable): Takes all spans and returns these.
    """

    description: str
    select: Callable[[Iterable[Span]], list[Span]]


def learnable(name: str) -> Learnable:
    """Tell what a component can learn.

    name (str): Name in `RECOGNIZERS`.
    RETURNS (Learnable): The outermost spans for a component of flat entities, those
        that its suggester suggests for spancat, one of those with the same tokens for
        the biaffine classifier, otherwise all.
    """
    factory, config = RECOGNIZERS[name]
    if factory in ("crf_ner", "ner"):
        return Learnable("outermost spans", filter_spans)
    if factory == "spancat":
        size = config["suggester"]["max_size"]
        return Learnable(
            f"spans of up to {size} tokens",
            lambda spans: [span for span in spans if len(span) <= size],
        )
    if factory == "biaffine_ner":
        return Learnable(
            "spans with one label",
            lambda spans: list(
                {(span.start, span.end): span for span in spans}.values()
            ),
        )
    return Learnable("all spans", list)


def annotate_ents(doc: Doc) -> None:
    """Set `doc.ents`, of which `ner` learns, to the outermost spans."""
    doc.ents = filter_spans(doc.spans[SPANS_KEY])


@registry.augmenters("spacy-egp-project.outermost_ents.v1")
def make_outermost_ents():
    """RETURNS (Callable): Sets the entities that `ner` learns, while a corpus is
    read."""

    def augment(nlp: Language, example: Example) -> Iterator[Example]:
        annotate_ents(example.reference)
        yield example

    return augment


@registry.scorers("spacy-egp-project.ents_as_spans_scorer.v1")
def make_ents_as_spans_scorer():
    """RETURNS (Callable): `score_ents_as_spans`."""
    return score_ents_as_spans


def score_ents_as_spans(examples: Iterable[Example], **kwargs: Any) -> dict[str, Any]:
    """Score the predictions of `ner` like those of the other components: against all
    gold spans.

    examples (Iterable[Example]): The examples.
    RETURNS (Dict[str, Any]): The scores, see `span_score`.
    """
    examples = list(examples)
    for example in examples:
        example.predicted.spans[SPANS_KEY] = example.predicted.ents
    return span_score(examples, spans_key=SPANS_KEY)
