"""The options of all commands of `spacy egp`."""

from collections import defaultdict
from importlib import import_module
from types import NoneType
from typing import get_args, get_type_hints

from typer.models import OptionInfo

from spacy_egp.cli import COMMANDS


def options_of(command):
    """The names of each option of a command, the long one last, and the types of its
    value."""
    module = command.replace("-", "_")
    function = getattr(import_module(f"spacy_egp.cli.{module}"), f"{module}_cli")
    for hint in get_type_hints(function, include_extras=True).values():
        for info in getattr(hint, "__metadata__", ()):
            if isinstance(info, OptionInfo):
                kind = hint.__origin__
                kinds = frozenset(get_args(kind) or [kind]) - {NoneType}
                # The first name takes the place of the default without `Annotated`.
                yield sorted([info.default, *(info.param_decls or ())], key=len), kinds


def test_an_option_means_the_same_in_all_commands():
    """A letter is short for one option, which has the same letter and the same type of
    value everywhere."""
    by_name, by_letter = defaultdict(set), defaultdict(set)
    for command in COMMANDS:
        for (*letters, name), kinds in options_of(command):
            by_name[name].add((*letters, kinds))
            for letter in letters:
                by_letter[letter].add(name)
    assert {"--json", "--code", "--gpu-id", "--format"} <= set(by_name)
    assert {x: forms for x, forms in by_name.items() if len(forms) > 1} == {}
    assert {x: names for x, names in by_letter.items() if len(names) > 1} == {}
