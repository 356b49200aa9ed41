"""A run that diverges, runs out of memory or outgrows its budget is recorded; its sweep goes on."""

import json
import math

import pytest
import torch
from torch import nn

from radexp.experiments.classification import ClassificationWorkload
from radexp.training import Trainer

BAD_SEED = 1
AT_STEP = 7
ERRORS = {
    "cuda": torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
    "cpu": RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 B"),
    "cublas": RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate"),
    "python": MemoryError(),
}


class Wrapped(nn.Module):
    """A network whose outputs are changed from one training step on.

    Args:
        inner: The network.
        change: From the outputs to others.
    """

    def __init__(self, inner, change):
        super().__init__()
        self.inner, self.change, self.calls = inner, change, 0

    def forward(self, x):
        y = self.inner(x)
        if torch.is_grad_enabled():  # evaluations have none
            self.calls += 1
        # Two steps are taken to measure before the first of training.
        return self.change(y) if self.calls >= AT_STEP + 2 else y


@pytest.fixture
def plant(monkeypatch):
    """Return a function that lets one seed's networks change their outputs."""
    build = ClassificationWorkload.build

    def planted(change):
        def built(self, estimator, device):
            model, task = build(self, estimator, device)
            bad = self.config.seed == BAD_SEED
            return (Wrapped(model, change) if bad else model), task

        monkeypatch.setattr(ClassificationWorkload, "build", built)

    return planted


@pytest.fixture
def sweep(radexp, cwd, tiny):
    """Return a function that runs three seeds, and gives the outcome and the records by seed."""

    def run(*words):
        often = ("training.log_every=2", "budget=60%")
        outcome = radexp("train", "-m", *tiny, *often, "seed=0,1,2", *words)
        folders = [next(cwd.glob(f"outputs/train/mlp-*-s{seed}-*/")) for seed in (0, 1, 2)]
        return outcome, [json.loads((path / "summary.json").read_text()) for path in folders]

    return run


def check(outcome, records, status):
    """Assert that seed 1 ended so, was listed, and that the others completed."""
    ended = [record["status"] for record in records]
    assert ended == ["completed", status, "completed"]
    assert outcome.status == 1
    assert "Traceback" not in outcome.err
    listed = [line for line in outcome.err.splitlines() if "outputs/train/" in line]
    assert listed == [f"radexp: {status}: outputs/train/{records[BAD_SEED]['run_id']}"]
    assert f"\n{status:<11} {records[BAD_SEED]['run_id']}  {records[BAD_SEED]['message']}" in (
        outcome.out
    )


@pytest.mark.parametrize("factor", [math.nan, math.inf, -math.inf])
def test_a_loss_that_is_no_number(sweep, plant, factor):
    plant(lambda y: y * factor)
    outcome, records = sweep()
    check(outcome, records, "diverged")
    assert records[BAD_SEED]["message"] == "the loss of the batch is nan at iteration 8"
    assert records[BAD_SEED]["iterations_done"] == 8
    assert records[BAD_SEED]["final_train_loss"] is None


def test_a_loss_that_explodes(sweep, plant):
    scale = [1.0]

    def explode(y):
        scale[0] *= 1e6
        return y * scale[0]

    plant(explode)
    outcome, records = sweep()
    check(outcome, records, "diverged")
    assert records[BAD_SEED]["message"].startswith("the loss of the batch is ")


def test_a_finite_loss_goes_on_however_large_it_is(sweep, plant):
    plant(lambda y: y * 1e9)
    outcome, records = sweep("optimizer.lr=1e-9")
    assert (outcome.status, outcome.err) == (0, "")
    assert [record["status"] for record in records] == ["completed"] * 3
    assert records[BAD_SEED]["final_train_loss"] > 1e6


@pytest.mark.parametrize("name", ERRORS)
def test_no_memory_at_a_later_step(sweep, name, monkeypatch):
    step, seen = Trainer.step, []

    def fail(self, batch, with_norm):
        seen.append(self.progress.iteration)
        # Each run takes two steps to measure, then 20; this is step 12 of the second one.
        if len(seen) == 22 + 2 + 12:
            raise ERRORS[name]
        return step(self, batch, with_norm)

    monkeypatch.setattr(Trainer, "step", fail)
    outcome, records = sweep()
    check(outcome, records, "out_of_memory")
    error = ERRORS[name]
    assert records[BAD_SEED]["message"] == f"{type(error).__name__}: {error}"
    assert records[BAD_SEED]["iterations_done"] == 11  # the step that failed is not done


def test_an_allocation_that_really_fails(sweep, plant):
    plant(lambda y: y + torch.empty(2**46)[0])
    outcome, records = sweep()
    check(outcome, records, "out_of_memory")
    assert "can't allocate memory" in records[BAD_SEED]["message"]


def keep_more(y):
    """Return the outputs, and let autograd hold 400 kB more until the backward pass."""
    more = torch.ones(100_000, requires_grad=True)
    return y + 0 * (more * more.exp()).sum()


def test_a_budget_exceeded_at_a_later_step(sweep, plant):
    plant(keep_more)
    outcome, records = sweep()
    assert outcome.status == 1
    bad = records[BAD_SEED]
    assert [record["status"] for record in records] == ["completed", "failed", "completed"]
    assert bad["measured_saved_bytes"] > bad["predicted_saved_bytes"] + 400_000
    total = bad["parameter_bytes"] + bad["measured_saved_bytes"]
    assert bad["message"] == (
        f"UsageError: budget=60%: step 8 measured {total}B, allowed is {bad['budget_bytes']}B and "
        f"{bad['parameter_bytes'] + bad['predicted_saved_bytes']}B were predicted; please report "
        "this, and set a higher budget meanwhile"
    )
    assert bad["iterations_done"] == 8
    assert "Traceback" not in outcome.err
    assert f"radexp: failed: outputs/train/{bad['run_id']}\n" in outcome.err


def test_the_same_growth_without_a_budget_is_recorded(sweep, plant):
    plant(keep_more)
    outcome, records = sweep("budget=null")
    assert outcome.status == 0
    for seed, record in enumerate(records):
        grown = record["measured_saved_bytes"] - record["predicted_saved_bytes"]
        assert (grown > 400_000) == (seed == BAD_SEED)
