"""The memory of a training step over a transformer, by encoder, tokens in the batch and
labels: computed from their sizes, and measured if there is a GPU."""

from dataclasses import asdict, dataclass, replace
from functools import partial
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import srsly
import torch
import typer
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example
from spacy.util import load_config, load_model_from_config
from torch import Tensor
from torch.autograd.graph import saved_tensors_hooks
from torch.multiprocessing.reductions import StorageWeakRef
from tqdm import tqdm
from transformers import BertConfig, BertModel

from scripts.peers.recognizers import SPANS_KEY
from scripts.shared.markdown_table import markdown_table
from scripts.shared.measuring import (
    attempt,
    commit,
    give_back_freed_memory,
    in_process,
    machine,
    memory_growth,
    on_gpu,
    use_device,
)
from scripts.shared.random_bert import write_bert
from scripts.shared.training import CONFIGS
from spacy_egp.corpora.writer import temporary_output

CONFIG = CONFIGS / "egp_trf.cfg"
LARGE = {
    "vocab_size": 30522,
    "hidden_size": 1024,
    "num_hidden_layers": 24,
    "num_attention_heads": 16,
    "intermediate_size": 4096,
}
# The sizes of well-known encoders, as arguments of `BertConfig`.
ENCODERS: dict[str, dict[str, int]] = {
    "MiniLM-L6": {
        "vocab_size": 30522,
        "hidden_size": 384,
        "num_hidden_layers": 6,
        "intermediate_size": 1536,
    },
    "BERT base": {"vocab_size": 30522},
    "XLM-RoBERTa base": {"vocab_size": 250002},
    "BERT large": LARGE,
    "XLM-RoBERTa large": {**LARGE, "vocab_size": 250002},
}
# An encoder for steps that warm up.
SMALL = {"hidden_size": 24, "num_hidden_layers": 1}
TOKENS = (1024, 4096, 16384)
LABELS = (10, 1000)
# Tokens of a doc, each of one piece; the config's windows are as long.
WINDOW = 128
HEAD_SIZE = 64
# Without a GPU, larger cases are not measured.
MAX_MB = 2000


@dataclass(frozen=True)
class Case:
    """A batch, and what it is trained with.

    encoder (str): Name in `ENCODERS`.
    tokens (int): Word pieces in the batch.
    labels (int): Labels of `egp_ner`.
    """

    encoder: str
    tokens: int
    labels: int


def trf_memory(
    output_path: Annotated[Path, typer.Argument(help="JSON file to write")],
    gpu_id: Annotated[int, typer.Option(help="GPU to measure on, -1: none")] = -1,
) -> None:
    """Write the peaks of all cases to a JSON file, with a table next to it.

    Without a GPU, only small cases are measured, on the CPU, to check the computation.
    """
    use_device(gpu_id)
    cases = [Case(*sizes) for sizes in product(ENCODERS, TOKENS, LABELS)]
    results = []
    with TemporaryDirectory() as folder:
        for case in tqdm(cases, unit=" cases"):
            sizes = ENCODERS[case.encoder]
            result = {**asdict(case), "computed_mb": computed_memory(sizes, case)}
            step = (measure_memory, sizes, case, Path(folder), gpu_id)
            if on_gpu():
                # A GPU counts what is allocated, whatever was in use before.
                result |= attempt(*step)
            elif result["computed_mb"] < MAX_MB:
                result |= in_process(*step)
            results.append(result)
    run = {**machine(), "commit": commit()}
    with temporary_output(output_path) as path:
        srsly.write_json(path, {"cases": results, "run": run})
        table = memory_table(results)
        path.with_suffix(".md").write_text(table, encoding="utf8")


def computed_memory(sizes: dict[str, int], case: Case) -> float:
    """Compute the peak of a training step.

    sizes (Dict[str, int]): The encoder's sizes, as arguments of `BertConfig`.
    case (Case): The batch.
    RETURNS (float): MB for parameters, their gradients and both of Adam's moments; for
        what the encoder keeps for the backward pass; and for the head and its loss.
    """
    config = BertConfig(**sizes, attn_implementation="eager")
    with torch.device("meta"):
        model = BertModel(config)
    hidden = config.hidden_size
    n_parameters = sum(parameter.numel() for parameter in model.parameters())
    n_parameters += 2 * HEAD_SIZE * (hidden + 1) + 2 * case.labels * (2 * HEAD_SIZE + 1)
    # Arrays that exist at the same time in the backward pass of the loss: those of a
    # token's width, of queries and keys, of labels, and of token pairs.
    per_token = 2 * hidden + 8 * HEAD_SIZE + 10 * case.labels + 3 * WINDOW
    n_floats = 4 * n_parameters + case.tokens * per_token
    return (4 * n_floats + kept_bytes(model, case.tokens)) / 1e6


