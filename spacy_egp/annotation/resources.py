"""What is not the fault of a document: time and memory that ran out."""

import ctypes
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import torch

from ..errors import Errors

# How PyTorch says that the CPU's memory has run out.
NO_MEMORY = "can't allocate memory"


class TimeIsUp(TimeoutError):
    """The error that is raised in a thread. It cannot have a message."""


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise an error in the code of a context that takes too long.

    The error is raised between two steps of Python and, in the main thread, also during
    a long search with a regular expression. A single operation of another library is
    not interrupted.

    seconds (float): The limit.
    RAISES (TimeoutError): After so many seconds.
    """
    in_main_thread = threading.current_thread() is threading.main_thread()
    limit = _limit_thread
    if in_main_thread and hasattr(signal, "SIGALRM"):
        limit = _limit_main_thread
    try:
        with limit(seconds):
            yield
    except TimeIsUp:
        raise TimeoutError(Errors.EGP436.format(seconds=seconds)) from None


@contextmanager
def _limit_main_thread(seconds: float) -> Iterator[None]:
    def stop(number: int, frame: FrameType | None) -> None:
        raise TimeIsUp

    previous = signal.signal(signal.SIGALRM, stop)
    # Again and again, in case code continues after the error.
    signal.setitimer(signal.ITIMER_REAL, seconds, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)


@contextmanager
def _limit_thread(seconds: float) -> Iterator[None]:
    """Ray's workers compute in a thread, which receives no signals."""
    thread = ctypes.c_ulong(threading.get_ident())
    lock = threading.Lock()
    ended = False

    def stop() -> None:
        with lock:
            if not ended:
                raise_in = ctypes.pythonapi.PyThreadState_SetAsyncExc
                raise_in(thread, ctypes.py_object(TimeIsUp))

    timer = threading.Timer(seconds, stop)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        with lock:
            ended = True
        timer.cancel()


def is_temporary(error: Exception) -> bool:
    """RETURNS (bool): Whether a document may succeed on another machine, or when this
    one does less.

    error (Exception): The error that the document failed with.
    """
    if isinstance(error, MemoryError | TimeoutError | torch.OutOfMemoryError):
        return True
    # CuPy's error has this name, and CuPy may not be installed.
    return type(error).__name__ == "OutOfMemoryError" or NO_MEMORY in str(error)
