"""Helpers that read the output of `spacy egp annotate` for its tests."""

import json

import pyarrow.parquet as pq
import srsly
from spacy.tokens import DocBin
from spacy.vocab import Vocab


def read_files(folder):
    """The content of all files, by name."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def read_rows(folder, format="jsonl"):
    """The documents of all parts in order, their spans as dicts."""
    rows = []
    for path in sorted(folder.glob(f"part-*.{format}")):
        if format == "parquet":
            rows += pq.read_table(path).to_pylist()
        elif format == "jsonl":
            rows += [json.loads(line) for line in path.read_bytes().splitlines()]
        else:
            docs = DocBin().from_disk(path).get_docs(Vocab())
            rows += [
                {**doc.user_data, "text": doc.text, "spans": list_spans(doc)}
                for doc in docs
            ]
    return rows


def list_spans(doc):
    scores = doc.spans["sc"].attrs["scores"]
    return [
        {
            "start_char": span.start_char,
            "end_char": span.end_char,
            "text": span.text,
            "label": span.label_,
            "score": round(float(score), 6),
            "start_token": span.start,
            "end_token": span.end,
        }
        for span, score in zip(doc.spans["sc"], scores)
    ]


def read_failed(folder):
    """The reasons of the documents that failed, by source."""
    failures = [
        failure
        for path in sorted((folder / "_failed").iterdir())
        for failure in srsly.read_jsonl(path)
    ]
    return {failure["source"]: failure["reason"] for failure in failures}
