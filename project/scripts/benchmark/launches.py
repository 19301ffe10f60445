"""What PyTorch launches for the head alone, over given vectors of docs of different
lengths: on a GPU its kernels, copies and waits, on the CPU its operations."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import srsly
import torch
import typer
from thinc.api import Adam
from torch.profiler import ProfilerActivity, profile

from scripts.benchmark.heads import Case, make_recognizer
from scripts.shared.markdown_table import markdown_table
from scripts.shared.measuring import (
    commit,
    interleaved,
    machine,
    mean_seconds,
    on_gpu,
    use_device,
)

# Docs, tokens of each (on average), labels.
SIZES = [(40, 25, 5), (40, 25, 30), (16, 128, 10), (16, 512, 10), (16, 512, 1000)]
# Lengths are from 0.6 to 1.4 of the average.
RAGGEDNESS = 0.4
# Updates before a measurement, so that there are spans to predict.
N_UPDATES = 20
N_ROUNDS = 5
# Operations that only make a view of a tensor's memory, allocate it or read it.
WITHOUT_A_KERNEL = {
    "_conj",
    "alias",
    "chunk",
    "conj",
    "contiguous",
    "detach",
    "empty",
    "empty_like",
    "expand",
    "expand_as",
    "flatten",
    "item",
    "lift_fresh",
    "mT",
    "movedim",
    "new_empty",
    "numpy_T",
    "permute",
    "reshape",
    "resolve_conj",
    "resolve_neg",
    "select",
    "slice",
    "split",
    "split_with_sizes",
    "squeeze",
    "t",
    "to",
    "transpose",
    "unbind",
    "unflatten",
    "unsqueeze",
    "view",
    "view_as",
    "view_as_complex",
    "view_as_real",
}


def measure_launches(
    output_path: Annotated[Path, typer.Argument(help="JSON file to write")],
    gpu_id: Annotated[int, typer.Option(help="GPU to compute on, -1 for the CPU")] = -1,
    seed: Annotated[int, typer.Option(help="Random seed")] = 0,
) -> None:
    """Write what is launched, and the time that it takes, as JSON and as a table
    (Markdown) next to it."""
    use_device(gpu_id)
    # The profiler does not see what other threads compute.
    torch.set_num_threads(1)
    results = []
    for size in SIZES:
        steps = make_steps(Case("egp_ner", "", *size), seed)
        measurements = {k: lambda f=f: mean_seconds(f) for k, f in steps.items()}
        seconds = interleaved(measurements, N_ROUNDS)
        for phase, step in steps.items():
            figures = {"seconds": seconds[phase], **launched(step)}
            results.append({"size": size, "phase": phase, **figures})
    output_path.parent.mkdir(parents=True, exist_ok=True)
    run = {**machine(), "commit": commit(), "seed": seed}
    srsly.write_json(output_path, {"results": results, "run": run})
    output_path.with_suffix(".md").write_text(launches_table(results), encoding="utf8")


def make_steps(case: Case, seed: int) -> dict[str, Callable[[], Any]]:
    """A training step without that of the optimizer, and a prediction, of a batch that
    has been trained on for a while."""
    recognizer, examples = make_recognizer(case, seed, RAGGEDNESS)
    docs = [example.predicted for example in examples]
    optimizer = Adam(0.01)
    for _ in range(N_UPDATES):
        recognizer.update(examples, sgd=optimizer)
    return {
        "training": lambda: recognizer.update(examples),
        "prediction": lambda: recognizer.predict(docs),
    }


def launched(step: Callable[[], Any]) -> dict[str, Any]:
    """Count what a step launches.

    step (Callable): The step.
    RETURNS (Dict[str, Any]): On a GPU "kernels", the time that they take
        ("kernel_ms"), "copies" to the GPU and "waits" for it; on the CPU "operations".
    """
    step()
    activities = [ProfilerActivity.CPU]
    if on_gpu():
        torch.cuda.synchronize()
        activities.append(ProfilerActivity.CUDA)
    with profile(activities=activities) as profiler:
        step()
    events = profiler.events()
    if not on_gpu():
        return {"operations": sum(map(_is_operation, events))}
    on_device = [e for e in events if e.device_type == torch.autograd.DeviceType.CUDA]
    kernels = [e for e in on_device if not e.name.startswith(("Memcpy", "Memset"))]
    return {
        "kernels": len(kernels),
        "kernel_ms": sum(event.device_time for event in kernels) / 1000,
        "copies": sum(event.name.startswith("Memcpy HtoD") for event in on_device),
        "waits": sum(event.name == "cudaStreamSynchronize" for event in events),
    }


def _is_operation(event: Any) -> bool:
    """Whether an event of the profiler is an operation that is not part of another one,
    and would launch a kernel on a GPU."""
    namespace, _, name = event.name.partition("::")
    outermost = event.cpu_parent is None or "::" not in event.cpu_parent.name
    return namespace == "aten" and outermost and name not in WITHOUT_A_KERNEL


def launches_table(results: list[dict[str, Any]]) -> str:
    """Markdown table of the figures."""
    names = {
        "operations": "operations",
        "kernels": "kernels",
        "kernel_ms": "ms of the kernels",
        "copies": "copies to the GPU",
        "waits": "waits",
    }
    columns = [key for key in names if key in results[0]]
    rows = []
    for result in results:
        median, least, most = (1000 * x for x in result["seconds"].values())
        cells = [" x ".join(map(str, result["size"])), result["phase"]]
        cells.append(f"{median:.1f} ({least:.1f}-{most:.1f})")
        rows.append([*cells, *(f"{result[key]:.4g}" for key in columns)])
    header = ["docs x tokens x labels", "phase", "ms (min-max)"]
    return markdown_table([*header, *(names[key] for key in columns)], rows)


if __name__ == "__main__":
    typer.run(measure_launches)
