"""Sweeps whose runs are jobs of a cluster: what must be there, and what ``device=auto`` means."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from importlib.util import find_spec

from radexp.commands.composing import compose_launcher
from radexp.errors import require
from radexp.experiments.device import DEVICE_VARIABLE

KEY = "hydra/launcher"
SLURM = ("slurm_cpu", "slurm_gpu", "submitit_slurm")
LAUNCHERS = (*SLURM, "submitit_local")
PROGRAMS = ("sbatch", "srun", "squeue")
PLUGIN = "hydra_plugins.hydra_submitit_launcher"


@contextmanager
def on_cluster(words: Sequence[str]) -> Iterator[None]:
    """Plan, launch and follow a sweep through submitit, if that is what the words choose.

    Args:
        words: Hydra flags and overrides.

    Raises:
        UsageError: If what the launcher needs is not there.
    """
    name = require_plugin(words)
    if name is None:
        yield
        return
    require(
        name not in SLURM or all(map(shutil.which, PROGRAMS)),
        f"{KEY}={name} where there is no {' or '.join(PROGRAMS)}",
        "it on a machine that hands jobs to Slurm",
        f"try {KEY}=submitit_local or {KEY}=joblib here",
    )
    from radexp.commands.following import following_jobs  # needs submitit

    planning = _planning_for(_device(words)) if name in SLURM else nullcontext()
    with planning, following_jobs():
        yield


def require_sweep(words: Sequence[str], multirun: bool) -> None:
    """Refuse a launcher for a single run, which would not use it.

    Raises:
        UsageError: If there is one.
    """
    for word in words:
        chosen = word.startswith(f"{KEY}=")
        require(multirun or not chosen, word, "a launcher for a sweep", "add -m, or drop it")


def require_plugin(words: Sequence[str]) -> str | None:
    """Return the launcher that words choose, if it is one of submitit's.

    Raises:
        UsageError: If it is, and is not installed.
    """
    name = _values(words).get(KEY)
    if name not in LAUNCHERS:
        return None
    require(
        find_spec(PLUGIN) is not None,
        f"{KEY}={name} without the package hydra-submitit-launcher",
        "basic or joblib",
        "install it: pip install 'hydra-submitit-launcher>=1.2,<2'",
    )
    return name


def _values(words: Sequence[str]) -> dict[str, str]:
    return dict(word.partition("=")[::2] for word in words)


def _device(words: Sequence[str]) -> str:
    """Return the device that the jobs reserve or ask for."""
    launcher = compose_launcher(words)
    options = [launcher, launcher.get("additional_parameters") or {}]
    gpus = any(part[key] for part in options for key in part if str(key).startswith("gpus"))
    gres = any("gpu" in str(part.get("gres")) for part in options)
    return "cuda" if gpus or gres or "cuda" in _values(words).get("device", "") else "cpu"


@contextmanager
def _planning_for(device: str) -> Iterator[None]:
    """Let ``device=auto`` mean a device of the jobs' machines, here and in the jobs."""
    before = os.environ.get(DEVICE_VARIABLE)
    os.environ[DEVICE_VARIABLE] = device
    try:
        yield
    finally:
        if before is None:
            del os.environ[DEVICE_VARIABLE]
        else:
            os.environ[DEVICE_VARIABLE] = before
