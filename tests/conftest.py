"""What tests share: devices; an empty folder, the command line in-process, tiny plans."""

from __future__ import annotations

import logging
import sys
from dataclasses import dataclass

import pytest
import torch

from radexp.cli import main
from radexp.commands.composing import compose_jobs
from radexp.experiments import make_plan

DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
TINY = ("model.hidden=[8]", "training.iterations=20", "training.batch_size=40", "threads=1")


# What takes longest: many processes of its own, which it starts and waits for.
SLOW = ("test_slurm.py", "test_reproduce.py", "test_wheel.py", "test_processes.py", "test_kills.py")


def pytest_collection_modifyitems(items):
    """Begin with what takes long, so that no process is left alone with it at the end."""
    items.sort(key=lambda item: SLOW.index(item.path.name) if item.path.name in SLOW else len(SLOW))


@dataclass(frozen=True)
class Outcome:
    """How a command line ended."""

    status: int
    out: str
    err: str


@pytest.fixture(params=DEVICES)
def device(request, monkeypatch):
    """Return one device after the other: the CPU, and CUDA where there is one.

    CUDA is set to give its numbers all their bits: products are neither rounded to the 10 bits of
    TF32 nor added up in bfloat16, so that only the order of sums differs from a CPU's, and
    tolerances for roundings hold as they are; cuDNN takes the same order every time.
    """
    if request.param == "cuda":
        products = torch.backends.cuda.matmul
        monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)
        monkeypatch.setattr(torch.backends.cudnn, "deterministic", True)
        monkeypatch.setattr(products, "allow_tf32", False)
        monkeypatch.setattr(products, "allow_bf16_reduced_precision_reduction", False)
    return torch.device(request.param)


@pytest.fixture
def cwd(tmp_path, monkeypatch):
    """Return an empty current folder, and a user who has set nothing."""
    for name in ("RADEXP_DATA", "HYDRA_FULL_ERROR"):
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "cwd"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def torch_state():
    """Put back what a run changes in this process: the number of threads and the generator."""
    threads, state = torch.get_num_threads(), torch.get_rng_state()
    yield
    torch.set_num_threads(threads)
    torch.set_rng_state(state)


@pytest.fixture
def radexp(cwd, capfd, monkeypatch, torch_state):
    """Return a function that runs a command line in this process."""
    # Hydra's --info and --hydra-help log to the standard output of their time, for good.
    monkeypatch.setattr(logging.root, "handlers", list(logging.root.handlers))
    monkeypatch.setattr(logging.root, "level", logging.root.level)

    def run(*words: str) -> Outcome:
        monkeypatch.setattr(sys, "argv", list(sys.argv))
        capfd.readouterr()
        try:
            status = main(words)
        except SystemExit as end:
            status = end.code
        return Outcome(status, *capfd.readouterr())

    return run


@pytest.fixture
def tiny():
    """Return the overrides that make a run take well under a second."""
    return TINY


@pytest.fixture
def plan_for(tmp_path, torch_state):
    """Return a function from overrides to the plan of a tiny run."""

    def plan(*words: str):
        overrides = [*TINY, f"output={tmp_path / 'outputs'}", *words]
        return make_plan(compose_jobs(overrides, multirun=False)[0])

    return plan
