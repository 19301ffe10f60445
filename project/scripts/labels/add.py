"""A label is added to a trained pipeline: what is learned, and what is forgotten?"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from statistics import mean
from typing import Annotated, Any

import numpy as np
import spacy
import srsly
import typer
from spacy.tokens import Doc, DocBin
from spacy.training import Corpus
from spacy.training.loop import DIR_MODEL_BEST
from spacy.util import load_config
from thinc.api import Config
from tqdm import tqdm
from weasel.util import get_checksum

from scripts.corpora.prepare import NameArg, names_among, part_path, set_dataset
from scripts.peers.recognizers import SPANS_KEY
from scripts.shared.markdown_table import markdown_table, percent
from scripts.shared.measuring import commit, machine, mean_and_sd
from scripts.shared.training import CONFIGS, keep_result, train
from spacy_egp.corpora.writer import temporary_output
from spacy_egp.docbins import read_docs

RUNS = Path("training") / "labels"
Result = dict[str, Any]


@dataclass(frozen=True)
class Technique:
    """A way to train a pipeline on a new label.

    rehearses (bool): Whether it also learns the predictions for the other labels.
    reads_raw (bool): Whether it also learns those on raw docs: `N_RAW` for each doc
        that is annotated for the label.
    freezes (bool): Whether the encoder stays as it is.
    """

    rehearses: bool = False
    reads_raw: bool = False
    freezes: bool = False


N_RAW = 3
TECHNIQUES = {
    "rehearsal": Technique(rehearses=True),
    "rehearsal-raw": Technique(rehearses=True, reads_raw=True),
    "rehearsal-frozen": Technique(rehearses=True, freezes=True),
    "rehearsal-raw-frozen": Technique(rehearses=True, reads_raw=True, freezes=True),
    "frozen": Technique(freezes=True),
    "alone": Technique(),
}


@dataclass(frozen=True)
class Parts:
    """The docs of a corpus, made for the addition of labels.

    dataset (str): Name in `DATASETS`.
    n_docs (int): How many docs of the training part are annotated for a new label. The
        training before does not use them.
    """

    dataset: str
    n_docs: int

    @property
    def folder(self) -> Path:
        """RETURNS (Path): Where everything is kept."""
        return RUNS / self.dataset / f"{self.n_docs}-docs"

    @cached_property
    def labels(self) -> list[str]:
        """RETURNS (List[str]): The labels of the training part."""
        docs = docs_of(part_path(self.dataset, "train"))
        return sorted({span.label_ for doc in docs for span in doc.spans[SPANS_KEY]})

    def without(self, label: str, part: str) -> Path:
        """RETURNS (Path): The docs before the addition of a label, without its spans.
        Those of the training part are the ones that are not annotated later."""
        path = self.folder / "corpus" / f"without-{label}-{part}.spacy"
        if not path.exists():
            docs = docs_of(part_path(self.dataset, part))
            chosen = self._drawn(len(docs)) if part == "train" else set()
            docs = [doc for i, doc in enumerate(docs) if i not in chosen]
            write_docs(path, docs, [x for x in self.labels if x != label])
        return path

    def only(self, label: str, part: str) -> Path:
        """RETURNS (Path): Docs that are annotated for a label alone, and list it."""
        path = self.folder / "corpus" / f"only-{label}-{part}.spacy"
        if not path.exists():
            docs = docs_of(part_path(self.dataset, part))
            if part == "train":
                docs = [docs[i] for i in sorted(self._drawn(len(docs)))]
            write_docs(path, docs, [label], are_listed=True)
        return path

    def with_raw(self, label: str) -> Path:
        """RETURNS (Path): The training docs that are annotated for a label alone, and
        docs of the training before, as raw text."""
        path = self.folder / "corpus" / f"with-raw-{label}-train.spacy"
        if not path.exists():
            docs = docs_of(self.only(label, "train"))
            others = docs_of(self.without(label, "train"))
            for doc in others[: N_RAW * len(docs)]:
                doc.spans.clear()
                docs.append(doc)
            with temporary_output(path) as temporary_path:
                DocBin(docs=docs).to_disk(temporary_path)
        return path

    def _drawn(self, n_docs: int) -> set[int]:
        rng = np.random.default_rng(0)
        return set(rng.choice(n_docs, self.n_docs, replace=False).tolist())


@dataclass(frozen=True)
class Training:
    """One training.

    parts (Parts): The docs.
    seed (int): The random seed.
    steps (int): Updates before a label is added.
    label (Optional[str]): The label that is left out. None for training on all labels.
    technique (Optional[str]): How it is added afterwards; None for the training before.
    added_steps (int): Updates while it is added.
    learn_rate (float): The learning rate while it is added.
    """

    parts: Parts
    seed: int
    steps: int
    label: str | None = None
    technique: str | None = None
    added_steps: int = 0
    learn_rate: float = 0.001

    @property
    def folder(self) -> Path:
        """RETURNS (Path): Where the training keeps its log, models and result."""
        name = "all" if self.label is None else f"without-{self.label}"
        folder = self.parts.folder / f"{self.steps}-steps" / f"{name}-seed-{self.seed}"
        if self.technique is None:
            return folder
        return folder / f"{self.technique}-{self.added_steps}-steps-{self.learn_rate:g}"

    @property
    def before(self) -> "Training":
        """RETURNS (Training): The training before the label is added."""
        return replace(self, technique=None)

    def config(self) -> Config:
        """RETURNS (Config): The config of the training."""
        config = load_config(CONFIGS / "egp_cnn.cfg", interpolate=False)
        set_dataset(config, self.parts.dataset)
        config["system"]["seed"] = self.seed
        if self.technique is not None:
            self._add_label(config, TECHNIQUES[self.technique])
            self._set_steps(config, self.added_steps)
            return config
        if self.label is not None:
            for part in ("train", "dev"):
                config["paths"][part] = str(self.parts.without(self.label, part))
        self._set_steps(config, self.steps)
        return config

    def _set_steps(self, config: Config, steps: int) -> None:
        frequency = min(config["training"]["eval_frequency"], max(1, steps // 4))
        config["training"].update(max_steps=steps, eval_frequency=frequency)

    def _add_label(self, config: Config, technique: Technique) -> None:
        """As in docs/recipes.md."""
        assert self.label is not None
        model = str(self.before.folder / DIR_MODEL_BEST)
        for name in config["components"]:
            config["components"][name] = {"source": model}
        config["initialize"]["before_init"] = {
            "@callbacks": "spacy-egp.add_labels.v1",
            "component": "egp_ner",
            "labels": [self.label],
        }
        for part, reader in config["corpora"].items():
            config["paths"][part] = str(self.parts.only(self.label, part))
            if technique.reads_raw and part == "train":
                config["paths"][part] = str(self.parts.with_raw(self.label))
            if technique.rehearses:
                config["corpora"][part] = {
                    "@readers": "spacy-egp.Rehearsal.v1",
                    "model": model,
                    "corpus": reader,
                }
        if technique.freezes:
            config["training"]["frozen_components"] = ["tok2vec"]
            config["training"]["annotating_components"] = ["tok2vec"]
        config["training"]["optimizer"]["learn_rate"] = self.learn_rate

    def finish(self) -> Result:
        """Train and score, unless that is done already. RETURNS the scores by label and
        of all spans on the development and the test part, and the minutes."""
        config = self.config()
        paths = [Path(config["paths"][part]) for part in ("train", "dev")]
        scored = [part_path(self.parts.dataset, part) for part in ("dev", "test")]

        def compute() -> Result:
            minutes = train(config, self.folder)
            nlp = spacy.load(self.folder / DIR_MODEL_BEST)
            dev, test = (nlp.evaluate(list(Corpus(path)(nlp))) for path in scored)
            return {"dev": dev, "test": test, "minutes": minutes}

        parts: dict[str, Any] = {
            "config": config,
            "corpora": [get_checksum(path) for path in (*paths, *scored)],
        }
        if self.technique is not None:
            parts["before"] = self.before.finish()["fingerprint"]
        return keep_result(self.folder / "result.json", parts, compute)


check_techniques = names_among(TECHNIQUES)


def labels(
    dataset: NameArg,
    output_path: Annotated[Path, typer.Argument(help="JSON file to write")],
    added: Annotated[str, typer.Option(help="Labels, each added to all others")],
    seeds: Annotated[str, typer.Option(help="Random seeds, such as 0,1,2")],
    steps: Annotated[int, typer.Option(help="Updates before a label is added")] = 1500,
    techniques: Annotated[
        str,
        typer.Option(help=f"Some of {','.join(TECHNIQUES)}", callback=check_techniques),
    ] = "rehearsal,rehearsal-raw,rehearsal-frozen,alone",
    n_docs: Annotated[
        int, typer.Option(help="Docs that are annotated for the new label alone")
    ] = 2000,
    added_steps: Annotated[
        int, typer.Option(help="Updates in which a label is added")
    ] = 400,
    learn_rate: Annotated[float, typer.Option(help="Learning rate meanwhile")] = 0.001,
) -> None:
    """Train without a label and add it, in several ways, and compare with training on
    all labels. Write all scores to a JSON file, and a table next to it.

    A finished training is not repeated: an interrupted command continues when it is
    started again. The files are written again after each seed.
    """
    parts = Parts(dataset, n_docs)
    names = added.split(",")
    ways = techniques.split(",")
    n_spans = Counter(
        span.label_
        for doc in docs_of(part_path(dataset, "test"))
        for span in doc.spans[SPANS_KEY]
    )
    all_seeds = [int(seed) for seed in seeds.split(",")]
    additions: list[Result] = []
    n_trainings = len(all_seeds) * (1 + len(names) * (1 + len(ways)))
    with tqdm(total=n_trainings, desc="Trainings", unit=" trainings") as progress_bar:

        def finish(training: Training) -> Result:
            progress_bar.set_postfix_str(str(training.folder))
            result = training.finish()
            progress_bar.update()
            return result

        for seed in all_seeds:
            on_all = finish(Training(parts, seed, steps))
            for label in names:
                first = Training(parts, seed, steps, label)
                before = finish(first)
                for way in ways:
                    training = replace(
                        first,
                        technique=way,
                        added_steps=added_steps,
                        learn_rate=learn_rate,
                    )
                    after = finish(training)
                    scores = {
                        part: compare(label, n_spans, before, after, on_all, part)
                        for part in ("dev", "test")
                    }
                    run = {"label": label, "technique": way, "seed": seed, **scores}
                    additions.append({**run, "minutes": after["minutes"]})
            figures = {
                "dataset": dataset,
                "steps": steps,
                "docs": n_docs,
                "added_steps": added_steps,
                "learn_rate": learn_rate,
                "seeds": all_seeds[: all_seeds.index(seed) + 1],
                "additions": additions,
                "run": {**machine(), "commit": commit()},
            }
            output_path.parent.mkdir(parents=True, exist_ok=True)
            with temporary_output(output_path) as path:
                srsly.write_json(path, figures)
                path.with_suffix(".md").write_text(describe(figures), encoding="utf8")
    typer.echo(describe(figures), nl=False)


def docs_of(path: Path) -> list[Doc]:
    """RETURNS (List[Doc]): The docs of a file."""
    return list(read_docs(path, spacy.blank("xx").vocab))


def write_docs(
    path: Path, docs: list[Doc], labels: Sequence[str], *, are_listed: bool = False
) -> None:
    """Write docs with the spans of some labels.

    path (Path): The file.
    docs (List[Doc]): The docs, which are changed.
    labels (Sequence[str]): The labels.
    are_listed (bool): Whether the docs list them as those they are annotated for.
    """
    for doc in docs:
        spans = [span for span in doc.spans[SPANS_KEY] if span.label_ in labels]
        doc.spans[SPANS_KEY] = spans
        if are_listed:
            doc.spans[SPANS_KEY].attrs["annotated_labels"] = list(labels)
    path.parent.mkdir(parents=True, exist_ok=True)
    with temporary_output(path) as temporary_path:
        DocBin(docs=docs).to_disk(temporary_path)


def compare(
    label: str,
    n_spans: Counter[str],
    before: Result,
    after: Result,
    on_all: Result,
    part: str,
) -> dict[str, float]:
    """Compare the scores before and after the addition of a label.

    label (str): The label.
    n_spans (Counter[str]): Gold spans by label. Only labels with gold spans count.
    before (Dict[str, Any]): The result of the training before.
    after (Dict[str, Any]): That of the addition.
    on_all (Dict[str, Any]): That of the training on all labels.
    part (str): "dev" or "test".
    RETURNS (Dict[str, float]): The mean F of the old labels before and after, also
        weighted by their spans; F of the new label, and its F after training on all.
    """

    def f(result: Result, name: str) -> float:
        # A label without gold and predicted spans has no score.
        return float(result[part]["spans_sc_per_type"].get(name, {"f": 0.0})["f"])

    old = [name for name in n_spans if name != label]
    total = sum(n_spans[name] for name in old)
    scores = {"new": f(after, label), "new_on_all": f(on_all, label)}
    for when, result in (("before", before), ("after", after)):
        scores[f"old_{when}"] = mean(f(result, name) for name in old)
        weighted = (n_spans[name] * f(result, name) for name in old)
        scores[f"old_by_spans_{when}"] = sum(weighted) / total
    return scores


def describe(figures: Result) -> str:
    """RETURNS (str): Markdown: what was trained where, and a row for each label and
    technique."""
    runs: dict[tuple[str, str], list[dict[str, float]]] = {}
    for addition in figures["additions"]:
        for label in (addition["label"], "**all**"):
            key = (label, addition["technique"])
            runs.setdefault(key, []).append(addition["test"])
    rows = []
    for (label, technique), scores in runs.items():
        change = [x["old_after"] - x["old_before"] for x in scores]
        by_spans = [x["old_by_spans_after"] - x["old_by_spans_before"] for x in scores]
        share = sum(x["new"] for x in scores) / sum(x["new_on_all"] for x in scores)
        rows.append(
            [
                label,
                technique,
                percent(mean_and_sd(x["old_before"] for x in scores)),
                percent(mean_and_sd(change)),
                percent(mean_and_sd(by_spans)),
                percent(mean_and_sd(x["new"] for x in scores)),
                percent(mean_and_sd(x["new_on_all"] for x in scores)),
                f"{100 * share:.0f}%",
            ]
        )
    rows.sort(key=lambda row: row[0] == "**all**")
    header = ["new label", "technique", "F of the others, mean", "change"]
    header += ["change, by spans", "F of the new label", "trained on all", "share"]
    run = figures["run"]
    where = ", ".join(f"{p} {run[p]}" for p in ("spacy-egp", "spacy", "thinc", "torch"))
    seeds = ", ".join(map(str, figures["seeds"]))
    return (
        f"{figures['dataset']}, test part: strict scores in percent, mean and standard "
        f"deviation (seeds {seeds}). {figures['steps']} steps without the label, then "
        f"{figures['added_steps']} steps with a learning rate of "
        f"{figures['learn_rate']:g} on {figures['docs']:,} other docs that are "
        f"annotated for it alone. {run['processor']} ({where}), commit "
        f"{run['commit']}.\n\n{markdown_table(header, rows)}"
    )


if __name__ == "__main__":
    typer.run(labels)
