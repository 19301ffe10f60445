"""Any sequence of training, new labels, saving, loading and prediction, compared with a
simple model of the state."""

import math
import tempfile
from pathlib import Path

import numpy as np
import pytest
import spacy
from generated import CHARACTERS, LABELS, docs, patient, spans, tiny_nlp
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from oracles import allowed_pairs, assert_above
from spacy.tokens import Span
from spacy.training import Example

from spacy_egp.component import LENGTH_MARGIN
from spacy_egp.decoding import to_score

pytestmark = [pytest.mark.faults, pytest.mark.filterwarnings("ignore:.*EGPW002")]

PROBES = ("Ada Lovelace likes London and Berlin .", "\u2003 a\x00b \U0001f600", "")
OTHER_LABELS = st.text(CHARACTERS, min_size=1, max_size=5)


class Lifecycle(RuleBasedStateMachine):
    """The model of the state: the labels, the settings, and the scores of some docs
    as of the last change that may change them."""

    @initialize(labels=st.lists(st.sampled_from(LABELS), min_size=1, unique=True))
    def begin(self, labels):
        self.nlp = tiny_nlp()
        self.labels, self.learned_length = labels, None
        self.settings = dict(self.component.cfg, labels=labels)
        for label in labels:
            self.component.add_label(label)
        self.optimizer = self.nlp.initialize()
        self.scores = self.read_scores()

    @property
    def component(self):
        return self.nlp.get_pipe("egp_ner")

    def read_scores(self):
        return [self.component.score_matrix(self.nlp.make_doc(text)) for text in PROBES]

    @rule(data=st.data())
    def train(self, data):
        examples = []
        for doc in data.draw(st.lists(docs(self.nlp), min_size=1, max_size=3)):
            reference = doc.copy()
            reference.spans["sc"] = data.draw(spans(reference, self.labels))
            examples.append(Example(doc, reference))
        losses = self.nlp.update(examples, sgd=self.optimizer)
        assert 0 <= losses.get("egp_ner", 0) < np.inf
        bound = self.settings["max_length"]
        longest = max(
            (
                len(span)
                for example in examples
                for span in example.y.spans["sc"]
                if not isinstance(bound, int) or len(span) <= bound
            ),
            default=0,
        )
        if longest:
            justified = math.ceil(longest * LENGTH_MARGIN)
            self.learned_length = max(self.learned_length or 0, justified)
        self.scores = self.read_scores()
        assert all(np.isfinite(s[s > -np.inf]).all() for s in self.scores)

    @rule()
    def train_with_a_label_that_is_missing(self):
        example = Example(self.nlp.make_doc("a"), self.nlp.make_doc("a"))
        example.y.spans["sc"] = [Span(example.y, 0, 1, label="missing")]
        with pytest.raises(ValueError, match="EGP007"):
            self.nlp.update([example], sgd=self.optimizer)

    @rule(label=st.sampled_from(LABELS) | OTHER_LABELS)
    def add_label(self, label):
        assert self.component.add_label(label) == int(label not in self.labels)
        if label not in self.labels:
            self.labels.append(label)
            before, self.scores = self.scores, self.read_scores()
            for old, new in zip(before, self.scores):
                np.testing.assert_allclose(new[:-1], old, rtol=1e-5)

    @rule(label=st.sampled_from([1, None, b"A", "", "\ud800"]))
    def add_what_is_no_label(self, label):
        with pytest.raises(ValueError):
            self.component.add_label(label)

    @rule(
        threshold=st.sampled_from([0.0, 0.001, 0.5, 1.0]),
        max_length=st.none() | st.just("auto") | st.integers(1, 5),
    )
    def change_settings(self, threshold, max_length):
        changed = {"threshold": threshold, "max_length": max_length}
        self.settings.update(changed)
        self.component.cfg.update(changed)

    @rule()
    def save_and_load(self):
        with tempfile.TemporaryDirectory() as folder:
            self.nlp.to_disk(folder)
            self.nlp = spacy.load(Path(folder))
        self.optimizer = self.nlp.resume_training()

    @invariant()
    def state_is_that_of_the_model(self):
        assert self.component.labels == tuple(self.labels)
        learned = {"learned_length": self.learned_length}
        assert self.component.cfg == {**self.settings, **learned}
        for scores, expected in zip(self.read_scores(), self.scores):
            np.testing.assert_array_equal(scores, expected)

    @invariant()
    def annotated_spans_are_those_above_the_threshold(self):
        threshold = to_score(self.settings["threshold"])
        max_length = self.settings["max_length"]
        if max_length == "auto":
            max_length = self.learned_length
        for doc, scores in zip(map(self.nlp, PROBES), self.scores):
            allowed = allowed_pairs([len(doc)], max_length=max_length)
            possible = {
                (start, end + 1, self.labels[label]): scores[label, start, end]
                for label, start, end in np.argwhere((scores > -np.inf) & allowed)
            }
            found = [(s.start, s.end, s.label_) for s in doc.spans["sc"]]
            assert len(set(found)) == len(found)
            assert_above(found, possible, threshold)


TestLifecycle = Lifecycle.TestCase
TestLifecycle.settings = settings(patient, stateful_step_count=10)
