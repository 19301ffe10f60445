"""The corpora of the project: their files are found, split and trained on."""

from zipfile import ZipFile

import pytest
import srsly
from spacy.training import Corpus
from spacy.training.initialize import init_nlp
from spacy.util import load_config
from test_pipeline import CONFIGS

from scripts.corpora import prepare

IOB = "Bonn\tB-LOC\tO\nUni\tI-LOC\tB-ORG\n.\tO\tO\n"
CHARACTERS = "北 B-LOC\n京 I-LOC\nA O\n队 O\n"
# Two spans in each; the second one of CLUENER ends in the middle of a word.
CLUENER = {
    "text": "去北京 Ada队",
    "label": {"address": {"北京": [[1, 2]], "A": [[4, 4]]}},
}
CMEEE = {
    "text": "小儿肺炎",
    "entities": [
        {"start_idx": 0, "end_idx": 3, "type": "dis", "entity": "小儿肺炎"},
        {"start_idx": 2, "end_idx": 2, "type": "bod", "entity": "肺"},
    ],
}
BRAT = (
    "University of Bonn.",
    "T1\tORG 0 18\tUniversity of Bonn\nT2\tLOC 14 18\tBonn\n",
)
N_RECORDS = 20


# Equal texts would all go to the same part of a split.
ENDS = [chr(ord("一") + i) for i in range(N_RECORDS)]


def write_assets(name):
    """Files in the format of the corpus, with `N_RECORDS` records each, which differ in
    their last characters."""
    for file in prepare.DATASETS[name].files.values():
        path = prepare.ASSETS / file
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.name.startswith("CMeEE"):
            srsly.write_json(path, [{**CMEEE, "text": CMEEE["text"] + e} for e in ENDS])
        elif path.suffix == ".json":
            tasks = [{**CLUENER, "text": CLUENER["text"] + end} for end in ENDS]
            srsly.write_jsonl(path, tasks)
        elif path.suffix == ".zip":
            write_brat(path)
        elif name.startswith("people_daily"):
            text = "".join(f"{CHARACTERS}{end} O\n\n" for end in ENDS)
            path.write_text(text, encoding="utf8")
        else:
            text = "".join(f"{IOB}{end}\tO\tO\n\n" for end in ENDS)
            path.write_text(text, encoding="utf8")


def write_brat(path):
    with ZipFile(path, "w") as archive:
        text, annotation = BRAT
        for i, end in enumerate(ENDS):
            archive.writestr(f"{i}.txt", f"{text} {end}")
            archive.writestr(f"{i}.ann", annotation)


@pytest.mark.parametrize("name", prepare.DATASETS)
def test_converts_and_trains_on_the_same_tokens(name, tmp_path, monkeypatch):
    """All spans are there, and the predicted docs have the tokens of the spans."""
    monkeypatch.chdir(tmp_path)
    write_assets(name)
    prepare.convert(name)
    has_dev = prepare.DATASETS[name].dev is not None
    n_spans = 1 if name.startswith("people_daily") else 2
    config = load_config(CONFIGS / "egp_cnn.cfg", interpolate=False)
    prepare.set_dataset(config, name)
    nlp = init_nlp(config)
    assert nlp.lang == prepare.DATASETS[name].lang
    counts = {}
    for part in ("train", "dev", "test"):
        examples = list(Corpus(prepare.part_path(name, part))(nlp))
        counts[part] = len(examples)
        for example in examples:
            words = [token.text for token in example.reference]
            assert [token.text for token in example.predicted] == words
            assert len(example.reference.spans["sc"]) == n_spans
            if nlp.lang == "zh":
                assert {len(word) for word in words} == {1}
    n_dev = N_RECORDS if has_dev else N_RECORDS // 10
    n_train = N_RECORDS if has_dev else N_RECORDS - n_dev
    assert counts == {"train": n_train, "dev": n_dev, "test": N_RECORDS}


def test_says_which_files_are_missing(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    write_assets("cmeee")
    path = prepare.ASSETS / prepare.DATASETS["cmeee"].train
    path.unlink()
    with pytest.raises(SystemExit):
        prepare.convert("cmeee")
    output = " ".join(capsys.readouterr().out.split())
    assert str(path) in output
    assert "CMeEE_dev.json" not in output
    assert "tianchi.aliyun.com" in output
