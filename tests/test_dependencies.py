"""What the package imports is what setup.cfg requires, within bounds."""

import ast
import re
import subprocess
import sys
from configparser import ConfigParser
from importlib.metadata import packages_distributions
from pathlib import Path

import spacy_egp

PACKAGE = Path(spacy_egp.__file__).parent
ROOT = Path(__file__).parent.parent
CONFIG = ConfigParser()
CONFIG.read(ROOT / "setup.cfg")
REQUIREMENT = re.compile(r"(?P<name>[\w-]+)(\[.*\])?(?P<bounds>.*)")
# Their versions are dates, or they often have new major versions, which hardly ever
# break this package.
UNBOUNDED = {"fsspec", "pyarrow"}
# The extras of users.
EXTRAS = ("curated", "formats", "parquet", "ray", "report")
# Import all modules without some packages, and print those that cannot be imported.
WITHOUT = """
import importlib, pkgutil, sys
sys.modules.update(dict.fromkeys({missing}))
import spacy_egp
for module in pkgutil.walk_packages(spacy_egp.__path__, "spacy_egp."):
    try:
        importlib.import_module(module.name)
    except ImportError:
        print(module.name)
"""


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


def test_without_extras():
    """Only the modules that need an extra, and those that import them, import what it
    requires. All others can be imported without any extra."""
    extras = {name: CONFIG["options.extras_require"][name] for name in EXTRAS}
    base = requirements(CONFIG["options"]["install_requires"])
    packages = set(requirements(*extras.values())) - set(base)
    missing = {
        module
        for module, names in packages_distributions().items()
        if {name.lower() for name in names} & packages
    }
    code = WITHOUT.format(missing=missing)
    output = subprocess.check_output([sys.executable, "-c", code], text=True)
    assert set(output.split()) == {
        "spacy_egp.annotation.parquet",
        "spacy_egp.annotation.ray_data",
        "spacy_egp.report.page",
        "spacy_egp.report.plots",
    }


def test_new_major_versions_are_not_installed():
    required = requirements(CONFIG["options"]["install_requires"])
    assert {name for name, bounds in required.items() if "<" not in bounds} <= UNBOUNDED


def test_oldest_versions_are_tested():
    """`.ci/compat` reads all lower bounds from setup.cfg."""
    script = (ROOT / ".ci" / "compat").read_text("utf8")
    [pattern] = re.findall(r"sed -nE '(s/.*)' setup\.cfg", script)
    found = subprocess.run(
        ["sed", "-nE", pattern, "setup.cfg"], cwd=ROOT, capture_output=True, text=True
    ).stdout
    texts = [CONFIG["options"]["install_requires"]]
    texts += CONFIG["options.extras_require"].values()
    # A package may have a second bound, without a lowest version, in an extra.
    bounds = [item for text in texts for item in requirements(text).items()]
    lowest = {
        name: match[1]
        for name, bound in bounds
        if (match := re.search(r">=([\d.]+)", bound))
    }
    assert dict(line.split("==") for line in found.split()) == lowest
    assert {"dkpro-cassis", "pyarrow", "spacy", "torch"} <= set(lowest)
    # The packages that go with these have no lower bound in setup.cfg.
    oldest = (ROOT / ".ci" / "oldest.txt").read_text("utf8")
    assert not set(lowest) & set(re.findall(r"^([\w-]+)==", oldest, re.MULTILINE))
