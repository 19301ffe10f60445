"""The commands and the Python code of all pages.

A block runs as it is on the page, in a folder with the files that it names; only
trainings are shorter. Commands of the project are dry runs. On a page, a comment
`<!-- not run: REASON -->` before a block means that it cannot run anywhere. The options
of such a block are checked.
"""

import gzip
import json
import logging
import os
import re
import shlex
import shutil
from configparser import ConfigParser
from itertools import groupby
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import pytest
import spacy
import spacy.cli
import srsly
import typer
from click.testing import CliRunner
from conftest import CONFIGS, NESTED_DATA, make_examples, make_records
from spacy.tokens import DocBin
from spacy.util import registry

from spacy_egp.checks import models

ROOT = Path(__file__).parent.parent
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")),
    ROOT / "project" / "README.md",
    *sorted((ROOT / "docs").rglob("*.md")),
]
PART = re.compile(
    r"^#+ (?P<heading>[^\n]*)|"
    r"(?:<!-- not run: (?P<reason>[^\n]*) -->\n)?"
    r"^```(?P<language>bash|python)\n(?P<code>.*?)^```",
    re.MULTILINE | re.DOTALL,
)
# Blocks that other tests run: page, heading, language.
ELSEWHERE = {
    ("README.md", "Use it in Python", "python"): "test_project.py",
    ("docs/recipes.md", None, "python"): "test_recipes.py",
    ("docs/recipes.md", "Predict, correct, retrain", "bash"): "test_recipes.py",
    ("docs/tutorial.md", "Your own data", "bash"): "test_tutorial.py",
    ("docs/tutorial.md", "Your own data", "python"): "test_tutorial.py",
}
# Replacements of placeholders on the pages, and of what is too slow here.
REPLACED = {
    "INPUT... OUTPUT --lang LANG": "export.jsonl out.spacy --lang en",
    "--gpu-id 0": "--gpu-id -1",
    "--n-process 4": "--n-process 1",
    "--folds 5": "--folds 2",
    "--rename PER=PERSON --remove MISC": "--rename LOC=PLACE --remove TITLE",
    "n_folds=5": "n_folds=2",
}
SHORTER = ["--training.max_steps", "1", "--training.eval_frequency", "1"]
# Commands that install, test and build; they are not run.
TOOLS = {"pip", "pytest", "mkdocs", ".ci/run"}


class Block(NamedTuple):
    """A block of a page, under its heading."""

    page: str
    heading: str
    reason: str | None
    language: str
    code: str

    @property
    def is_elsewhere(self):
        key = (self.page, self.heading, self.language)
        return key in ELSEWHERE or (self.page, None, self.language) in ELSEWHERE

    @property
    def commands(self):
        """The words of each command."""
        text = self.code.replace("\\\n", "")
        lines = [line for line in text.splitlines() if not line.startswith("#")]
        parts = (part for line in lines for part in line.split(" && "))
        return [shlex.split(part.removeprefix("python -m ")) for part in parts]


def read_blocks():
    for path in PAGES:
        heading = ""
        for match in PART.finditer(path.read_text("utf8")):
            if match["heading"]:
                heading = match["heading"]
            else:
                page = path.relative_to(ROOT).as_posix()
                yield Block(page, heading, *match.group("reason", "language", "code"))


BLOCKS = [block for block in read_blocks() if not block.is_elsewhere]
MARKED = [block for block in BLOCKS if block.reason is not None]
CODE = [b for b in BLOCKS if b.reason is None and b.language == "python"]
COMMANDS = [b for b in BLOCKS if b.reason is None and b.language == "bash"]
# The blocks under a heading belong together. Some are on several pages.
SECTIONS = {
    str([block.commands for block in blocks]): blocks
    for blocks in (list(group) for _, group in groupby(COMMANDS, lambda b: b[:2]))
}


