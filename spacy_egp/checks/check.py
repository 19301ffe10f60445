"""A check of annotated docs before training."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spacy.language import Language
from spacy.vocab import Vocab
from thinc.api import Config

from ..corpora.summary import Listing
from ..docbins import read_docs
from ..errors import Errors, Warnings
from .contradictions import Contradiction, rank_contradictions
from .counts import PartCounter, PartCounts
from .models import CrossValidation, Judge, TrainedModel
from .repeats import Repeats
from .settings import Settings, read_settings
from .strings import InconsistentString, StringIndex
from .verdicts import find_errors, find_warnings


@dataclass
class Result:
    """What a check has found.

    parts (dict[str, PartCounts]): The counts by part.
    repeats (Repeats): Texts that occur more than once.
    strings (Listing[InconsistentString]): Strings that are annotated in some places but
        not in others, or with different labels.
    contradictions (Listing[Contradiction] | None): Spans that a model contradicts, the
        most confident one first. None if there is no model.
    errors (list[str]): What would break training.
    warnings (list[str]): What a person should see.
    unchecked (list[str]): What was not checked, and why.
    """

    parts: dict[str, PartCounts]
    repeats: Repeats
    strings: Listing[InconsistentString]
    contradictions: Listing[Contradiction] | None
    errors: list[str]
    warnings: list[str]
    unchecked: list[str]

    def to_dict(self) -> dict[str, Any]:
        """RETURNS (dict[str, Any]): All numbers and lists, for JSON."""
        return {
            "errors": self.errors,
            "warnings": self.warnings,
            "unchecked": self.unchecked,
            "parts": {part: counts.to_dict() for part, counts in self.parts.items()},
            "repeats": self.repeats.to_dict(),
            "strings": {
                "count": self.strings.count,
                "items": [string.to_dict() for string in self.strings.first],
            },
            "contradictions": self.contradictions
            and {
                "count": self.contradictions.count,
                "items": [one.to_dict() for one in self.contradictions.first],
            },
        }


def check(
    paths: Mapping[str, Path],
    config: Config | None = None,
    component: str | None = None,
    *,
    model: Language | None = None,
    n_folds: int = 0,
    use_gpu: int = -1,
) -> Result:
    """Check annotated docs.

    paths (Mapping[str, Path]): The .spacy file or the folder of each part, the training
        part first.
    config (Config | None): The config of the training. Without it or a model, what
        depends on it is not checked.
    component (str | None): Name of the `egp_ner`; only needed if there are several.
    model (Language | None): A trained pipeline, to find the spans that it contradicts.
    n_folds (int): If not 0, pipelines are trained to find the spans that they
        contradict, each on the docs of all folds but one.
    use_gpu (int): ID of the GPU to train on, or -1.
    RETURNS (Result): What was found.
    RAISES (ValueError): If a file is not a .spacy file, the config has no such
        component or several, there are both a config and a model, or there are folds
        without a config or fewer texts than folds.
    """
    has_both = model is not None and config is not None
    if has_both or (n_folds and config is None):
        raise ValueError(Errors.EGP279)
    if model is not None:
        config = model.config
    settings = Settings() if config is None else read_settings(config, component)
    judge = _make_judge(config, settings, model, n_folds, use_gpu)
    return check_parts(paths, settings, judge)


def check_parts(
    paths: Mapping[str, Path], settings: Settings, judge: Judge | None
) -> Result:
    """Check annotated docs against settings.

    paths (Mapping[str, Path]): The .spacy file or the folder of each part, the training
        part first.
    settings (Settings): What they are checked against.
    judge (Judge | None): A model to find the spans that it contradicts.
    RETURNS (Result): What was found.
    RAISES (ValueError): If a file is not a .spacy file.
    """
    vocab = Vocab()
    repeats = Repeats()
    strings = StringIndex(settings)
    parts = {}
    for part, path in paths.items():
        counter = PartCounter(part, settings)
        for i, doc in enumerate(read_docs(path, vocab)):
            counter.add(doc)
            repeats.add(part, i, doc, settings.spans_key)
            strings.add(part, i, doc)
            if judge is not None:
                judge.add(part, i, doc)
        parts[part] = counter.counts
    errors = find_errors(parts, settings)
    contradictions = None
    if judge is not None and not errors:
        contradictions = rank_contradictions(judge.judge(), strings)
    return Result(
        parts=parts,
        repeats=repeats,
        strings=strings.inconsistent(vocab),
        contradictions=contradictions,
        errors=errors,
        warnings=find_warnings(parts, repeats, settings),
        unchecked=[
            *settings.unchecked,
            *([Warnings.EGPW273] if judge is not None and errors else []),
        ],
    )


def _make_judge(
    config: Config | None,
    settings: Settings,
    model: Language | None,
    n_folds: int,
    use_gpu: int,
) -> Judge | None:
    if model is not None:
        return TrainedModel(model, settings.component, settings.spans_key)
    if config is not None and n_folds:
        return CrossValidation(
            config, settings.component, settings.spans_key, n_folds, use_gpu
        )
    return None
