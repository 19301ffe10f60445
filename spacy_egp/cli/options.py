"""The options that several commands have."""

from pathlib import Path
from typing import Annotated

from typer import Argument as Arg
from typer import Option as Opt

ModelArgument = Annotated[str, Arg(help="Name or path of a pipeline with an egp_ner")]
ComponentOption = Annotated[
    str | None,
    Opt("--component", "-C", help="Name of the egp_ner, if there are several"),
]
CodeOption = Annotated[
    Path | None,
    Opt("--code", "-c", help="Python file with registered functions to import"),
]
JsonOption = Annotated[
    Path | None,
    Opt("--json", "-j", help="Also write the complete result to a file (.json)"),
]
GpuOption = Annotated[int, Opt("--gpu-id", "-g", help="GPU ID or -1 for CPU")]
