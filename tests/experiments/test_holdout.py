"""Held-out examples: never trained on, drawn before the bootstrap, the same for every estimator."""

import csv

import pytest
import torch

from radexp.config import CLASSIFICATION, options_for
from radexp.errors import UsageError
from radexp.experiments import execute, run_path
from radexp.experiments.build import build_trainer
from radexp.training import evaluate

NUM = 200


def task_of(plan):
    return build_trainer(plan).task


def seen(task, batches=200):
    """Return the examples that some batches draw."""
    return torch.cat([task.stream.next_batch() for _ in range(batches)]).unique()


@pytest.mark.parametrize("bootstrap", ["true", "false"])
def test_nothing_held_out_is_trained_on(bootstrap, plan_for):
    task = task_of(plan_for(f"training.holdout={NUM}", f"training.bootstrap={bootstrap}"))
    held_out = task.held_out.nonzero().flatten()
    assert len(held_out) == NUM
    assert int(task.held_out.max()) == 1
    assert not task.counts[held_out].any()
    assert not torch.isin(seen(task), held_out).any()
    total = task.dataset.num_examples
    assert len(task.held_out) == len(task.counts) == total
    assert int(task.counts.sum()) == total - NUM
    part = sum(share for share, _ in task.whole())
    assert part == pytest.approx(1)


def test_without_bootstrap_all_the_rest_is_trained_on(plan_for):
    task = task_of(plan_for(f"training.holdout={NUM}", "training.bootstrap=false"))
    assert torch.equal(task.counts, 1 - task.held_out)
    assert len(seen(task, 2000)) == task.dataset.num_examples - NUM


def test_the_bootstrap_is_drawn_from_the_rest(plan_for):
    first = task_of(plan_for(f"training.holdout={NUM}"))
    kept = (first.held_out == 0).nonzero().flatten()
    share = float((first.counts[kept] > 0).double().mean())
    assert 0.59 < share < 0.68  # of the rest, 1 - 1/e; held out of a bootstrap it would be less


def test_every_estimator_of_a_seed_holds_out_the_same(plan_for):
    names = options_for("estimator", CLASSIFICATION)
    words = [f"estimator={name}" for name in names]
    tasks = [task_of(plan_for(f"training.holdout={NUM}", word)) for word in words]
    for task in tasks[1:]:
        assert torch.equal(task.held_out, tasks[0].held_out)
        assert torch.equal(task.counts, tasks[0].counts)
    other = task_of(plan_for(f"training.holdout={NUM}", "seed=1"))
    assert not torch.equal(other.held_out, tasks[0].held_out)
    tuned = task_of(plan_for(f"training.holdout={NUM}", "optimizer.lr=0.1"))
    assert torch.equal(tuned.held_out, tasks[0].held_out)


def test_a_run_is_judged_on_what_is_held_out_and_never_on_test_data(plan_for):
    plan = plan_for(f"training.holdout={NUM}", "training.evaluate_every=7")
    summary = execute(plan)
    with (run_path(plan) / "metrics.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["split"] for row in rows} == {"batch", "train", "validation"}
    validation = [row for row in rows if row["split"] == "validation"]
    assert [row["iteration"] for row in validation] == ["0", "7", "14", "20"]
    assert summary["final_validation_loss"] == float(validation[-1]["loss"])
    assert summary["final_validation_accuracy"] == float(validation[-1]["accuracy"])
    assert summary["final_test_loss"] is summary["final_test_accuracy"] is None


def test_validation_is_the_plain_mean_over_what_is_held_out(plan_for):
    trainer = build_trainer(plan_for(f"training.holdout={NUM}"))
    task, model = trainer.task, trainer.model
    data = task.dataset.train
    chosen = task.held_out.nonzero().flatten()
    part = type(data)(data.inputs[chosen], data.labels[chosen])
    assert task.evaluate(model, "validation") == evaluate(model, part)


def test_without_holdout_there_is_no_validation(plan_for):
    task = task_of(plan_for())
    assert task.held_out is None
    assert list(task.splits) == ["train", "test"]
    summary = execute(plan_for())
    assert summary["final_validation_loss"] is summary["final_validation_accuracy"] is None


def test_more_than_there_is_is_refused(plan_for):
    total = task_of(plan_for()).dataset.num_examples
    with pytest.raises(UsageError, match=f"training.holdout={total}: allowed is 0 to {total - 1}"):
        plan_for(f"training.holdout={total}")
    plan_for(f"training.holdout={total - 1}")
