"""Make a picture of the upper part of a page."""

import shutil
from pathlib import Path
from typing import Annotated

import typer
from playwright.sync_api import sync_playwright


def screenshot(
    page_path: Annotated[Path, typer.Argument(help="HTML file", exists=True)],
    output_path: Annotated[Path, typer.Argument(help="Picture to write (.png)")],
    width: Annotated[int, typer.Option(help="Pixels")] = 1280,
    height: Annotated[int, typer.Option(help="Pixels")] = 1250,
) -> None:
    """Open a page in Chromium and write a picture of what is visible."""
    output_path.parent.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        page = browser.new_page(viewport={"width": width, "height": height})
        page.goto(page_path.resolve().as_uri())
        page.screenshot(path=output_path)
        browser.close()


if __name__ == "__main__":
    typer.run(screenshot)
