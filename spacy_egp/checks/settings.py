"""What the config of a training says about the spans that can be learned."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from spacy.tokens import Doc
from spacy.util import get_lang_class
from thinc.api import Config

from ..errors import Errors, Warnings
from ..limits import SpanLimits
from ..settings import AUTO, DEFAULTS
from ..windows import count_pieces

FACTORY = "egp_ner"
NO_LIMITS = SpanLimits(max_length=None, within_sentences=False)


@dataclass(frozen=True)
class Settings:
    """What spans are checked against.

    component (str): Name of the `egp_ner`.
    spans_key (str): Key of `doc.spans` for gold spans.
    labels_attr (str): Entry of the group's attrs that lists the annotated labels.
    limits (SpanLimits): The spans that can be learned.
    tokenize (Callable[[str], Doc] | None): The tokenizer of the pipeline.
    count_pieces (Callable[[Doc], Sequence[int]] | None): Tells how many word pieces of
        a transformer each token has.
    window (int | None): The largest number of pieces that the transformer reads at
        once.
    unchecked (list[str]): What cannot be checked, and why.
    """

    component: str = FACTORY
    spans_key: str = DEFAULTS["spans_key"]
    labels_attr: str = DEFAULTS["labels_attr"]
    limits: SpanLimits = NO_LIMITS
    tokenize: Callable[[str], Doc] | None = None
    count_pieces: Callable[[Doc], Sequence[int]] | None = None
    window: int | None = None
    unchecked: tuple[str, ...] = (Warnings.EGPW270,)


def read_settings(config: Config, component: str | None = None) -> Settings:
    """Read the settings of an `egp_ner` and its pipeline.

    config (Config): The config of a training, or of a pipeline.
    component (str | None): Name of the `egp_ner`; only needed if there are several.
    RETURNS (Settings): The settings.
    RAISES (ValueError): If there is no such component, or several.
    """
    config = config.interpolate()
    name = _find_component(config, component)
    settings = {**DEFAULTS, **config["components"][name]}
    max_length = settings["max_length"]
    count, window, unchecked = _read_transformer(config)
    if "source" in settings:
        unchecked.append(Warnings.EGPW271.format(name=name, source=settings["source"]))
    return Settings(
        component=name,
        spans_key=settings["spans_key"],
        labels_attr=settings["labels_attr"],
        limits=SpanLimits(
            max_length=None if max_length == AUTO else max_length,
            within_sentences=settings["within_sentences"],
        ),
        tokenize=_make_tokenizer(config["nlp"]),
        count_pieces=count,
        window=window,
        unchecked=tuple(unchecked),
    )


def _find_component(config: Config, component: str | None) -> str:
    names = [
        name
        for name in config["nlp"]["pipeline"]
        if config["components"][name].get("factory", name) == FACTORY
        and component in (None, name)
    ]
    if len(names) != 1:
        pipeline = ", ".join(config["nlp"]["pipeline"])
        raise ValueError(Errors.EGP277.format(n=len(names), pipeline=pipeline))
    return names[0]


def _make_tokenizer(settings: dict[str, Any]) -> Callable[[str], Doc]:
    lang = settings.get("lang") or "en"
    kept = {key: settings[key] for key in ("lang", "tokenizer") if key in settings}
    nlp = get_lang_class(lang).from_config({"nlp": {**kept, "lang": lang}})
    return nlp.make_doc


def _read_transformer(
    config: Config,
) -> tuple[Callable[[Doc], Sequence[int]] | None, int | None, list[str]]:
    """How a transformer of spacy-transformers cuts docs, or why this is not known."""
    for name in config["nlp"]["pipeline"]:
        section = config["components"][name]
        model = section.get("model", {})
        if "transformer" not in section.get("factory", ""):
            continue
        # This imports much of PyTorch, which takes seconds.
        from transformers import AutoTokenizer

        try:
            tokenizer = AutoTokenizer.from_pretrained(
                model["name"], **model.get("tokenizer_config", {})
            )
        except (KeyError, OSError, TypeError, ValueError) as error:
            return None, None, [Warnings.EGPW272.format(name=name, error=error)]
        count = partial(count_pieces, tokenizer=tokenizer)
        return count, model.get("window"), []
    return None, None, []
