"""The comparison of heads in the project."""

from functools import partial

import pytest
import spacy
import srsly
from conftest import NESTED_DATA, make_examples
from spacy.tokens import DocBin

from scripts.benchmark import pipelines as pipeline_benchmark
from scripts.compare import train as compare
from scripts.compare.learning_curves import learning_curves
from scripts.compare.run import Run
from scripts.compare.tables import compare_tables
from scripts.corpora import prepare
from scripts.peers.recognizers import HEADS
from scripts.shared.training import make_batch_for_minutes, train
from spacy_egp.scoring import span_score

# A span of 10 tokens, which spancat with n-grams of 1 to 8 cannot have.
LONG = ("Big red cars drive on every road of this town.", [(0, 45, "CARS")])
DATA = [*NESTED_DATA, LONG]
LABELS = ["CARS", "LOC", "PERSON", "PLACES", "TITLE"]
N_SPANS = 9
pytestmark = pytest.mark.filterwarnings("ignore:'crf_ner'.*left out:UserWarning")
# The number of spans that a head cannot predict: inner ones, or the long one.
N_LEFT_OUT = {"crf": 4, "ner": 4, "spancat": 1}
STEPS = 60


def run_compare(**settings):
    """Compare with short trainings; RETURNS the figures."""
    path = prepare.Path("metrics/tiny.json")
    defaults = {"encoder": "cnn", "seeds": "0", "dropout": "0.1", "steps": STEPS}
    compare.compare("tiny", path, **{**defaults, "heads": ",".join(HEADS), **settings})
    return srsly.read_json(path)


def make_run(**settings):
    """One training of the comparison, that of `run_compare` by default."""
    defaults = {"encoder": "cnn", "seed": 0, "dropout": 0.1, "steps": STEPS}
    return Run(dataset="tiny", **{**defaults, **settings})


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """A folder with `DATA` as the corpus "tiny", where short speed measurements are
    taken."""
    path = tmp_path_factory.mktemp("project")
    docs = [example.reference for example in make_examples(spacy.blank("en"), DATA)]
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(path)
        patch.setitem(prepare.DATASETS, "tiny", prepare.Dataset("en", "", "", "", ""))
        patch.setattr(compare, "N_ROUNDS", 1)
        patch.setattr(pipeline_benchmark, "UPDATES_PER_ROUND", 1)
        prepare.CORPUS.mkdir()
        for part in ("train", "dev", "test"):
            DocBin(docs=docs).to_disk(prepare.part_path("tiny", part))
        yield path


@pytest.fixture(scope="module")
def comparison(tiny):
    """The figures of a comparison of all heads."""
    return run_compare()


@pytest.fixture(scope="module")
def heads(comparison):
    return {head["head"]: head for head in comparison["heads"]}


def test_every_head_learns_what_it_can_represent(heads):
    """And no more: F over all gold spans is the best possible one."""
    assert list(heads) == list(HEADS)
    for name, head in heads.items():
        n_found = N_SPANS - N_LEFT_OUT.get(name, 0)
        best = 2 * n_found / (n_found + N_SPANS)
        assert head["ceiling"] == pytest.approx(best)
        assert head["learned"] == pytest.approx(n_found / N_SPANS)
        assert head["all"]["f"]["mean"] == pytest.approx(best), name
        assert sorted(head["per_type"]) == LABELS


def test_figures(heads):
    n_labels, width, size = len(LABELS), 128, 64
    pointer = 2 * size * width + 2 * size
    assert heads["egp"]["parameters"] == pointer + 2 * n_labels * (2 * size + 1)
    assert heads["gp"]["parameters"] == n_labels * pointer
    for head in heads.values():
        for speed in head["words_per_second"].values():
            assert 0 < speed["min"] <= speed["median"] <= speed["max"]
        (run,) = head["runs"]
        assert run["minutes"] > 0
        assert run["machine"]["spacy"] == spacy.__version__


def test_scores_are_those_of_the_best_model(heads):
    """Even those of `ner`, whose entities are scored against all gold spans."""
    for name in ("egp", "ner"):
        nlp = spacy.load(heads[name]["model"])
        examples = make_examples(nlp, DATA)
        for example in examples:
            example.predicted = nlp(example.predicted)
            if name == "ner":
                example.predicted.spans["sc"] = example.predicted.ents
        expected = span_score(examples, spans_key="sc")
        (run,) = heads[name]["runs"]
        assert run["test"]["spans_sc_per_type"] == expected["spans_sc_per_type"]


def test_tables_and_plot(comparison, heads, capsys):
    compare_tables(prepare.Path("metrics/tiny.json"))
    assert prepare.Path("metrics/tiny.png").stat().st_size > 0
    text = prepare.Path("metrics/tiny.md").read_text(encoding="utf8")
    assert text == capsys.readouterr().out
    intro, heads_table, joined_table, labels_table = text.split("\n\n")
    assert "60 steps" in intro
    rows = [line.split(" | ") for line in heads_table.splitlines()[2:]]
    assert [row[0] for row in rows] == [f"| {HEADS[name]}" for name in heads]
    crf = rows[list(heads).index("crf")]
    assert crf[1] == "71.4"
    assert crf[-2:] == ["outermost spans: 55.6", "71.4 |"]
    assert "| PLACES | 1 | 100.0 (100.0 / 100.0) |" in labels_table
    assert joined_table.startswith("| F by docs joined | 1 | 5 | 10 | 50 |\n")
    # There are five docs.
    joined = [line.split(" | ") for line in joined_table.splitlines()[2:]]
    assert [row[1] for row in joined] == [row[1] for row in rows]
    assert all(row[2] == row[3] == row[4].rstrip(" |") for row in joined)


