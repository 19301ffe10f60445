"""The benchmark of `spacy egp convert` writes corpora that say what was generated."""

from itertools import islice

import pytest
import spacy
from spacy.tokens import DocBin

from scripts.commands import convert as convert_benchmark
from spacy_egp.corpora.convert import convert


@pytest.mark.parametrize("name", convert_benchmark.WRITERS)
def test_corpora_have_the_generated_spans(name, tmp_path):
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    convert_benchmark.WRITERS[name](corpus, 20_000)
    output = tmp_path / "output.spacy"
    convert([corpus], output)

    docs = list(DocBin().from_disk(output).get_docs(spacy.blank("xx").vocab))
    samples = list(islice(convert_benchmark.generate(), len(docs)))
    assert len(docs) > 5
    found = {
        (
            doc.text.strip(),
            frozenset((s.start_char, s.end_char, s.label_) for s in doc.spans["sc"]),
        )
        for doc in docs
    }
    assert found == {(one.text, frozenset(one.characters())) for one in samples}
