"""Writing into a folder of the user's: it can be written, and gets all files or none."""

from __future__ import annotations

import errno
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from operator import methodcaller
from pathlib import Path
from tempfile import TemporaryFile

from radexp.errors import UsageError, require
from radexp.files import write_atomically

SMALL_BYTES = 1 << 16  # more than Hydra's description of a sweep


def make_folder(path: Path) -> None:
    """Make a folder and those above it, if they are missing.

    Raises:
        UsageError: If it cannot be made.
    """
    with telling_of(path):
        path.mkdir(parents=True, exist_ok=True)


def require_writable(path: Path) -> None:
    """Make a folder, if it is missing, and see whether it takes a small file.

    Raises:
        UsageError: If it does not.
    """
    make_folder(path)
    with telling_of(path), TemporaryFile(dir=path) as file:
        file.write(bytes(SMALL_BYTES))


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
        require_writable(path)
        for name in names:
            given = f"{path / name}: a folder is where a file shall be"
            require(not (path / name).is_dir(), given, "a file", "move it or set output=FOLDER")
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


@contextmanager
def telling_of(path: Path) -> Iterator[None]:
    """Turn an error of the system while files are written into one clear line.

    Args:
        path: The folder that they are written to.

    Raises:
        UsageError: If one cannot be written.
    """
    try:
        yield
    except OSError as error:
        raise unwritable(path, error) from error


def unwritable(path: Path, error: OSError) -> UsageError:
    """Return the one form of error about a folder that cannot be written."""
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    allowed = "a disk with room left; make room, or" if full else "a folder of yours;"
    return UsageError(
        f"output folder {path}: it cannot be written ({error.strerror or error}); allowed is "
        f"{allowed} set output=FOLDER"
    )
