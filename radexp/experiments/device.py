"""Which device a request means."""

from __future__ import annotations

import torch

from radexp.errors import UsageError


def choose_device(name: str) -> torch.device:
    """Return the device of a name; ``auto`` is CUDA where there is one.

    Args:
        name: ``auto``, ``cpu`` or ``cuda``.

    Raises:
        UsageError: If it is CUDA and there is none.

    Example:
        >>> choose_device("cpu")
        device(type='cpu')
    """
    if name == "cuda" and not torch.cuda.is_available():
        raise UsageError(
            "device=cuda: allowed here is cpu, no CUDA device was found; try device=cpu"
        )
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(name)
