import json
import os
import re
import subprocess
import sys

import pytest
import srsly
from annotations import read_files, read_rows
from conftest import words_of
from typer.testing import CliRunner

from spacy_egp.annotation.annotate import annotate
from spacy_egp.annotation.documents import Failure
from spacy_egp.annotation.summary import Counts, Summary
from spacy_egp.cli import app
from spacy_egp.cli.annotate import print_summary


def run(*args):
    return CliRunner().invoke(app, ["annotate", *map(str, args)])


def run_captured(capsys, *args):
    """What a run writes to each of stdout and stderr: before click 8.2, `CliRunner`
    mixes them."""
    app(["annotate", *map(str, args)], standalone_mode=False)
    return capsys.readouterr()


def test_summary(model_path, texts_path, tmp_path):
    result = run(model_path, texts_path, tmp_path / "out", "--docs-per-part", "25")
    assert result.exit_code == 0, result.output
    rows = read_rows(tmp_path / "out")
    n_spans = sum(len(row["spans"]) for row in rows)
    summary = dict(
        line.split(None, 1) for line in result.output.splitlines() if " " in line
    )
    assert summary["Docs"].strip() == "60"
    assert summary["Spans"].strip() == str(n_spans)
    assert "Saved 3 part(s)" in result.output
    assert str(tmp_path / "out") in result.output.replace("\n", "")


def test_json_summary(model_path, texts_path, tmp_path):
    json_path = tmp_path / "new" / "summary.json"
    arguments = (model_path, texts_path, tmp_path / "out", "--json", json_path)
    result = run(*arguments)
    assert result.exit_code == 0 and "Saved 1 part(s)" in result.output
    summary = srsly.read_json(json_path)
    rows = read_rows(tmp_path / "out")
    assert summary["total"]["docs"] == summary["run"]["docs"] == len(rows)
    labels = [span["label"] for row in rows for span in row["spans"]]
    assert summary["total"]["labels"] == {
        label: labels.count(label) for label in set(labels)
    }
    run(*arguments)
    again = srsly.read_json(json_path)
    assert again["total"] == summary["total"]
    assert again["run"]["docs"] == 0


def test_progress(model_path, texts_path, tmp_path, capsys):
    """Even without a terminal, as the output of a long run goes to a file."""
    arguments = (model_path, texts_path, tmp_path / "out", "--docs-per-part", "25")
    last = run_captured(capsys, *arguments).err.rpartition("\r")[2]
    assert re.search(r"60/60 \[00:\d\d<00:00, .+ docs/s, [\d,]+ words/s\]", last)


def test_exit_code_tells_of_failed_documents(model_path, tmp_path):
    path = tmp_path / "a.jsonl"
    srsly.write_jsonl(path, [{"text": "x" * 11}, {"text": "I like London."}])
    options = ("--max-chars", "20", "--format", "spacy")
    assert run(model_path, path, tmp_path / "all", *options).exit_code == 0
    for _ in range(2):
        # Even if all parts are already there.
        result = run(model_path, path, tmp_path / "some", "--max-chars", "10")
        assert result.exit_code == 1
        assert "2 document(s) failed" in result.output
        assert "a.jsonl:2" in result.output


def test_options_reach_the_annotation(model_path, texts_path, tmp_path):
    options = {
        "threshold": {"LOC": 0.9},
        "max_length": 1,
        "max_chars": 30,
        "max_seconds": 60.0,
    }
    arguments = [
        word
        for name, value in options.items()
        for word in (f"--{name.replace('_', '-')}", json.dumps(value))
    ]
    run(model_path, texts_path, tmp_path / "out", *arguments, "-f", "doccano")
    paths = (str(model_path), str(texts_path), str(tmp_path / "expected"))
    annotate(*paths, **options, format="doccano")
    assert read_files(tmp_path / "out") == read_files(tmp_path / "expected")


def test_what_is_tried_again_is_said(capsys):
    counts = Counts()
    counts.add_failures(
        [Failure("a:1", "MemoryError", temporary=True), Failure("a:2", "no text")]
    )
    summary = Summary("out", total=counts)
    print_summary(summary)
    shown = " ".join(capsys.readouterr().out.split())
    assert "2 document(s) failed" in shown
    assert "Memory or time ran out for 1 of them" in shown


@pytest.mark.parametrize(
    "options, message",
    [
        (["--format", "xml"], "[EGP101] Unknown format 'xml'"),
        (
            ["--text-column", "body", "--engine", "spark"],
            "[EGP101] Unknown engine 'spark'",
        ),
    ],
)
def test_bad_settings_give_one_message(
    model_path, texts_path, tmp_path, options, message
):
    result = run(model_path, texts_path, tmp_path / "out", *options)
    assert result.exit_code == 1
    assert message in words_of(result)
    assert isinstance(result.exception, SystemExit)


def test_names_that_are_no_unicode(model_path, tmp_path, capsys):
    path = tmp_path / os.fsdecode(b"a\xff.jsonl")
    srsly.write_jsonl(path, [{"text": 7}, {"text": "I like London."}])
    json_path = tmp_path / "summary.json"
    result = run(model_path, path, tmp_path / "out", "--json", json_path)
    assert result.exit_code == 1 and r"a\udcff.jsonl:1" in result.output
    assert r"a\udcff.jsonl:1" in json_path.read_text("utf8")


def test_what_others_have_named_does_not_control_the_terminal(model_path, tmp_path):
    escape = "\x1b]0;owned\x07"
    path = tmp_path / f"a{escape}.jsonl"
    srsly.write_jsonl(path, [{"text": 7, escape: 1}, {"text": "I like London."}])
    results = [
        run(model_path, path, tmp_path / f"out{escape}"),
        run(model_path, path, tmp_path / "other", "--text-column", escape, "-e", "x"),
        run(model_path, f"{path}.gone", tmp_path / "other"),
    ]
    for result in results:
        assert result.exit_code == 1
        assert not {"\x1b]", "\x07"} & set(result.output)
        assert "\x1b]" not in result.output
    assert r"\x1b" in words_of(results[0])


def test_stdout(model_path, texts_path, tmp_path):
    """The documents and nothing else, in the order of the input."""
    command = [sys.executable, "-m", "spacy", "egp", "annotate", model_path, texts_path]
    options = ["--docs-per-part", "25", "--n-process", "2"]
    result = subprocess.run([*command, "-", *options], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    annotate(str(model_path), str(texts_path), str(tmp_path / "out"))
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert lines == read_rows(tmp_path / "out")
    assert "Annotated corpus" in result.stderr


def test_format_that_is_not_for_stdout(model_path, texts_path, capsys):
    with pytest.raises(SystemExit):
        run_captured(capsys, model_path, texts_path, "-", "--format", "spacy")
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "[EGP325] The format spacy" in " ".join(captured.err.split())
