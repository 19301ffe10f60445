"""The heads alone: a training step and a prediction over given token vectors, by number
of tokens, labels and docs."""

import resource
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any, cast

import numpy as np
import spacy
from spacy.tokens import Doc, Span
from spacy.training import Example
from spacy.util import fix_random_seed, registry
from thinc.api import Adam, Model
from thinc.types import Floats2d

from scripts.peers.recognizers import COMPARED, SPANS_KEY, add_recognizer, annotate_ents
from scripts.shared.measuring import (
    in_process,
    interleaved,
    mean_seconds,
    memory_growth,
    on_gpu,
    seconds,
    spread,
    use_device,
)
from spacy_egp import blocks

WIDTH = 128
TOKENS_PER_SPAN = 10
TOKENS_PER_SENTENCE = 25
LONGEST_SPAN = 12
N_ROUNDS = 5
# A step that takes longer is measured once.
MAX_SECONDS_REPEATED = 4.0
# A head whose step takes longer is not measured at larger sizes.
MAX_SECONDS = 20.0
# Measurements that need more bytes are given up.
MAX_MEMORY = 6e9


@dataclass(frozen=True)
class Case:
    """A head's step over docs with the same number of tokens."""

    head: str
    phase: str
    docs: int
    tokens: int
    labels: int
    pairs_per_block: int = blocks.PAIRS_PER_BLOCK


BOUNDED = ("egp_ner, max_length 32", "egp_ner, within sentences")
POINTERS = ("egp_ner", "egp_ner, GlobalPointer", "dense")
# Sizes (docs, tokens of each, labels, pairs per block), and the heads by phase.
AXES: dict[str, tuple[list[tuple[int, ...]], dict[str, tuple[str, ...]]]] = {
    "tokens": (
        [(1, n, 10) for n in (32, 128, 512, 2048, 8192, 20_000, 100_000)],
        {
            "training": (*COMPARED, *BOUNDED),
            "prediction": (*COMPARED, *BOUNDED, "matrix product"),
        },
    ),
    "labels": (
        [(1, 512, n) for n in (1, 10, 100, 1000, 10_000)],
        {"training": COMPARED, "prediction": COMPARED},
    ),
    "docs": (
        [(n, 20, 10) for n in (1, 4, 16, 64, 256)],
        {"training": COMPARED, "prediction": COMPARED},
    ),
    "pairs_per_block": (
        [(1, 8192, 10, 2**n) for n in range(21, 11, -2)],
        {"training": ("egp_ner",), "prediction": ("egp_ner",)},
    ),
    # From the smallest to the largest tensor of labels times token pairs.
    "batches": (
        [
            (256, 20, 10),
            (8, 128, 10),
            (8, 128, 30),
            (8, 640, 10),
            (16, 512, 10),
            (2, 512, 100),
            (1, 16384, 10),
            (16, 512, 1000),
        ],
        {"loss": ("egp_ner", "dense"), "training": POINTERS, "prediction": POINTERS},
    ),
}


def measure_heads(gpu_id: int, seed: int) -> Iterator[dict[str, Any]]:
    """Measure all heads at all sizes of all axes.

    gpu_id (int): GPU to compute on, -1 for the CPU.
    seed (int): Random seed.
    YIELDS (Dict[str, Any]): A case with its seconds (median, min, max) and the growth
        of memory in MB, or the reason why it was given up.
    """
    for axis, (sizes, heads_by_phase) in AXES.items():
        for phase, heads in heads_by_phase.items():
            active = list(heads)
            for size in sizes:
                cases = [Case(head, phase, *size) for head in active]
                results = {c: in_process(_measure_once, c, gpu_id, seed) for c in cases}
                steps = {
                    case: partial(mean_seconds, make_step(case, seed))
                    for case, result in results.items()
                    if _median(result) <= MAX_SECONDS_REPEATED
                }
                for case, times in interleaved(steps, N_ROUNDS).items():
                    results[case]["seconds"] = times
                for case, result in results.items():
                    yield {"axis": axis, **asdict(case), **result}
                active = [
                    case.head
                    for case, result in results.items()
                    if _median(result) <= MAX_SECONDS
                ]


def _median(result: dict[str, Any]) -> float:
    """Seconds of a case, infinite if it was given up."""
    return float(result["seconds"]["median"]) if "seconds" in result else np.inf


