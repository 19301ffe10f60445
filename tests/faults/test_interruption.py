"""Training that is killed or stopped, and output that cannot be written."""

import signal
import subprocess
import sys
from functools import partial
from threading import Timer

import pytest
import spacy
from annotations import read_files
from conftest import CONFIGS, NESTED_DATA, config_for, full_disk, make_examples
from spacy.tokens import DocBin
from spacy.training.initialize import init_nlp
from spacy.training.loop import train as train_loop
from typer.testing import CliRunner

from spacy_egp.cli import app

pytestmark = pytest.mark.faults

TIMEOUT = 300


@pytest.fixture
def training(corpus_path, tmp_path):
    """An endless `spacy train` after a checkpoint with some spans, and the row of the
    checkpoint in the log."""
    overrides = {
        "paths.train": corpus_path,
        "paths.dev": corpus_path,
        "training.dropout": 0.0,
        "training.patience": 0,
        "training.max_steps": 0,
        "training.eval_frequency": 20,
    }
    command = [sys.executable, "-u", "-m", "spacy", "train", CONFIGS / "egp_cnn.cfg"]
    command += ["--output", tmp_path]
    for name, value in overrides.items():
        command += [f"--{name}", value]
    process = subprocess.Popen(
        [*map(str, command)],
        text=True,
        stdout=subprocess.PIPE,
        # If the tests run in the background, they and their children ignore SIGINT.
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    )
    timer = Timer(TIMEOUT, process.kill)
    timer.start()
    rows = (line.split() for line in process.stdout)
    scores = ([float(x) for x in row[4:7]] for row in rows if row and row[0].isdigit())
    yield process, next(row for row in scores if min(row) > 0)
    timer.cancel()
    process.kill()
    process.wait()
    process.stdout.close()


def test_training_goes_on_after_sigkill(training, corpus_path, tmp_path):
    """The last checkpoint has the scores that it had, and can be trained further."""
    process, checkpoint = training
    process.kill()
    assert process.wait() == -signal.SIGKILL
    config = config_for(corpus_path, max_steps=20)
    for name in ("tok2vec", "egp_ner"):
        config["components"][name] = {"source": str(tmp_path / "model-last")}
    nlp = init_nlp(config)
    scores = nlp.evaluate(make_examples(nlp))
    found = [round(100 * scores[f"spans_sc_{measure}"], 2) for measure in "fpr"]
    assert found == checkpoint
    output = tmp_path / "resumed"
    output.mkdir()
    train_loop(nlp, output)
    resumed = spacy.load(output / "model-last")
    again = resumed.evaluate(make_examples(resumed))
    assert again["spans_sc_f"] >= scores["spans_sc_f"]


def test_sigint_leaves_a_pipeline(training, tmp_path):
    process, checkpoint = training
    process.send_signal(signal.SIGINT)
    process.stdout.read()
    assert process.wait() > 0
    nlp = spacy.load(tmp_path / "model-last")
    scores = nlp.evaluate(make_examples(nlp))
    assert 100 * scores["spans_sc_f"] >= checkpoint[0]


# Output that cannot be written: no command leaves a part of it under the final name.


def make_convert(model_path, corpus_path, output):
    return ["convert", corpus_path, output / "corpus.spacy", "--source-key", "sc"]


def make_convert_split(model_path, corpus_path, output):
    convert = make_convert(model_path, corpus_path, output)
    return [*convert, "--split", "0.5,0.5"]


def make_convert_folder(model_path, corpus_path, output):
    return ["convert", corpus_path, output / "corpus", "--source-key", "sc"]


def make_report(model_path, corpus_path, output):
    page = output / "report.html"
    return ["report", model_path, corpus_path, page, "--json", output / "report.json"]


def make_annotate(model_path, corpus_path, output, *options):
    return ["annotate", model_path, corpus_path, output / "annotated", *options]


def make_annotate_parquet(model_path, corpus_path, output):
    return make_annotate(model_path, corpus_path, output, "--format", "parquet")


def make_annotate_docbin(model_path, corpus_path, output):
    return make_annotate(model_path, corpus_path, output, "--format", "spacy")


COMMANDS = [
    make_convert,
    make_convert_split,
    make_convert_folder,
    make_report,
    make_annotate,
    make_annotate_parquet,
    make_annotate_docbin,
]


def run(command):
    return CliRunner().invoke(app, [*map(str, command)])


def final_files(folder):
    """The files and their content, without those that have temporary names."""
    return {
        name: content
        for name, content in read_files(folder).items()
        if not any(part.startswith(".") for part in name.split("/"))
    }


@pytest.fixture
def docs_path(tmp_path):
    """More text than fits on the full disk of the tests."""
    nlp = spacy.blank("en")
    docs = [example.reference for example in make_examples(nlp, NESTED_DATA * 50)]
    DocBin(docs=docs).to_disk(tmp_path / "docs.spacy")
    return tmp_path / "docs.spacy"


@pytest.mark.parametrize("make_command", COMMANDS)
def test_full_disk(make_command, model_path, docs_path, tmp_path):
    output = tmp_path / "out"
    command = make_command(model_path, docs_path, output)
    with full_disk(1000):
        result = run(command)
    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit), result.exception
    assert "File too large" in result.output
    assert set(final_files(output)) <= {"annotated/_manifest.json"}
    # Once there is space, the same command does all of its work.
    assert run(command).exit_code == 0
    expected = make_command(model_path, docs_path, tmp_path / "expected")
    assert run(expected).exit_code == 0
    assert set(read_files(output)) == set(final_files(tmp_path / "expected"))


@pytest.mark.parametrize("make_command", COMMANDS)
def test_unwritable_output(make_command, model_path, docs_path, tmp_path):
    """A file is where the folder should be. Permissions would not stop root."""
    (tmp_path / "file").write_text("mine")
    result = run(make_command(model_path, docs_path, tmp_path / "file" / "out"))
    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit), result.exception
    assert str(tmp_path / "file") in result.output.replace("\n", "")
    assert read_files(tmp_path) == {
        "docs.spacy": docs_path.read_bytes(),
        "file": b"mine",
    }


@pytest.mark.parametrize("make_command", [make_convert, make_report])
def test_full_disk_leaves_an_earlier_output_alone(
    make_command, model_path, docs_path, tmp_path
):
    output = tmp_path / "out"
    command = make_command(model_path, docs_path, output)
    assert run(command).exit_code == 0
    before = read_files(output)
    with full_disk(1000):
        assert run(command).exit_code == 1
    assert read_files(output) == before
