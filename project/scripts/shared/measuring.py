"""Time, memory and the machine they were measured on."""

import ctypes
import gc
import platform
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping
from importlib.metadata import version
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import mean, median, stdev
from typing import Any, cast

import psutil
import torch
from thinc.api import require_gpu, set_gpu_allocator

# A call that takes less is repeated in each round.
SECONDS_PER_ROUND = 0.2
# A function that takes longer in a separate process is given up.
MAX_SECONDS = 150.0
# A parameter of glibc's mallopt.
M_MMAP_THRESHOLD = -3
PACKAGES = ("spacy", "thinc", "torch", "numpy", "spacy-egp")


def use_device(gpu_id: int) -> None:
    """Compute on a GPU, or on the CPU if the id is negative."""
    if gpu_id >= 0:
        set_gpu_allocator("pytorch")
        require_gpu(gpu_id)


def seconds(run: Callable[[], Any]) -> float:
    """Seconds of a call; on a GPU, until everything that it started is finished."""
    _synchronize()
    begin = time.perf_counter()
    run()
    _synchronize()
    return time.perf_counter() - begin


def mean_seconds(run: Callable[[], Any]) -> float:
    """Seconds of a call, the mean of as many in a row as take `SECONDS_PER_ROUND`: at
    the first one, the processor's caches are full of other data."""
    times: list[float] = []
    while sum(times) < SECONDS_PER_ROUND:
        times.append(seconds(run))
    return sum(times) / len(times)


def interleaved(
    measurements: Mapping[Any, Callable[[], float]], n_rounds: int
) -> dict[Any, dict[str, float]]:
    """Take all measurements in turn, `n_rounds` times after a round to warm up. Returns
    the median, minimum and maximum of each."""
    values: dict[Any, list[float]] = {key: [] for key in measurements}
    for i in range(n_rounds + 1):
        for key, measure in measurements.items():
            value = measure()
            if i > 0:
                values[key].append(value)
    return {key: spread(v) for key, v in values.items()}


def spread(values: list[float]) -> dict[str, float]:
    """Median, minimum and maximum."""
    return {"median": median(values), "min": min(values), "max": max(values)}


def mean_and_sd(values: Iterable[float]) -> dict[str, float | None]:
    """Mean and, if there are several values, standard deviation."""
    values = list(values)
    return {"mean": mean(values), "sd": stdev(values) if len(values) > 1 else None}


def memory_growth(run: Callable[[], Any]) -> float:
    """MB by which the peak of a call exceeds the memory in use before it: memory of the
    process (on Linux) or of the GPU."""
    # Garbage would be in use before the call, but not at the peak.
    gc.collect()
    if on_gpu():
        torch.cuda.reset_peak_memory_stats()
        allocated = torch.cuda.memory_allocated()
        run()
        return (torch.cuda.max_memory_allocated() - allocated) / 1e6
    # Sets the peak (VmHWM) to what is in use now.
    Path("/proc/self/clear_refs").write_text("5")
    before = _peak_memory()
    run()
    return _peak_memory() - before


def in_process(function: Callable[..., dict[str, Any]], *args: Any) -> dict[str, Any]:
    """Result of a function in a separate process, whose memory nothing else has used;
    or the reason for its failure."""
    # A process that is forked from one that has found a GPU cannot use it.
    context = get_context("spawn") if on_gpu() else get_context("forkserver")
    context.set_forkserver_preload(["spacy_transformers", "spacy_egp.component"])
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_send, args=(sender, function, *args))
    process.start()
    sender.close()
    try:
        if receiver.poll(MAX_SECONDS):
            return cast(dict[str, Any], receiver.recv())
        return {"given_up": f"takes more than {MAX_SECONDS:.0f} s"}
    except EOFError:
        return {"given_up": "the process was killed"}
    finally:
        process.kill()
        process.join()


def attempt(function: Callable[..., dict[str, Any]], *args: Any) -> dict[str, Any]:
    """Result of a function, or the reason for its failure."""
    try:
        return function(*args)
    except (MemoryError, RuntimeError) as error:
        return {"given_up": str(error).splitlines()[0]}


def _send(
    sender: Connection, function: Callable[..., dict[str, Any]], *args: Any
) -> None:
    sender.send(attempt(function, *args))


def give_back_freed_memory() -> None:
    """Make glibc return freed blocks to the system at once. The memory of a call then
    does not depend on earlier calls, and hardly on the allocator, as on a GPU. By
    default, glibc keeps blocks of less than 32 MB, in pieces that later ones do not
    fit."""
    ctypes.CDLL(None).mallopt(M_MMAP_THRESHOLD, 2**16)


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    return {
        "processor": _processor(),
        "gpu": torch.cuda.get_device_name() if on_gpu() else None,
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
        **{package: version(package) for package in PACKAGES},
    }


def commit() -> str | None:
    """The commit of the measured code, marked "-dirty" if there are changes; None
    outside a git repository."""
    describe = ["git", "describe", "--always", "--dirty", "--abbrev=40"]
    folder = Path(__file__).parent
    result = subprocess.run(describe, cwd=folder, capture_output=True, text=True)
    return result.stdout.strip() or None


def portable(name: str | Path) -> str:
    """The name of a model or a file for results, without the folders of this machine.

    name (str | Path): The name, or a path.
    RETURNS (str): The same, or the last two parts of an absolute path.
    """
    path = Path(name)
    return str(Path(*path.parts[1:][-2:])) if path.is_absolute() else str(name)


def on_gpu() -> bool:
    """Whether this process computes on a GPU."""
    return torch.cuda.is_initialized()


def _synchronize() -> None:
    if on_gpu():
        torch.cuda.synchronize()


def _peak_memory() -> float:
    """Peak resident memory of this process in MB."""
    status = Path("/proc/self/status").read_text()
    peak = next(x for x in status.splitlines() if x.startswith("VmHWM:"))
    return int(peak.split()[1]) * 1024 / 1e6


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if not cpuinfo.exists():
        return platform.processor()
    lines = cpuinfo.read_text().splitlines()
    return next((x.split(": ")[1] for x in lines if x.startswith("model name")), "")


def peak_mb(run: subprocess.Popen) -> float:
    """Wait for a run of one process, and return its peak memory in MB."""
    peak = 0.0
    while run.poll() is None:
        peak = max(peak, resident_mb(psutil.Process(run.pid)))
        time.sleep(0.1)
    return peak


def resident_mb(process: psutil.Process) -> float:
    """Memory of a process in MB, 0 if it has ended."""
    try:
        return process.memory_info().rss / 1e6
    except psutil.NoSuchProcess:
        return 0.0
