"""Sweeps whose runs are jobs of a cluster: what must be there, and what ``device=auto`` means."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec

from radexp.errors import require
from radexp.experiments.device import DEVICE

KEY = "hydra/launcher"
SLURM = ("slurm_cpu", "slurm_gpu", "submitit_slurm")
LAUNCHERS = (*SLURM, "submitit_local")
PROGRAMS = ("sbatch", "srun", "squeue")
PLUGIN = "hydra_plugins.hydra_submitit_launcher"
WANTS_GPUS = ("device=cuda", "hydra.launcher.gpus_per_", "hydra.launcher.gres=")


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

    gpus = name == "slurm_gpu" or any(word.startswith(WANTS_GPUS) for word in words)
    with _planning_for("cuda" if gpus else "cpu"), following_jobs():
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
    name = dict(word.partition("=")[::2] for word in words).get(KEY)
    if name not in LAUNCHERS:
        return None
    require(
        find_spec(PLUGIN) is not None,
        f"{KEY}={name} without the package hydra-submitit-launcher",
        "basic or joblib",
        "install it: pip install 'hydra-submitit-launcher>=1.2,<2'",
    )
    return name


@contextmanager
def _planning_for(device: str) -> Iterator[None]:
    """Let ``device=auto`` mean a device of the jobs' machines, here and in the jobs."""
    os.environ[DEVICE] = device
    try:
        yield
    finally:
        del os.environ[DEVICE]
