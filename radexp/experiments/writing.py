"""Writing into a folder of the user's: it can be written, and gets all files or none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from operator import methodcaller
from pathlib import Path
from tempfile import TemporaryFile

from radexp.errors import UsageError, require
from radexp.training import write_atomically


def make_folder(path: Path) -> None:
    """Make a folder and those above it, if they are missing.

    Raises:
        UsageError: If it cannot be made.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(path, error) from error


@contextmanager
def ready_to_write(path: Path, names: Sequence[str]) -> Iterator[None]:
    """Make a folder for some files before the work that they are the outcome of.

    If the work ends early, the folders that were made for it and are empty go again.

    Args:
        path: The folder.
        names: The files that will be written into it.

    Raises:
        UsageError: On entering, as far as that can be known, if they cannot be written.
    """
    missing = [folder for folder in (path, *path.parents) if not _is_there(folder)]
    try:
        make_folder(path)
        _require_writable(path, names)
        yield
    except BaseException:
        for folder in missing:
            with suppress(OSError):
                folder.rmdir()
        raise


def write_files(path: Path, contents: Mapping[str, bytes]) -> None:
    """Write files into a folder: all of them, or, if one cannot be written, none.

    Args:
        path: The folder, which is there.
        contents: By the files' names.

    Raises:
        UsageError: If one cannot be written; files that were there are as they were.
    """
    staged = {path / f"{name}.new": path / name for name in contents}
    try:
        for new, content in zip(staged, contents.values(), strict=True):
            write_atomically(new, methodcaller("write", content))
        for new, final in staged.items():
            new.replace(final)
    except OSError as error:
        raise unwritable(path, error) from error
    finally:
        for new in staged:
            with suppress(OSError):
                new.unlink()


def _is_there(path: Path) -> bool:
    """Tell whether a path is there; one out of reach counts as there."""
    try:
        return path.exists()
    except OSError:
        return True


def _require_writable(path: Path, names: Sequence[str]) -> None:
    """Refuse a folder that takes no file, or has folders where files shall be."""
    try:
        with TemporaryFile(dir=path) as file:
            file.write(b"1")
    except OSError as error:
        raise unwritable(path, error) from error
    for name in names:
        given = f"{path / name}: a folder is where a file shall be"
        require(not (path / name).is_dir(), given, "a file", "move it or set output=FOLDER")


def unwritable(path: Path, error: OSError) -> UsageError:
    """Return the one form of error about a folder that cannot be written."""
    return UsageError(
        f"output folder {path}: it cannot be written ({error.strerror or error}); allowed is a "
        "folder of yours; set output=FOLDER"
    )
