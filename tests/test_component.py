import warnings

import numpy as np
import pytest
import spacy
import srsly
from conftest import NESTED_DATA, make_examples, spans_of, train
from spacy import displacy
from spacy.tokens import Doc, DocBin, Span
from spacy.training import Example
from spacy.util import fix_random_seed

import spacy_egp.decoding
from spacy_egp.component import DEFAULT_MODEL, EGPRecognizer

TEXTS = [text for text, _ in NESTED_DATA]


def blank(**config):
    nlp = spacy.blank("en")
    nlp.add_pipe("egp_ner", config=config)
    return nlp


# Predictions


def test_learns_nested_spans(trained_nlp):
    for doc, (_, spans) in zip(trained_nlp.pipe(TEXTS), NESTED_DATA):
        assert set(spans_of(doc)) == set(spans)


def test_scores_are_probabilities_in_the_order_of_spans(trained_nlp):
    doc = trained_nlp(TEXTS[2])
    matrix = trained_nlp.get_pipe("egp_ner").score_matrix(doc)
    labels = trained_nlp.get_pipe("egp_ner").labels
    group = doc.spans["sc"]
    assert group.name == "sc"
    scores = [matrix[labels.index(s.label_), s.start, s.end - 1] for s in group]
    np.testing.assert_allclose(
        group.attrs["scores"], 1 / (1 + np.exp(-np.asarray(scores))), rtol=1e-4
    )
    order = [(span.start, span.end) for span in group]
    assert order == sorted(order)


def test_score_matrix(trained_nlp):
    component = trained_nlp.get_pipe("egp_ner")
    doc = trained_nlp.make_doc(TEXTS[1])
    matrix = component.score_matrix(doc)
    assert matrix.shape == (len(component.labels), len(doc), len(doc))
    assert matrix.dtype == np.float32
    below = np.tril(np.ones((len(doc), len(doc)), dtype=bool), -1)
    assert np.isneginf(matrix[:, below]).all()
    assert np.isfinite(matrix[:, ~below]).all()
    assert component.score_matrix(trained_nlp.make_doc("")).shape == (4, 0, 0)


@pytest.mark.parametrize("text", ["", " ", "\n\n \t", "one"])
def test_docs_with_few_tokens(trained_nlp, text):
    assert "sc" in trained_nlp(text).spans


def test_empty_batch(trained_nlp):
    assert list(trained_nlp.pipe([])) == []
    component = trained_nlp.get_pipe("egp_ner")
    component.set_annotations([], component.predict([]))


def test_empty_docs_between_others(trained_nlp):
    texts = ["", TEXTS[1], "", "", TEXTS[2], ""]
    expected = [spans_of(trained_nlp(text)) for text in texts]
    assert [spans_of(doc) for doc in trained_nlp.pipe(texts)] == expected


def test_predictions_do_not_depend_on_the_batch(trained_nlp):
    texts = [text * repeat for repeat in (1, 5, 40) for text in TEXTS]
    alone = [trained_nlp(text) for text in texts]
    for doc, together in zip(alone, trained_nlp.pipe(texts, batch_size=100)):
        assert spans_of(doc) == spans_of(together)


@pytest.mark.filterwarnings("ignore:This process")
def test_multiprocessing(trained_nlp):
    """Even after this process has computed with several threads."""
    texts = TEXTS * 10
    expected = [spans_of(doc) for doc in trained_nlp.pipe(texts)]
    docs = trained_nlp.pipe(texts, n_process=2, batch_size=10)
    assert [spans_of(doc) for doc in docs] == expected


def test_settings_can_be_changed_on_a_trained_pipeline(trained_nlp):
    nlp = blank(threshold=1.0)
    nlp.from_bytes(trained_nlp.to_bytes())
    component = nlp.get_pipe("egp_ner")
    n_spans = []
    for threshold in (0.0, 0.5, 1.0):
        component.cfg["threshold"] = threshold
        n_spans.append(len(nlp(TEXTS[1]).spans["sc"]))
    n_tokens = len(nlp(TEXTS[1]))
    limit = component.limits.max_length
    n_pairs = sum(min(limit, n_tokens - start) for start in range(n_tokens))
    assert n_spans == [4 * n_pairs, 3, 0]


