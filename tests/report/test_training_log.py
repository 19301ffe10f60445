import pytest
import srsly

from spacy_egp.report.training_log import Checkpoint, read_training_log


def make_line(step, **losses):
    scores = {"spans_sc_f": 50.0, "spans_sc_p": 60.0, "spans_sc_r": 40.0}
    return {"epoch": 0, "step": step, "losses": losses, "scores": scores, "score": 0.5}


def test_log_of_spacy(tmp_path, trained_nlp):
    lines = [make_line(0, tok2vec=0.0, egp_ner=9.0), make_line(100, egp_ner=3.0)]
    srsly.write_jsonl(tmp_path / "log.jsonl", lines)
    assert read_training_log(tmp_path, trained_nlp.get_pipe("egp_ner")) == [
        Checkpoint(step=0, loss=9.0, p=0.6, r=0.4, f=0.5),
        Checkpoint(step=100, loss=0.03, p=0.6, r=0.4, f=0.5),
    ]


def test_no_log(tmp_path, trained_nlp):
    with pytest.raises(
        ValueError, match=r"EGP305.*--training\.logger\.output_file .*log\.jsonl"
    ):
        read_training_log(tmp_path, trained_nlp.get_pipe("egp_ner"))


@pytest.mark.parametrize("lines", [[make_line(0, ner=1.0)], [{"a": 1}], [[]]])
def test_log_of_something_else(lines, tmp_path, trained_nlp):
    srsly.write_jsonl(tmp_path / "log.jsonl", lines)
    with pytest.raises(ValueError, match=r"EGP306.*is not a log of 'egp_ner'"):
        read_training_log(tmp_path, trained_nlp.get_pipe("egp_ner"))
