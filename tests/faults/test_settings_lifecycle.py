"""Any sequence of changes to settings, compared with a simple model: what was set last
and most explicitly wins."""

import shutil
import tempfile
from pathlib import Path

import pytest
import spacy
import srsly
from generated import patient, tiny_nlp
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from oracles import allowed_pairs
from spacy.util import load_config, load_model_from_config

from spacy_egp.settings import DEFAULTS

pytestmark = [pytest.mark.faults, pytest.mark.filterwarnings("ignore:.*EGPW010")]

TEXT = "Ada Lovelace likes London and Berlin ."
VALUES = {
    "spans_key": st.sampled_from(["sc", "entities"]),
    "threshold": st.sampled_from([0.0, 0.001, 0.5, 1.0, {"A": 0.001}, {"A": 1.0}]),
    "max_length": st.sampled_from([None, "auto", 1, 3, 2**63 - 1]),
    "within_sentences": st.just(False),
    "overlap": st.sampled_from(["any", "nested", "flat"]),
    "predicted_labels": st.sampled_from([None, ["A"]]),
    "annotate_ents": st.booleans(),
    "labels_attr": st.sampled_from(["annotated_labels", "types"]),
    "stretch_length": st.sampled_from([None, 1, 8]),
    "label_weights": st.sampled_from([None, {}, {"A": 2.0}]),
}
CHANGES = st.fixed_dictionaries({}, optional=VALUES)
NAMES = st.sampled_from(["egp_ner", "nested", "other"])
CALLBACK = {"@callbacks": "spacy-egp.source_settings.v1"}


class Settings(RuleBasedStateMachine):
    """The model of the state: the name of the component and the settings; those of the
    pipeline in the folder."""

    @initialize(changes=CHANGES)
    def begin(self, changes):
        self.folder = Path(tempfile.mkdtemp())
        self.nlp, self.name = tiny_nlp(), "egp_ner"
        self.settings = dict(DEFAULTS)
        self.component.add_label("A")
        self.nlp.initialize()
        self.set_attributes(changes)
        self.save()

    def teardown(self):
        if hasattr(self, "folder"):
            shutil.rmtree(self.folder)

    @property
    def component(self):
        return self.nlp.get_pipe(self.name)

    @rule(changes=CHANGES)
    def set_attributes(self, changes):
        for name, value in changes.items():
            setattr(self.component, name, value)
        self.settings = {**self.settings, **changes}

    @rule(changes=CHANGES)
    def change_cfg(self, changes):
        self.component.cfg.update(changes)
        self.settings = {**self.settings, **changes}

    @rule(value=st.sampled_from([None, "0.5", 2, True, float("nan")]))
    def set_a_bad_value(self, value):
        with pytest.raises(ValueError, match="EGP001"):
            self.component.threshold = value

    @rule()
    def save(self):
        shutil.rmtree(self.folder)
        self.nlp.to_disk(self.folder)
        self.saved, self.saved_name = self.settings, self.name
        config = load_config(self.folder / "config.cfg")["components"][self.name]
        cfg = srsly.read_json(self.folder / self.name / "cfg")
        for written in (config, cfg):
            assert {name: written[name] for name in DEFAULTS} == self.settings

    @rule(changes=CHANGES)
    def load(self, changes):
        # spaCy cannot override a number or null with a table.
        changes = {x: v for x, v in changes.items() if not isinstance(v, dict)}
        overrides = {"components": {self.saved_name: changes}}
        self.nlp = spacy.load(self.folder, config=overrides)
        self.name, self.settings = self.saved_name, {**self.saved, **changes}

    @rule(changes=CHANGES)
    def edit_the_saved_config(self, changes):
        config = load_config(self.folder / "config.cfg")
        config["components"][self.saved_name].update(changes)
        config.to_disk(self.folder / "config.cfg")
        self.saved = {**self.saved, **changes}

    @rule(name=NAMES)
    def source(self, name):
        nlp = spacy.blank("xx")
        nlp.add_pipe(self.name, name=name, source=self.nlp)
        self.nlp, self.name = nlp, name

    @rule(changes=CHANGES, name=NAMES)
    def source_in_a_config(self, changes, name):
        section = {"source": str(self.folder), "component": self.saved_name, **changes}
        config = {
            "nlp": {
                "lang": "xx",
                "pipeline": [name],
                "after_pipeline_creation": CALLBACK,
            },
            "components": {name: section},
        }
        self.nlp = load_model_from_config(config, auto_fill=True)
        self.name, self.settings = name, {**self.saved, **changes}

    @rule(name=NAMES)
    def rename(self, name):
        if name != self.name:
            self.nlp.rename_pipe(self.name, name)
            self.name = name

    @rule()
    def copy_by_bytes(self):
        copy = type(self.nlp).from_config(self.nlp.config)
        self.nlp = copy.from_bytes(self.nlp.to_bytes())

    @invariant()
    def settings_are_those_of_the_model(self):
        attributes = {name: getattr(self.component, name) for name in DEFAULTS}
        assert attributes == self.settings
        assert {name: self.component.cfg[name] for name in DEFAULTS} == self.settings

    @invariant()
    def predictions_obey_them(self):
        doc = self.nlp(TEXT)
        assert set(doc.spans) == {self.settings["spans_key"]}
        group = doc.spans[self.settings["spans_key"]]
        # As nothing was learned, all probabilities are close to this one.
        max_length = self.settings["max_length"]
        max_length = None if max_length == "auto" else max_length
        n_pairs = int(allowed_pairs([len(doc)], max_length=max_length).sum())
        threshold = self.settings["threshold"]
        if isinstance(threshold, dict):
            threshold = threshold["A"]
        if threshold >= 0.5:
            assert len(group) == 0
        elif self.settings["overlap"] == "any" and threshold == 0:
            assert len(group) == n_pairs
        assert bool(doc.ents) == (self.settings["annotate_ents"] and len(group) > 0)


TestSettings = Settings.TestCase
TestSettings.settings = settings(
    patient,
    max_examples=max(10, settings.default.max_examples // 10),
    stateful_step_count=10,
)
