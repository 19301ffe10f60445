"""The commands `spacy egp ...`, which the entry point in setup.cfg adds to spaCy's.

spaCy imports this module for each of its commands. Therefore it only imports what spaCy
imports. A command is imported when it is used; if that fails, the others still work.
"""

from collections.abc import Callable
from importlib import import_module
from typing import Annotated, Any

import typer
from spacy.cli import app as spacy_app
from typer.core import TyperGroup
from wasabi import msg

from ..errors import Errors

# In the order of the help. Each is the function NAME_cli of the module NAME, which may
# have CONTEXT_SETTINGS of Click, too.
COMMANDS = (
    "convert",
    "check",
    "init-config",
    "report",
    "threshold",
    "labels",
    "annotate",
)


class LazyGroup(TyperGroup):
    """The commands, each imported when it is used."""

    def list_commands(self, ctx: Any) -> list[str]:
        """RETURNS (list[str]): The names of the commands."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """RETURNS (Any): The command of this name, or None."""
        if cmd_name not in COMMANDS:
            return None
        command = typer.Typer(add_completion=False, rich_markup_mode=None)
        try:
            function, settings = _load(cmd_name)
            command.command(cmd_name, context_settings=settings)(function)
        except Exception as error:
            command.command(
                cmd_name,
                help=f"Cannot be imported: {error!r}",
                # Accept any options, whichever the command would have.
                context_settings={"ignore_unknown_options": True},
            )(_make_failure(cmd_name, error))
        return typer.main.get_command(command)


def _load(name: str) -> tuple[Callable[..., None], dict[str, Any] | None]:
    module_name = name.replace("-", "_")
    module = import_module(f".{module_name}", __name__)
    settings = getattr(module, "CONTEXT_SETTINGS", None)
    return getattr(module, f"{module_name}_cli"), settings


def _make_failure(name: str, error: Exception) -> Callable[..., None]:
    problem = Errors.EGP109.format(name=name, error=repr(error))

    def fail(args: Annotated[list[str] | None, typer.Argument()] = None) -> None:
        msg.fail(f"Cannot run 'spacy egp {name}'", problem, exits=1)

    return fail


app = typer.Typer(name="egp", cls=LazyGroup, no_args_is_help=True)


@app.callback()
def egp() -> None:
    """Commands for nested named entity recognition."""


spacy_app.add_typer(app)
