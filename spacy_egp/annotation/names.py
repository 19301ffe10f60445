"""Names of files, as users write and read them."""

from pathlib import PurePosixPath

from fsspec import AbstractFileSystem
from fsspec.implementations.local import LocalFileSystem

from ..errors import Errors


def full_name(fs: AbstractFileSystem, path: str) -> str:
    """Name a file so that it can be found from anywhere.

    fs (AbstractFileSystem): The file system.
    path (str): The path there.
    RETURNS (str): The absolute path of a local file, or the URL of another.
    """
    return path if isinstance(fs, LocalFileSystem) else fs.unstrip_protocol(path)


def check_folder_name(path: str, suffixes: tuple[str, ...]) -> None:
    """Refuse the name of a file for a folder.

    path (str): The path or URL.
    suffixes (tuple[str, ...]): Suffixes of files.
    RAISES (ValueError): If the name has one of them.
    """
    if path.endswith(suffixes):
        name = PurePosixPath(path).name.partition(".")[0]
        raise ValueError(Errors.EGP439.format(path=path, name=name))
