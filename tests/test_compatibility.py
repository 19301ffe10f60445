"""Pipelines that earlier versions have saved."""

import numpy as np
import pytest
import spacy
import srsly
from conftest import PIPELINES


@pytest.mark.parametrize("version", ["0.1.0"])
def test_saved_pipeline_predicts_the_same(version):
    nlp = spacy.load(PIPELINES / version)
    for row in srsly.read_jsonl(PIPELINES / f"{version}.jsonl"):
        doc = nlp(row["text"])
        group = doc.spans["sc"]
        found = [[span.start, span.end, span.label_] for span in group]
        assert found == [span[:3] for span in row["spans"]]
        scores = [span[3] for span in row["spans"]]
        np.testing.assert_allclose(group.attrs["scores"], scores, atol=1e-4)
