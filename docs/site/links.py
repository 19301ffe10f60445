"""Links between pages, which are written for the repository, on the site.

The site has docs/ at its root, and beside it every other file that a page links to,
under its path in the repository.
"""

import re
from collections.abc import Iterable, Iterator
from os.path import normpath, relpath
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
LINK = re.compile(
    r"\[(?P<text>(?:[^\[\]]|\[[^\[\]]*\])*)\]"
    r"\((?P<target>[^)\s:#]+)(?P<anchor>#[^)\s]*)?\)"
)


class Link(NamedTuple):
    """A link of a page.

    match (re.Match[str]): Where it is, with the groups of `LINK`.
    path (Path): The file or folder that it leads to.
    """

    match: re.Match[str]
    path: Path


def page_path(uri: str) -> Path:
    """The file of a page of the site."""
    path = DOCS / uri
    return path if path.exists() else ROOT / uri


def site_path(path: Path) -> str:
    """Where the site has a file of the repository."""
    return path.relative_to(DOCS if path.is_relative_to(DOCS) else ROOT).as_posix()


def find_links(page: Path, markdown: str) -> Iterator[Link]:
    """The links of a page to files and folders of the repository that exist."""
    for match in LINK.finditer(markdown):
        path = Path(normpath(page.parent / match["target"]))
        if path.exists() and path.is_relative_to(ROOT):
            yield Link(match, path)


def linked_files(pages: Iterable[Path]) -> list[Path]:
    """The files outside docs/ that pages link to, and those that these link to."""
    found: list[Path] = []
    waiting = list(pages)
    while waiting:
        page = waiting.pop()
        for link in find_links(page, page.read_text("utf8")):
            inside = link.path.is_relative_to(DOCS)
            if link.path.is_file() and not inside and link.path not in found:
                found.append(link.path)
                if link.path.suffix == ".md":
                    waiting.append(link.path)
    return sorted(found)


def relocate(page: Path, markdown: str) -> str:
    """Replace the links of a page by those of the site, and links to folders, which
    have no page, by their text."""
    parts = []
    end = 0
    for match, path in find_links(page, markdown):
        text = f"[{match['text']}]"
        if path.is_dir():
            new = match["text"]
        else:
            folder = Path(site_path(page)).parent
            target = Path(relpath(site_path(path), folder)).as_posix()
            new = f"{text}({target}{match['anchor'] or ''})"
        parts += [markdown[end : match.start()], new]
        end = match.end()
    return "".join([*parts, markdown[end:]])
