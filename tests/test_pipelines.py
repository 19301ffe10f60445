"""Problems of the pipeline and the docs around the component are reported, once."""

import warnings
from pathlib import Path

import pytest
import spacy
from conftest import NESTED_DATA, make_examples, train
from spacy.tokens import DocBin, Span
from spacy.training import Example
from spacy.util import registry

from spacy_egp.pipelines import save_pipeline
from spacy_egp.readers import Corpus

TEXTS = [text for text, _ in NESTED_DATA]


def messages(record, code):
    return [str(w.message) for w in record if f"[{code}]" in str(w.message)]


# Two components with one key


@pytest.mark.parametrize("other", ["spancat", "span_ruler", "egp_ner"])
def test_two_components_with_one_key(other):
    nlp = spacy.blank("en")
    nlp.add_pipe(other, name="other", config={"spans_key": "sc"})
    with pytest.warns(UserWarning, match=r"EGPW014.*'egp_ner' and other .*\['sc'\]"):
        nlp.add_pipe("egp_ner")


def test_other_keys_and_a_ruler_that_adds_are_fine():
    nlp = spacy.blank("en")
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message=r"\[EGPW")
        nlp.add_pipe("spancat", config={"spans_key": "other"})
        nlp.add_pipe("egp_ner")
        nlp.add_pipe("span_ruler", config={"spans_key": "sc"})
        nlp.remove_pipe("spancat")
        nlp.initialize(lambda: make_examples(nlp))


def test_a_later_component_with_the_same_key():
    nlp = spacy.blank("en")
    nlp.add_pipe("egp_ner")
    nlp.add_pipe("spancat")
    examples = make_examples(nlp)
    with pytest.warns(UserWarning, match="EGPW014.*'egp_ner' and spancat"):
        nlp.initialize(lambda: examples)


def test_a_later_component_is_seen_at_the_first_use(model_path, tmp_path):
    nlp = spacy.load(model_path)
    spancat = nlp.add_pipe("spancat")
    spancat.initialize(lambda: make_examples(nlp))
    with pytest.warns(UserWarning, match="EGPW014.*'egp_ner' and spancat"):
        nlp(TEXTS[0])
    nlp.to_disk(tmp_path)
    nlp = spacy.load(tmp_path)
    with pytest.warns(UserWarning, match="EGPW014.*'egp_ner' and spancat") as record:
        list(nlp.pipe(TEXTS, batch_size=1))
    assert len(messages(record, "EGPW014")) == 1


# Spans that a doc already has


def test_replaced_spans_are_reported_once(model_path):
    nlp = spacy.blank("en")
    ruler = nlp.add_pipe("span_ruler", config={"spans_key": "sc"})
    ruler.add_patterns([{"label": "GREETING", "pattern": "Who is"}])
    # The sourced component does not know the pipeline, in which the ruler comes first.
    nlp.add_pipe("egp_ner", source=spacy.load(model_path))
    match = r"EGPW017.*'egp_ner': a doc had 1 spans.*\['sc'\].*'Who is', 'GREETING'"
    with pytest.warns(UserWarning, match=match) as record:
        list(nlp.pipe([TEXTS[0]] * 2))
    assert len(messages(record, "EGPW017")) == 1


def test_spans_that_are_found_again_are_not_replaced(trained_nlp):
    doc = trained_nlp(TEXTS[2])
    assert len(doc.spans["sc"])
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message=r"\[EGP")
        trained_nlp(doc)


# Scores that do not count


def test_key_without_a_score_weight():
    nlp = spacy.blank("en")
    nlp.add_pipe("egp_ner", config={"spans_key": "entities"})
    examples = make_examples(nlp, key="entities")
    with pytest.warns(UserWarning, match="EGPW012.*spans_entities_f = 1.0"):
        nlp.initialize(lambda: examples)
    other = spacy.blank("en")
    other.config["training"]["score_weights"]["spans_entities_f"] = 1.0
    other.add_pipe("egp_ner", config={"spans_key": "entities"})
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message=r"\[EGPW")
        other.initialize(lambda: examples)


# Docs that are not annotated


def without_key(nlp, examples, ents=False, other=None):
    """The examples without spans in "sc", with entities or another key instead."""
    for example in examples:
        spans = list(example.reference.spans.pop("sc"))
        if ents:
            example.reference.ents = spans[:1]
        if other:
            example.reference.spans[other] = spans
    return examples


def test_some_training_docs_lack_the_key(nlp):
    examples = make_examples(nlp)
    without_key(nlp, examples[:1], other="entities")
    with pytest.warns(UserWarning, match=r"EGPW013.* 1 of 4 .*\['sc'\].*'entities'"):
        nlp.initialize(lambda: examples)


