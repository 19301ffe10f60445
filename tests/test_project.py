"""The project's workflows, as the README runs them."""

import re
import shutil
import subprocess
import sys
from importlib.metadata import distributions

import pytest
import spacy
import srsly
from conftest import NESTED_DATA, PROJECT, needs_gpu, spans_of

import spacy_egp


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A copy of the project and the configs, without the files of earlier runs."""
    root = tmp_path_factory.mktemp("demo")
    made = ("assets", "corpus", "training", "metrics", "packages", "project.lock")
    shutil.copytree(PROJECT, root / "project", ignore=shutil.ignore_patterns(*made))
    shutil.copytree(PROJECT.parent / "configs", root / "configs")
    return root / "project"


def run_workflow(project, name, *overrides):
    command = [sys.executable, "-m", "spacy", "project", "run", name, str(project)]
    result = subprocess.run([*command, *overrides], capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


@pytest.fixture(scope="module")
def demo(project):
    """The project after the demo."""
    run_workflow(project, "all")
    return project


def test_demo(demo):
    """F of at least 0.90 on held-out entities that a lookup does not know."""
    scores = srsly.read_json(demo / "metrics" / "demo.json")
    lookup = srsly.read_json(demo / "metrics" / "demo-lookup.json")
    assert scores["spans_sc_f"] >= 0.90
    assert lookup["spans_sc_f"] < 0.3
    assert len(scores["spans_sc_per_type"]) >= 6
    table = (demo / "metrics" / "demo.md").read_text(encoding="utf8")
    assert f"| egp_ner | **all** | {100 * scores['spans_sc_f']:.1f} |" in table
    page = (demo / "metrics" / "demo.html").read_text(encoding="utf8")
    assert f"egp_ner: F {100 * scores['spans_sc_f']:.1f} on " in page
    assert 'aria-label="Scores on the development docs by training step"' in page


def test_readme_example(demo):
    """The code of the README prints what the README says."""
    readme = (PROJECT.parent / "README.md").read_text(encoding="utf8")
    code, output = re.search(
        r"```python\n(.*?)```\n\n```text\n(.*?)```", readme, re.DOTALL
    ).groups()
    command = [sys.executable, "-c", code]
    result = subprocess.run(command, capture_output=True, text=True, cwd=demo.parent)
    assert result.stdout == output, result.stderr


@pytest.fixture(scope="module")
def cmeee(project):
    """The project after the workflow of a corpus, on a few sentences in the format of
    CMeEE, without network."""
    record = {
        "text": "小儿肺炎的病因",
        "entities": [
            {"start_idx": 0, "end_idx": 3, "type": "dis", "entity": "小儿肺炎"},
            {"start_idx": 2, "end_idx": 2, "type": "bod", "entity": "肺"},
        ],
    }
    (project / "assets" / "cmeee").mkdir(parents=True)
    for part in ("train", "dev"):
        path = project / "assets" / "cmeee" / f"CMeEE_{part}.json"
        srsly.write_json(path, [record] * 40)
    config = (project.parent / "configs" / "egp_cnn.cfg").read_text(encoding="utf8")
    # Training is over before the config's first evaluation.
    config = config.replace("eval_frequency = 200", "eval_frequency = 50")
    (project.parent / "configs" / "short.cfg").write_text(config, encoding="utf8")
    run_workflow(project, "cmeee", "--vars.config", "short", "--vars.steps", "100")
    return project


def test_workflow_of_a_corpus(cmeee):
    scores = srsly.read_json(cmeee / "metrics" / "cmeee.json")
    assert scores["spans_sc_f"] == 1.0
    assert set(scores["spans_sc_per_type"]) == {"dis", "bod"}
    assert (cmeee / "metrics" / "cmeee.html").exists()
    table = (cmeee / "metrics" / "cmeee.md").read_text(encoding="utf8")
    assert "| egp_ner | **all** | 100.0 |" in table


def test_package(project, model_path, tmp_path, monkeypatch):
    """The wheel has the pipeline, the model card and its requirements."""
    shutil.copytree(model_path, project / "training" / "germeval" / "model-best")
    (project / "metrics").mkdir(exist_ok=True)
    srsly.write_json(
        project / "metrics" / "germeval.json", {"spans_sc_f": 0.625, "speed": 1000.0}
    )
    (project / "metrics" / "germeval.md").write_text("| all | 62.5 |\n", "utf8")
    run_workflow(project, "germeval-package")
    [wheel] = (project / "packages" / "germeval").glob("*/dist/*.whl")
    command = [sys.executable, "-m", "pip", "install", "--no-deps", "--target"]
    subprocess.run([*command, str(tmp_path), str(wheel)], check=True)

    monkeypatch.syspath_prepend(tmp_path)
    nlp = spacy.load("en_nested_germeval")
    for text, spans in NESTED_DATA:
        assert set(spans_of(nlp(text))) == set(spans)
    assert nlp.meta["performance"] == {"spans_sc_f": 0.625}
    [info] = distributions(path=[str(tmp_path)])
    assert info.version == spacy_egp.__version__
    assert any(requirement.startswith("spacy-egp<") for requirement in info.requires)
    assert info.metadata["License"] == "CC BY 4.0"
    card = info.metadata.get_payload()
    source = "[GermEval 2014](https://sites.google.com/site/germeval2014ner)"
    for fact in (source, "`TITLE`", "62.50", "| all | 62.5 |", "with seed 0"):
        assert fact in card


def test_compare(cmeee):
    """The variables reach the script, and the tables are written."""
    overrides = {"dataset": "cmeee", "heads": "crf", "seeds": 1, "steps": 2}
    options = [f"--vars.{name}={value}" for name, value in overrides.items()]
    run_workflow(cmeee, "compare", *options)
    comparison = srsly.read_json(cmeee / "metrics" / "compare-cmeee-cnn.json")
    (head,) = comparison["heads"]
    assert (comparison["dataset"], head["head"]) == ("cmeee", "crf")
    assert (comparison["seeds"], comparison["budget"]) == ([1], "2 steps")
    table = (cmeee / "metrics" / "compare-cmeee-cnn.md").read_text(encoding="utf8")
    assert "| CRF |" in table


def test_documents(cmeee):
    """Docs of one sentence and of ten, scored with the corpus's pipeline."""
    run_workflow(cmeee, "documents", "--vars.dataset=cmeee", "--vars.joined=1,10")
    results = srsly.read_json(cmeee / "metrics" / "documents-cmeee.json")
    docs = [scores["docs"]["mean"] for scores in results["joined"].values()]
    assert docs == [40, 4]
    assert results["joined"]["1"]["f"] == {"mean": 1.0, "sd": None}
    table = (cmeee / "metrics" / "documents-cmeee.md").read_text(encoding="utf8")
    assert "| 1 | 40 | 7 | 100.0 | 100.0 | 100.0 |" in table


