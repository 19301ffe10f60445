"""Measure `egp_ner` over a transformer: its share of the time, and the memory that long
docs take. Each command writes a JSON file with a table next to it."""

from collections.abc import Callable
from functools import partial, wraps
from itertools import cycle, islice
from pathlib import Path
from typing import Annotated, Any

import srsly
import torch
import typer
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example
from spacy.training.batchers import minibatch_by_padded_size
from spacy.util import fix_random_seed, load_config, load_model_from_config, registry
from thinc.api import Model
from thinc.types import Floats2d
from tqdm import tqdm

from scripts.benchmark.pipelines import make_examples
from scripts.shared.markdown_table import markdown_table
from scripts.shared.measuring import (
    commit,
    give_back_freed_memory,
    machine,
    memory_growth,
    portable,
    seconds,
    spread,
    use_device,
)
from scripts.shared.training import CONFIGS
from spacy_egp.corpora.writer import temporary_output
from spacy_egp.docbins import read_docs

CONFIG = CONFIGS / "egp_trf.cfg"
# Words of a padded batch.
BATCH_SIZE = 1000
# Words of the long docs.
WORDS = (2500, 5000, 10_000)

app = typer.Typer()
Transformer = Annotated[str, typer.Argument(help="Pretrained model: name or folder")]
Docs = Annotated[Path, typer.Argument(help="Annotated docs (.spacy)")]
Result = Annotated[Path, typer.Argument(help="JSON file to write")]
GpuId = Annotated[int, typer.Option(help="GPU to compute on, -1 for the CPU")]


class Stopwatch:
    """Adds up the seconds of functions.

    seconds (float): The sum.
    """

    def __init__(self) -> None:
        self.seconds = 0.0

    def timed(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """RETURNS (Callable): The same function, with its seconds added up."""

        @wraps(function)
        def run(*args: Any, **kwargs: Any) -> Any:
            results: list[Any] = []
            self.seconds += seconds(lambda: results.append(function(*args, **kwargs)))
            return results[0]

        return run


ENCODER_TIME = Stopwatch()


@registry.architectures("spacy-egp-project.timed_tok2vec.v1")
def timed_tok2vec(
    tok2vec: Model[list[Doc], list[Floats2d]],
) -> Model[list[Doc], list[Floats2d]]:
    """Add the seconds of a tok2vec layer, forward and backward, to `ENCODER_TIME`.

    tok2vec (Model[List[Doc], List[Floats2d]]): The layer.
    """

    def forward(
        model: Model, docs: list[Doc], is_train: bool
    ) -> tuple[list[Floats2d], Callable]:
        vectors, backprop = ENCODER_TIME.timed(tok2vec)(docs, is_train)
        return vectors, ENCODER_TIME.timed(backprop)

    return Model("timed_tok2vec", forward, layers=[tok2vec])


@app.command()
def share(
    transformer: Transformer,
    docs: Docs,
    result: Result,
    gpu_id: GpuId = -1,
    n_rounds: int = 20,
) -> None:
    """Measure the head's share of the time of training steps, and of predictions of the
    same docs."""
    use_device(gpu_id)
    torch.set_num_threads(1)
    nlp, examples = make_pipeline(transformer, docs)
    head, head_time = nlp.get_pipe("egp_ner"), Stopwatch()
    for method in ("update", "finish_update", "predict", "set_annotations"):
        setattr(head, method, head_time.timed(getattr(head, method)))
    optimizer = nlp.resume_training()
    shares: dict[str, list[float]] = {"training": [], "prediction": []}
    batches = cycle(minibatch_by_padded_size(examples, BATCH_SIZE))
    # The first round warms up.
    for batch in tqdm(list(islice(batches, n_rounds + 1)), unit=" rounds"):
        steps = {
            "training": partial(nlp.update, batch, sgd=optimizer, drop=0.1),
            "prediction": partial(predict, nlp, batch),
        }
        for phase, step in steps.items():
            head_time.seconds = ENCODER_TIME.seconds = 0.0
            whole = seconds(step)
            shares[phase].append((head_time.seconds - ENCODER_TIME.seconds) / whole)
    spreads = {phase: spread(values[1:]) for phase, values in shares.items()}
    rows = [
        [phase, *(f"{100 * value:.1f}%" for value in spread_of_phase.values())]
        for phase, spread_of_phase in spreads.items()
    ]
    table = markdown_table(["phase", "median", "least", "most"], rows)
    write(
        result,
        table,
        transformer=portable(transformer),
        rounds=n_rounds,
        share=spreads,
    )


@app.command()
def long(
    transformer: Transformer, docs: Docs, result: Result, gpu_id: GpuId = -1
) -> None:
    """Measure the memory that the prediction of one doc takes, by its length."""
    use_device(gpu_id)
    torch.set_num_threads(1)
    give_back_freed_memory()
    nlp, examples = make_pipeline(transformer, docs)
    words = cycle(token.text for example in examples for token in example.predicted)
    # What libraries allocate at their first use does not belong to the doc.
    nlp(Doc(nlp.vocab, list(islice(words, 100))))
    growth = {}
    for n_words in WORDS:
        doc = Doc(nlp.vocab, list(islice(words, n_words)))
        growth[n_words] = memory_growth(partial(nlp, doc))
    rows = [
        [f"{n_words:,}", f"{mb:,.0f}", f"{1000 * mb / n_words:.0f}"]
        for n_words, mb in growth.items()
    ]
    table = markdown_table(["words", "MB", "kB a word"], rows)
    write(result, table, transformer=portable(transformer), memory_mb=growth)


def make_pipeline(transformer: str, path: Path) -> tuple[Language, list[Example]]:
    """An untrained pipeline whose encoder is timed.

    transformer (str): Name or folder of the pretrained model.
    path (Path): Annotated docs.
    RETURNS (Tuple[Language, List[Example]]): The pipeline, and examples of the docs.
    """
    fix_random_seed(0)
    config = load_config(CONFIG, {"paths.transformer": transformer}).interpolate()
    model = config["components"]["egp_ner"]["model"]
    model["tok2vec"] = {
        "@architectures": "spacy-egp-project.timed_tok2vec.v1",
        "tok2vec": model["tok2vec"],
    }
    nlp = load_model_from_config(config)
    examples = make_examples(nlp, list(read_docs(path, nlp.vocab)))
    nlp.initialize(lambda: examples)
    return nlp, examples


def predict(nlp: Language, examples: list[Example]) -> None:
    """Predict the docs of examples, as `nlp.pipe` does."""
    docs = [Doc(nlp.vocab, [token.text for token in eg.predicted]) for eg in examples]
    list(nlp.pipe(docs))


def write(path: Path, table: str, **results: Any) -> None:
    """Write results with what they were measured on, and their table next to them."""
    run = {**machine(), "commit": commit()}
    with temporary_output(path) as temporary:
        srsly.write_json(temporary, {**results, "run": run})
        temporary.with_suffix(".md").write_text(table, encoding="utf8")


if __name__ == "__main__":
    app()
