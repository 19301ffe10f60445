"""What the package imports is what setup.cfg requires, within bounds."""

import ast
import re
import sys
from configparser import ConfigParser
from importlib.metadata import packages_distributions
from pathlib import Path

import spacy_egp

PACKAGE = Path(spacy_egp.__file__).parent
CONFIG = ConfigParser()
CONFIG.read(Path(__file__).parent.parent / "setup.cfg")
REQUIREMENT = re.compile(r"(?P<name>[\w-]+)(\[.*\])?(?P<bounds>.*)")
# Dates, or a new major version with every few changes, which hardly ever break this.
UNBOUNDED = {"fsspec", "pyarrow"}


def requirements(*texts):
    """The bounds of the packages that are named, a line each."""
    lines = [line for text in texts for line in text.split("\n")]
    matches = (REQUIREMENT.match(line) for line in lines if not line.startswith("#"))
    return {match["name"].lower(): match["bounds"] for match in matches if match}


def imported(path):
    """The packages that a module imports, this one and Python's own aside."""
    for node in ast.walk(ast.parse(path.read_text("utf8"))):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names = [node.module]
        yield from (name.partition(".")[0] for name in names)


def test_imports_are_required():
    extras = dict(CONFIG["options.extras_require"])
    del extras["tests"]
    required = requirements(CONFIG["options"]["install_requires"], *extras.values())
    # Each is released together with the package that requires it.
    required |= {"pydantic_core": "", "pydantic-core": ""}
    providers = packages_distributions()
    for path in PACKAGE.rglob("*.py"):
        for module in set(imported(path)) - sys.stdlib_module_names - {"spacy_egp"}:
            names = {name.lower() for name in providers[module]}
            assert names & set(required), (path, module)


def test_new_major_versions_are_not_installed():
    required = requirements(CONFIG["options"]["install_requires"])
    assert {name for name, bounds in required.items() if "<" not in bounds} <= UNBOUNDED
