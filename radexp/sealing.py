"""A record's seal: digests of the files that it speaks for and of itself.

Disks flip bits and lose blocks, and people edit tables. A record that was sealed when it was
written is read only while it and its files are as they were.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from radexp.files import digest

FILES, SEAL = "files", "seal"
# Of what has no seal it is not known whether it is whole; an earlier version can still read it.
UNSEALED = "it has no seal: it was written by an earlier version of radexp, or is damaged"
KEEP = "keep the folder and set output=FOLDER, or delete it to run anew"


def seal(values: Mapping[str, Any], files: Mapping[str, str]) -> dict[str, Any]:
    """Return a record with digests of its files and, over all of it, its seal.

    Args:
        values: The record, as JSON has it.
        files: The ``digest`` of each file by its name.

    Example:
        >>> sorted(seal({"status": "completed"}, {}))
        ['files', 'seal', 'status']
    """
    whole = {**values, FILES: dict(files)}
    return {**whole, SEAL: _digest_of(whole)}


def find_damage(values: Mapping[str, Any], folder: Path) -> str | None:
    """Say what is not as it was sealed, or None if all is.

    Args:
        values: The record, as it was read.
        folder: The folder of its files.

    Example:
        >>> record = seal({"status": "completed", "loss": 0.5}, {})
        >>> find_damage(record, Path())
        >>> find_damage({**record, "loss": 0.4}, Path())
        'it is not as it was written'
    """
    broken = find_broken_seal(values)
    files = values.get(FILES)
    if broken or not isinstance(files, dict):
        return broken
    return next(filter(None, (_damage_of(folder, *entry) for entry in files.items())), None)


def find_broken_seal(values: Mapping[str, Any]) -> str | None:
    """Say what is wrong with a record itself, whatever became of its files, or None.

    Args:
        values: The record, as it was read.
    """
    found = dict(values)
    if SEAL not in found:
        return UNSEALED
    return None if found.pop(SEAL) == _digest_of(found) else "it is not as it was written"


def _damage_of(folder: Path, name: str, expected: str) -> str | None:
    """Say what is not as it was with one file that a record speaks for."""
    path = folder / name
    try:
        if Path(name).name != name or not path.is_file():
            return f"{name}, of which it tells, is gone"
        if digest(path.read_bytes()) != expected:
            return f"{name}, of which it tells, is not as it was written"
    except OSError as error:
        return f"{name}, of which it tells, cannot be read ({error.strerror})"
    return None


def _digest_of(values: Mapping[str, Any]) -> str:
    """Return the digest of values however their JSON is spaced and ordered."""
    return digest(json.dumps(values, sort_keys=True).encode())