def overlapping(**config):
    """A pipeline trained on crossing spans, with the given settings at prediction."""
    data = [("London and Berlin and Paris", [(0, 17, "A"), (11, 27, "B"), (0, 6, "A")])]
    nlp = blank(**config)
    examples = make_examples(nlp, data)
    train(nlp, examples)
    return nlp(data[0][0])


def test_overlap_any():
    assert spans_of(overlapping()) == [(0, 6, "A"), (0, 17, "A"), (11, 27, "B")]


def test_overlap_nested():
    spans = spans_of(overlapping(overlap="nested"))
    assert len(spans) == 2
    assert (0, 6, "A") in spans


def test_overlap_flat():
    """The two spans that fit together beat the one that crosses both."""
    assert spans_of(overlapping(overlap="flat")) == [(0, 6, "A"), (11, 27, "B")]


def test_annotate_ents():
    doc = overlapping(annotate_ents=True)
    assert len(doc.spans["sc"]) == 3
    ents = [(ent.start_char, ent.end_char, ent.label_) for ent in doc.ents]
    assert ents == [(0, 6, "A"), (11, 27, "B")]


def test_max_length_is_learned_from_the_gold_spans(trained_nlp, tmp_path):
    """A quarter more than the longest, here 4 tokens; saved and sourced."""
    trained_nlp.to_disk(tmp_path)
    sourced = spacy.blank("en")
    sourced.add_pipe("egp_ner", source=trained_nlp)
    for nlp in (trained_nlp, spacy.load(tmp_path), sourced):
        assert nlp.get_pipe("egp_ner").limits.max_length == 5
        doc = nlp(" ".join(TEXTS * 20))
        assert doc.spans["sc"]
        assert max(len(span) for span in doc.spans["sc"]) <= 5


def test_learned_length_is_shown(nlp, caplog):
    examples = make_examples(nlp)
    with caplog.at_level("INFO", logger="spacy"):
        nlp.initialize(lambda: examples)
    assert "'egp_ner' scores spans of up to 5 tokens" in caplog.text


def test_learned_length_grows_with_the_training():
    """`initialize` only sees a part of a long corpus."""
    nlp = blank()
    examples = make_examples(nlp)
    optimizer = nlp.initialize(lambda: examples[:1])
    component = nlp.get_pipe("egp_ner")
    for label in ("LOC", "PLACES", "TITLE"):
        component.add_label(label)
    assert component.limits.max_length == 3
    nlp.update(examples, sgd=optimizer)
    assert component.limits.max_length == 5
    nlp.initialize(lambda: examples[:1])
    assert component.limits.max_length == 3


def test_no_limit_on_the_length():
    nlp = blank(max_length=None, threshold=0.0)
    component = nlp.get_pipe("egp_ner")
    train(nlp, make_examples(nlp), steps=1)
    assert component.limits.max_length is None
    doc = nlp(" ".join(TEXTS))
    assert max(len(span) for span in doc.spans["sc"]) == len(doc)


def test_max_length_limits_predictions(trained_nlp):
    nlp = blank()
    nlp.from_bytes(trained_nlp.to_bytes())
    nlp.get_pipe("egp_ner").cfg["max_length"] = 2
    doc = nlp(TEXTS[2])
    assert max(len(span) for span in doc.spans["sc"]) == 2


def test_within_sentences():
    text = "I like London. And Berlin."
    data = [(text, [(7, 25, "PLACES"), (7, 13, "LOC"), (19, 25, "LOC")])]
    nlp = spacy.blank("en")
    nlp.add_pipe("egp_ner", config={"within_sentences": True})
    train(nlp, make_examples(nlp, data))
    assert len(nlp(text).spans["sc"]) == 3
    nlp.add_pipe("sentencizer", first=True)
    assert spans_of(nlp(text)) == [(7, 13, "LOC"), (19, 25, "LOC")]


def test_missing_sentences_are_reported_once(trained_nlp):
    """In training and prediction. A doc with one token needs no sentences."""
    nlp = blank(within_sentences=True)
    examples = make_examples(nlp)
    message = r"EGPW004.*'egp_ner': .* 3 of 3 docs .*annotating_components"
    with pytest.warns(UserWarning, match=message) as record:
        train(nlp, examples[:3], steps=2)
    assert len(record) == 1
    loaded = blank(within_sentences=True)
    loaded.from_bytes(nlp.to_bytes())
    with pytest.warns(UserWarning, match="EGPW004.* 1 of 2 docs") as record:
        list(loaded.pipe(["One", TEXTS[0]]))
        loaded(TEXTS[1])
    assert len(record) == 1


