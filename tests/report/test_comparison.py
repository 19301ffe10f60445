"""The significance of a difference, compared with all possible samples of the docs."""

from itertools import product

import numpy as np
import pytest

from spacy_egp.report.comparison import bootstrap, p_value

# Of each doc: gold, predicted and correct spans of this and of the other pipeline.
CLOSE = [
    [(4, 4, 3), (4, 5, 3)],
    [(2, 3, 1), (2, 2, 2)],
    [(5, 4, 4), (5, 3, 2)],
    [(0, 1, 0), (0, 0, 0)],
    [(3, 3, 2), (3, 3, 3)],
]
BETTER = [[(4, 4, 4), (4, 4, n)] for n in (1, 3, 2, 2, 3)]


def f_score(counts):
    gold, predicted, correct = (sum(column) for column in zip(*counts))
    return 2 * correct / max(gold + predicted, 1)


def all_differences(docs):
    """The difference of F in each of the n ** n samples with replacement."""
    return np.asarray(
        [
            f_score([docs[i][0] for i in sample])
            - f_score([docs[i][1] for i in sample])
            for sample in product(range(len(docs)), repeat=len(docs))
        ]
    )


@pytest.mark.parametrize("docs", [CLOSE, [doc[::-1] for doc in CLOSE], BETTER])
def test_bootstrap_is_that_of_all_samples(docs):
    found, expected = bootstrap(np.asarray(docs)), all_differences(docs)
    shares = [0.025, 0.25, 0.5, 0.75, 0.975]
    assert np.quantile(found, shares) == pytest.approx(
        np.quantile(expected, shares), abs=0.03
    )
    rarer = min((expected <= 0).mean(), (expected >= 0).mean())
    assert p_value(found) == pytest.approx(min(1, 2 * rarer), abs=0.03)
    assert (p_value(found) < 0.05) == (docs == BETTER)


def test_equal_pipelines_do_not_differ():
    docs = np.asarray([[doc[0]] * 2 for doc in CLOSE])
    assert p_value(bootstrap(docs)) == 1