def kept_bytes(model: BertModel, tokens: int) -> int:
    """Bytes that a forward pass keeps for the backward pass, without parameters.

    model (BertModel): A model on PyTorch's device "meta", which has no values.
    tokens (int): Word pieces in the batch.
    RETURNS (int): The number of bytes.
    """
    kept: dict[StorageWeakRef, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        kept[StorageWeakRef(storage)] = storage.nbytes()
        return tensor

    pieces = torch.zeros((tokens // WINDOW, WINDOW), dtype=torch.long, device="meta")
    with saved_tensors_hooks(keep, lambda tensor: tensor):
        # What is kept must not be freed before it is counted.
        output = model.train()(pieces, torch.ones_like(pieces))
    for parameter in model.parameters():
        kept.pop(StorageWeakRef(parameter.untyped_storage()), None)
    del output
    return sum(kept.values())


def measure_memory(
    sizes: dict[str, int], case: Case, folder: Path, gpu_id: int
) -> dict[str, float]:
    """Measure the peak of two training steps with random weights: in the second, there
    are gradients and moments from the first.

    sizes (Dict[str, int]): The encoder's sizes, as arguments of `BertConfig`.
    case (Case): The batch.
    folder (Path): Where encoders are kept for later cases.
    gpu_id (int): GPU to compute on, -1 for the CPU.
    RETURNS (Dict[str, float]): MB that they add to the memory in use: of the process,
        or of the GPU.
    """
    use_device(gpu_id)
    torch.set_num_threads(1)
    give_back_freed_memory()
    small, path = folder / "small", folder / case.encoder
    for bert, sizes_of_bert in ((small, SMALL), (path, sizes)):
        if not bert.exists():
            write_bert(bert, ["word"], **sizes_of_bert)
    # What libraries allocate at their first use does not belong to the case.
    train_steps(small, replace(case, tokens=WINDOW))
    return {"measured_mb": memory_growth(partial(train_steps, path, case))}


def train_steps(bert: Path, case: Case) -> None:
    """Build a pipeline and train it for two steps.

    bert (Path): The folder of the encoder.
    case (Case): The batch.
    """
    config = load_config(CONFIG, {"paths.transformer": str(bert)}).interpolate()
    nlp = load_model_from_config(config)
    examples = [make_example(nlp, case) for _ in range(case.tokens // WINDOW)]
    head: Any = nlp.get_pipe("egp_ner")
    for i in range(case.labels):
        head.add_label(f"LABEL{i}")
    optimizer = nlp.initialize(lambda: examples)
    for _ in range(2):
        nlp.update(examples, sgd=optimizer)


def make_example(nlp: Language, case: Case) -> Example:
    """A doc of a window's length with spans of three tokens."""
    # Two pieces of a window are special pieces of the tokenizer.
    predicted, reference = (Doc(nlp.vocab, ["word"] * (WINDOW - 2)) for _ in range(2))
    reference.spans[SPANS_KEY] = [
        Span(reference, 10 * i, 10 * i + 3, f"LABEL{i % case.labels}")
        for i in range(WINDOW // 10)
    ]
    return Example(predicted, reference)


def memory_table(results: list[dict[str, Any]]) -> str:
    """A row for each encoder and number of labels, a column for each batch."""
    rows = []
    for encoder, labels in product(ENCODERS, LABELS):
        cells = [
            _format(result)
            for result in results
            if (result["encoder"], result["labels"]) == (encoder, labels)
        ]
        rows.append([encoder, f"{labels:,}", *cells])
    header = ["encoder", "labels", *(f"{n:,} tokens" for n in TOKENS)]
    return markdown_table(header, rows)


def _format(result: dict[str, Any]) -> str:
    computed = f"{result['computed_mb'] / 1000:.1f}"
    if "measured_mb" not in result:
        return computed
    return f"{computed} ({result['measured_mb'] / 1000:.1f})"


if __name__ == "__main__":
    typer.run(trf_memory)