def test_sentences_in_training_and_prediction():
    """As the docs say: with a sentencizer that also annotates in training."""
    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    nlp.add_pipe("egp_ner", config={"within_sentences": True})
    examples = make_examples(nlp)
    optimizer = nlp.initialize(lambda: examples)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(60):
            nlp.update(examples, sgd=optimizer, annotates=["sentencizer"])
        doc = nlp(" ".join(TEXTS * 3))
    assert len(doc.spans["sc"]) > 15
    assert all(len({t.sent.start for t in span}) == 1 for span in doc.spans["sc"])


def test_bounded_number_of_spans_is_reported(monkeypatch, trained_nlp):
    monkeypatch.setattr(spacy_egp.decoding, "SPANS_PER_DOC", 5)
    monkeypatch.setattr(spacy_egp.decoding, "SPANS_PER_TOKEN", 1)
    nlp = blank()
    nlp.from_bytes(trained_nlp.to_bytes())
    nlp.get_pipe("egp_ner").cfg["threshold"] = 0.0
    with pytest.warns(UserWarning, match="EGPW001.*'egp_ner': 1 of 1 docs"):
        doc = nlp(TEXTS[2])
    assert len(doc.spans["sc"]) == len(doc)
    best = set(spans_of(trained_nlp(TEXTS[2])))
    assert best <= set(spans_of(doc))


def test_untrained_component_is_silent():
    nlp = blank()
    nlp.initialize(lambda: make_examples(nlp))
    assert all(len(doc.spans["sc"]) == 0 for doc in nlp.pipe(TEXTS * 10))


def test_docbin_keeps_spans_and_scores(trained_nlp):
    doc = trained_nlp(TEXTS[1])
    docs = DocBin(docs=[doc]).to_bytes()
    restored = next(DocBin().from_bytes(docs).get_docs(trained_nlp.vocab))
    assert spans_of(restored) == spans_of(doc)
    np.testing.assert_array_equal(
        restored.spans["sc"].attrs["scores"], doc.spans["sc"].attrs["scores"]
    )


def test_displacy(trained_nlp):
    html = displacy.render(trained_nlp(TEXTS[1]), style="span", jupyter=False)
    assert "PLACES" in html and "LOC" in html


# Labels


def test_implicit_labels(nlp):
    nlp.initialize(lambda: make_examples(nlp))
    assert nlp.get_pipe("egp_ner").labels == ("PERSON", "LOC", "PLACES", "TITLE")


def test_explicit_labels(nlp):
    component = nlp.get_pipe("egp_ner")
    assert component.add_label("PERSON") == 1
    assert component.add_label("LOC") == 1
    assert component.add_label("LOC") == 0
    nlp.initialize()
    assert component.labels == ("PERSON", "LOC")
    assert component.model.get_dim("nO") == 2
    assert "PERSON" in nlp.vocab.strings


def test_labels_given_to_initialize(nlp):
    component = nlp.get_pipe("egp_ner")
    labels = ["TITLE", "LOC", "PERSON", "PLACES", "UNSEEN"]
    examples = make_examples(nlp)
    component.initialize(lambda: examples, nlp=nlp, labels=labels)
    assert component.labels == tuple(labels)
    assert component.label_data == labels


def test_no_labels(nlp):
    with pytest.raises(ValueError, match="EGP006.*'egp_ner': no labels"):
        nlp.initialize()


def test_no_examples(nlp):
    nlp.get_pipe("egp_ner").add_label("LOC")
    with pytest.raises(ValueError, match="EGP005.*'egp_ner': no examples"):
        nlp.get_pipe("egp_ner").initialize(lambda: [])


@pytest.mark.parametrize("label", [1, None, b"LOC"])
def test_label_of_the_wrong_type(nlp, label):
    with pytest.raises(ValueError, match="EGP004.*'egp_ner': labels must be strings"):
        nlp.get_pipe("egp_ner").add_label(label)


def test_unknown_label_in_a_gold_doc(nlp):
    examples = make_examples(nlp)
    component = nlp.get_pipe("egp_ner")
    message = "EGP007.*'egp_ner': gold span 'Shaka Khan' has the label 'PERSON'"
    with pytest.raises(ValueError, match=message):
        component.initialize(lambda: examples, labels=["LOC"])
    nlp = blank()
    nlp.get_pipe("egp_ner").add_label("LOC")
    nlp.initialize()
    with pytest.raises(ValueError, match=message):
        nlp.update(examples)


