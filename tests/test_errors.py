"""`spacy_egp/errors.py` lists all messages, and each of them is raised in a test."""

import ast
import re
from pathlib import Path

from spacy_egp.errors import Errors, Warnings

CODE = re.compile(r"\bEGPW?\d{3}\b")
CODES = {code for list in (Errors, Warnings) for code in vars(list) if CODE.match(code)}
TESTS = Path(__file__).parent
PACKAGE = TESTS.parent / "spacy_egp"


def nodes(folder, kind):
    """The nodes of a kind in the syntax trees of all modules but this one."""
    for path in folder.rglob("*.py"):
        if path != Path(__file__):
            tree = ast.parse(path.read_text("utf8"))
            yield from (node for node in ast.walk(tree) if isinstance(node, kind))


def test_codes_stand_before_the_messages():
    message = Errors.EGP009.format(scale=0)
    assert message == "[EGP009] learn_rate_scale must be positive, but it is 0."


def test_every_message_is_used():
    assert {node.attr for node in nodes(PACKAGE, ast.Attribute)} >= CODES


def test_every_message_is_expected_by_a_test():
    strings = {str(node.value) for node in nodes(TESTS, ast.Constant)}
    assert {code for string in strings for code in CODE.findall(string)} == CODES


def test_no_message_is_elsewhere():
    """All errors and warnings take their text from the list."""
    raised = re.compile(r"\w+Error|BadRecord|warnings\.warn")
    for call in nodes(PACKAGE, ast.Call):
        if raised.fullmatch(ast.unparse(call.func)):
            inner = [node for argument in call.args for node in ast.walk(argument)]
            strings = [str(n.value) for n in inner if isinstance(n, ast.Constant)]
            assert not any(re.search(r"\w \w", string) for string in strings), strings
