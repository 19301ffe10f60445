"""PyTorch's threads: one, for the small operations of the head."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch


@dataclass
class Process:
    """The threads of this process that are in `one_thread`.

    settings (List[int]): What PyTorch gets back when they leave.
    lock (threading.Lock): Held where the setting is read or changed.
    """

    settings: list[int] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def forget(self) -> None:
        """Begin anew in a forked process, which lacks the other threads."""
        if self.settings:
            torch.set_num_threads(self.settings[0])
        self.settings = []
        self.lock = threading.Lock()


class _Here(threading.local):
    """The setting that PyTorch gets back when this thread leaves `one_thread`."""

    setting: int | None = None


_process = Process()
_here = _Here()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_process.forget)


@contextmanager
def one_thread() -> Iterator[None]:
    """Have PyTorch compute with one thread, and give it back its setting at the end.

    An operation of the loss or of the decoder takes some 100 microseconds. PyTorch's
    threads wait for each other at the end of every one, on a busy machine for longer
    than the operation takes. In a process that was forked after PyTorch had computed
    with several threads, these are missing, and it would wait forever.
    """
    if _here.setting is not None:
        yield
        return
    with _process.lock:
        setting = torch.get_num_threads()
        if setting == 1 and _process.settings:
            # A thread that has not computed before begins with what another thread has
            # set for its own time here.
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
