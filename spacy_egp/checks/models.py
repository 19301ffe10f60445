"""What models say about annotated docs: either a trained model, or several models by
cross-validation, each about docs that it was not trained on."""

import warnings
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

import numpy as np
from spacy.language import Language
from spacy.tokens import Doc, DocBin
from spacy.training.initialize import init_nlp
from spacy.training.loop import DIR_MODEL_LAST, train
from spacy.util import load_model
from thinc.api import Config
from tqdm import tqdm

from ..errors import Errors
from ..readers import Corpus
from ..report.evaluation import Evaluation, evaluate
from .contradictions import MIN_PROBABILITY
from .places import Address

# With more epochs, a model is more confident where it is wrong.
EPOCHS = 5
# With fewer tokens, a model knows hardly anything.
MIN_TOKENS = 200_000
# A model learns more from so few epochs in small batches. They grow to the size in the
# config.
BATCH_GROWTH = {"@schedules": "compounding.v1", "start": 100, "compound": 1.001}
# An evaluation, and where all docs of its model are.
Judgment = tuple[Evaluation, list[Address]]


class Judge(Protocol):
    """Evaluates the docs that it is given."""

    def add(self, part: str, i: int, doc: Doc) -> None:
        """Add a doc. One that is not annotated or has no tokens is skipped.

        part (str): Its part.
        i (int): Its index in the part.
        doc (Doc): The doc.
        """

    def judge(self) -> Iterator[Judgment]:
        """Evaluate all docs.

        YIELDS (Judgment): Evaluations.
        """


class _Docs:
    """Annotated docs, and where they are."""

    def __init__(self) -> None:
        self.docs = DocBin()
        self.addresses: list[Address] = []

    def add(self, part: str, i: int, doc: Doc) -> None:
        self.docs.add(doc)
        self.addresses.append((part, i))

    def judge(self, nlp: Language, name: str) -> Iterator[Judgment]:
        with TemporaryDirectory(prefix="spacy-egp-") as folder:
            path = Path(folder) / "docs.spacy"
            self.docs.to_disk(path)
            examples = Corpus(path)(nlp)
            with warnings.catch_warnings():
                # Spans that are left out are the least probable ones.
                warnings.filterwarnings("ignore", r"\[EGPW001\]")
                for one in evaluate(nlp, name, examples, np.asarray([MIN_PROBABILITY])):
                    yield one, self.addresses


class TrainedModel:
    """A trained pipeline.

    nlp (Language): The pipeline.
    name (str): Name of its `egp_ner`.
    spans_key (str): Key of the gold spans.
    """

    def __init__(self, nlp: Language, name: str, spans_key: str) -> None:
        self.nlp = nlp
        self.name = name
        self.spans_key = spans_key
        self._docs = _Docs()

    def add(self, part: str, i: int, doc: Doc) -> None:
        """See Judge."""
        if self.spans_key in doc.spans and len(doc):
            self._docs.add(part, i, doc)

    def judge(self) -> Iterator[Judgment]:
        """See Judge."""
        yield from self._docs.judge(self.nlp, self.name)


class CrossValidation:
    """Pipelines, each of which is trained on the docs of all folds but one, and
    evaluates the docs of that one. Docs with equal texts are in the same fold, as a
    model that was trained on one of them knows the others.

    config (Config): The config of the training, whose corpora are replaced.
    name (str): Name of its `egp_ner`.
    spans_key (str): Key of the gold spans.
    n_folds (int): The number of folds.
    use_gpu (int): ID of the GPU to train on, or -1.
    """

    def __init__(
        self, config: Config, name: str, spans_key: str, n_folds: int, use_gpu: int
    ) -> None:
        self.config = config
        self.name = name
        self.spans_key = spans_key
        self.use_gpu = use_gpu
        self._folds = [_Docs() for _ in range(n_folds)]
        self._labels: set[str] = set()
        # By the hash of the text.
        self._fold_of: dict[int, int] = {}

    def add(self, part: str, i: int, doc: Doc) -> None:
        """See Judge."""
        if self.spans_key in doc.spans and len(doc):
            fold = len(self._fold_of) % len(self._folds)
            fold = self._fold_of.setdefault(hash(doc.text), fold)
            self._folds[fold].add(part, i, doc)
            self._labels.update(span.label_ for span in doc.spans[self.spans_key])

    def judge(self) -> Iterator[Judgment]:
        """See Judge.

        RAISES (ValueError): If there are fewer texts than folds, or one fold.
        """
        n_texts, n_folds = len(self._fold_of), len(self._folds)
        if not 2 <= n_folds <= n_texts:
            raise ValueError(Errors.EGP278.format(n_texts=n_texts, n_folds=n_folds))
        # The progress bar is only shown on a terminal.
        for fold in tqdm(self._folds, "Folds", unit=" folds", disable=None):
            yield from fold.judge(self._train_without(fold), self.name)

    def _train_without(self, fold: _Docs) -> Language:
        docs = DocBin()
        for other in self._folds:
            if other is not fold:
                docs.merge(other.docs)
        with TemporaryDirectory(prefix="spacy-egp-") as folder:
            paths = {part: Path(folder) / f"{part}.spacy" for part in ("train", "dev")}
            docs.to_disk(paths["train"])
            fold.docs.to_disk(paths["dev"])
            epochs = max(EPOCHS, -(-MIN_TOKENS // max(sum(map(len, docs.tokens)), 1)))
            nlp = init_nlp(self._make_config(paths, epochs), use_gpu=self.use_gpu)
            train(nlp, Path(folder), use_gpu=self.use_gpu, stdout=StringIO())
            # The saved weights are averages over the training.
            return load_model(Path(folder) / DIR_MODEL_LAST)

    def _make_config(self, paths: dict[str, Path], epochs: int) -> Config:
        """The config of the training on files."""
        config = self.config.copy()
        settings = self.config.interpolate()["training"]
        for part, path in paths.items():
            section, reader = settings[f"{part}_corpus"].split(".")
            config[section][reader]["path"] = str(path)
        config["training"].update(
            # spaCy evaluates once, at the first step.
            eval_frequency=10**9,
            max_epochs=epochs,
            max_steps=0,
            patience=0,
            logger={"@loggers": "spacy.ConsoleLogger.v1"},
        )
        size = settings["batcher"].get("size")
        if isinstance(size, int | float):
            config["training"]["batcher"]["size"] = {**BATCH_GROWTH, "stop": size}
        # A fold may lack a label.
        components = config["initialize"].setdefault("components", {})
        components[self.name] = {"labels": sorted(self._labels)}
        return config