def test_every_block_belongs_to_a_test():
    keys = {(block.page, block.heading, block.language) for block in read_blocks()}
    for page, heading, language in ELSEWHERE:
        assert any(
            (page, language) == (key[0], key[2]) and heading in (None, key[1])
            for key in keys
        )
    for name in set(ELSEWHERE.values()):
        assert (Path(__file__).parent / name).exists()
    # Blocks with four spaces or tildes would not be found.
    for path in PAGES:
        page = path.read_text("utf8")
        assert not re.search(r"^(~~~|[ \t]+```)(bash|python|sh)", page, re.MULTILINE)
        assert not re.search(r"```(sh|shell|console|py)\b", page)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_links_lead_somewhere(path):
    """They lead to files of the repository or to addresses on the web. The build of the
    site checks anchors."""
    page = re.sub(r"```.*?```", "", path.read_text("utf8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)]*)\)", page):
        url = urlsplit(target)
        if url.scheme:
            assert url.scheme in ("http", "https"), target
            assert re.fullmatch(r"([\w-]+\.)+[a-z]{2,}", url.netloc), target
            assert not re.search(r"\s|[.,]$", target), target
        elif url.path:
            assert (path.parent / url.path).exists(), target


@pytest.fixture(scope="module")
def material(model_path, corpus_path, bert_path, tmp_path_factory):
    """A folder with the files that the pages name."""
    folder = tmp_path_factory.mktemp("pages")
    shutil.copytree(CONFIGS, folder / "configs")
    for name in ("egp_cnn.cfg", "egp_trf.cfg"):
        shutil.copy(CONFIGS / name, folder)
    shutil.copytree(model_path, folder / "training" / "model-best")
    shutil.copytree(bert_path, folder / "roberta-base")
    scores = {f"spans_sc_{name}": 50.0 for name in "fpr"}
    line = {"step": 0, "losses": {"egp_ner": 9.0}, "scores": scores, "score": 0.5}
    srsly.write_jsonl(folder / "training" / "log.jsonl", [line])
    # The development part has other texts, and all parts of a split have some.
    for name, suffix in (("export", ""), ("train", ""), ("dev", " Indeed.")):
        data = [
            (f"{text}{suffix}{' ' * (i > 0)}{'!' * i}", spans)
            for i in range(8)
            for text, spans in NESTED_DATA
        ]
        srsly.write_jsonl(folder / f"{name}.jsonl", make_records(data))
    lines = "".join(f"{json.dumps({'text': text})}\n" for text, _ in NESTED_DATA)
    (folder / "texts.jsonl").write_text(lines, "utf8")
    (folder / "corpus.jsonl.gz").write_bytes(gzip.compress(lines.encode()))
    nlp = spacy.blank("en")
    for name, suffix in (("train", ""), ("dev", " Indeed.")):
        data = [(f"{text}{suffix}", spans) for text, spans in NESTED_DATA]
        docs = [example.reference for example in make_examples(nlp, data)]
        DocBin(docs=docs).to_disk(folder / f"{name}.spacy")
    nested = "Die\tO\tO\nBerliner\tB-LOC\tB-LOCderiv\nMauer\tI-LOC\tO\n\n"
    for part in ("train", "dev"):
        (folder / f"{part}.tsv").write_text(nested * 4, "utf8")
    (folder / "eng.train").write_text("EU NNP I-NP I-ORG\nrejects VBZ I-VP O\n\n")
    return folder


@pytest.fixture
def folder(material, tmp_path, monkeypatch):
    """The folder in which a block runs."""
    folder = tmp_path / "folder"
    shutil.copytree(material, folder)
    monkeypatch.chdir(folder)
    monkeypatch.setattr(models, "EPOCHS", 1)
    monkeypatch.setattr(models, "MIN_TOKENS", 0)
    return folder


@pytest.fixture(scope="module")
def spacy_command():
    """spaCy's command, with those of packages."""
    registry.cli.get_all()
    return typer.main.get_command(spacy.cli.app)


@pytest.fixture
def run(spacy_command):
    """Runs a command of spaCy in this process."""
    level = spacy.util.logger.level

    def run(arguments):
        result = CliRunner().invoke(spacy_command, arguments)
        assert result.exit_code == 0, result.output

    yield run
    # `spacy train` has set it.
    spacy.util.logger.setLevel(level)
    assert logging.getLogger("spacy").level == level


def name(block, *_):
    return f"{block.page}-{block.heading}"


def replace(code):
    for old, new in REPLACED.items():
        code = code.replace(old, new)
    return os.path.expandvars(code)


def check_tool(arguments):
    """The files and extras that a command names exist."""
    extras = ConfigParser()
    extras.read(ROOT / "setup.cfg")
    for argument in arguments:
        match = re.fullmatch(r"\.\[([\w,]+)\]", argument)
        for extra in match[1].split(",") if match else ():
            assert extra in extras["options.extras_require"]
        if "/" in argument or argument.endswith(".txt"):
            assert (ROOT / argument).exists()


@pytest.mark.parametrize("blocks", SECTIONS.values(), ids=lambda blocks: name(*blocks))
def test_commands(blocks, folder, run, monkeypatch):
    monkeypatch.setenv("MINILM", "model")
    code = replace("".join(block.code for block in blocks))
    for program, *arguments in blocks[0]._replace(code=code).commands:
        if program in TOOLS:
            check_tool([program, *arguments])
            continue
        assert program == "spacy"
        if arguments[0] == "project":
            monkeypatch.chdir(ROOT if arguments[-1] == "project" else ROOT / "project")
            check_variables(arguments)
            arguments.append("--dry")
        elif arguments[0] == "train":
            arguments += SHORTER
        run(arguments)


def check_variables(arguments):
    """The variables that a command sets are those of the project."""
    options = [x.partition("=")[0] for x in arguments if x.startswith("--vars.")]
    names = [option.removeprefix("--vars.") for option in options]
    project = srsly.read_yaml(ROOT / "project" / "project.yml")
    assert set(names) <= set(project["vars"])


@pytest.mark.parametrize("block", CODE, ids=lambda block: name(block))
def test_code(block, folder):
    nlp = spacy.load("training/model-best")
    exec(replace(block.code), {"nlp": nlp, "doc": nlp(NESTED_DATA[2][0])})


@pytest.mark.parametrize("block", MARKED, ids=lambda block: name(block))
def test_options_of_what_is_not_run(block, spacy_command):
    assert block.language == "bash"
    for program, *arguments in block.commands:
        command = spacy_command
        while program == "spacy" and hasattr(command, "get_command"):
            context = typer.Context(command)
            command = command.get_command(context, arguments.pop(0))
        if program == "spacy":
            # An option that does not exist is an error.
            command.make_parser(typer.Context(command)).parse_args(arguments)
