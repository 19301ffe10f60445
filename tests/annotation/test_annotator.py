"""What a worker does with documents: one pipeline, batches by tokens, a limit."""

from itertools import chain

import pytest
import spacy
import srsly
from annotations import read_failed, read_rows
from spacy.language import Language

from spacy_egp.annotation.annotate import annotate
from spacy_egp.annotation.annotator import Settings, annotate_in_worker
from spacy_egp.annotation.corpus import cut_files
from spacy_egp.annotation.output import Output


def test_worker_loads_the_pipeline_once(model_path, texts_path, tmp_path, monkeypatch):
    """Whatever the engine, this is what its workers call for every part."""
    loaded = []
    load = spacy.load
    monkeypatch.setattr(spacy, "load", lambda path: loaded.append(path) or load(path))
    output = Output(str(tmp_path / "out"))
    output.begin({})
    settings = Settings(
        model=str(model_path),
        output=output.url,
        format="jsonl",
        text_column="text",
        spans_key="sc",
        max_chars=1000,
        batch_words=1000,
        gpu=0,
        schema=None,
    )
    for part in cut_files([texts_path.as_uri()], docs_per_part=20):
        annotate_in_worker(settings, part)
    assert loaded == [str(model_path)]
    assert len(read_rows(tmp_path / "out")) == 60


BATCHES: list[list[int]] = []


@Language.factory("record_batches")
class BatchRecorder:
    def __init__(self, nlp, name):
        pass

    def __call__(self, doc):
        return doc

    def pipe(self, stream, batch_size):
        docs = list(stream)
        BATCHES.append([len(doc) for doc in docs])
        yield from docs


def test_batches_have_about_as_many_words(trained_nlp, model_path, tmp_path):
    nlp = spacy.load(model_path)
    nlp.add_pipe("record_batches", last=True)
    nlp.to_disk(tmp_path / "model")
    lengths = [10] * 20 + [200] + [1] * 300
    path = tmp_path / "a.jsonl"
    srsly.write_jsonl(path, ({"text": " ".join("x" * n)} for n in lengths))
    BATCHES.clear()
    annotate(str(tmp_path / "model"), str(path), str(tmp_path / "out"), batch_words=100)
    batches = [batch for batch in BATCHES if batch != [1]]  # That was a check.
    assert sorted(chain.from_iterable(batches)) == sorted(lengths)
    assert [200] in batches
    assert all(50 <= sum(batch) <= 120 for batch in batches if batch != [200])


@pytest.mark.parametrize("n_process", [1, 2])
def test_a_million_characters(trained_nlp, model_path, tmp_path, n_process):
    """Reported beside the others, with the default settings."""
    path = tmp_path / "a.jsonl"
    texts = ["I like London.", "I like London. " * 66_667, "I like Berlin."]
    srsly.write_jsonl(path, [{"text": text} for text in texts])
    output = tmp_path / "out"
    summary = annotate(
        str(model_path), str(path), str(output), docs_per_part=1, n_process=n_process
    )
    assert [row["text"] for row in read_rows(output)] == [texts[0], texts[2]]
    assert summary.total.docs == 2
    [(source, reason)] = read_failed(output).items()
    assert source == f"{path.as_uri()}:2"
    assert "1000005 characters are more than the 100000 that --max-chars" in reason
