"""Hide some labels of each doc of a corpus, as in a corpus merged from parts that were
annotated for different labels."""

from pathlib import Path
from typing import Annotated

import numpy as np
import spacy
import typer
from spacy.tokens import DocBin

from scripts.peers.recognizers import SPANS_KEY
from spacy_egp.docbins import read_docs


def hide_labels(
    input_path: Annotated[Path, typer.Argument(help="Annotated docs (.spacy)")],
    output_path: Annotated[Path, typer.Argument(help="Docs to write (.spacy)")],
    share: Annotated[float, typer.Option(help="Part of the labels to hide")] = 0.5,
    as_negatives: Annotated[
        bool, typer.Option(help="Do not tell which labels a doc is annotated for")
    ] = False,
    seed: Annotated[int, typer.Option(help="Random seed")] = 0,
) -> None:
    """Remove the spans of labels that are drawn for each doc. The others are listed in
    the spans' attrs["annotated_labels"], which `egp_ner` reads."""
    docs = list(read_docs(input_path, spacy.blank("xx").vocab))
    labels = sorted({span.label_ for doc in docs for span in doc.spans[SPANS_KEY]})
    rng = np.random.default_rng(seed)
    for doc in docs:
        hidden = rng.choice(labels, round(share * len(labels)), replace=False)
        kept = [span for span in doc.spans[SPANS_KEY] if span.label_ not in hidden]
        doc.spans[SPANS_KEY] = kept
        if not as_negatives:
            annotated = [label for label in labels if label not in hidden]
            doc.spans[SPANS_KEY].attrs["annotated_labels"] = annotated
    DocBin(docs=docs).to_disk(output_path)


if __name__ == "__main__":
    typer.run(hide_labels)