def test_goes_on_where_it_was_interrupted(comparison, monkeypatch):
    """Only unfinished trainings are repeated."""
    trained = []

    def count(config, *args):
        trained.append(config["nlp"]["pipeline"][-1].removesuffix("_ner"))
        return train(config, *args)

    monkeypatch.setattr("scripts.compare.run.train", count)
    again = run_compare()
    assert trained == []
    assert [head["runs"] for head in again["heads"]] == [
        head["runs"] for head in comparison["heads"]
    ]
    (make_run(head="crf").folder / "result.json").unlink()
    run_compare(heads="egp,crf")
    assert trained == ["crf"]
    run_compare(heads="egp,crf", steps=1)
    assert trained == ["crf", "egp", "crf"]


def test_each_head_takes_its_best_dropout():
    """It is chosen by F on the development part with the first seed, for all seeds."""
    dev = {("egp", 0.1): 0.5, ("egp", 0.2): 0.7, ("egp", 0.3): 0.6}
    runs = []

    def finish(run):
        runs.append((run.dropout, run.seed))
        f = 0.1 * run.seed
        scores = {"spans_sc_f": f, "spans_sc_p": f, "spans_sc_r": f}
        test = {**scores, "spans_sc_per_type": {"LOC": {"f": f, "p": f, "r": f}}}
        dev_scores = {"spans_sc_f": dev[run.head, run.dropout]}
        joined = {"10": {"f": f / 2}}
        return {"dev": dev_scores, "test": test, "joined": joined}

    run = make_run(head="egp", seed=1)
    result = compare.train_head(run, [0.1, 0.2, 0.3], [2, 3], finish)
    assert runs == [(0.1, 1), (0.2, 1), (0.3, 1), (0.2, 2), (0.2, 3)]
    assert result["dropout"] == 0.2
    assert result["all"]["f"] == pytest.approx({"mean": 0.2, "sd": 0.1})
    assert result["per_type"]["LOC"]["r"] == pytest.approx({"mean": 0.2, "sd": 0.1})
    assert result["joined"]["10"]["f"] == pytest.approx({"mean": 0.1, "sd": 0.05})


def test_unknown_names_are_refused():
    for check, name in ((compare.check_heads, "egp,lstm"), (prepare.check_name, "x")):
        with pytest.raises(compare.typer.BadParameter, match=name[-1]):
            check(name)


# Learning curves


def test_learning_curves(tiny):
    """The first doc alone does not have all labels."""
    path = prepare.Path("metrics/curves.json")
    learning_curves(
        "tiny",
        path,
        encoder="cnn",
        heads="egp,ner",
        sizes="1,5",
        seeds="0",
        dropout=0.1,
        steps=STEPS,
    )
    curves = srsly.read_json(path)["curves"]
    f = {head: [x["mean"] for x in curve.values()] for head, curve in curves.items()}
    assert f["egp_ner"][0] < 0.5
    assert f["egp_ner"][1] == 1.0
    assert f["ner"][0] < f["ner"][1] < 1.0
    table = path.with_suffix(".md").read_text(encoding="utf8")
    assert "| head | 1 | 5 |\n" in table
    assert f"| egp_ner | {100 * f['egp_ner'][0]:.1f} | 100.0 |\n" in table
    assert path.with_suffix(".png").stat().st_size > 0


# Budgets


def test_minutes_end_the_training(monkeypatch):
    """However often training goes through the examples."""
    seconds = iter(range(1000))
    monkeypatch.setattr("time.perf_counter", lambda: next(seconds))
    batch = make_batch_for_minutes(lambda examples: ([x] for x in examples), 0.1)
    batches = list(batch([1, 2, 3, 4]))
    # The batcher looks at the clock at 0 s, and before each batch.
    assert len(batches) == 6
    assert sorted(x for (x,) in batches[:4]) == [1, 2, 3, 4]


def test_budget_in_minutes_trains(tiny):
    run = make_run(head="egp", steps=0, minutes=0.01)
    result = run.finish(gpu_id=-1)
    assert result["minutes"] >= 0.01
    assert run.model_path.exists()


def test_learning_rate(tiny):
    """That of the config or another, falling until the last step."""

    over_bert = partial(make_run, head="crf", encoder="trf", transformer="bert")

    def schedule(run):
        return run.config().interpolate()["training"]["optimizer"]["learn_rate"]

    schedules = [schedule(over_bert(learn_rate=rate)) for rate in (0, 0.1)]
    # Old versions of Thinc round the last digit of the numbers in a config.
    rates = [x["initial_rate"] for x in schedules]
    assert rates == pytest.approx([0.00003, 0.1], rel=1e-12, abs=0)
    assert [x["total_steps"] for x in schedules] == [STEPS, STEPS]
    assert over_bert().config()["paths"]["transformer"] == "bert"
    first, second = (make_run(head="crf", learn_rate=rate) for rate in (0, 0.1))
    assert schedule(second) == 0.1
    assert first.folder != second.folder
    with pytest.raises(ValueError, match=r"egp_trf\.cfg"):
        over_bert(minutes=1).config()


@pytest.mark.parametrize("head", ["egp", "egp-hidden", "gp", "crf"])
def test_heads_keep_the_learning_rate_of_the_encoder(head, tiny):
    config = make_run(head=head, encoder="trf", transformer="my-bert").config()
    component = config["nlp"]["pipeline"][-1]
    assert config["components"][component]["model"]["learn_rate_scale"] == 10
