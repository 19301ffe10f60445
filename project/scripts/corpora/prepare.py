"""The corpora of the project: where the files of each are, and its language."""

from collections.abc import Callable, Collection
from pathlib import Path
from typing import Annotated, NamedTuple

import spacy
import typer
from spacy.util import load_config
from thinc.api import Config
from wasabi import msg

from spacy_egp.cli.convert import convert_cli

ASSETS = Path("assets")
CORPUS = Path("corpus")
# The shares of training and development docs, if a corpus has no development part other
# than the one that is evaluated on.
SPLIT = "0.9,0.1"


class Dataset(NamedTuple):
    """A corpus.

    lang (str): Its language, whose tokenizer is used.
    source (str): Where to get it.
    train (str): The file of the training part in `ASSETS`.
    dev (Optional[str]): That of the part by which the best model is chosen. If None, a
        tenth of the training part is kept for it.
    test (str): That of the part that is evaluated on.
    """

    lang: str
    source: str
    train: str
    dev: str | None
    test: str

    @property
    def files(self) -> dict[str, str]:
        """RETURNS (Dict[str, str]): The file of each part that has one."""
        files = {"train": self.train, "dev": self.dev, "test": self.test}
        return {part: file for part, file in files.items() if file is not None}


URLS = "the URLs of the assets in project.yml"
CMEEE = "https://tianchi.aliyun.com/dataset/95414 (CBLUE, after registration)"
PEOPLE_DAILY = [f"people_daily/example.{part}" for part in ("train", "dev", "test")]
NEREL = [f"nerel/nerel-{part}.zip" for part in ("train", "dev", "test")]
GENIA = [f"genia/genia.{part}.iob2" for part in ("train", "dev", "test")]

DATASETS = {
    "germeval": Dataset(
        "de", URLS, "germ.train.iob2", "germ.dev.iob2", "germ.test.iob2"
    ),
    # The test parts of CLUENER and CMeEE are published without their entities.
    "cluener": Dataset("zh", URLS, "cluener/train.json", None, "cluener/dev.json"),
    "cmeee": Dataset(
        "zh", CMEEE, "cmeee/CMeEE_train.json", None, "cmeee/CMeEE_dev.json"
    ),
    "people_daily": Dataset("zh", URLS, *PEOPLE_DAILY),
    "genia": Dataset("en", URLS, *GENIA),
    "nerel": Dataset("ru", "https://github.com/nerel-ds/NEREL", *NEREL),
    # For use without the training parts.
    "people_daily_small": Dataset("zh", URLS, PEOPLE_DAILY[2], None, PEOPLE_DAILY[1]),
    "genia_small": Dataset("en", URLS, GENIA[1], None, GENIA[2]),
}

app = typer.Typer()


def check_name(name: str) -> str:
    """RETURNS (str): The name.
    RAISES (typer.BadParameter): If no corpus has it."""
    if name not in DATASETS:
        raise typer.BadParameter(f"{name!r} is none of {', '.join(DATASETS)}")
    return name


def names_among(known: Collection[str]) -> Callable[[str], str]:
    """RETURNS (Callable): Takes names with commas between them and returns them; raises
    typer.BadParameter if one of them is not known."""

    def check(names: str) -> str:
        for name in names.split(","):
            if name not in known:
                raise typer.BadParameter(f"{name!r} is none of {', '.join(known)}")
        return names

    return check


NameArg = Annotated[str, typer.Argument(help="Name of the corpus", callback=check_name)]


def part_path(name: str, part: str) -> Path:
    """RETURNS (Path): The .spacy file of a part: "train", "dev" or "test"."""
    return CORPUS / f"{name}-{part}.spacy"


def set_dataset(config: Config, name: str) -> None:
    """Set the language, its tokenizer and the paths in a config.

    config (Config): The config of a training.
    name (str): Name in `DATASETS`.
    """
    lang = DATASETS[name].lang
    tokenizer = spacy.blank(lang).config["nlp"]["tokenizer"]
    config["nlp"].update(lang=lang, tokenizer=tokenizer)
    for part in ("train", "dev"):
        config["paths"][part] = str(part_path(name, part))


@app.command()
def convert(name: NameArg) -> None:
    """Convert the parts of a corpus to .spacy files."""
    dataset = DATASETS[name]
    paths = {part: ASSETS / file for part, file in dataset.files.items()}
    missing = [str(path) for path in paths.values() if not path.exists()]
    if missing:
        msg.fail(
            f"No {', '.join(missing)}", f"Get {name} from {dataset.source}", exits=1
        )
    for part, path in paths.items():
        if part == "train" and dataset.dev is None:
            output = CORPUS / f"{name}.spacy"
            convert_cli([path], output, lang=dataset.lang, split=SPLIT)
        else:
            convert_cli([path], part_path(name, part), lang=dataset.lang)


@app.command()
def config(
    name: NameArg,
    input_path: Annotated[Path, typer.Argument(help="Config of a training")],
    output_path: Annotated[Path, typer.Argument(help="Config to write")],
) -> None:
    """Write a config to train on a corpus."""
    config = load_config(input_path, interpolate=False)
    set_dataset(config, name)
    output_path.parent.mkdir(parents=True, exist_ok=True)
    config.to_disk(output_path)


if __name__ == "__main__":
    app()
