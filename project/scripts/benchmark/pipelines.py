"""Whole pipelines: spaCy's default tok2vec and one recognizer over it, through
`nlp.update` and `nlp.pipe`."""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import cycle, islice
from typing import Any

import spacy
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example
from spacy.util import fix_random_seed, minibatch, registry
from thinc.api import Optimizer

from scripts.peers.recognizers import COMPARED, add_recognizer, annotate_ents
from scripts.shared.measuring import interleaved, seconds

TOK2VEC = "tok2vec alone"
LISTENER = {"@architectures": "spacy.Tok2VecListener.v1", "width": 96, "upstream": "*"}

N_ROUNDS = 11
UPDATES_PER_ROUND = 5
DOCS_PER_UPDATE = 50
N_TRAIN_DOCS = 1000
N_DEV_DOCS = 1000


def measure_pipelines(
    train_docs: list[Doc], dev_docs: list[Doc], seed: int
) -> Iterator[dict[str, Any]]:
    """Measure training, and then prediction.

    train_docs (List[Doc]): Annotated docs, of which the first are used.
    dev_docs (List[Doc]): Docs to predict, of which the first are used.
    seed (int): Random seed.
    YIELDS (Dict[str, Any]): Pipeline, phase, and words per second: median, minimum
        and maximum.
    """
    fix_random_seed(seed)
    pipelines = {name: make_pipeline(name) for name in COMPARED}
    for nlp in pipelines.values():
        nlp.initialize(partial(list, make_examples(nlp, train_docs)))
    training = training_speeds(pipelines, train_docs, N_ROUNDS)
    pipelines[TOK2VEC] = make_pipeline(None)
    pipelines[TOK2VEC].initialize()
    prediction = prediction_speeds(pipelines, dev_docs, N_ROUNDS)
    for phase, speeds in (("training", training), ("prediction", prediction)):
        for name, speed in speeds.items():
            yield {"pipeline": name, "phase": phase, "words_per_second": speed}


def training_speeds(
    pipelines: dict[str, Language], docs: list[Doc], n_rounds: int
) -> dict[str, dict[str, float]]:
    """Measure the training of initialized pipelines, interleaved.

    pipelines (Dict[str, Language]): The pipelines by name.
    docs (List[Doc]): Annotated docs, of which the first are used.
    n_rounds (int): The number of rounds.
    RETURNS (Dict[str, Dict[str, float]]): By name, words per second: median, minimum
        and maximum.
    """
    return interleaved(training_rounds(pipelines, docs), n_rounds)


def training_rounds(
    pipelines: dict[str, Language], docs: list[Doc]
) -> dict[str, Callable[[], float]]:
    """RETURNS (Dict[str, Callable]): By name, a function that trains a pipeline for a
    round and returns the words per second."""
    updates: dict[str, Callable[[], float]] = {}
    for name, nlp in pipelines.items():
        batches = cycle(minibatch(make_examples(nlp, docs), DOCS_PER_UPDATE))
        # resume_training itself does not interpolate variables such as max_steps.
        settings = nlp.config.interpolate()["training"]["optimizer"]
        optimizer = registry.resolve({"optimizer": settings})["optimizer"]
        nlp.resume_training(sgd=optimizer)
        updates[name] = partial(_update, nlp, batches, optimizer)
    return updates


def prediction_speeds(
    pipelines: dict[str, Language], docs: list[Doc], n_rounds: int
) -> dict[str, dict[str, float]]:
    """Measure the prediction of pipelines, interleaved; see `training_speeds`."""
    return interleaved(prediction_rounds(pipelines, docs), n_rounds)


def prediction_rounds(
    pipelines: dict[str, Language], docs: list[Doc]
) -> dict[str, Callable[[], float]]:
    """RETURNS (Dict[str, Callable]): By name, a function that predicts the first docs
    and returns the words per second."""
    docs = docs[:N_DEV_DOCS]
    return {name: partial(_predict, nlp, docs) for name, nlp in pipelines.items()}


def make_examples(nlp: Language, docs: list[Doc]) -> list[Example]:
    """Examples of the first docs, for any recognizer to learn from."""
    docs = docs[:N_TRAIN_DOCS]
    for doc in docs:
        annotate_ents(doc)
    return [Example(_words_only(nlp, doc), doc) for doc in docs]


def make_pipeline(recognizer: str | None) -> Language:
    """spaCy's default tok2vec, and a recognizer that listens to it."""
    nlp = spacy.blank("xx")
    nlp.add_pipe("tok2vec")
    if recognizer is not None:
        add_recognizer(nlp, recognizer, LISTENER)
    return nlp


def _words_only(nlp: Language, doc: Doc) -> Doc:
    spaces = [bool(token.whitespace_) for token in doc]
    return Doc(nlp.vocab, words=[token.text for token in doc], spaces=spaces)


def _update(
    nlp: Language, batches: Iterator[list[Example]], optimizer: Optimizer
) -> float:
    """Words per second of training on the next batches."""
    batches_of_round = list(islice(batches, UPDATES_PER_ROUND))

    def run() -> None:
        for batch in batches_of_round:
            nlp.update(batch, sgd=optimizer, drop=0.1)

    n_words = sum(len(example.x) for batch in batches_of_round for example in batch)
    return n_words / seconds(run)


def _predict(nlp: Language, docs: list[Doc]) -> float:
    """Words per second of prediction."""
    docs = [_words_only(nlp, doc) for doc in docs]
    return sum(map(len, docs)) / seconds(lambda: list(nlp.pipe(docs)))
