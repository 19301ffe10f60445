"""Settings that a config has next to `source`, which spaCy ignores."""

import warnings
from collections.abc import Callable
from typing import TypeVar

from spacy.language import Language
from thinc.api import Config

from .component import EGPRecognizer
from .errors import Warnings
from .pipelines import PipelineLink
from .settings import DEFAULTS

# What spaCy reads in the section of a sourced component.
SOURCE_KEYS = {"source", "component", "replace_listeners"}

AnyLanguage = TypeVar("AnyLanguage", bound=Language)


def source_settings() -> Callable[[AnyLanguage], AnyLanguage]:
    """Create a callback for `after_pipeline_creation` in [nlp] that gives a sourced
    `egp_ner` the settings next to `source`.

    RETURNS (Callable[[Language], Language]): The callback. It warns of what is next to
        `source` and cannot be set.
    """
    return _set_source_settings


def _set_source_settings(nlp: AnyLanguage) -> AnyLanguage:
    # The config as the user wrote it: `nlp.config` has the sections of the sources.
    sections = Config(nlp._config).interpolate()["components"]
    for name, component in nlp.components:
        section = sections[name]
        if isinstance(component, EGPRecognizer) and "source" in section:
            component.pipeline = PipelineLink(nlp)
            for setting in DEFAULTS.keys() & section.keys():
                setattr(component, setting, section[setting])
            component.report_same_key(nlp)
            unused = sorted(section.keys() - DEFAULTS.keys() - SOURCE_KEYS)
            if unused:
                warnings.warn(
                    Warnings.EGPW011.format(name=name, settings=", ".join(unused)),
                    stacklevel=2,
                )
    return nlp