@pytest.mark.parametrize("architecture", ["EfficientGlobalPointer", "GlobalPointer"])
def test_label_added_after_training(architecture):
    model = {
        "@architectures": f"spacy-egp.{architecture}.v1",
        "tok2vec": DEFAULT_MODEL["tok2vec"],
    }
    nlp = blank(model=model)
    optimizer = train(nlp, make_examples(nlp))
    component = nlp.get_pipe("egp_ner")
    doc = nlp.make_doc(TEXTS[2])
    before = component.score_matrix(doc)
    assert component.add_label("VERB") == 1
    assert component.labels[-1] == "VERB"
    np.testing.assert_allclose(component.score_matrix(doc)[:4], before, atol=1e-5)
    # It can be learned, with the same optimizer, and be saved.
    data = [
        *NESTED_DATA,
        ("Ada Lovelace wrote it", [(0, 12, "PERSON"), (13, 18, "VERB")]),
    ]
    for _ in range(60):
        nlp.update(make_examples(nlp, data), sgd=optimizer)
    assert (13, 18, "VERB") in spans_of(nlp(data[-1][0]))
    loaded = blank(model=model).from_bytes(nlp.to_bytes())
    np.testing.assert_array_equal(
        loaded.get_pipe("egp_ner").score_matrix(doc), component.score_matrix(doc)
    )


@pytest.mark.parametrize("architecture", ["EfficientGlobalPointer", "GlobalPointer"])
@pytest.mark.parametrize("labels", [["LOC"], ["LOC", "PERSON", "PLACES", "TITLE"]])
def test_added_labels_are_silent_until_they_are_taught(architecture, labels, tmp_path):
    """Even next to a single label, whose entities have large inner products; with
    several new labels, the last of which starts like the first; in other texts; and
    after saving and loading."""
    nlp = blank(
        model={
            "@architectures": f"spacy-egp.{architecture}.v1",
            "tok2vec": DEFAULT_MODEL["tok2vec"],
            "learn_rate_scale": 2.0,
        }
    )
    data = [
        (text, [span for span in spans if span[2] in labels])
        for text, spans in NESTED_DATA
    ]
    train(nlp, make_examples(nlp, data), steps=100)
    component = nlp.get_pipe("egp_ner")
    texts = [*TEXTS, "".join(reversed(TEXTS[2])), " ".join(TEXTS * 5)]
    assert {span.label_ for doc in nlp.pipe(texts) for span in doc.spans["sc"]} == set(
        labels
    )
    for label in ("NEW", "NEW2", "NEW3"):
        component.add_label(label)
    nlp.to_disk(tmp_path)
    for pipeline in (nlp, spacy.load(tmp_path)):
        matrices = [
            pipeline.get_pipe("egp_ner").score_matrix(pipeline.make_doc(text))
            for text in texts
        ]
        # Spans of all pairs of tokens have a probability of less than 0.5.
        assert max(matrix[len(labels) :].max() for matrix in matrices) < 0
        for matrix in matrices:
            first, *others = matrix[len(labels) :]
            for other in others:
                np.testing.assert_allclose(other, first, atol=1e-3)
        found = {s.label_ for doc in pipeline.pipe(texts) for s in doc.spans["sc"]}
        assert found == set(labels)


@pytest.mark.parametrize("architecture", ["EfficientGlobalPointer", "GlobalPointer"])
def test_label_added_to_a_single_one_is_learned(architecture):
    """Although it starts far below 0. This takes some more updates than at first."""
    model = {
        "@architectures": f"spacy-egp.{architecture}.v1",
        "tok2vec": DEFAULT_MODEL["tok2vec"],
    }
    nlp = blank(model=model)
    data = [
        (text, [span for span in spans if span[2] == "LOC"])
        for text, spans in NESTED_DATA
    ]
    optimizer = train(nlp, make_examples(nlp, data))
    for label in ("PERSON", "PLACES", "TITLE"):
        nlp.get_pipe("egp_ner").add_label(label)
    for _ in range(150):
        nlp.update(make_examples(nlp), sgd=optimizer)
    for doc, (_, spans) in zip(nlp.pipe(TEXTS), NESTED_DATA):
        assert set(spans_of(doc)) == set(spans)


