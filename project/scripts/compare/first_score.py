"""How soon training shows its first score, and how good it gets in a limited time."""

import time
from pathlib import Path
from typing import Annotated, Any

import srsly
import typer
from spacy.cli.init_config import init_config
from spacy.training.initialize import init_nlp
from spacy.training.loop import train as train_loop
from spacy.util import load_config, registry
from thinc.api import Config

from scripts.corpora.prepare import part_path
from scripts.shared.markdown_table import markdown_table
from scripts.shared.measuring import commit, machine
from scripts.shared.training import CONFIGS
from spacy_egp.corpora.writer import temporary_output

# The configs to train: a name in configs/, and settings for its [training].
VARIANTS: dict[str, tuple[str, dict[str, Any]]] = {
    "egp_cnn.cfg": ("egp_cnn", {}),
    "dropout 0.1": ("egp_cnn", {"dropout": 0.1}),
    "dropout 0.35": ("egp_cnn", {"dropout": 0.35}),
    "as in version 0.1.0": ("egp_cnn", {"dropout": 0.35, "eval_frequency": 500}),
    "egp_bilstm.cfg": ("egp_bilstm", {}),
    "spacy init config -p egp_ner": ("", {}),
}


def first_score(
    dataset: Annotated[str, typer.Argument(help="Name of the corpus")],
    output_path: Annotated[Path, typer.Argument(help="JSON file to write")],
    variants: Annotated[str, typer.Option(help="Some of VARIANTS")] = ",".join(
        VARIANTS
    ),
    seconds: Annotated[float, typer.Option(help="Seconds of each training")] = 120.0,
    lang: Annotated[str, typer.Option(help="Language of the corpus")] = "en",
) -> None:
    """Train each config for a limited time; write JSON, and a table next to it."""
    runs = {
        name: measure(variant_config(name, dataset, lang), seconds)
        for name in variants.split(",")
    }
    result = {"dataset": dataset, "limit": seconds, "runs": runs}
    with temporary_output(output_path) as path:
        srsly.write_json(path, {**result, "machine": machine(), "commit": commit()})
        path.with_suffix(".md").write_text(scores_table(runs), encoding="utf8")


def variant_config(name: str, dataset: str, lang: str) -> Config:
    """RETURNS (Config): The config of a variant, for a corpus."""
    base, settings = VARIANTS[name]
    if base:
        config = load_config(CONFIGS / f"{base}.cfg", interpolate=False)
    else:
        config = init_config(lang=lang, pipeline=["egp_ner"])
    config = config.merge({"training": settings, "nlp": {"lang": lang}})
    for part in ("train", "dev"):
        config["paths"][part] = str(part_path(dataset, part))
    return config


def measure(config: Config, seconds: float) -> list[dict[str, float]]:
    """Train for a limited time with spaCy's loop.

    config (Config): The config.
    seconds (float): Seconds of processor time after the initialization.
    RETURNS (List[Dict[str, float]]): Seconds of processor time since the beginning,
        including the initialization, and F, at each evaluation and at the end.
    """
    begin = time.process_time()
    scores: list[dict[str, float]] = []

    def add_score(f: float) -> None:
        scores.append({"seconds": time.process_time() - begin, "f": f})

    def log_step(info: dict[str, Any] | None) -> None:
        # The evaluation of step 0 comes before any training.
        if info and info["step"]:
            add_score(info["other_scores"]["spans_sc_f"])

    registry.loggers.register(
        "spacy-egp-project.scores.v1",
        func=lambda: lambda nlp, stdout, stderr: (log_step, lambda: None),
    )
    config["training"].update(
        logger={"@loggers": "spacy-egp-project.scores.v1"},
        batcher={
            "@batchers": "spacy-egp-project.batch_for_minutes.v1",
            "batcher": config["training"]["batcher"],
            "minutes": seconds / 60,
            "clock": "process_time",
        },
        max_epochs=1,
        max_steps=0,
        patience=0,
    )
    nlp, _ = train_loop(init_nlp(config))
    dev = registry.resolve(config.interpolate()["corpora"])["dev"]
    add_score(nlp.evaluate(list(dev(nlp)))["spans_sc_f"])
    return scores


def scores_table(runs: dict[str, list[dict[str, float]]]) -> str:
    """A row for each config: the first score, and the best one within the time."""
    rows = []
    for name, scores in runs.items():
        first, best = scores[0], max(scores, key=lambda score: score["f"])
        cells = [[f"{s['seconds']:.0f}", f"{100 * s['f']:.1f}"] for s in (first, best)]
        rows.append([name, *cells[0], *cells[1]])
    header = ["config", "first score after, s", "dev F", "best after, s", "dev F"]
    return markdown_table(header, rows)


if __name__ == "__main__":
    typer.run(first_score)
