"""The layers of UIMA and INCEpTION: which have entities, and where their label is."""

import re
from collections.abc import Sequence

# Layers of DKPro Core that are no entities.
OTHER_LAYERS = re.compile(
    r"\.(pos|segmentation|morph|syntax|coref|metadata)\b"
    r"|^uima\.|\.webanno\.api\.type\.",
    re.IGNORECASE,
)
LABEL_FEATURES = ("value", "label", "type", "kind", "category")


def has_entities(name: str) -> bool:
    """RETURNS (bool): Whether the layer of this name may have entities."""
    return OTHER_LAYERS.search(name) is None


def short_name(name: str) -> str:
    """RETURNS (str): The last part of a layer's name."""
    return name.rpartition(".")[2]


def find_label_feature(features: Sequence[str]) -> int | None:
    """RETURNS (int | None): The feature that is the label, if there is any feature."""
    lower = [feature.lower() for feature in features]
    found = (lower.index(name) for name in LABEL_FEATURES if name in lower)
    return next(found, 0 if features else None)