def test_labels_beyond_the_models_number_before_initialization():
    model = {**DEFAULT_MODEL, "nO": 1}
    nlp = blank(model=model)
    examples = make_examples(nlp)
    nlp.initialize(lambda: examples)
    assert nlp.get_pipe("egp_ner").model.get_dim("nO") == 4
    nlp.update(examples)


# Settings


@pytest.mark.parametrize("threshold", [-0.1, 1.1])
def test_threshold_is_a_probability(threshold):
    with pytest.raises(
        ValueError, match=f"EGP001.*'egp_ner': threshold .* {threshold}"
    ):
        blank(threshold=threshold)


def test_unknown_overlap():
    with pytest.raises(ValueError, match="EGP002.*'egp_ner': overlap .*nested.*'some'"):
        blank(overlap="some")


@pytest.mark.parametrize("max_length", [0, -3, "longest"])
def test_max_length_is_positive(max_length):
    with pytest.raises(
        ValueError, match=f"EGP003.*'egp_ner': max_length .* {max_length!r}"
    ):
        blank(max_length=max_length)


def test_every_setting_has_a_default():
    nlp = blank()
    component = EGPRecognizer(nlp.vocab, nlp.get_pipe("egp_ner").model)
    assert component.name == "egp_ner"
    assert component.key == "sc"
    assert component.cfg["threshold"] == 0.5


# Training


def test_learns_as_fast_as_spancats_tests_ask():
    """After 50 updates; scores stay the same on disk; a single entity is found."""
    nlp = blank(spans_key="labeled_spans")
    data = [
        ("Who is Shaka Khan?", [(7, 17, "PERSON")]),
        ("I like London and Berlin.", [(7, 13, "LOC"), (18, 24, "LOC")]),
    ]
    examples = make_examples(nlp, data, key="labeled_spans")
    optimizer = train(nlp, examples, steps=49)
    assert nlp.update(examples, sgd=optimizer)["egp_ner"] < 0.01
    doc = nlp("I like London and Berlin")
    assert [span.text for span in doc.spans["labeled_spans"]] == ["London", "Berlin"]
    assert min(doc.spans["labeled_spans"].attrs["scores"]) > 0.8
    doc = nlp("London")
    assert len(doc.spans["labeled_spans"]) == 1


def test_overfits():
    """F reaches 1.0 on 20 docs with spans of every shape."""
    rng = np.random.default_rng(0)
    words = [f"word{i}" for i in range(200)]
    nlp = spacy.blank("en")
    nlp.add_pipe("egp_ner")
    examples = []
    for _ in range(20):
        doc = Doc(nlp.vocab, words=rng.choice(words, 12).tolist())
        reference = doc.copy()
        bounds = np.sort(rng.integers(0, 12, (4, 2)))
        reference.spans["sc"] = [
            Span(reference, int(i), int(j) + 1, label=str(rng.choice(["A", "B", "C"])))
            for i, j in bounds
        ]
        examples.append(Example(doc, reference))
    train(nlp, examples, steps=150)
    assert nlp.evaluate(examples)["spans_sc_f"] == 1.0


def test_same_seed_same_weights():
    models = []
    for _ in range(2):
        nlp = blank()
        train(nlp, make_examples(nlp), steps=5)
        models.append(nlp.get_pipe("egp_ner").model.to_bytes())
    assert models[0] == models[1]


def test_doc_without_the_key_is_not_annotated(nlp):
    examples = make_examples(nlp)
    nlp.initialize(lambda: examples)
    component = nlp.get_pipe("egp_ner")
    other = Example(nlp.make_doc(TEXTS[2]), nlp.make_doc(TEXTS[2]))
    batch = [*examples, other]
    features = component.model.predict([example.x for example in batch])
    loss, gradient = component.get_loss(batch, features)
    n_tokens = len(other.x)
    assert not gradient.query[-n_tokens:].any()
    assert not gradient.start[-n_tokens:].any()
    expected, _ = component.get_loss(
        examples, component.model.predict([example.x for example in examples])
    )
    assert loss == pytest.approx(expected, rel=1e-5)
    assert nlp.update([other])["egp_ner"] == 0


