"""The config of a training, for a language and an encoder."""

import json
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from jinja2 import Template
from spacy.cli.init_config import RECOMMENDATIONS
from spacy.util import get_lang_class

from ..errors import Errors

TRANSFORMERS = ("trf", "curated_trf")
ENCODERS = ("cnn", "bilstm", *TRANSFORMERS)
# The curated transformer for English. Its sizes do not have to be looked up.
CURATED_DEFAULT = "bert-base-cased"
CURATED_SIZES: dict[str, Any] = {
    "vocab_size": 28996,
    "hidden_width": 768,
    "intermediate_width": 3072,
    "num_attention_heads": 12,
    "num_hidden_layers": 12,
    "max_position_embeddings": 512,
    "type_vocab_size": 2,
    "padding_idx": 0,
    "layer_norm_eps": 1e-12,
    "hidden_act": "gelu",
}
# The curated architectures by Hugging Face's type of a model.
CURATED_TYPES = {
    "bert": ("BertTransformer", "BertWordpieceEncoder"),
    "camembert": ("CamembertTransformer", "CamembertSentencepieceEncoder"),
    "roberta": ("RobertaTransformer", "ByteBpeEncoder"),
    "xlm-roberta": ("XlmrTransformer", "XlmrSentencepieceEncoder"),
}


def make_config(
    lang: str = "en",
    encoder: str = "cnn",
    *,
    transformer: str | None = None,
    gpu: bool = False,
    settings: Mapping[str, Any] | None = None,
) -> str:
    """Make a complete training config.

    lang (str): Code of the language, whose tokenizer is used.
    encoder (str): One of `ENCODERS`.
    transformer (Optional[str]): Name or folder of the pretrained model, for an encoder
        that has one. Defaults to the one that spaCy recommends for the language.
    gpu (bool): Whether to train on a GPU.
    settings (Optional[Mapping[str, Any]]): Values for settings that the template leaves
        open, by their names with dots.
    RETURNS (str): The config, not interpolated.
    RAISES (ValueError): If there is no such language or encoder, the encoder takes no
        transformer, or the transformer is not available or of an unknown type.
    """
    if encoder not in ENCODERS:
        raise ValueError(
            Errors.EGP101.format(
                setting="encoder", value=encoder, choices=", ".join(ENCODERS)
            )
        )
    if transformer is not None and encoder not in TRANSFORMERS:
        raise ValueError(Errors.EGP320.format(encoder=encoder, transformer=transformer))
    if encoder in TRANSFORMERS and transformer is None:
        transformer = _recommend(lang, encoder)
    try:
        defaults = get_lang_class(lang).default_config
    except ImportError as error:
        raise ValueError(Errors.EGP321.format(lang=lang, error=error)) from error
    values = settings or {}
    template = files(__package__).joinpath("template.cfg").read_text("utf8")
    return Template(
        template, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    ).render(
        lang=lang,
        encoder=encoder,
        transformer=transformer,
        gpu=gpu,
        tokenizer=json.dumps(defaults["nlp"]["tokenizer"]),
        tokenizer_settings={
            name: json.dumps(value)
            for name, value in defaults["initialize"]["tokenizer"].items()
        },
        curated=_curated(str(transformer)) if encoder == "curated_trf" else None,
        setting=lambda name, default: json.dumps(
            values.get(name, default), separators=(",", ":")
        ),
    )


def _recommend(lang: str, encoder: str) -> str:
    if (lang, encoder) == ("en", "curated_trf"):
        return CURATED_DEFAULT
    recommended = RECOMMENDATIONS.get(lang, RECOMMENDATIONS["__default__"])
    return str(recommended["transformer"]["accuracy"]["name"])


def _curated(transformer: str) -> dict[str, Any]:
    """The architectures and sizes of a curated transformer."""
    model_type, sizes = "bert", CURATED_SIZES
    if transformer != CURATED_DEFAULT:
        # transformers takes seconds to import.
        from ..pretrained import CURATED_SETTINGS, read_config

        pretrained = read_config("transformer", transformer)
        model_type = pretrained["model_type"]
        # The template has all of them, but the configs of some models lack a few.
        sizes = {
            setting: pretrained.get(key, CURATED_SIZES[setting])
            for setting, key in CURATED_SETTINGS.items()
        }
    if model_type not in CURATED_TYPES:
        raise ValueError(
            Errors.EGP322.format(
                transformer=transformer,
                type=model_type,
                choices=", ".join(CURATED_TYPES),
            )
        )
    architecture, piece_encoder = CURATED_TYPES[model_type]
    return {
        "transformer": architecture,
        "piece_encoder": piece_encoder,
        "sizes": {name: json.dumps(value) for name, value in sizes.items()},
    }
