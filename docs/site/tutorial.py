"""The first section of the tutorial as a notebook."""

import re
from itertools import zip_longest
from pathlib import Path

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

TUTORIAL = Path(__file__).parents[1] / "tutorial.md"
CODE = re.compile(r"^```(bash|python)\n(.*?)\n```$", re.MULTILINE | re.DOTALL)
# Other pages are not beside the notebook.
LINK = re.compile(r"\[([^\]]*)\]\([^)]*\.md[^)]*\)")
KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}


def notebook() -> str:
    """A link to the notebook, which only the site has."""
    return (
        "Download this section as a [notebook](tutorial.ipynb); it needs "
        "`export.jsonl` and `texts.jsonl` in its folder."
    )


def tutorial_notebook() -> NotebookNode:
    """Make cells of the text, the commands and the code of the section."""
    section = TUTORIAL.read_text("utf8").split("\n## ")[1]
    text = LINK.sub(r"\1", f"# {section}").replace("{{ notebook }}\n\n", "")
    parts = CODE.split(text)
    cells = []
    for markdown, language, code in zip_longest(parts[::3], parts[1::3], parts[2::3]):
        cells.append(new_markdown_cell(markdown.strip()))
        if language:
            # In a cell of bash, a command that fails is an error.
            source = f"%%bash\n{code}" if language == "bash" else code
            cells.append(new_code_cell(source))
    for i, cell in enumerate(cells):
        # Not at random, so that builds are the same.
        cell["id"] = f"cell-{i}"
    return new_notebook(cells=cells, metadata={"kernelspec": KERNEL})