def test_doc_with_an_empty_group_is_all_negatives(nlp):
    examples = make_examples(nlp)
    nlp.initialize(lambda: examples)
    component = nlp.get_pipe("egp_ner")
    _, gradient = component.get_loss(
        examples, component.model.predict([example.x for example in examples])
    )
    n_tokens = len(examples[-1].x)
    assert (gradient.start[-n_tokens:] > 0).all()


def annotated_for(nlp, labels, attr="annotated_labels"):
    """An example with a PERSON and a LOC, annotated for some labels."""
    text = "Ada Lovelace likes London."
    spans = [(0, 12, "PERSON"), (19, 25, "LOC")]
    [example] = make_examples(nlp, [(text, [s for s in spans if s[2] in labels])])
    example.reference.spans["sc"].attrs[attr] = labels
    # As a training corpus has it.
    docs = DocBin(docs=[example.reference]).to_bytes()
    [example.reference] = DocBin().from_bytes(docs).get_docs(nlp.vocab)
    return example


def test_labels_that_a_doc_is_not_annotated_for_are_not_taught():
    """Two labels are learned, although no doc is annotated for both. Without the
    entry, the model learns from each doc that the other label is absent."""
    found = []
    for attr in ("annotated_labels", "another_attr"):
        nlp = blank()
        examples = [annotated_for(nlp, [label], attr) for label in ("PERSON", "LOC")]
        train(nlp, examples)
        found.append({label for *_, label in spans_of(nlp(examples[0].text))})
    assert found == [{"PERSON", "LOC"}, set()]


def test_the_entry_of_annotated_labels_can_be_named():
    nlp = blank(labels_attr="types")
    examples = [annotated_for(nlp, [label], "types") for label in ("PERSON", "LOC")]
    train(nlp, examples)
    assert len(nlp(examples[0].text).spans["sc"]) == 2


def test_doc_annotated_for_no_label_has_no_part_in_the_loss(nlp):
    nlp.initialize(lambda: make_examples(nlp))
    example = make_examples(nlp)[3]
    example.reference.spans["sc"].attrs["annotated_labels"] = []
    assert nlp.update([example])["egp_ner"] == 0


def test_gold_spans_of_labels_that_are_not_annotated_are_reported(nlp):
    [example] = make_examples(nlp, NESTED_DATA[1:2])
    example.reference.spans["sc"].attrs["annotated_labels"] = ["PLACES"]
    message = "EGPW002.* 2 of labels that their docs are not annotated for"
    with pytest.warns(UserWarning, match=message):
        nlp.initialize(lambda: [example])


@pytest.mark.parametrize("labels", ["LOC", [1], None])
def test_annotated_labels_are_a_list_of_strings(nlp, labels):
    examples = make_examples(nlp)
    examples[0].reference.spans["sc"].attrs["annotated_labels"] = labels
    with pytest.raises(ValueError, match="EGP015.*'egp_ner'.*list of strings"):
        nlp.initialize(lambda: examples)


def test_gold_spans_that_do_not_fit_the_tokens_are_reported_once(nlp):
    predicted = nlp.make_doc("I like London")
    reference = Doc(nlp.vocab, words=["I", "like", "Lon", "don"], spaces=[1, 1, 0, 0])
    reference.spans["sc"] = [
        Span(reference, 2, 3, label="LOC"),
        Span(reference, 2, 4, label="LOC"),
        Span(reference, 1, 4, label="LOC"),
        Span(reference, 1, 3, label="LOC"),
    ]
    example = Example(predicted, reference)
    message = "EGPW002.*'egp_ner': 2 of 4 gold spans .*: 2 that do not fit the tokens"
    with pytest.warns(UserWarning, match=message):
        nlp.initialize(lambda: [example])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        nlp.update([example])


def test_corpus_of_another_tokenizer_is_refused(nlp):
    """Chinese characters, where the pipeline splits at white space."""
    predicted = nlp.make_doc("我爱北京")
    reference = Doc(nlp.vocab, words=list("我爱北京"), spaces=[False] * 4)
    reference.spans["sc"] = [Span(reference, 2, 4, label="LOC")]
    example = Example(predicted, reference)
    message = r"EGP019.*'egp_ner': 1 of 1 gold spans .* 'en'\. Set \[nlp\] lang"
    with pytest.raises(ValueError, match=message):
        nlp.initialize(lambda: [example])


