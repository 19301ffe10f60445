"""PyTorch's threads: one for the component, and the program's own setting otherwise."""

import os
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
import spacy
import torch
from conftest import NESTED_DATA, make_examples
from oracles import random_features, random_gold

import spacy_egp.blocks
import spacy_egp.decoding
import spacy_egp.layers
import spacy_egp.loss
from spacy_egp.threads import one_thread, share


@pytest.fixture(autouse=True)
def three_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(before)


def in_new_thread(function):
    """Call a function in a thread that has not used PyTorch; RETURNS its result."""
    results = []
    thread = threading.Thread(target=lambda: results.append(function()))
    thread.start()
    thread.join()
    return results[0]


def test_the_component_computes_with_one_thread(trained_nlp, monkeypatch):
    """In each part of a training step and of a prediction; around them, and in new
    threads of the program, PyTorch has its own setting."""
    seen = []

    def spy(module, name):
        original = getattr(module, name)

        def call(*args, **kwargs):
            seen.append((name, torch.get_num_threads()))
            return original(*args, **kwargs)

        monkeypatch.setattr(module, name, call)

    for module in (spacy_egp.layers, spacy_egp.loss, spacy_egp.decoding):
        spy(module, "xp2torch" if module is spacy_egp.layers else "pair_blocks")
    nlp = spacy.blank("en")
    nlp.add_pipe("egp_ner")
    nlp.from_bytes(trained_nlp.to_bytes())
    nlp.update(make_examples(nlp))
    n_training = len(seen)
    nlp(NESTED_DATA[0][0])
    assert {name for name, _ in seen} == {"xp2torch", "pair_blocks"}
    assert 0 < n_training < len(seen)
    assert {n_threads for _, n_threads in seen} == {1}
    assert torch.get_num_threads() == 3
    assert in_new_thread(torch.get_num_threads) == 3


def test_the_setting_comes_back_after_an_error():
    with pytest.raises(KeyError), one_thread():
        raise KeyError
    assert torch.get_num_threads() == 3


def test_within_itself():
    with one_thread():
        with one_thread():
            assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == 3


def test_a_thread_that_begins_while_another_is_within():
    """Afterwards, it has the process's setting, whichever of the two leaves first."""

    def within():
        with one_thread():
            assert torch.get_num_threads() == 1
        return torch.get_num_threads()

    with one_thread():
        assert in_new_thread(within) == 3
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == 3

    entered, may_leave = threading.Event(), threading.Event()

    def stay_within():
        with one_thread():
            entered.set()
            may_leave.wait()
        late.append(torch.get_num_threads())

    late = []
    thread = threading.Thread(target=stay_within)
    with one_thread():
        thread.start()
        entered.wait()
    assert torch.get_num_threads() == 3
    may_leave.set()
    thread.join()
    assert late == [3]
    assert in_new_thread(torch.get_num_threads) == 3


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes cannot be forked")
def test_a_fork_while_another_thread_is_within():
    """The child has the program's setting, and can compute."""
    code = """
import os, threading, torch, spacy
from spacy_egp.threads import one_thread

torch.set_num_threads(3)
spacy.blank("en").add_pipe("egp_ner")
entered, may_leave = threading.Event(), threading.Event()

def stay_within():
    with one_thread():
        entered.set()
        may_leave.wait()

thread = threading.Thread(target=stay_within)
thread.start()
entered.wait()
if os.fork() == 0:
    with one_thread():
        torch.ones(10).sum()
    print(torch.get_num_threads(), flush=True)
    os._exit(0)
os.wait()
may_leave.set()
thread.join()
"""
    command = [sys.executable, "-W", "ignore", "-c", code]
    assert subprocess.check_output(command, text=True, timeout=300).split() == ["3"]


CPU = torch.device("cpu")


def test_shared_work_is_collected_in_order():
    computed_by, collected = set(), []

    def compute(n):
        assert torch.get_num_threads() == 1
        computed_by.add(threading.get_ident())
        # The first parts take longest.
        time.sleep(0.02 / (1 + n))
        return -n

    with one_thread():
        share(compute, lambda n, result: collected.append((n, result)), 20, CPU)
    assert collected == [(n, -n) for n in range(20)]
    assert len(computed_by) == 3


@pytest.mark.parametrize("part", ["compute", "collect"])
@pytest.mark.parametrize("n_parts", [1, 20])
def test_an_error_in_shared_work_ends_it(part, n_parts):
    def fail(n, *result):
        if n == min(n_parts - 1, 5):
            raise KeyError(n)

    functions = {"compute": lambda n: n, "collect": lambda n, result: None, part: fail}
    with pytest.raises(KeyError), one_thread():
        share(functions["compute"], functions["collect"], n_parts, CPU)


def test_several_threads_find_the_same(monkeypatch):
    """Bit for bit, even if they share many blocks, some of which are computed again."""
    monkeypatch.setattr(spacy_egp.blocks, "PAIRS_PER_BLOCK", 2**10)
    monkeypatch.setattr(spacy_egp.loss, "KEPT_PAIRS", 2**14)
    monkeypatch.setattr(spacy_egp.decoding, "SPANS_PER_DOC", 1000)
    rng = np.random.default_rng(0)
    features = random_features(rng, [200, 3, 150], n_labels=3, n_heads=1)
    gold = random_gold(rng, [200, 3, 150], 3, 0.5)
    results = []
    for n_threads in (1, 3):
        torch.set_num_threads(n_threads)
        loss, gradient = spacy_egp.loss.zlpr_loss(features, gold)
        spans = spacy_egp.decoding.decode(features, -3.0)
        results.append([loss, *vars(gradient).values(), *vars(spans).values()])
    assert len(results[0][-1]) == 2
    for alone, shared in zip(*results):
        np.testing.assert_array_equal(alone, shared)
