"""The JSON file that a command writes in addition to what it shows on the screen."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ..corpora.convert import check_outputs
from ..corpora.writer import temporary_output
from ..errors import Errors


def check_json(json_path: Path | None, inputs: Iterable[str | Path]) -> None:
    """Check where the file will be written.

    json_path (Path | None): The file, if there will be one.
    inputs (Iterable[str | Path]): Files and folders, and names of other inputs.
    RAISES (ValueError): If its name does not end in .json, or it is an input.
    """
    if json_path is None:
        return
    if json_path.suffix.lower() != ".json":
        output = "the JSON file"
        raise ValueError(
            Errors.EGP309.format(path=json_path, suffix=".json", output=output)
        )
    check_outputs([json_path], [path for path in map(Path, inputs) if path.exists()])


def write_json(json_path: Path, result: dict[str, Any]) -> None:
    """Write the file as a whole.

    json_path (Path): The file.
    result (Dict[str, Any]): Its content.
    """
    numbers = json.dumps(result, indent=2, ensure_ascii=False)
    with temporary_output(json_path) as path:
        # Names of files may not be valid Unicode. JSON has escapes for them.
        path.write_bytes(numbers.encode(errors="backslashreplace"))