def test_gold_spans_beyond_the_settings_are_reported():
    nlp = blank(max_length=2, within_sentences=True)
    examples = make_examples(nlp)
    examples[1].predicted[3].is_sent_start = True
    with pytest.warns(UserWarning) as record:
        nlp.initialize(lambda: examples)
    assert "2 longer than max_length" in str(record[0].message)
    assert len(record) == 1
    nlp.update(examples)


def test_gold_spans_across_sentences_are_reported():
    nlp = blank(within_sentences=True)
    examples = make_examples(nlp)
    for token in examples[1].predicted:
        token.is_sent_start = token.i == 3
    with pytest.warns(UserWarning, match="1 that cross a sentence boundary"):
        nlp.initialize(lambda: examples)
    nlp.update(examples)


def test_update_without_tokens(nlp):
    nlp.initialize(lambda: make_examples(nlp))
    empty = Example.from_dict(nlp.make_doc(""), {"spans": {"sc": []}})
    assert nlp.update([empty])["egp_ner"] == 0
    assert nlp.update([empty, *make_examples(nlp)])["egp_ner"] > 0


def test_update_takes_examples_only(nlp):
    nlp.initialize(lambda: make_examples(nlp))
    with pytest.raises(TypeError):
        nlp.get_pipe("egp_ner").update([nlp.make_doc("text")])


def test_another_spans_key():
    nlp = blank(spans_key="entities")
    examples = make_examples(nlp, key="entities")
    train(nlp, examples)
    scores = nlp.evaluate(examples)
    assert scores["spans_entities_f"] == 1.0
    labels = {"PERSON", "LOC", "PLACES", "TITLE"}
    assert set(scores["spans_entities_per_type"]) == labels
    assert "sc" not in nlp(TEXTS[0]).spans


def test_scores_count_overlapping_spans(trained_nlp):
    examples = make_examples(trained_nlp)
    scores = trained_nlp.evaluate(examples)
    assert [scores[f"spans_sc_{measure}"] for measure in "prf"] == [1, 1, 1]
    examples[2].reference.spans["sc"] = list(examples[2].reference.spans["sc"])[:3]
    assert trained_nlp.evaluate(examples)["spans_sc_p"] == pytest.approx(7 / 8)


# Activations that are not finite


def with_activations(nlp, text, value):
    """Make the tok2vec layer return the value for the tokens of a doc."""
    tok2vec = nlp.get_pipe("egp_ner").model.get_ref("tok2vec")
    forward = tok2vec._func

    def damaged(model, docs, is_train):
        output, backprop = forward(model, docs, is_train)
        for doc, hidden in zip(docs, output):
            if doc.text == text:
                hidden[-1, 0] = value
        return output, backprop

    tok2vec._func = damaged


# The last is finite, but scores of it are not.
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e25])
def test_activations_that_are_not_finite_are_reported(nlp, value):
    """They do not reach the weights, and are not taken for a doc without spans."""
    examples = make_examples(nlp)
    optimizer = train(nlp, examples, steps=2)
    before = nlp.get_pipe("egp_ner").model.to_bytes()
    with_activations(nlp, TEXTS[1], value)
    message = f"EGP010.*'egp_ner'.* 1 of 4 docs .*{TEXTS[1]}"
    with pytest.raises(ValueError, match=message):
        nlp.update(examples, sgd=optimizer)
    assert nlp.get_pipe("egp_ner").model.to_bytes() == before
    with pytest.raises(ValueError, match=message):
        list(nlp.pipe(TEXTS))


def test_a_doc_that_fails_can_be_skipped(trained_nlp):
    nlp = blank().from_bytes(trained_nlp.to_bytes())
    with_activations(nlp, TEXTS[1], np.nan)
    failed = []
    nlp.set_error_handler(lambda name, pipe, docs, error: failed.append((name, docs)))
    done = list(nlp.pipe(TEXTS, batch_size=1))
    assert [doc.text for doc in done] == [text for text in TEXTS if text != TEXTS[1]]
    assert [(name, docs[0].text) for name, docs in failed] == [("egp_ner", TEXTS[1])]


