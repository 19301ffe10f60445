"""The layers of UIMA and INCEpTION: which have entities, and where the label is."""

import re
from collections.abc import Sequence

# Layers of DKPro Core that are not entities.
OTHER_LAYERS = re.compile(
    r"\.(pos|segmentation|morph|syntax|coref|metadata)\b"
    r"|^uima\.|\.webanno\.api\.type\.",
    re.IGNORECASE,
)
# What features that hold other annotations are counted as.
LINKS = "links between spans"
LABEL_FEATURES = ("value", "label", "type", "kind", "category")


def has_entities(name: str) -> bool:
    """RETURNS (bool): Whether the layer of this name may have entities."""
    return OTHER_LAYERS.search(name) is None


def short_name(name: str) -> str:
    """RETURNS (str): The last part of a layer's name."""
    return name.rpartition(".")[2]


def find_label_features(features: Sequence[str]) -> list[int]:
    """RETURNS (list[int]): The features that may be the label, the most likely one
    first. An annotation may lack it and have only others."""
    lower = [feature.lower() for feature in features]
    found = [lower.index(name) for name in LABEL_FEATURES if name in lower]
    return found or list(range(len(features)))[:1]
