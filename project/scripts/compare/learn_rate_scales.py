"""Train `egp_ner` over one encoder with several values of `learn_rate_scale`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import srsly
import typer
from thinc.api import Config

from scripts.compare.run import Run
from scripts.corpora.prepare import NameArg
from scripts.shared.markdown_table import markdown_table
from scripts.shared.measuring import use_device
from spacy_egp.corpora.writer import temporary_output


@dataclass(frozen=True, kw_only=True)
class ScaledRun(Run):
    """A training of the comparison with a `learn_rate_scale` of its own.

    learn_rate_scale (float): Factor on the learning rate, for the head.
    """

    learn_rate_scale: float

    @property
    def folder(self) -> Path:
        """RETURNS (Path): Where the run keeps its log, models and result: that of the
        comparison if its config has the same factor."""
        folder = super().folder
        if self.config() == super().config():
            return folder
        return folder.with_name(f"{folder.name}-scale-{self.learn_rate_scale:g}")

    def config(self) -> Config:
        """RETURNS (Config): The config of the comparison, with the other factor."""
        config = super().config()
        model = config["components"]["egp_ner"]["model"]
        model["learn_rate_scale"] = self.learn_rate_scale
        return config


def learn_rate_scales(
    dataset: NameArg,
    output_path: Annotated[Path, typer.Argument(help="JSON file to write")],
    encoder: Annotated[str, typer.Option(help="That of configs/egp_ENCODER.cfg")],
    transformer: Annotated[
        str, typer.Option(help="Pretrained model of a transformer encoder")
    ],
    scales: Annotated[str, typer.Option(help="The values, such as 1,10")],
    seed: Annotated[int, typer.Option(help="Random seed")],
    dropout: Annotated[float, typer.Option(help="Dropout rate")],
    steps: Annotated[int, typer.Option(help="Updates in a training")],
    learn_rate: Annotated[
        float, typer.Option(help="If not 0, instead of the config's")
    ] = 0.0,
    gpu_id: Annotated[int, typer.Option(help="GPU to compute on, -1 for the CPU")] = -1,
) -> None:
    """Train and evaluate with each value; write a JSON file, and a table next to it.

    A finished training is not repeated.
    """
    use_device(gpu_id)
    results = []
    for scale in map(float, scales.split(",")):
        run = ScaledRun(
            dataset=dataset,
            encoder=encoder,
            head="egp",
            seed=seed,
            dropout=dropout,
            steps=steps,
            transformer=transformer,
            learn_rate=learn_rate,
            learn_rate_scale=scale,
        )
        results.append({"learn_rate_scale": scale, **run.finish(gpu_id)})
    with temporary_output(output_path) as path:
        srsly.write_json(path, {"dataset": dataset, "steps": steps, "runs": results})
        path.with_suffix(".md").write_text(scales_table(results), encoding="utf8")


def scales_table(results: list[dict[str, Any]]) -> str:
    """A row for each value: F on the development part; F, P and R on the test part."""
    rows = []
    for result in results:
        dev_f = result["dev"]["spans_sc_f"]
        scores = [dev_f, *(result["test"][f"spans_sc_{measure}"] for measure in "fpr")]
        cells = [f"{100 * score:.1f}" for score in scores]
        rows.append([f"{result['learn_rate_scale']:g}", *cells])
    return markdown_table(["learn_rate_scale", "dev F", "F", "P", "R"], rows)


if __name__ == "__main__":
    typer.run(learn_rate_scales)
