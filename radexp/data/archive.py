"""Unpack the expected files of a packed tar archive, and nothing else.

An archive can name paths outside its folder, links, devices and files of any size. None of these
is ever made here: the files wanted are looked up by name, and only their bytes are copied.
"""

from __future__ import annotations

import gzip
import os
import shutil
import tarfile
import tempfile
import zlib
from collections.abc import Mapping
from pathlib import Path

from radexp.errors import UsageError

MEND = "delete it and download it again"


def extract(archive: Path, members: Mapping[str, str], folder: Path, max_bytes: int) -> None:
    """Copy regular files out of a tar archive.

    A file appears under its name only when it is whole, so interrupted and concurrent calls are
    safe. What a file must contain is for the caller to verify.

    Args:
        archive: The archive, packed with gzip.
        members: Names of the files to make, by their names in the archive.
        folder: Where they go, made if needed.
        max_bytes: Largest size of a file.

    Raises:
        UsageError: If the archive is damaged, lacks a file or holds something else under its
            name, or a file cannot be written.
    """
    missing = set(members)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tarfile.open(archive, "r:gz") as tar:
            for member in tar:  # in the archive's order, because packed ones cannot go back
                if member.name in members:
                    _require_file(member, archive, max_bytes)
                    _copy(tar, member, folder / members[member.name])
                    missing.discard(member.name)
    # A header may give any size, also one that no file can be read to.
    except (tarfile.TarError, gzip.BadGzipFile, EOFError, zlib.error, ValueError) as error:
        raise UsageError(
            f"{archive}: damaged ({type(error).__name__}): expected is a whole .tar.gz file; {MEND}"
        ) from error
    except OSError as error:
        raise UsageError(
            f"{archive}: cannot be unpacked into {folder} ({error.strerror or error}): this needs "
            "a readable archive and a writable folder with space left; check both"
        ) from error
    if missing:
        raise UsageError(
            f"{archive}: lacks {', '.join(sorted(missing))}: expected is the published archive; "
            f"{MEND}"
        )


def _require_file(member: tarfile.TarInfo, archive: Path, max_bytes: int) -> None:
    """Refuse links, devices, folders and files that are too large."""
    if not member.isreg() or not 0 <= member.size <= max_bytes:
        raise UsageError(
            f"{archive}: {member.name} in it is no file of at most {max_bytes} bytes: expected is "
            f"the published archive; {MEND}"
        )


def _copy(tar: tarfile.TarFile, member: tarfile.TarInfo, target: Path) -> None:
    """Copy one regular file, by way of a temporary name beside its own."""
    source = tar.extractfile(member)
    assert source is not None  # it is None for links and folders alone
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with source, os.fdopen(handle, "wb") as file:
            shutil.copyfileobj(source, file)
        Path(temporary).replace(target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
