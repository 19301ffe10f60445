"""The made-up corpus and the lookup baseline, run as a user runs them."""

from pathlib import Path

import pytest
import spacy
import srsly
from conftest import run_script
from spacy.tokens import Doc, DocBin

SIZES = {"train": 400, "dev": 60, "test": 100}


def make_corpus(path: Path) -> str:
    """Write a small corpus and return the summary."""
    sizes = [arg for part, n in SIZES.items() for arg in (f"--{part}", n)]
    return run_script("demo.corpus", path, *sizes, "--seed", 0)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("corpus") / "assets"
    summary = make_corpus(path)
    assert "unseen strings" in summary
    return path


@pytest.fixture(scope="module")
def records(corpus) -> dict[str, list[dict]]:
    return {part: list(srsly.read_jsonl(corpus / f"{part}.jsonl")) for part in SIZES}


@pytest.fixture(scope="module")
def docs(records) -> dict[str, list[Doc]]:
    nlp = spacy.blank("en")
    docs = {part: [nlp.make_doc(r["text"]) for r in records[part]] for part in SIZES}
    for part in SIZES:
        for doc, record in zip(docs[part], records[part], strict=True):
            doc.spans["sc"] = [
                doc.char_span(span["start"], span["end"], span["label"])
                for span in record["spans"]
            ]
    return docs


def test_corpus_has_the_sizes_asked_for(corpus, records):
    assert {part: len(records[part]) for part in SIZES} == SIZES
    assert sorted(path.name for path in corpus.iterdir()) == [
        "dev.jsonl",
        "test.jsonl",
        "train.jsonl",
    ]


def test_same_seed_gives_the_same_bytes(corpus, tmp_path):
    make_corpus(tmp_path)
    for part in SIZES:
        expected = (corpus / f"{part}.jsonl").read_bytes()
        assert (tmp_path / f"{part}.jsonl").read_bytes() == expected


def test_spans_are_distinct_and_fit_the_tokens(records, docs):
    for part in SIZES:
        for record in records[part]:
            spans = [(s["start"], s["end"], s["label"]) for s in record["spans"]]
            assert len(set(spans)) == len(spans)
        assert all(span is not None for doc in docs[part] for span in doc.spans["sc"])


def test_spans_do_not_cross(docs):
    for doc in docs["train"]:
        for a in doc.spans["sc"]:
            for b in doc.spans["sc"]:
                assert not a.start < b.start < a.end < b.end, (a, b)


@pytest.mark.parametrize("part", SIZES)
def test_corpus_shows_what_nested_entities_are(docs, part):
    spans = [span for doc in docs[part] for span in doc.spans["sc"]]
    outer = {
        (a.label_, b.label_)
        for doc in docs[part]
        for a in doc.spans["sc"]
        for b in doc.spans["sc"]
        if a.start <= b.start and b.end <= a.end and len(b) < len(a)
    }
    depth = max(
        sum(span.start <= token.i < span.end for span in doc.spans["sc"])
        for doc in docs[part]
        for token in doc
    )
    assert len({span.label_ for span in spans}) >= 6
    assert depth >= 3
    assert {("ORG", "ORG"), ("PERSON", "PERSON"), ("ORG", "PLACE")} <= outer
    assert {("TITLE", "ORG"), ("PRODUCT", "ORG"), ("WORK", "PLACE")} <= outer
    assert any(len(span) >= 12 for span in spans)
    assert any(not doc.spans["sc"] for doc in docs[part])


def test_parts_share_no_sentence(records):
    texts = [record["text"] for part in SIZES for record in records[part]]
    assert len(set(texts)) == len(texts)


def test_parts_share_no_name(docs):
    names = {
        part: {
            token.text
            for doc in docs[part]
            for span in doc.spans["sc"]
            for token in span
            if len(span) == 1 and span.label_ != "TITLE"
        }
        for part in SIZES
    }
    assert len(names["test"]) > 50
    assert not names["train"] & names["dev"]
    assert not names["train"] & names["test"]
    assert not names["dev"] & names["test"]


def test_lookup_of_the_training_entities_does_not_solve_the_test(docs, tmp_path):
    for part in SIZES:
        DocBin(docs=docs[part]).to_disk(tmp_path / f"{part}.spacy")
    train, test = tmp_path / "train.spacy", tmp_path / "test.spacy"

    printed = run_script("demo.lookup", train, test, tmp_path / "test.json")
    scores = srsly.read_json(tmp_path / "test.json")
    assert set(scores) == {"spans_sc_p", "spans_sc_r", "spans_sc_f"}
    assert scores["spans_sc_f"] < 0.4
    assert len(printed.strip().splitlines()) == 1

    run_script("demo.lookup", train, train, tmp_path / "train.json")
    assert srsly.read_json(tmp_path / "train.json")["spans_sc_r"] > 0.95
