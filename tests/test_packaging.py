"""What a wheel contains, without building one."""

from configparser import ConfigParser
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "spacy_egp"


def setup():
    config = ConfigParser()
    config.read(ROOT / "setup.cfg")
    return config


def test_wheel_has_all_files():
    """Templates and the like need an entry in setup.cfg."""
    patterns = {
        package: [pattern.strip() for pattern in value.split(",")]
        for package, value in setup()["options.package_data"].items()
    }
    found = []
    for path in PACKAGE.rglob("*"):
        if path.is_file() and path.suffix not in (".py", ".pyc"):
            package = ".".join(path.parent.relative_to(ROOT).parts)
            assert any(fnmatch(path.name, p) for p in patterns[package]), path
            found.append(path.name)
    assert {"template.cfg", "page.html"} < set(found)


def test_page_of_the_package_index_has_no_relative_links():
    name = setup()["metadata"]["long_description"].removeprefix("file: ")
    page = (ROOT / name).read_text("utf8")
    assert page.count("](") == page.count("](https://")
