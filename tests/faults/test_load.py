"""Many docs, several processes and several threads."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from conftest import NESTED_DATA, spans_of
from hypothesis import settings

pytestmark = pytest.mark.faults

# Nothing here takes long: what takes this many seconds hangs.
TIMEOUT = 600
N_DOCS = max(10_000, 10 * settings.default.max_examples)
TEXTS = [f"{text} {i}" for i in range(100) for text, _ in NESTED_DATA]


def run_script(code, *args):
    """Run Python code in a separate process; RETURNS the JSON that it prints."""
    # Without the variable, PyTorch uses as many threads as there are cores.
    environment = {k: v for k, v in os.environ.items() if k != "OMP_NUM_THREADS"}
    # Old versions of tokenizers warn of forks on standard output if it is not set.
    environment["TOKENIZERS_PARALLELISM"] = "false"
    command = [sys.executable, "-c", code, *map(str, args)]
    output = subprocess.run(
        command, env=environment, stdout=subprocess.PIPE, timeout=TIMEOUT, check=True
    )
    return json.loads(output.stdout)


def test_memory_does_not_grow_with_the_docs(model_path):
    """Each doc has new words, which the vocab would keep without memory zones."""
    script = """
import json, resource, sys
import spacy
from spacy.util import minibatch

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

nlp, n_docs = spacy.load(sys.argv[1]), int(sys.argv[2])
texts = (f"word{i} likes London and word{i % 1000}" for i in range(n_docs))
n_strings, n_done, peaks = len(nlp.vocab.strings), 0, []
for batch in minibatch(texts, 1000):
    with nlp.memory_zone():
        n_done += sum("sc" in doc.spans for doc in nlp.pipe(batch))
    peaks.append(peak())
n_new_strings = len(nlp.vocab.strings) - n_strings
print(json.dumps([n_done, n_new_strings, peaks[len(peaks) // 10], peaks[-1]]))
"""
    n_done, n_new_strings, early, late = run_script(script, model_path, N_DOCS)
    assert n_done == N_DOCS
    assert n_new_strings == 0
    assert late - early < 20


@pytest.mark.parametrize(
    "any_nlp, method",
    [
        ("egp_cnn", "fork"),
        ("egp_bilstm", "fork"),
        ("egp_trf", "fork"),
        ("egp_trf", "spawn"),
    ],
    indirect=["any_nlp"],
)
def test_processes(method, any_nlp, tmp_path):
    """After the parent has computed with several threads, which a fork lacks."""
    script = """
import json, multiprocessing, sys
import spacy, torch

def spans(docs):
    return [[[s.start_char, s.end_char, s.label_] for s in doc.spans["sc"]]
            for doc in docs]

multiprocessing.set_start_method(sys.argv[2])
torch.set_num_threads(2)
nlp = spacy.load(sys.argv[1])
nlp("London " * 2000)
texts = json.loads(sys.argv[3])
print(json.dumps([spans(nlp.pipe(texts, n_process=n_process, batch_size=20))
                  for n_process in (1, 2)]))
"""
    any_nlp.to_disk(tmp_path)
    alone, in_processes = run_script(script, tmp_path, method, json.dumps(TEXTS[:80]))
    assert alone == in_processes
    assert all(alone)


def test_threads_share_a_pipeline(trained_nlp):
    expected = [spans_of(trained_nlp(text)) for text in TEXTS]
    assert any(expected)
    with ThreadPoolExecutor(8) as pool:
        docs = list(pool.map(trained_nlp, TEXTS))
    assert [spans_of(doc) for doc in docs] == expected
