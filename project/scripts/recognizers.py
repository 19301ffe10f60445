"""The components that the benchmark compares, each with its own defaults."""

from typing import Any

import crf  # noqa: F401 (registers crf_ner)
import dense  # noqa: F401 (registers dense_ner and pair_products)
from spacy.language import Language
from spacy.tokens import Doc
from spacy.util import filter_spans

SPANS_KEY = "sc"
GLOBAL_POINTER = {"@architectures": "spacy-egp.GlobalPointer.v1"}
NGRAMS = {"@misc": "spacy.ngram_range_suggester.v1", "min_size": 1}

# Name in the benchmark: factory and config.
RECOGNIZERS: dict[str, tuple[str, dict[str, Any]]] = {
    "egp_ner": ("egp_ner", {}),
    "egp_ner, max_length 32": ("egp_ner", {"max_length": 32}),
    "egp_ner, within sentences": ("egp_ner", {"within_sentences": True}),
    "egp_ner, GlobalPointer": ("egp_ner", {"model": GLOBAL_POINTER}),
    "dense": ("dense_ner", {}),
    "matrix product": ("pair_products", {}),
    "CRF": ("crf_ner", {}),
    "ner": ("ner", {}),
    "spancat 1-8": ("spancat", {"suggester": {**NGRAMS, "max_size": 8}}),
    "spancat 1-16": ("spancat", {"suggester": {**NGRAMS, "max_size": 16}}),
}

# Those of them that every measurement compares.
COMPARED = (
    "egp_ner",
    "egp_ner, GlobalPointer",
    "dense",
    "CRF",
    "ner",
    "spancat 1-8",
    "spancat 1-16",
)


def add_recognizer(nlp: Language, name: str, tok2vec: dict[str, Any]) -> Any:
    """Add a component to a pipeline.

    nlp (Language): The pipeline.
    name (str): Name in `RECOGNIZERS`.
    tok2vec (Dict[str, Any]): Config of the component's tok2vec layer.
    RETURNS (TrainablePipe): The component.
    """
    factory, config = RECOGNIZERS[name]
    model = {**config.get("model", {}), "tok2vec": tok2vec}
    return nlp.add_pipe(factory, config={**config, "model": model})


def annotate_ents(doc: Doc) -> None:
    """Set `doc.ents`, of which `ner` learns, to the outermost spans."""
    doc.ents = filter_spans(doc.spans[SPANS_KEY])
