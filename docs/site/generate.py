"""The parts of pages that are generated: from the commands, the settings of the
component, the messages and the metrics of the project."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import reduce
from html import escape
from itertools import groupby
from pathlib import Path
from typing import Any

import srsly
from spacy.util import load_config
from style import ENTRY

import spacy_egp.errors
from spacy_egp.component import EGPRecognizer
from spacy_egp.settings import DEFAULTS

ROOT = Path(__file__).parents[2]
PROJECT = ROOT / "project"
MESSAGES = Path(spacy_egp.errors.__file__)
TRAINING_SETTINGS = (
    "training.dropout",
    "training.max_steps",
    "training.patience",
    "training.eval_frequency",
    "training.batcher.size",
    "training.accumulate_gradient",
    "components.egp_ner.model.learn_rate_scale",
    "corpora.train.max_joined",
)
VARIABLE = re.compile(r"\$\{[\w.]+\}")


def cli() -> str:
    """The commands, as typer documents them."""
    command = [sys.executable, "-m", "typer", "spacy_egp.cli", "utils", "docs"]
    command += ["--name", "spacy egp"]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    # The page has a title of its own.
    return result.stdout.partition("\n")[2]


def settings() -> str:
    """The settings of the component with their defaults, from its docstring."""
    rows = [
        f"| `{name}` | `{json.dumps(DEFAULTS[name])}` | {text} *{kind}* |"
        for name, kind, text in entries(EGPRecognizer.__init__.__doc__ or "")
        if name in DEFAULTS
    ]
    return "\n".join(["| setting | default | |", "|---|---|---|", *rows])


def training_settings() -> str:
    """The settings of a training in the configs, by encoder."""
    configs = {
        name: load_config(ROOT / "configs" / f"{name}.cfg")
        for name in ("egp_cnn", "egp_bilstm", "egp_trf", "egp_curated_trf")
    }
    lines = [
        f"| setting | {' | '.join(f'`{name}.cfg`' for name in configs)} |",
        "|---" * (1 + len(configs)) + "|",
    ]
    for setting in TRAINING_SETTINGS:
        values = [
            f"`{json.dumps(value_at(config, setting))}`" for config in configs.values()
        ]
        lines.append(f"| `{setting}` | {' | '.join(values)} |")
    return "\n".join(lines)


def value_at(config: dict[str, Any], setting: str) -> Any:
    """The value of a setting whose name has dots."""
    return reduce(lambda section, name: section[name], setting.split("."), config)


def entries(docstring: str) -> Iterator[tuple[str, str, str]]:
    """Name, type and text of what a docstring in spaCy's style describes."""
    lines = [line.strip() for line in docstring.splitlines()]
    starts = [i for i, line in enumerate(lines) if ENTRY.match(line)]
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        match = ENTRY.fullmatch(" ".join(lines[start:end]).strip())
        assert match is not None
        yield match["name"], match["type"], match["text"]


def errors() -> str:
    """The messages of errors."""
    return messages("Errors")


def warnings() -> str:
    """The messages of warnings."""
    return messages("Warnings")


def messages(list_name: str) -> str:
    """Code and message of each entry of a list, in the sections of the module.

    list_name (str): The class with the messages.
    RETURNS (str): Tables under headings.
    """
    source = MESSAGES.read_text("utf8")
    pattern = rf"^class {list_name}\(.*\n((?:    .*\n|\n)*)"
    body = re.search(pattern, source, re.MULTILINE)
    assert body is not None
    templates = getattr(spacy_egp.errors, list_name)
    lines: list[str] = []
    parts = re.findall(r"^    (?:# (.+)|(EGPW?\d+) = )", body[1], re.MULTILINE)
    for is_comment, group in groupby(parts, key=lambda part: bool(part[0])):
        if is_comment:
            title = " ".join(comment for comment, _ in group)
            lines += ["", f"### {title}", "", "| code | message |", "|---|---|"]
            continue
        for _, code in group:
            text = getattr(templates, code).removeprefix(f"[{code}] ")
            cell = escape(text, quote=False)
            for char in "|*":
                cell = cell.replace(char, f"&#{ord(char)};")
            cell = re.sub(r"\{(\w+)[^}]*\}", r"<var>\1</var>", cell)
            lines.append(f'| <span id="{code.lower()}">`{code}`</span> | {cell} |')
    return "\n".join(lines)


def metrics() -> str:
    """The tables in project/metrics, under the workflows that write them."""
    project = srsly.read_yaml(PROJECT / "project.yml")
    helps = {command["name"]: command["help"] for command in project["commands"]}
    tables: dict[str, list[Path]] = {}
    for page in sorted((PROJECT / "metrics").glob("*.md")):
        # The demo's are made anew by each run, and are not part of the repository.
        if not re.match(r"demo[-.]", page.name):
            command = writer(page.stem, project)
            name = workflow(command, project["workflows"])
            tables.setdefault(name, []).append(page)
    lines: list[str] = []
    for name, pages in tables.items():
        first = project["workflows"].get(name, [name])[0]
        lines += ["", f"## {name}", "", f"{helps[first]}.", ""]
        lines += [f"Written by `python -m spacy project run {name} project`.", ""]
        for page in pages:
            lines += [f"### {page.stem}", "", page.read_text("utf8").strip(), ""]
    return "\n".join(lines)


def writer(stem: str, project: dict[str, Any]) -> str:
    """Tell which command writes a table.

    stem (str): The name of the table's file without its suffix. One that no command
        writes is a variant of the one without its last part, as in trf-share-gpu.
    project (dict[str, Any]): The content of project.yml.
    RETURNS (str): The name of the command: the one that has the name of the table, or
        else the one with the least variables in its output.
    RAISES (ValueError): If there is none.
    """
    matches = []
    for command in project["commands"]:
        if command["name"] == stem:
            return stem
        kept = command.get("outputs_no_cache", ())
        for output in (*command.get("outputs", ()), *kept):
            literals = VARIABLE.split(expand(output, project["vars"]))
            pattern = r"\w+".join(map(re.escape, literals))
            if re.fullmatch(pattern, f"metrics/{stem}.md"):
                matches.append((sum(map(len, literals)), command["name"]))
    if matches:
        return str(max(matches)[1])
    shorter = stem.rpartition("-")[0]
    if not shorter:
        raise ValueError(f"No command of project.yml writes metrics/{stem}.md")
    return writer(shorter, project)


def expand(output: str, variables: dict[str, Any]) -> str:
    """Replace the variables that consist of other ones."""
    for name, value in variables.items():
        if VARIABLE.search(str(value)):
            output = output.replace(f"${{vars.{name}}}", value)
    return output


def workflow(command: str, workflows: dict[str, list[str]]) -> str:
    """The shortest workflow with a command, or the command itself."""
    names = [name for name, commands in workflows.items() if command in commands]
    return min(names, key=lambda name: len(workflows[name]), default=command)
