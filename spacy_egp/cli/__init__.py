"""The commands `spacy egp ...`, which the entry point in setup.cfg adds to spaCy's."""

import typer
from spacy.cli._util import app as spacy_app

from .annotate import annotate_cli
from .convert import convert_cli
from .labels import labels_cli
from .report import report_cli
from .threshold import threshold_cli

HELP = """Commands for nested named entity recognition."""

app = typer.Typer(name="egp", help=HELP, no_args_is_help=True)
app.command("convert")(convert_cli)
app.command("report")(report_cli)
app.command("threshold")(threshold_cli)
app.command("labels")(labels_cli)
app.command("annotate")(annotate_cli)
spacy_app.add_typer(app)
