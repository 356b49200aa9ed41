"""checkpoint.pt: all that a run needs to go on to the same numbers.

PyTorch reads a file in which bits have flipped as other weights. Each file therefore begins with
a line that tells the digest of the rest, and the checkpoint before the last one is kept.
"""

from __future__ import annotations

import logging
from io import BytesIO
from pathlib import Path
from typing import Any

import torch

from radexp.errors import UsageError
from radexp.files import digest, write_atomically
from radexp.sealing import KEEP, UNSEALED

log = logging.getLogger("radexp")
MAGIC = b"radexp checkpoint "
ZIP = b"PK\x03\x04"  # how PyTorch's files begin, and earlier checkpoints did


def previous_of(path: Path) -> Path:
    """Return where the checkpoint before the last one is kept.

    Example:
        >>> previous_of(Path("run/checkpoint.pt")).name
        'checkpoint.previous.pt'
    """
    return path.with_name(f"{path.stem}.previous{path.suffix}")


def save_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Write tensors, numbers and texts atomically; keep what was there as the previous one.

    A damaged file, or one that cannot be read, is not kept, so that it never takes the place of a
    good one.
    """
    buffer = BytesIO()
    torch.save(state, buffer)
    payload = buffer.getvalue()
    parts = (_first_line(payload), payload)
    try:
        good = _read(path) is not None
    except UsageError:  # what is in memory is good, and must not be lost for it
        good = False
    write_atomically(path, lambda file: file.writelines(parts), previous_of(path) if good else None)


def load_checkpoint(path: Path, config_hash: str) -> dict[str, Any] | None:
    """Read a checkpoint, or, if it is damaged or missing, the previous one; run no code from it.

    Args:
        path: The file.
        config_hash: Hash of the run's configuration, which the checkpoint must carry too.

    Returns:
        The state, or None if there is no good one.

    Raises:
        UsageError: If a file cannot be opened, is of an earlier version or belongs to another
            configuration.
    """
    for place in (path, previous_of(path)):
        payload = _read(place)
        if payload is not None:
            return _unpack(place, payload, config_hash)
        if place.exists():
            log.warning("checkpoint %s is damaged and left out", place)
    return None


def _first_line(payload: bytes) -> bytes:
    return MAGIC + digest(payload).encode() + b"\n"


def _read(path: Path) -> bytes | None:
    """Return what follows the first line; None if there is no file or it is damaged."""
    try:
        contents = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unreadable(path, error) from error
    if contents.startswith(ZIP):
        raise UsageError(
            f"checkpoint {path}: {UNSEALED}; allowed is a file that this version wrote; {KEEP}"
        )
    line, _, payload = contents.partition(b"\n")
    return payload if line + b"\n" == _first_line(payload) else None


def _unpack(path: Path, payload: bytes, config_hash: str) -> dict[str, Any]:
    try:
        state = torch.load(BytesIO(payload), weights_only=True, map_location="cpu")
        found = state["config_hash"]
    except Exception as error:  # torch.load raises many kinds for what it did not write
        raise _unreadable(path, error) from error
    if found != config_hash:
        raise UsageError(
            f"checkpoint {path}: it is from another configuration ({found}); allowed is one of "
            f"{config_hash}; move it away to start this run anew"
        )
    assert isinstance(state, dict)
    return state


def _unreadable(path: Path, error: Exception) -> UsageError:
    return UsageError(
        f"checkpoint {path}: it cannot be read ({type(error).__name__}); allowed is a file "
        "that radexp wrote; delete it to start this run anew"
    )
