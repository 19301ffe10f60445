"""The commands are imported when they are used, so that spaCy's others cannot break."""

import subprocess
import sys

import pytest
from conftest import words_of
from spacy.cli import app as spacy_app
from typer.testing import CliRunner

from spacy_egp.cli import COMMANDS

# What neither spaCy nor spacy-curated-transformers, which has a command too, imports.
FOREIGN = ("fsspec", "matplotlib", "spacy_transformers", "transformers")
RUN = f"""
import sys
sys.modules.update(dict.fromkeys({FOREIGN}))
from spacy.cli import setup_cli
sys.argv = ["spacy", *sys.argv[1:]]
setup_cli()
"""


def run_without(*args):
    """Run a command of spaCy without what only this package needs."""
    command = [sys.executable, "-c", RUN, *args]
    return subprocess.run(command, capture_output=True, text=True)


def test_spacy_runs_whatever_this_package_lacks():
    result = run_without("convert", "--help")
    assert result.returncode == 0, result.stderr
    result = run_without("egp", "annotate", "model", "--format", "jsonl", "in", "out")
    assert result.returncode == 1
    assert "[EGP109] 'spacy egp annotate' cannot be imported" in result.stdout
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("name", COMMANDS)
def test_one_command_that_cannot_be_imported(name, monkeypatch):
    monkeypatch.setitem(sys.modules, f"spacy_egp.cli.{name.replace('-', '_')}", None)
    overview = CliRunner().invoke(spacy_app, ["egp", "--help"])
    assert overview.exit_code == 0
    assert words_of(overview).count("Cannot be imported") == 1
    for other in COMMANDS:
        result = CliRunner().invoke(spacy_app, ["egp", other, "--help"])
        assert result.exit_code == 0
        assert ("Cannot be imported" in result.output) == (other == name)


def test_unknown_command():
    result = CliRunner().invoke(spacy_app, ["egp", "nothing"])
    assert result.exit_code == 2 and "nothing" in result.output
