"""PyTorch's threads: one for each operation of the head, several for the blocks of long
docs."""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

import torch

# Threads that share the blocks of a batch. Each has the tensors of a block in memory.
MAX_THREADS = 4

Result = TypeVar("Result")


@dataclass
class Process:
    """The threads of this process that are in `one_thread`.

    settings (List[int]): The number of threads that each restores when it leaves.
    lock (threading.Lock): Held while PyTorch's setting is read or changed.
    is_forked (bool): Whether the process was forked.
    """

    settings: list[int] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    is_forked: bool = False

    def forget(self) -> None:
        """Start over in a forked process, which lacks the other threads."""
        self.is_forked = True
        if self.settings:
            torch.set_num_threads(self.settings[0])
        self.settings = []
        self.lock = threading.Lock()


class _Here(threading.local):
    """The setting that this thread restores when it leaves `one_thread`."""

    setting: int | None = None


_process = Process()
_here = _Here()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_process.forget)


def keep_one_thread_if_forked() -> None:
    """In a forked process, have PyTorch compute with one thread from now on. The
    threads that it had are missing, and a BiLSTM or a transformer would wait for them
    forever."""
    if _process.is_forked:
        torch.set_num_threads(1)


@contextmanager
def one_thread() -> Iterator[None]:
    """Have PyTorch compute with one thread, and restore its setting at the end.

    An operation of the loss or of the decoder takes some 100 microseconds. PyTorch's
    threads wait for each other at the end of every operation; on a busy machine, they
    wait longer than the operation takes. A process that was forked after PyTorch had
    computed with several threads lacks these, and would wait for them forever.
    """
    if _here.setting is not None:
        yield
        return
    with _process.lock:
        setting = torch.get_num_threads()
        if setting == 1 and _process.settings:
            # A thread that has not computed before inherits the 1 that another thread
            # has set for its own time here.
            setting = _process.settings[0]
        _process.settings.append(setting)
        torch.set_num_threads(1)
    _here.setting = setting
    try:
        yield
    finally:
        _here.setting = None
        with _process.lock:
            _process.settings.remove(setting)
            torch.set_num_threads(setting)


def share(
    compute: Callable[[int], Result],
    collect: Callable[[int, Result], None],
    n_parts: int,
    device: torch.device,
) -> None:
    """Compute the parts of a large piece of work in `one_thread`. On the CPU, as many
    threads share them as PyTorch may otherwise use, up to `MAX_THREADS`. They wait for
    each other only to collect results.

    compute (Callable[[int], Result]): Computes a part by its number, with PyTorch.
    collect (Callable[[int, Result], None]): Takes the result of a part. It is called
        for one part after the other, in order: a sum is the same whichever thread is
        faster.
    n_parts (int): The number of parts.
    device (torch.device): Where PyTorch computes.
    """
    n_threads = min(_here.setting or 1, MAX_THREADS, n_parts)
    if n_threads < 2 or device.type != "cpu":
        for n in range(n_parts):
            collect(n, compute(n))
        return
    numbers = iter(range(n_parts))
    taking, turns = threading.Lock(), threading.Condition()
    n_collected = 0
    errors: list[BaseException] = []

    def take() -> int | None:
        with taking:
            return None if errors else next(numbers, None)

    def work() -> None:
        nonlocal n_collected
        try:
            while (n := take()) is not None:
                result = compute(n)
                with turns:
                    while n_collected < n:
                        if errors:
                            return
                        turns.wait()
                    collect(n, result)
                    n_collected += 1
                    turns.notify_all()
        except BaseException as error:
            with turns:
                errors.append(error)
                turns.notify_all()

    def help_out() -> None:
        torch.set_num_threads(1)
        work()

    helpers = [threading.Thread(target=help_out) for _ in range(n_threads - 1)]
    for helper in helpers:
        helper.start()
    work()
    for helper in helpers:
        helper.join()
    if errors:
        raise errors[0]
