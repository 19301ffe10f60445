"""What a worker does with documents: one pipeline, batches by tokens, a limit."""

import shutil
from itertools import chain
from weakref import WeakSet

import pytest
import spacy
import srsly
from annotations import list_spans, read_failed, read_rows
from conftest import transformer_config
from spacy.language import Language
from spacy.training.initialize import init_nlp
from thinc.api import Config

from spacy_egp.annotation import annotator, rows
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
        threshold=None,
        max_length=None,
        max_chars=1000,
        max_seconds=1000,
        batch_words=1000,
        gpu=0,
        code=None,
        schema=None,
    )
    for part in cut_files([str(texts_path)], docs_per_part=20):
        annotate_in_worker(settings, part)
    assert loaded == [str(model_path)]
    assert len(read_rows(tmp_path / "out")) == 60


RULER = {"spans_key": "sc", "overwrite": False, "annotate_ents": False}
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
    batches = [batch for batch in BATCHES if batch != [1]]  # [1] was a check.
    assert sorted(chain.from_iterable(batches)) == sorted(lengths)
    assert [200] in batches
    assert all(50 <= sum(batch) <= 120 for batch in batches if batch != [200])


def test_order_stays_whatever_the_lengths(trained_nlp, model_path, tmp_path):
    """Even around documents that are larger than a batch, or that fail."""
    lengths = [1, 3, 30, 2, 0, 90, 1, 1, 7, 30, 4, 10, 11, 9, 1]
    rows = [{"id": i, "text": "London " * n} for i, n in enumerate(lengths)]
    rows.insert(5, {"id": "failed", "text": None})
    path = tmp_path / "a.jsonl"
    srsly.write_jsonl(path, rows)
    output = tmp_path / "out"
    annotate(str(model_path), str(path), str(output), batch_words=10)
    written = read_rows(output)
    assert [row["id"] for row in written] == list(range(len(lengths)))
    for row in written:
        assert row["spans"] == list_spans(trained_nlp(row["text"]))


LIVE: WeakSet = WeakSet()
MOST_LIVE: list[int] = []


class Payload:
    """What a component computes for a doc. Its size does not matter here."""


@Language.component("add_payload")
def add_payload(doc):
    doc.user_data[("._.", "payload", None, None)] = payload = Payload()
    LIVE.add(payload)
    MOST_LIVE.append(len(LIVE))
    return doc


@pytest.mark.parametrize("format", ["jsonl", "parquet"])
def test_memory_is_that_of_a_batch(model_path, tmp_path, format):
    """Not that of a part: of its 200 docs, no more than two batches of 10 are alive."""
    nlp = spacy.load(model_path)
    nlp.add_pipe("add_payload")
    nlp.to_disk(tmp_path / "model")
    path = tmp_path / "a.jsonl"
    srsly.write_jsonl(path, ({"text": "I like London ."} for _ in range(200)))
    MOST_LIVE.clear()
    annotate(
        str(tmp_path / "model"),
        str(path),
        str(tmp_path / "out"),
        format=format,
        batch_words=40,
    )
    assert len(MOST_LIVE) == 201  # One of them was a check.
    assert max(MOST_LIVE) <= 2 * 12


@pytest.fixture(scope="session")
def trf_path(bert_path, corpus_path, tmp_path_factory):
    """The folder of a pipeline over a transformer."""
    config = transformer_config("egp_trf", bert_path)
    config["paths"].update(train=str(corpus_path), dev=str(corpus_path))
    nlp = init_nlp(config)
    path = tmp_path_factory.mktemp("trf") / "model"
    nlp.to_disk(path)
    return path


@pytest.mark.parametrize("format", ["jsonl", "spacy"])
def test_docs_have_no_tensors(trf_path, texts_path, tmp_path, monkeypatch, format):
    """The output of the transformer is dropped before a doc is written."""
    docs = []
    make_writer = annotator.make_writer

    def make_recorder(*settings):
        writer = make_writer(*settings)
        encode = writer.encode
        writer.encode = lambda record, doc: docs.append(doc) or encode(record, doc)
        return writer

    monkeypatch.setattr(annotator, "make_writer", make_recorder)
    assert spacy.load(trf_path)("London")._.trf_data.tensors  # There is some to drop.
    output = tmp_path / "out"
    annotate(str(trf_path), str(texts_path), str(output), format=format)
    assert len(docs) == len(read_rows(output, format)) == 60
    assert not any(doc.tensor.size or doc._.trf_data for doc in docs)


def test_a_million_characters(model_path, tmp_path):
    """They are annotated with the default settings. One more is an error."""
    sentence = "I like London and Berlin. "
    text = (sentence * 40_000)[:1_000_000]
    texts = ["I like London.", text, f"{text}x", "I like Berlin."]
    path = tmp_path / "a.jsonl"
    srsly.write_jsonl(path, [{"text": text} for text in texts])
    output = tmp_path / "out"
    summary = annotate(str(model_path), str(path), str(output))
    written = read_rows(output)
    assert [row["text"] for row in written] == [texts[0], texts[1], texts[3]]
    assert summary.total.labels["PLACES"] > 30_000
    [(source, reason)] = read_failed(output).items()
    assert source == f"{path}:3"
    assert "1000001 characters, but --max-chars allows 1000000" in reason


