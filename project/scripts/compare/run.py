"""One training of the comparison, in a separate folder."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import spacy
from spacy.training import Corpus
from spacy.training.loop import DIR_MODEL_BEST
from spacy.util import load_config
from thinc.api import Config
from weasel.util import get_checksum

from scripts.corpora.prepare import part_path, set_dataset
from scripts.documents.joined import score_joined
from scripts.peers.recognizers import HEADS, recognizer_config
from scripts.shared.training import CONFIGS, keep_result, train

RUNS = Path("training") / "compare"
# How many test docs are joined into one, to see scores by the length of docs.
JOINED = (1, 5, 10, 50)
OUTERMOST_ENTS = {"@augmenters": "spacy-egp-project.outermost_ents.v1"}


def reader_settings(docs: str) -> dict[str, Any]:
    """RETURNS (Dict[str, Any]): What the corpus reader makes of docs: "whole" ones,
    "sentences", "pieces-N" (of up to N tokens) or "joined-N" (half of them single, the
    others up to N in one).
    RAISES (ValueError): If it is none of these."""
    settings = {"sentences": False, "max_length": 0, "max_joined": 1}
    kind, _, number = docs.partition("-")
    if docs == "whole":
        return settings
    if docs == "sentences":
        return {**settings, "sentences": True}
    if kind in ("pieces", "joined") and number.isdecimal():
        name = {"pieces": "max_length", "joined": "max_joined"}[kind]
        return {**settings, name: int(number)}
    raise ValueError(f"{docs!r} is not whole, sentences, pieces-N or joined-N")


@dataclass(frozen=True, kw_only=True)
class Run:
    """One training of the comparison.

    dataset (str): Name in `DATASETS`.
    encoder (str): The encoder of configs/egp_ENCODER.cfg.
    head (str): Name in `HEADS`.
    seed (int): The random seed.
    dropout (float): The dropout rate.
    steps (int): Updates of the parameters; the config's patience can end it earlier.
    minutes (float): If not 0, wall-clock minutes instead of steps, with evaluations.
    transformer (str): Name or folder of the pretrained model, if the encoder is a
        transformer.
    learn_rate (float): If not 0, the learning rate, after the warm-up if there is one,
        instead of the config's.
    docs (str): What the training docs are made into: see `reader_settings`.
    limit (int): If not 0, the number of training docs, the first of the corpus.
    """

    dataset: str
    encoder: str
    head: str
    seed: int
    dropout: float
    steps: int
    minutes: float = 0.0
    transformer: str = ""
    learn_rate: float = 0.0
    docs: str = "whole"
    limit: int = 0

    @property
    def budget(self) -> str:
        """RETURNS (str): A description of how long the training is."""
        return f"{self.minutes:g} minutes" if self.minutes else f"{self.steps} steps"

    @property
    def folder(self) -> Path:
        """RETURNS (Path): Where the run keeps its log, models and result."""
        budget = self.budget.replace(" ", "-")
        name = f"{self.head}-dropout-{self.dropout:g}-seed-{self.seed}"
        if self.learn_rate:
            name += f"-learn-rate-{self.learn_rate:g}"
        if self.docs != "whole":
            name += f"-{self.docs}"
        if self.limit:
            name += f"-{self.limit}-docs"
        return RUNS / self.dataset / self.encoder / budget / name

    @property
    def model_path(self) -> Path:
        """RETURNS (Path): The model with the best F on the development part."""
        return self.folder / DIR_MODEL_BEST

    def config(self) -> Config:
        """RETURNS (Config): The encoder's config, with the head in place of egp_ner."""
        config = load_config(CONFIGS / f"egp_{self.encoder}.cfg", interpolate=False)
        set_dataset(config, self.dataset)
        pointer = config["components"].pop("egp_ner")["model"]
        head = recognizer_config(HEADS[self.head], pointer["tok2vec"])
        factory = head["factory"]
        if factory in ("egp_ner", "crf_ner"):
            head["model"]["learn_rate_scale"] = pointer["learn_rate_scale"]
        if factory == "ner":
            for corpus in config["corpora"].values():
                corpus["augmenter"] = OUTERMOST_ENTS
        config["components"][factory] = head
        config["nlp"]["pipeline"][-1] = factory
        if "transformer" in config["paths"]:
            config["paths"]["transformer"] = self.transformer
        config["corpora"]["train"].update(reader_settings(self.docs), limit=self.limit)
        config["system"]["seed"] = self.seed
        config["training"]["dropout"] = self.dropout
        if self.learn_rate:
            self._set_learn_rate(config["training"]["optimizer"])
        self._set_budget(config["training"])
        return config

    def _set_learn_rate(self, optimizer: dict[str, Any]) -> None:
        if isinstance(optimizer["learn_rate"], dict):
            optimizer["learn_rate"]["initial_rate"] = self.learn_rate
        else:
            optimizer["learn_rate"] = self.learn_rate

    def _set_budget(self, training: dict[str, Any]) -> None:
        schedule = training["optimizer"]["learn_rate"]
        if self.minutes and isinstance(schedule, dict):
            raise ValueError(
                f"The learning rate of configs/egp_{self.encoder}.cfg falls with the "
                f"steps: give a budget in steps, with 0 minutes."
            )
        if self.minutes:
            training["batcher"] = {
                "@batchers": "spacy-egp-project.batch_for_minutes.v1",
                "batcher": training["batcher"],
                "minutes": self.minutes,
            }
            training.update(max_epochs=1, max_steps=0, patience=0)
        else:
            training["max_steps"] = self.steps
            training["eval_frequency"] = min(training["eval_frequency"], self.steps)

    def finish(self, gpu_id: int) -> dict[str, Any]:
        """Train and evaluate, unless that is done already.

        gpu_id (int): GPU to compute on, -1 for the CPU.
        RETURNS (Dict[str, Any]): Scores on the development and the test part, those on
            joined test docs, minutes of the training, machine and commit.
        """
        config = self.config()
        corpora = {p: part_path(self.dataset, p) for p in ("train", "dev", "test")}
        checksums = {part: get_checksum(path) for part, path in corpora.items()}

        def compute() -> dict[str, Any]:
            minutes = train(config, self.folder, gpu_id)
            nlp = spacy.load(self.model_path)
            return {
                "dev": nlp.meta["performance"],
                "test": nlp.evaluate(list(Corpus(corpora["test"])(nlp))),
                "joined": score_joined(nlp, corpora["test"], JOINED),
                "minutes": minutes,
            }

        parts = {"config": config, "corpora": checksums, "joined": JOINED}
        return keep_result(self.folder / "result.json", parts, compute)