def test_training_of_a_trained_component_without_the_key(trained_nlp):
    nlp = spacy.blank("en")
    nlp.add_pipe("egp_ner")
    nlp.from_bytes(trained_nlp.to_bytes())
    optimizer = nlp.resume_training()
    examples = without_key(nlp, make_examples(nlp), ents=True)
    with pytest.warns(UserWarning) as record:
        for _ in range(3):
            assert nlp.update(examples, sgd=optimizer)["egp_ner"] == 0
    [message] = messages(record, "EGPW015")
    assert "none of the 4 docs" in message
    assert "They have doc.ents: set doc.spans['sc'] = list(doc.ents)" in message


def test_evaluation_of_docs_without_the_key(trained_nlp):
    nlp = spacy.blank("en")
    nlp.add_pipe("egp_ner")
    nlp.from_bytes(trained_nlp.to_bytes())
    examples = make_examples(nlp)
    without_key(nlp, examples[:3])
    with pytest.warns(UserWarning) as record:
        nlp.evaluate(examples)
        nlp.evaluate(examples)
    [message] = messages(record, "EGPW016")
    assert "3 of 4 docs have no doc.spans['sc']" in message


@pytest.mark.parametrize(
    "instead, hint",
    [
        ({"ents": True}, r"They have doc.ents: set doc.spans\['sc'\] = list\(doc.ents"),
        ({"other": "entities"}, "They have spans with the keys 'entities': set spans"),
        ({}, r"of the training docs\.$"),
    ],
)
def test_no_labels_tells_where_annotations_are(instead, hint, nlp):
    examples = without_key(nlp, make_examples(nlp), **instead)
    with pytest.raises(ValueError, match=f"EGP006.*'egp_ner'.*{hint}"):
        nlp.initialize(lambda: examples)


# Gold spans without a label


def test_span_without_a_label(nlp):
    examples = make_examples(nlp)
    doc = examples[3].reference
    doc.spans["sc"] = [Span(doc, 1, 2)]
    message = r"EGP033.*'egp_ner'.*'to' in doc.spans\['sc'\].*character 8.*no label"
    with pytest.raises(ValueError, match=message):
        nlp.initialize(lambda: examples)
    train(nlp, examples[:3], steps=1)
    with pytest.raises(ValueError, match=message):
        nlp.update(examples)
    assert "" not in nlp.get_pipe("egp_ner").labels
    with pytest.raises(ValueError, match="EGP004.*not empty"):
        nlp.get_pipe("egp_ner").add_label("")


# Augmenters


def test_augmented_docs_are_learned_as_the_others(nlp, tmp_path):
    """An augmenter that changes no character changes no weight."""
    examples = make_examples(nlp)
    for example in examples:
        labels = {span.label_ for span in example.reference.spans["sc"]}
        example.reference.spans["sc"].attrs["annotated_labels"] = sorted(labels)
    path = tmp_path / "partial.spacy"
    DocBin(docs=[example.reference for example in examples]).to_disk(path)

    def copy(nlp, example):
        yield Example.from_dict(nlp.make_doc(example.text), example.to_dict())

    lower_case = registry.augmenters.get("spacy.lower_case.v1")
    models = []
    for augmenter in (None, copy, lower_case(level=0.0)):
        corpus = Corpus(path, augmenter=augmenter)
        trained = spacy.blank("en")
        trained.add_pipe("egp_ner")
        train(trained, list(corpus(trained)), steps=3)
        models.append(trained.get_pipe("egp_ner").model.to_bytes())
    assert models[0] == models[1] == models[2]


# Pipelines that a command saves


@pytest.mark.parametrize("interrupted", ["to_disk", "rename"])
def test_a_folder_stays_as_it_was_if_saving_fails(interrupted, tmp_path, monkeypatch):
    folder = tmp_path / "model"
    spacy.blank("en").to_disk(folder)
    nlp = spacy.blank("de")
    moved = []

    def interrupt(path, target):
        moved.append(path)
        if path.name == "new":
            raise KeyboardInterrupt
        return Path(path.replace(target))

    if interrupted == "to_disk":
        nlp.add_pipe("sentencizer").to_disk = lambda *_, **__: 1 / 0
    else:
        monkeypatch.setattr(Path, "rename", interrupt)
    with pytest.raises((ZeroDivisionError, KeyboardInterrupt)):
        save_pipeline(nlp, folder)
    assert len(moved) == 3 * (interrupted == "rename")
    assert list(tmp_path.iterdir()) == [folder]
    assert spacy.load(folder).lang == "en"
