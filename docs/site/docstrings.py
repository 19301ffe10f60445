"""Docstrings in spaCy's style, for mkdocstrings, which reads Google's."""

from typing import Any

from griffe import Extension, Function, Object
from style import to_google


class SpacyDocstrings(Extension):
    """Turns the docstring of every object into Google's style."""

    def on_object(self, *, obj: Object, **kwargs: Any) -> None:
        """Turn the docstring of an object that has been loaded."""
        if obj.docstring:
            members = "Args" if isinstance(obj, Function) else "Attributes"
            obj.docstring.value = to_google(obj.docstring.value, members)
