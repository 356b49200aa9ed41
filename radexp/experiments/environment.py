"""What a run ran on: the commit, the packages, the machine."""

from __future__ import annotations

import platform
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any

import torch

PACKAGES = ("torch", "numpy", "numba", "hydra-core", "omegaconf", "pandas", "scipy", "scikit-learn")


def describe_environment(device: torch.device) -> dict[str, Any]:
    """Return the contents of environment.json; nothing in it names a user or a folder."""
    commit, dirty = _git_state()
    return {
        "radexp": metadata.version("radexp"),
        "git_commit": commit,
        "git_dirty": dirty,
        "python": platform.python_version(),
        "packages": {name: metadata.version(name) for name in PACKAGES},
        "platform": platform.platform(),
        "cpu": _cpu_name(),
        "gpu": torch.cuda.get_device_name(device) if device.type == "cuda" else None,
        "device": device.type,
        "threads": torch.get_num_threads(),
    }


def _git_state() -> tuple[str | None, bool | None]:
    """Return the commit and dirty flag of the checkout this package lies in, if it is one."""
    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists():
        return None, None

    def git(*words: str) -> str:
        command = ["git", "-C", str(root), *words]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    try:
        # Evidence is written into results/ while a study runs; it is not code.
        changed = git("status", "--porcelain", "--", ":!results")
        return git("rev-parse", "HEAD"), bool(changed)
    except (OSError, subprocess.CalledProcessError):
        return None, None


def _cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor())
