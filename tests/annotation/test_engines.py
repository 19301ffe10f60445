"""Workers, and what happens to a run when they are killed. Its output is compared byte
by byte with that of an undisturbed process."""

import os
import shutil
import signal
import subprocess
import sys
import time
from multiprocessing import active_children
from threading import Thread

import psutil
import pytest
import srsly
from annotations import read_files
from ray.cluster_utils import Cluster
from thinc.util import has_cupy_gpu

from scripts.commands.annotate import find_processes
from spacy_egp.annotation import local, ray_data
from spacy_egp.annotation.annotate import annotate
from spacy_egp.annotation.summary import Summary


@pytest.fixture
def expected(model_path, texts_path, tmp_path):
    """The files of an undisturbed run in parts of 5 documents."""
    annotate(
        str(model_path), str(texts_path), str(tmp_path / "expected"), docs_per_part=5
    )
    return read_files(tmp_path / "expected")


def kill_worker(command):
    """Kill a process below this one as soon as there is one."""
    while not (workers := find_processes(os.getpid(), command)):
        time.sleep(0.1)
    workers[0].kill()


def test_output_does_not_depend_on_the_batch_size(model_path, texts_path, tmp_path):
    files = []
    for batch_words in (1, 7, 30, 5000):
        output = tmp_path / str(batch_words)
        annotate(str(model_path), str(texts_path), str(output), batch_words=batch_words)
        files.append(read_files(output))
    assert all(content == files[0] for content in files)


def test_process_that_does_not_end(
    model_path, texts_path, tmp_path, expected, monkeypatch
):
    """As one waits forever for a lock that a killed one has kept."""
    monkeypatch.setattr(local, "SECONDS_PER_PROCESS", 0.5)
    add, stopped = Summary.add, []

    def add_and_stop(summary, counts, seconds):
        add(summary, counts, seconds)
        if summary.total.docs == 60:
            stopped.append(active_children()[0].pid)
            os.kill(stopped[0], signal.SIGSTOP)

    monkeypatch.setattr(Summary, "add", add_and_stop)
    paths = map(str, (model_path, texts_path, tmp_path / "out"))
    annotate(*paths, docs_per_part=5, n_process=2)
    assert not psutil.pid_exists(stopped[0])
    assert read_files(tmp_path / "out") == expected


def test_killed_run_goes_on(model_path, texts_path, tmp_path, expected):
    """SIGKILL of the whole run; then the same command, in two processes."""
    output = tmp_path / "out"
    paths = [str(model_path), str(texts_path), str(output)]
    code = f"""
import os, signal, sys
from spacy_egp.annotation import annotator
from spacy_egp.annotation.annotate import annotate

class Output(annotator.Output):
    def open_part(self, number, suffix):
        if number == 3:
            annotator.make_writer = make_killer
        return super().open_part(number, suffix)

def make_killer(format, file, *settings):
    file.write(b"half a part")
    file.flush()
    os.kill(os.getpid(), signal.SIGKILL)

annotator.Output = Output
annotate(*{paths}, docs_per_part=5)
"""
    run = subprocess.run([sys.executable, "-c", code])
    assert run.returncode == -signal.SIGKILL
    half_written = [name for name in read_files(output) if name.startswith(".")]
    assert len(half_written) == 1
    written = {path: path.stat().st_mtime_ns for path in output.glob("part*")}
    assert len(written) == 3
    summary = annotate(*paths, docs_per_part=5, n_process=2)
    assert read_files(output) == expected
    assert all(path.stat().st_mtime_ns == time for path, time in written.items())
    assert (summary.total.docs, summary.run.docs) == (60, 45)


def test_killed_process_of_a_pool(model_path, texts_path, tmp_path, expected):
    output = tmp_path / "out"
    arguments = (str(model_path), str(texts_path), str(output))
    killer = Thread(target=kill_worker, args=("spawn_main",))
    killer.start()
    with pytest.raises(ChildProcessError, match="EGP414.*run the same command again"):
        annotate(*arguments, docs_per_part=5, n_process=2)
    killer.join()
    annotate(*arguments, docs_per_part=5)
    assert read_files(output) == expected


def test_pool_does_not_outlive_its_parent(model_path, texts_path, tmp_path):
    command = [sys.executable, "-m", "spacy", "egp", "annotate", "--n-process", "2"]
    paths = [str(model_path), str(texts_path), str(tmp_path / "out")]
    run = subprocess.Popen([*command, *paths, "--docs-per-part", "1"])
    while not (workers := find_processes(run.pid, "spawn_main")):
        assert run.poll() is None
        time.sleep(0.1)
    run.kill()
    run.wait()
    _, alive = psutil.wait_procs(workers, timeout=60)
    assert not alive


def test_killed_run_of_ray_goes_on(model_path, texts_path, tmp_path, expected):
    output = tmp_path / "out"
    paths = [str(model_path), str(texts_path), str(output)]
    command = [sys.executable, "-m", "spacy", "egp", "annotate", "--engine", "ray"]
    run = subprocess.Popen([*command, *paths, "--docs-per-part", "5"])
    while not any(output.glob("_done/part*")):
        assert run.poll() is None
        time.sleep(0.01)
    workers = find_processes(run.pid, "ray::MapWorker")
    run.kill()
    run.wait()
    _, alive = psutil.wait_procs(workers, timeout=60)
    assert workers and not alive
    annotate(*paths, docs_per_part=5, engine="ray")
    assert read_files(output) == expected


