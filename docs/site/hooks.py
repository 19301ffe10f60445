"""MkDocs' events: publish the files of the repository that pages link to, and fill in
what is generated."""

import re
from collections.abc import Callable

import nbformat
from generate import cli, errors, metrics, settings, training_settings, warnings
from links import linked_files, page_path, relocate, site_path
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from pictures import probability, rotation, score_matrix, stretches
from tutorial import notebook, tutorial_notebook

# A line of a page, "{{ name }}", and what takes its place.
BLOCKS: dict[str, Callable[[], str]] = {
    block.__name__: block
    for block in (
        cli,
        errors,
        metrics,
        notebook,
        probability,
        rotation,
        score_matrix,
        settings,
        stretches,
        training_settings,
        warnings,
    )
}
BLOCK = re.compile(r"^\{\{ (\w+) \}\}$", re.MULTILINE)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the files outside docs/ that pages link to, under their paths, and the
    notebook."""
    pages = [page_path(file.src_uri) for file in files.documentation_pages()]
    for path in linked_files(pages):
        file = File.generated(config, site_path(path), abs_src_path=str(path.resolve()))
        files.append(file)
    content = nbformat.writes(tutorial_notebook())
    files.append(File.generated(config, "tutorial.ipynb", content=content))
    return files


def on_page_markdown(
    markdown: str, page: Page, config: MkDocsConfig, files: Files
) -> str:
    """Fill in the blocks of a page, and turn its links to those of the site."""
    filled = BLOCK.sub(lambda match: BLOCKS[match[1]](), markdown)
    return relocate(page_path(page.file.src_uri), filled)
