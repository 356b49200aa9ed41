"""Which device a request means."""

from __future__ import annotations

import os

import torch

from radexp.errors import UsageError, require

# The environment variable that names what auto means, for runs of other machines than this one.
DEVICE_VARIABLE = "RADEXP_DEVICE"


def choose_device(name: str) -> torch.device:
    """Return the device of a name; ``auto`` is CUDA where there is one.

    Where runs are planned for other machines, ``RADEXP_DEVICE`` is set: ``auto`` is the device that
    it names, and it is taken to be there.

    Args:
        name: ``auto``, ``cpu`` or ``cuda``.

    Raises:
        UsageError: If it is CUDA and there is none, or ``RADEXP_DEVICE`` is something else.

    Example:
        >>> choose_device("cpu")
        device(type='cpu')
    """
    elsewhere = os.environ.get(DEVICE_VARIABLE)
    require(
        elsewhere in (None, "cpu", "cuda"),
        f"{DEVICE_VARIABLE}={elsewhere}",
        "cpu or cuda",
        f"unset {DEVICE_VARIABLE}",
    )
    if name == "cuda" and elsewhere != "cuda" and not torch.cuda.is_available():
        raise UsageError(
            "device=cuda: allowed here is cpu, no CUDA device was found; try device=cpu"
        )
    if name == "auto":
        name = elsewhere or ("cuda" if torch.cuda.is_available() else "cpu")
    return torch.device(name)
