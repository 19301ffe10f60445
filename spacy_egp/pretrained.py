"""Check whether the pretrained models that a config names exist and match it."""

from collections.abc import Callable
from math import isclose
from typing import Any, cast

import srsly
from spacy.language import Language
from thinc.api import ConfigValidationError
from transformers.utils import CONFIG_NAME, cached_file

from .errors import Errors

# What spacy-curated-transformers and Hugging Face call the settings of a transformer.
CURATED_SETTINGS = {
    "vocab_size": "vocab_size",
    "hidden_width": "hidden_size",
    "intermediate_width": "intermediate_size",
    "num_attention_heads": "num_attention_heads",
    "num_hidden_layers": "num_hidden_layers",
    "max_position_embeddings": "max_position_embeddings",
    "type_vocab_size": "type_vocab_size",
    "padding_idx": "pad_token_id",
    "layer_norm_eps": "layer_norm_eps",
    "hidden_act": "hidden_act",
}


def check_transformers() -> Callable[[Language], None]:
    """Create a callback for `before_init` in [initialize] that looks for the pretrained
    models of a pipeline's transformers.

    RETURNS (Callable[[Language], None]): The callback. It raises a ValueError if a
        model is not available, or does not match the config of a curated transformer.
    """
    return _check_transformers


def _check_transformers(nlp: Language) -> None:
    config = nlp.config.interpolate()
    for component in nlp.pipe_names:
        model = config["components"][component].get("model", {})
        settings = config["initialize"]["components"].get(component, {})
        loader = settings.get("encoder_loader", {})
        factory = nlp.pipe_factories[component]
        if factory == "transformer" and "name" in model:
            read_config(component, model["name"])
        elif factory == "curated_transformer" and "name" in loader:
            revision = loader.get("revision", "main")
            pretrained = read_config(component, loader["name"], revision)
            _check_settings(component, loader["name"], model, pretrained)


def read_config(component: str, name: str, revision: str = "main") -> dict[str, Any]:
    """Read Hugging Face's config of a pretrained model.

    component (str): Name of the component that has the model.
    name (str): Name or folder of the model.
    revision (str): Its revision on the hub.
    RETURNS (Dict[str, Any]): The config.
    RAISES (ValueError): If the model is not available.
    """
    reason: Exception | None = None
    path: str | None = None
    try:
        path = cached_file(name, CONFIG_NAME, revision=revision)
    except (OSError, ValueError) as error:
        reason = error
    if path is None:
        raise _config_error(
            Errors.EGP024.format(name=component, model=name, config_name=CONFIG_NAME)
        ) from reason
    return cast(dict[str, Any], srsly.read_json(path))


def _check_settings(
    component: str, name: str, model: dict[str, Any], pretrained: dict[str, Any]
) -> None:
    changes = [
        f"{setting} = {pretrained[key]}"
        for setting, key in CURATED_SETTINGS.items()
        if key in pretrained and not _is_same(pretrained[key], model[setting])
    ]
    if changes:
        raise _config_error(
            Errors.EGP025.format(name=component, model=name, changes=", ".join(changes))
        )


def _config_error(message: str) -> ConfigValidationError:
    """An error that spaCy's commands show without a traceback."""
    return ConfigValidationError(title=message, config={}, errors=[], show_config=False)


def _is_same(pretrained: Any, setting: Any) -> bool:
    # The configs of old versions of Thinc round numbers to ten decimals.
    if isinstance(pretrained, float):
        return isclose(pretrained, setting, rel_tol=0, abs_tol=1e-10)
    return bool(pretrained == setting)