@pytest.mark.parametrize("gpu_id", [-1, pytest.param(0, marks=needs_gpu)])
def test_transformer_workflow(gpu_id, project, bert_path):
    """On a few sentences in the format of GENIA, with the tests' tiny BERT."""
    sentence = (
        "Human\tB-cell_type\tO\nT\tI-cell_type\tB-cell_type\ncells\tI-cell_type\tI-cell_type\n"
        "grow\tO\tO\n.\tO\tO\n\n"
    )
    (project / "assets" / "genia").mkdir(parents=True, exist_ok=True)
    for part in ("dev", "test"):
        path = project / "assets" / "genia" / f"genia.{part}.iob2"
        path.write_text(sentence * 20, encoding="utf8")
    config = (project.parent / "configs" / "egp_trf.cfg").read_text(encoding="utf8")
    config = config.replace("initial_rate = 0.00003", "initial_rate = 0.003")
    config = config.replace("warmup_steps = 100", "warmup_steps = 10")
    config = config.replace("eval_frequency = 200", "eval_frequency = 50")
    (project.parent / "configs" / "fast.cfg").write_text(config, encoding="utf8")
    overrides = {"trf_config": "fast", "trf_steps": 50, "gpu_id": gpu_id}
    options = [f"--vars.{name}={value}" for name, value in overrides.items()]
    run_workflow(project, "trf", f"--vars.transformer={bert_path}", *options)
    scores = srsly.read_json(project / "metrics" / "genia_small.json")
    assert scores["spans_sc_f"] == 1.0
