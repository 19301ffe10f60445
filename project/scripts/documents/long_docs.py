"""Measure the time and memory that `egp_ner` adds to its encoder for long docs."""

from functools import partial
from itertools import cycle, islice
from pathlib import Path
from typing import Annotated, Any

import spacy
import srsly
import torch
import typer
from spacy.language import Language
from spacy.tokens import Doc

from scripts.shared.markdown_table import markdown_table
from scripts.shared.measuring import (
    commit,
    give_back_freed_memory,
    interleaved,
    machine,
    memory_growth,
    portable,
    seconds,
)
from spacy_egp.corpora.writer import temporary_output
from spacy_egp.docbins import read_docs

N_TOKENS = (10_000, 30_000, 100_000)
# The largest text that spaCy accepts by default.
N_CHARS = 1_000_000
N_ROUNDS = 5


def long_docs(
    output_path: Annotated[Path, typer.Argument(help="JSON file to write")],
    model: Annotated[Path, typer.Option(help="Trained pipeline, egp_ner at its end")],
    data: Annotated[Path, typer.Option(help="Docs whose tokens are joined (.spacy)")],
) -> None:
    """Write the figures for docs of several lengths, as JSON and as a table."""
    torch.set_num_threads(1)
    nlp = spacy.load(model)
    docs = make_docs(nlp, data)
    for doc in docs:
        for _, pipe in nlp.pipeline[:-1]:
            pipe(doc)
    egp = nlp.get_pipe(nlp.pipe_names[-1])
    give_back_freed_memory()
    memory = [memory_growth(partial(egp, doc)) for doc in docs]
    times = interleaved(
        {i: partial(seconds, partial(egp, doc)) for i, doc in enumerate(docs)}, N_ROUNDS
    )
    rows = [
        {
            "tokens": len(doc),
            "characters": len(doc.text),
            "seconds": times[i],
            "memory_mb": memory[i],
        }
        for i, doc in enumerate(docs)
    ]
    with temporary_output(output_path) as path:
        run = {**machine(), "commit": commit()}
        srsly.write_json(path, {"model": portable(model), "docs": rows, "run": run})
        path.with_suffix(".md").write_text(long_docs_table(rows), encoding="utf8")


def make_docs(nlp: Language, data: Path) -> list[Doc]:
    """RETURNS (List[Doc]): Docs of `N_TOKENS` tokens, and one of `N_CHARS` characters.
    They repeat the tokens of a corpus."""
    corpus = list(read_docs(data, nlp.vocab))
    words = [token.text for doc in corpus for token in doc]
    n_chars = sum(len(word) + 1 for word in words)
    sizes = [*N_TOKENS, N_CHARS * len(words) // n_chars]
    return [Doc(nlp.vocab, list(islice(cycle(words), size))) for size in sizes]


def long_docs_table(rows: list[dict[str, Any]]) -> str:
    """RETURNS (str): Markdown, a row for each doc."""
    first = rows[0]["seconds"]["median"] / rows[0]["tokens"]
    cells = [
        [
            f"{row['tokens']:,}",
            f"{row['characters']:,}",
            f"{row['seconds']['median']:.2f}",
            f"{row['seconds']['median'] / row['tokens'] / first:.2f}",
            f"{row['memory_mb']:,.0f}",
        ]
        for row in rows
    ]
    header = ["tokens", "characters", "seconds", "per token, relative", "MB"]
    return markdown_table(header, cells)


if __name__ == "__main__":
    typer.run(long_docs)
