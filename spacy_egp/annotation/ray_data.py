"""The engine `ray`: actors of Ray Data, here or on a cluster. Ray is an extra."""

import json
import logging
import threading
import warnings
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from typing import Any, cast

import ray
import ray.data
import torch
from ray.exceptions import RayError
from ray.util.annotations import RayDeprecationWarning

from ..errors import Errors
from .annotator import Settings, annotate_in_worker
from .corpus import Part
from .documents import Slice
from .summary import Counts

# How often Ray restarts a part whose worker was killed.
RETRIES = 10
# How long to wait for a thread of Ray Data: if a run is given up, one of them never
# ends.
SECONDS_PER_THREAD = 5.0


def annotate_with_ray(
    settings: Settings, parts: Sequence[Part], n_process: int, address: str | None
) -> Iterator[Counts]:
    """Annotate parts with Ray Data. A part whose worker was killed is restarted.

    settings (Settings): The settings.
    parts (Sequence[Part]): The parts.
    n_process (int): The number of workers (actors), each with one CPU.
    address (str | None): Address of a Ray cluster. If None, one is started here.
    YIELDS (Counts): The counts of a part that is written.
    RAISES:
        ValueError: If the cluster cannot have a single worker.
        ChildProcessError: If workers were killed too often, or one had an error. The
            latter is raised after the parts of the others.
    """
    where: dict[str, Any] = {"address": address}
    if address is None:
        where = {"address": "local", "num_cpus": n_process, "include_dashboard": False}
    ray.init(**where, log_to_driver=False, logging_level=logging.ERROR)
    others = set(threading.enumerate())
    ray.data.DataContext.get_current().enable_progress_bars = False
    logging.getLogger("ray.data").setLevel(logging.CRITICAL)
    try:
        _check_resources({"CPU": 1, "GPU": settings.gpu})
        # One block per part, so that Ray hands them out one by one.
        rows = ray.data.from_items(
            [json.dumps(part) for part in parts], override_num_blocks=len(parts)
        )
        with warnings.catch_warnings():
            # Until Ray has another way to limit them.
            warnings.simplefilter("ignore", RayDeprecationWarning)
            reports = rows.map(
                _Worker,  # type: ignore[arg-type]
                fn_constructor_args=(settings,),
                compute=ray.data.ActorPoolStrategy(size=n_process),
                num_cpus=1,
                num_gpus=settings.gpu,
                ray_remote_args_fn=_limit_retries,
            )
        errors = []
        reported = cast(
            Generator[dict[str, str], None, None], iter(reports.iter_rows())
        )
        with closing(reported):
            # Read to the end, even after an error, so that Ray Data ends its threads.
            for row in reported:
                if row["error"]:
                    errors.append(row["error"])
                else:
                    yield Counts.from_dict(json.loads(row["counts"]))
        if errors:
            raise ChildProcessError(Errors.EGP415.format(error=errors[0]))
    except RayError as error:
        raise ChildProcessError(
            Errors.EGP416.format(n_retries=RETRIES, error=error)
        ) from error
    finally:
        _join_threads(others)
        ray.shutdown()


def _check_resources(worker: dict[str, float]) -> None:
    """Check that a worker can start. Ray would silently wait for missing resources."""
    cluster = ray.cluster_resources()
    for name, needed in worker.items():
        available = cluster.get(name, 0)
        if available < needed:
            raise ValueError(
                Errors.EGP417.format(needed=needed, name=name, available=available)
            )


def _join_threads(others: set[threading.Thread]) -> None:
    """Wait for the threads that Ray Data has started. One that used Ray after its
    shutdown would start another cluster, or end this process."""
    for thread in set(threading.enumerate()) - others:
        if not isinstance(thread, threading._DummyThread):
            thread.join(timeout=SECONDS_PER_THREAD)


def _limit_retries() -> dict[str, Any]:
    """Limit restarts. By default, Ray restarts a part forever."""
    return {"max_task_retries": RETRIES}


class _Worker:
    """The actor: takes a part as JSON, and returns its counts as JSON. After an error
    (no space on the disk, no GPU) it does nothing more, and returns the error again."""

    def __init__(self, settings: Settings) -> None:
        torch.set_num_threads(1)
        self.settings = settings
        self.error = ""

    def __call__(self, row: dict[str, Any]) -> dict[str, str]:
        number, url, slice = json.loads(row["item"])
        counts = Counts()
        if not self.error:
            try:
                part = Part(number, url, Slice(*slice))
                counts = annotate_in_worker(self.settings, part)
            except Exception as error:
                # Ray would wrap it into messages of its own.
                self.error = f"{type(error).__name__}: {error}"
        return {"counts": json.dumps(counts.to_dict()), "error": self.error}
