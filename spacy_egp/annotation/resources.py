"""What is not the fault of a document: time and memory that ran out."""

import signal
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import torch

from ..errors import Errors, Warnings

# How PyTorch says that the CPU's memory has run out.
NO_MEMORY = "can't allocate memory"


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise an error in the code of a context that takes too long.

    The error is raised between two steps of Python, or in a long search of a regular
    expression: a single operation of another library is not interrupted. This takes a
    signal, which the main thread alone receives, and Windows does not have: elsewhere
    there is a warning, and no limit.

    seconds (float): The limit.
    RAISES (TimeoutError): After so many seconds.
    """
    if not can_limit_time():
        warnings.warn(Warnings.EGPW401, stacklevel=3)
        yield
        return

    def stop(number: int, frame: FrameType | None) -> None:
        raise TimeoutError(Errors.EGP436.format(seconds=seconds))

    previous = signal.signal(signal.SIGALRM, stop)
    # Again and again, where code goes on after the error.
    signal.setitimer(signal.ITIMER_REAL, seconds, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)


def can_limit_time() -> bool:
    """RETURNS (bool): Whether time can be limited in this thread."""
    in_main_thread = threading.current_thread() is threading.main_thread()
    return in_main_thread and hasattr(signal, "SIGALRM")


def is_temporary(error: Exception) -> bool:
    """RETURNS (bool): Whether a document may succeed on another machine, or when this
    one does less.

    error (Exception): The error that the document failed with.
    """
    if isinstance(error, MemoryError | TimeoutError | torch.OutOfMemoryError):
        return True
    # CuPy's error has this name, and CuPy may not be installed.
    return type(error).__name__ == "OutOfMemoryError" or NO_MEMORY in str(error)
