"""What measurements say about themselves."""

import pytest

from scripts.shared.measuring import portable


@pytest.mark.parametrize(
    "name, expected",
    [
        ("roberta-base", "roberta-base"),
        ("sentence-transformers/all-MiniLM-L6-v2",) * 2,
        ("corpus/germeval-test.spacy",) * 2,
        ("/home/me/site-packages/minilm/model", "minilm/model"),
        ("/base-size", "base-size"),
    ],
)
def test_results_name_no_folders_of_one_machine(name, expected):
    assert portable(name) == expected
