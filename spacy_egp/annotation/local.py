"""The engine `local`: this process, or a pool of processes on this machine."""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from multiprocessing import get_context, parent_process
from threading import Thread

import torch

from ..errors import Errors
from .annotator import Annotator, Settings, annotate_in_worker
from .corpus import Part
from .summary import Counts

# How long to wait for a process that has nothing more to do.
SECONDS_PER_PROCESS = 5.0


def annotate_locally(
    settings: Settings, parts: Sequence[Part], n_process: int
) -> Iterator[Counts]:
    """Annotate parts on this machine.

    settings (Settings): The settings.
    parts (Sequence[Part]): The parts.
    n_process (int): The number of processes. One means this process.
    YIELDS (Counts): The counts of a part that is written.
    RAISES (ChildProcessError): If a process was killed.
    """
    if n_process == 1:
        yield from map(Annotator(settings), parts)
        return
    waiting = iter(parts)
    try:
        with ProcessPoolExecutor(
            n_process, get_context("spawn"), initializer=_start_worker
        ) as pool:
            running = {
                pool.submit(annotate_in_worker, settings, part)
                for part in islice(waiting, 2 * n_process)
            }
            while running:
                done, running = wait(running, return_when=FIRST_COMPLETED)
                for part in islice(waiting, len(done)):
                    running.add(pool.submit(annotate_in_worker, settings, part))
                yield from (future.result() for future in done)
            # A process that is killed while it takes work keeps a lock. The others wait
            # for it, and the pool for them.
            processes = list(pool._processes.values())
            pool.shutdown(wait=False)
            for process in processes:
                process.join(SECONDS_PER_PROCESS)
                process.kill()
                process.join()
    except BrokenProcessPool as error:
        raise ChildProcessError(Errors.EGP414) from error


def _start_worker() -> None:
    torch.set_num_threads(1)
    Thread(target=_exit_with_parent, daemon=True).start()


def _exit_with_parent() -> None:
    """End with the parent: if it is killed, a pool would wait for work forever."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