@pytest.mark.parametrize("n_process", [1, 2])
def test_threshold_and_max_length(model_path, texts_path, tmp_path, n_process):
    """Those of the command apply in every worker, and a run depends on them."""
    nlp = spacy.load(model_path)
    texts = [row["text"] for row in srsly.read_jsonl(texts_path)]
    everything = [list_spans(doc) for doc in nlp.pipe(texts)]
    scores = sorted({span["score"] for spans in everything for span in spans})
    # Between two scores, because scores are rounded.
    threshold = (scores[1] + scores[2]) / 2
    expected = [
        [
            span
            for span in spans
            if span["score"] > threshold
            and span["end_token"] - span["start_token"] <= 2
        ]
        for spans in everything
    ]
    assert 0 < sum(map(len, expected)) < sum(map(len, everything))
    arguments = (str(model_path), str(texts_path), str(tmp_path / "out"))
    workers = {"n_process": n_process, "docs_per_part": 30}
    annotate(*arguments, **workers, threshold=threshold, max_length=2)
    assert [row["spans"] for row in read_rows(tmp_path / "out")] == expected
    with pytest.raises(FileExistsError, match="EGP413.*threshold was"):
        annotate(*arguments, **workers, max_length=2)


def test_threshold_and_max_length_that_are_not_possible(
    model_path, texts_path, tmp_path
):
    arguments = (str(model_path), str(texts_path), str(tmp_path / "out"))
    with pytest.raises(ValueError, match="EGP001.*1.5"):
        annotate(*arguments, threshold=1.5)
    with pytest.raises(ValueError, match="EGP003.*0"):
        annotate(*arguments, max_length=0)
    nlp = spacy.blank("en")
    nlp.add_pipe("span_ruler", config=RULER)
    nlp.to_disk(tmp_path / "ruler")
    for setting in ("threshold", "max_length"):
        option = setting.replace("_", "-")
        with pytest.raises(ValueError, match=f"EGP438.*--{option}.*span_ruler"):
            annotate(str(tmp_path / "ruler"), *arguments[1:], **{setting: 1})


@pytest.mark.parametrize("format", ["jsonl", "parquet"])
def test_spans_without_a_score(trained_nlp, model_path, tmp_path, format):
    """A ruler adds its spans after those of egp_ner. Only the latter have scores."""
    nlp = spacy.load(model_path)
    ruler = nlp.add_pipe("span_ruler", config=RULER)
    ruler.add_patterns([{"label": "VERB", "pattern": "like"}])
    nlp.to_disk(tmp_path / "model")
    path = tmp_path / "a.jsonl"
    srsly.write_jsonl(path, [{"text": "I like London and Berlin."}])
    output = tmp_path / "out"
    summary = annotate(str(tmp_path / "model"), str(path), str(output), format=format)
    assert not summary.total.failed.count
    [row] = read_rows(output, format)
    scored = [span for span in row["spans"] if span["score"] is not None]
    assert scored == list_spans(trained_nlp("I like London and Berlin."))
    [added] = [span for span in row["spans"] if span["score"] is None]
    assert (added["label"], added["start_char"], added["end_char"]) == ("VERB", 2, 6)


@pytest.mark.parametrize(
    "given, expected",
    [
        ([0.5], [0.5, None, None]),
        # It is not clear whose scores these are.
        ([0.5] * 4, [None] * 3),
        ([0.5, float("nan"), float("inf")], [0.5, None, None]),
        ([], [None] * 3),
        (None, [None] * 3),
    ],
)
def test_scores_that_do_not_fit_the_spans(given, expected):
    doc = spacy.blank("en")("a b c")
    doc.spans["sc"] = [doc[i : i + 1] for i in range(3)]
    if given is not None:
        doc.spans["sc"].attrs["scores"] = given
    assert [span["score"] for span in rows.list_spans(doc, "sc")] == expected


CODE = """
from spacy.language import Language

@Language.component("remember")
def remember(doc):
    doc.user_data["remembered"] = doc.text
    return doc
"""


@pytest.fixture
def code_path(tmp_path):
    path = tmp_path / "my.py"
    path.write_text(CODE)
    return path


@pytest.fixture
def code_model_path(model_path, tmp_path):
    """A pipeline that cannot be loaded without `CODE`, which this process lacks."""
    path = tmp_path / "code_model"
    shutil.copytree(model_path, path)
    config = Config().from_disk(path / "config.cfg", interpolate=False)
    config["nlp"]["pipeline"].append("remember")
    config["components"]["remember"] = {"factory": "remember"}
    config.to_disk(path / "config.cfg")
    return path


@pytest.mark.parametrize("engine", ["local", "ray"])
def test_each_worker_imports_the_code(
    code_model_path, code_path, texts_path, tmp_path, engine
):
    paths = (str(code_model_path), str(texts_path), str(tmp_path / "out"))
    with pytest.raises(ValueError, match="E002.*remember"):
        annotate(*paths)
    settings = {"engine": engine, "n_process": 2, "docs_per_part": 30}
    annotate(*paths, **settings, format="spacy", code=str(code_path))
    written = read_rows(tmp_path / "out", "spacy")
    assert [row["remembered"] for row in written] == [row["text"] for row in written]
    # The output depends on the code.
    code_path.write_text(CODE + "\n# changed")
    with pytest.raises(FileExistsError, match="EGP413.*code was"):
        annotate(*paths, **settings, format="spacy", code=str(code_path))


def test_code_with_errors(model_path, texts_path, tmp_path):
    arguments = (str(model_path), str(texts_path), str(tmp_path / "out"))
    with pytest.raises(FileNotFoundError, match="EGP428.*no.py"):
        annotate(*arguments, code=str(tmp_path / "no.py"))
    (tmp_path / "bad.py").write_text("1 / 0")
    with pytest.raises(ImportError, match="EGP429.*bad.py.*ZeroDivisionError"):
        annotate(*arguments, code=str(tmp_path / "bad.py"))