def _measure_once(case: Case, gpu_id: int, seed: int) -> dict[str, Any]:
    use_device(gpu_id)
    if not on_gpu():
        resource.setrlimit(resource.RLIMIT_DATA, (int(MAX_MEMORY), -1))
    # What libraries allocate at their first use does not belong to the case.
    make_step(replace(case, docs=1, tokens=8), seed)()
    step = make_step(case, seed)
    times: list[float] = []
    memory = memory_growth(lambda: times.append(seconds(step)))
    return {
        "seconds": spread(times),
        "memory_mb": memory,
    }


def make_step(case: Case, seed: int) -> Callable[[], Any]:
    """What a phase does with random docs. "training": a step, with that of the
    optimizer; "prediction"; "loss": only the scores and loss of given pointer features,
    with the gradient."""
    recognizer, examples = make_recognizer(case, seed)
    docs = [example.predicted for example in examples]

    def compute_loss() -> None:
        recognizer.get_loss(examples, features)

    def train() -> None:
        recognizer.update(examples, sgd=optimizer)

    def predict() -> None:
        recognizer.set_annotations(docs, recognizer.predict(docs))

    optimizer = Adam(0.001)
    features = recognizer.model.predict(docs) if case.phase == "loss" else None
    step = {"loss": compute_loss, "training": train, "prediction": predict}[case.phase]

    def step_in_blocks() -> None:
        blocks.PAIRS_PER_BLOCK = case.pairs_per_block
        step()

    return step_in_blocks


def make_recognizer(
    case: Case, seed: int, raggedness: float = 0.0
) -> tuple[Any, list[Example]]:
    """An initialized recognizer and its random docs. Their lengths differ from that of
    the case by up to a share of it."""
    fix_random_seed(seed)
    nlp = spacy.blank("xx")
    tok2vec = {"@architectures": "benchmark.GivenVectors.v1", "width": WIDTH}
    recognizer = add_recognizer(nlp, case.head, tok2vec)
    for i in range(case.labels):
        recognizer.add_label(f"LABEL{i}")
    rng = np.random.default_rng(seed)
    shares = np.linspace(1 - raggedness, 1 + raggedness, case.docs)
    examples = [
        _random_example(
            nlp.vocab, replace(case, tokens=round(case.tokens * share)), rng
        )
        for share in shares
    ]
    nlp.initialize(lambda: examples)
    return recognizer, examples


def _random_example(
    vocab: spacy.Vocab, case: Case, rng: np.random.Generator
) -> Example:
    words = ["word"] * case.tokens
    sentence_starts: list[Any] = [
        i % TOKENS_PER_SENTENCE == 0 for i in range(case.tokens)
    ]
    predicted, reference = (
        Doc(vocab, words=words, sent_starts=sentence_starts) for _ in range(2)
    )
    predicted.tensor = rng.normal(size=(case.tokens, WIDTH)).astype("float32")
    n_spans = max(1, case.tokens // TOKENS_PER_SPAN)
    starts = rng.integers(0, case.tokens, n_spans)
    sentence_ends = (starts // TOKENS_PER_SENTENCE + 1) * TOKENS_PER_SENTENCE
    ends = starts + rng.integers(1, LONGEST_SPAN + 1, n_spans)
    ends = np.minimum(ends, np.minimum(sentence_ends, case.tokens))
    labels = rng.integers(0, case.labels, n_spans)
    reference.spans[SPANS_KEY] = [
        Span(reference, start, end, f"LABEL{label}")
        for start, end, label in zip(starts, ends, labels, strict=True)
    ]
    annotate_ents(reference)
    return Example(predicted, reference)


@registry.architectures("benchmark.GivenVectors.v1")
def given_vectors(width: int) -> Model[list[Doc], list[Floats2d]]:
    """A tok2vec layer that does no work: the vectors are those of `doc.tensor`."""

    def forward(
        model: Model, docs: list[Doc], is_train: bool
    ) -> tuple[list[Floats2d], Callable]:
        vectors = [model.ops.asarray2f(cast(Floats2d, doc.tensor)) for doc in docs]
        return vectors, lambda d_vectors: []

    return Model("given_vectors", forward, dims={"nO": width})
