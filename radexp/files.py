"""Files that are written whole or not at all, and stay after the power has failed."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO


def digest(contents: bytes) -> str:
    """Return the SHA-256 of a file's contents in hexadecimal.

    Example:
        >>> digest(b"")[:8]
        'e3b0c442'
    """
    return hashlib.sha256(contents).hexdigest()


def write_atomically(
    path: Path, write: Callable[[IO[bytes]], object], keep_as: Path | None = None
) -> None:
    """Write a file so that a reader sees the old one or the new one, never a part.

    Args:
        path: The file to replace.
        write: Called with the open binary file.
        keep_as: New name of the file that was there; None drops it.
    """
    partial = path.with_name(path.name + ".partial")
    try:
        with partial.open("wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        if keep_as is not None:
            path.replace(keep_as)
        partial.replace(path)
        sync_folder(path.parent)
    finally:
        with suppress(OSError):  # on a read-only disk even what is not there cannot be removed
            partial.unlink(missing_ok=True)


def sync_folder(path: Path) -> None:
    """Force names that were made, changed or removed in a folder to disk."""
    with suppress(OSError):  # some file systems cannot, and need not
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
