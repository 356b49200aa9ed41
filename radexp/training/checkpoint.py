"""checkpoint.pt: all that a run needs to go on to the same numbers."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import torch

from radexp.errors import UsageError


def write_atomically(path: Path, write: Callable[[IO[bytes]], object]) -> None:
    """Write a file so that a reader sees the old one or the new one, never a part.

    Args:
        path: The file to replace.
        write: Called with the open binary file.
    """
    partial = path.with_name(path.name + ".partial")
    try:
        with partial.open("wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def save_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Write tensors, numbers and texts atomically."""
    write_atomically(path, lambda file: torch.save(state, file))


def load_checkpoint(path: Path, config_hash: str) -> dict[str, Any] | None:
    """Read a checkpoint, running no code from it.

    Args:
        path: The file.
        config_hash: Hash of the run's configuration, which the checkpoint must carry too.

    Returns:
        The state, or None if there is no such file.

    Raises:
        UsageError: If the file is damaged or belongs to another configuration.
    """
    if not path.exists():
        return None
    try:
        state = torch.load(path, weights_only=True, map_location="cpu")
        found = state["config_hash"]
    except Exception as error:  # torch.load raises many kinds for a damaged file
        raise UsageError(
            f"checkpoint {path}: it cannot be read ({type(error).__name__}); allowed is a file "
            "that radexp wrote; delete it to start this run anew"
        ) from error
    if found != config_hash:
        raise UsageError(
            f"checkpoint {path}: it is from another configuration ({found}); allowed is one of "
            f"{config_hash}; move it away to start this run anew"
        )
    assert isinstance(state, dict)
    return state
