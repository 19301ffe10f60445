"""Nested named entity recognition for spaCy with Efficient GlobalPointer."""

from importlib.metadata import version

__version__ = version("spacy-egp")