@pytest.mark.skipif(has_cupy_gpu, reason="the workers would find the GPU")
def test_gpus_of_ray(model_path, texts_path, tmp_path):
    """Workers get a share of the cluster's GPU, which only Ray believes in. Ray would
    wait forever for a share that is larger than what there is."""
    arguments = [str(model_path), str(texts_path), str(tmp_path / "out")]
    cluster = Cluster(initialize_head=True, head_node_args={"num_gpus": 1})
    where = {"engine": "ray", "address": cluster.address}
    try:
        with pytest.raises(ChildProcessError, match="Cannot use GPU"):
            annotate(*arguments, **where, gpu=0.5)
        with pytest.raises(ValueError, match=r"EGP417.*needs 2 GPU, but .* has 1\.0"):
            annotate(*arguments, **where, gpu=2)
    finally:
        cluster.shutdown()


def test_killed_worker_of_a_ray_cluster(model_path, texts_path, tmp_path, expected):
    """Two nodes on this machine, and SIGKILL of a worker."""
    output = tmp_path / "out"
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    cluster.add_node(num_cpus=1)
    killer = Thread(target=kill_worker, args=("ray::MapWorker",))
    killer.start()
    try:
        paths = [str(path) for path in (model_path, texts_path, output)]
        options = ["--engine", "ray", "--address", cluster.address, "--n-process", "2"]
        command = [sys.executable, "-m", "spacy", "egp", "annotate", *paths, *options]
        json_path = tmp_path / "summary.json"
        subprocess.run([*command, "--docs-per-part", "5", "--json", str(json_path)])
    finally:
        cluster.shutdown()
    killer.join()
    assert read_files(output) == expected
    assert srsly.read_json(json_path)["run"]["docs"] == 60


def test_ray_gives_up(model_path, texts_path, tmp_path, expected, monkeypatch):
    """Each worker is killed at work, as if memory ran out."""

    class KilledWorker(ray_data._Worker):
        def __call__(self, row):
            os.kill(os.getpid(), signal.SIGKILL)

    monkeypatch.setattr(ray_data, "_Worker", KilledWorker)
    monkeypatch.setattr(ray_data, "RETRIES", 0)
    output = tmp_path / "out"
    arguments = (str(model_path), str(texts_path), str(output))
    with pytest.raises(ChildProcessError, match="EGP416.*killed 0 times"):
        annotate(*arguments, docs_per_part=5, engine="ray")
    annotate(*arguments, docs_per_part=5)
    assert read_files(output) == expected


def test_error_of_a_ray_worker(model_path, texts_path, tmp_path):
    arguments = (str(model_path), str(texts_path), str(tmp_path / "out"))
    with pytest.raises(ChildProcessError, match="EGP415.*EGP403"):
        annotate(*arguments, engine="ray", spans_key="other")


def test_failed_worker_of_ray_does_nothing_more(monkeypatch):
    """The other workers continue, and the run ends after them."""
    parts = []

    def fail(settings, part):
        parts.append(part)
        raise OSError("No space left")

    monkeypatch.setattr(ray_data, "annotate_in_worker", fail)
    worker = ray_data._Worker(None)
    rows = [{"item": f'[{number}, "a.txt", [0, 1, 1, ""]]'} for number in (0, 1)]
    errors = [worker(row)["error"] for row in rows]
    assert errors == ["OSError: No space left"] * 2
    assert [part.number for part in parts] == [0]


def test_output_of_another_run_is_refused(model_path, texts_path, tmp_path):
    output = tmp_path / "out"
    arguments = (str(model_path), str(texts_path), str(output))
    annotate(*arguments, docs_per_part=30)
    before = read_files(output)
    with pytest.raises(
        FileExistsError, match="EGP413.*docs_per_part was 30 and is now 20"
    ):
        annotate(*arguments, docs_per_part=20)
    with pytest.raises(FileExistsError, match="format was 'jsonl'"):
        annotate(*arguments, docs_per_part=30, format="parquet")
    other_model = tmp_path / "model"
    shutil.copytree(model_path, other_model)
    # The pipeline may move, but it must not change.
    annotate(str(other_model), *arguments[1:], docs_per_part=30)
    meta = srsly.read_json(other_model / "meta.json")
    srsly.write_json(other_model / "meta.json", {**meta, "author": "another"})
    with pytest.raises(FileExistsError, match="model was"):
        annotate(str(other_model), *arguments[1:], docs_per_part=30)
    srsly.write_jsonl(texts_path, [{"text": "changed"}])
    with pytest.raises(FileExistsError, match=rf"input\.{texts_path} was"):
        annotate(*arguments, docs_per_part=30)
    assert read_files(output) == before


def test_settings_may_change_before_the_first_part(model_path, texts_path, tmp_path):
    output = str(tmp_path / "out")
    with pytest.raises(ValueError, match="--spans-key"):
        annotate(str(model_path), str(texts_path), output, spans_key="other")
    assert annotate(str(model_path), str(texts_path), output).total.docs == 60


def test_folder_with_other_files_is_refused(model_path, texts_path, tmp_path):
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "notes.txt").write_text("mine")
    (tmp_path / "file").write_text("mine")
    for output in (tmp_path / "other", tmp_path / "file"):
        with pytest.raises(FileExistsError, match="EGP412.*name another folder"):
            annotate(str(model_path), str(texts_path), str(output))
    assert list(read_files(tmp_path / "other")) == ["notes.txt"]


def test_removed_part_is_made_again(model_path, texts_path, tmp_path, expected):
    output = tmp_path / "expected"
    (output / "part-000002.jsonl").unlink()
    summary = annotate(str(model_path), str(texts_path), str(output), docs_per_part=5)
    assert read_files(output) == expected
    assert (summary.total.docs, summary.run.docs) == (60, 5)
