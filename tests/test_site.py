"""The parts of the documentation that are generated, without MkDocs."""

import importlib
import re
from pathlib import Path

import pytest
from spacy.util import load_config

from spacy_egp.component import EGPRecognizer
from spacy_egp.errors import Errors, Warnings
from spacy_egp.settings import DEFAULTS

ROOT = Path(__file__).parent.parent
SITE = ROOT / "docs" / "site"
DOCSTRING = """GlobalPointer (Su): a query for each label.

What it does (or not): text.

size (int): Size of
    a query.
init (Callable[[], Tuple[int, str]]): Makes (some) weights.
RETURNS (Model[List[Doc], Any]): The model.
RAISES (ValueError): If `size` is odd.
"""


@pytest.fixture(autouse=True)
def site_modules(monkeypatch):
    monkeypatch.syspath_prepend(SITE)


def site_module(name):
    return importlib.import_module(name)


# Links


@pytest.mark.parametrize(
    "page, link, expected",
    [
        ("docs/recipes.md", "[a](../configs/egp_cnn.cfg)", "[a](configs/egp_cnn.cfg)"),
        ("docs/faq.md", "[a [b]](recipes.md#c)", "[a [b]](recipes.md#c)"),
        ("docs/reference/cli.md", "[a](../faq.md)", "[a](../faq.md)"),
        (
            "docs/reference/cli.md",
            "[a](../../project/README.md#b)",
            "[a](../project/README.md#b)",
        ),
        ("project/README.md", "see [a](../docs/faq.md)!", "see [a](../faq.md)!"),
        ("project/README.md", "![a](metrics/b.png)", "![a](metrics/b.png)"),
        # Folders have no page.
        ("project/README.md", "the [configs](../configs).", "the configs."),
        # MkDocs reports it.
        ("docs/faq.md", "[a](../missing.md)", "[a](../missing.md)"),
        ("docs/faq.md", "[a](https://spacy.io/usage)", "[a](https://spacy.io/usage)"),
    ],
)
def test_links_of_the_repository_are_those_of_the_site(page, link, expected):
    assert site_module("links").relocate(ROOT / page, link) == expected


def test_files_that_pages_link_to_are_found_transitively(tmp_path):
    page = tmp_path / "page.md"
    path = Path("../" * len(tmp_path.parts)).joinpath(*ROOT.parts[1:])
    page.write_text(f"[a]({path}/project/README.md) [b]({path}/docs/faq.md)", "utf8")
    names = {
        file.relative_to(ROOT).as_posix()
        for file in site_module("links").linked_files([page])
    }
    assert {"project/README.md", "project/metrics/trf-share.md"} < names
    assert not any(name.startswith("docs/") for name in names)


# Docstrings


def test_docstrings_have_the_sections_of_google():
    assert site_module("style").to_google(DOCSTRING, "Args").splitlines() == [
        "GlobalPointer (Su): a query for each label.",
        "",
        "What it does (or not): text.",
        "",
        "",
        "Args:",
        "    size (int): Size of",
        "        a query.",
        "    init (Callable[[], Tuple[int, str]]): Makes (some) weights.",
        "",
        "Returns:",
        "    Model[List[Doc], Any]: The model.",
        "",
        "Raises:",
        "    ValueError: If `size` is odd.",
    ]


def test_settings_are_all_described():
    rows = re.findall(r"^\| `(\w+)` \| `(.*?)` \| (.+) \|$", settings_table(), re.M)
    assert {name for name, _, _ in rows} == set(DEFAULTS)
    assert dict(row[:2] for row in rows)["max_length"] == '"auto"'


def settings_table():
    assert EGPRecognizer.__init__.__doc__
    return site_module("generate").settings()


def test_settings_of_a_training_are_those_of_the_configs():
    lines = site_module("generate").training_settings().splitlines()
    rows = [line.strip("| ").split(" | ") for line in lines]
    names = [cell.strip("`") for cell in rows[0][1:]]
    configs = [load_config(ROOT / "configs" / name) for name in names]
    dropouts = [f"`{config['training']['dropout']}`" for config in configs]
    assert ["`training.dropout`", *dropouts] in rows


# Messages and metrics


@pytest.mark.parametrize("name, list", [("errors", Errors), ("warnings", Warnings)])
def test_messages_are_all_there(name, list):
    table = vars(site_module("generate"))[name]()
    codes = [code for code in vars(list) if re.fullmatch(r"EGPW?\d+", code)]
    assert re.findall(r'<span id="(\w+)">', table) == [code.lower() for code in codes]
    # Two bars of each row are its ends, one divides it.
    rows = [line for line in table.splitlines() if line.startswith("| <span")]
    assert {row.count("|") for row in rows} == {3}


def test_metrics_are_under_the_workflow_that_writes_them():
    lines = site_module("generate").metrics().splitlines()
    headings = [line for line in lines if re.match("##+ ", line)]
    workflow_of = {}
    for heading in headings:
        if heading.startswith("## "):
            workflow = heading.removeprefix("## ")
        else:
            workflow_of[heading.removeprefix("### ")] = workflow
    assert {
        "benchmark": "benchmark",
        "compare-germeval-20-minutes": "compare",
        "germeval": "germeval",
        "learn-rate-scales-genia_small": "learn-rate-scales",
        "trf-share-gpu": "trf-benchmark",
    }.items() <= workflow_of.items()
    files = (ROOT / "project" / "metrics").glob("*.md")
    stems = {file.stem for file in files if not re.match("demo[-.]", file.name)}
    assert set(workflow_of) == stems