@pytest.mark.parametrize("loss", [np.nan, np.inf])
def test_a_loss_that_is_not_finite_is_not_learned(nlp, loss, monkeypatch):
    """Even if the features are finite: the sum of large scores depends on PyTorch."""
    examples = make_examples(nlp)
    train(nlp, examples, steps=2)
    original = spacy_egp.component.zlpr_loss
    monkeypatch.setattr(
        spacy_egp.component,
        "zlpr_loss",
        lambda *args, **kwargs: (loss, original(*args, **kwargs)[1]),
    )
    weights = nlp.get_pipe("egp_ner").model.to_bytes()
    with pytest.raises(ValueError, match="EGP011.*'egp_ner'.* loss of a batch"):
        nlp.update(examples)
    assert nlp.get_pipe("egp_ner").model.to_bytes() == weights


# Serialization


def assert_same_scores(nlp, other):
    doc = nlp.make_doc(TEXTS[2])
    expected = nlp.get_pipe("egp_ner").score_matrix(doc)
    np.testing.assert_array_equal(other.get_pipe("egp_ner").score_matrix(doc), expected)
    assert spans_of(other(TEXTS[2])) == spans_of(nlp(TEXTS[2]))


def test_to_bytes(trained_nlp):
    assert_same_scores(trained_nlp, blank().from_bytes(trained_nlp.to_bytes()))


def test_to_disk(trained_nlp, tmp_path):
    trained_nlp.to_disk(tmp_path)
    loaded = spacy.load(tmp_path)
    assert_same_scores(trained_nlp, loaded)
    assert loaded.get_pipe("egp_ner").labels == trained_nlp.get_pipe("egp_ner").labels


def test_training_goes_on_after_loading(trained_nlp, tmp_path):
    trained_nlp.to_disk(tmp_path)
    fix_random_seed(0)
    nlp = spacy.load(tmp_path)
    optimizer = nlp.resume_training()
    examples = make_examples(nlp)
    assert nlp.update(examples, sgd=optimizer)["egp_ner"] < 0.1
    for _ in range(30):
        nlp.update(examples, sgd=optimizer)
    assert nlp.evaluate(examples)["spans_sc_f"] == 1.0


def test_sourced_component(trained_nlp):
    nlp = spacy.blank("en")
    nlp.add_pipe("egp_ner", source=trained_nlp)
    assert spans_of(nlp(TEXTS[2])) == spans_of(trained_nlp(TEXTS[2]))


def save(nlp, path):
    nlp.to_disk(path)
    return path / "egp_ner"


@pytest.mark.parametrize("name", ["cfg", "model"])
def test_truncated_file(trained_nlp, tmp_path, name):
    path = save(trained_nlp, tmp_path) / name
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(ValueError, match=f"EGP012.*'egp_ner'.*{path}"):
        spacy.load(tmp_path)


def test_model_of_another_architecture(trained_nlp, tmp_path):
    path = save(trained_nlp, tmp_path)
    component = blank(model={**DEFAULT_MODEL, "head_size": 32}).get_pipe("egp_ner")
    with pytest.raises(ValueError, match=f"EGP012.*'egp_ner'.*{path}/model"):
        component.from_disk(path, exclude=["vocab"])
    with pytest.raises(ValueError, match="EGP012.*'egp_ner'.*bytes"):
        component.from_bytes(trained_nlp.get_pipe("egp_ner").to_bytes())


def test_labels_that_do_not_fit_the_weights(trained_nlp, tmp_path):
    path = save(trained_nlp, tmp_path) / "cfg"
    cfg = srsly.read_json(path)
    srsly.write_json(path, {**cfg, "labels": cfg["labels"][:-1]})
    with pytest.raises(ValueError, match="EGP013.*'egp_ner'.* 3 labels.* for 4"):
        spacy.load(tmp_path)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_not_finite(trained_nlp, tmp_path, value):
    nlp = blank().from_bytes(trained_nlp.to_bytes())
    nlp.get_pipe("egp_ner").model.get_ref("bias").get_param("W")[1, 2] = value
    nlp.to_disk(tmp_path)
    with pytest.raises(ValueError, match="EGP014.*'egp_ner'.*'W' of 'scaled_linear'"):
        spacy.load(tmp_path)


def test_cfg_of_an_earlier_version(trained_nlp, tmp_path):
    """Settings that it lacks have their defaults."""
    path = save(trained_nlp, tmp_path) / "cfg"
    cfg = srsly.read_json(path)
    del cfg["labels_attr"]
    srsly.write_json(path, cfg)
    assert_same_scores(trained_nlp, spacy.load(tmp_path))
