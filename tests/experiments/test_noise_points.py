"""Noise is measured at the weights that training reached, on draws of its own."""

import pytest
import torch

from radexp.errors import UsageError
from radexp.experiments import execute, run_path
from radexp.experiments.build import build_trainer
from radexp.experiments.noise_points import (
    drawing_anew,
    is_exact,
    measure_noise,
    run_weights,
    trained_weights,
)
from radexp.training import save_checkpoint


def same(first, second):
    return first.keys() == second.keys() and all(first[k].equal(second[k]) for k in first)


def test_training_goes_on_from_point_to_point(plan_for):
    plan = plan_for("estimator=exact")
    points = dict(trained_weights(plan, [4, 0, 2, 2]))
    assert list(points) == [0, 2, 4]
    trainer = build_trainer(plan)
    assert same(points[0], trainer.model.state_dict())
    for _ in range(2):
        trainer.step(trainer.task.next_batch(), with_norm=False)
    assert same(points[2], trainer.model.state_dict())
    assert not same(points[2], points[4])


def test_draws_are_not_those_of_training(plan_for):
    config = plan_for().config
    anew = drawing_anew(config)
    assert (config.training.bootstrap, anew.training.bootstrap) == (True, False)
    assert anew.seed != config.seed
    assert drawing_anew(config) == anew
    assert (anew.model, anew.data, anew.estimator) == (config.model, config.data, config.estimator)


def test_a_run_is_found_at_its_last_checkpoint(plan_for):
    plan = plan_for("estimator=exact", "training.iterations=5")
    execute(plan)
    config, iteration, weights = run_weights(run_path(plan))
    assert (config, iteration) == (plan.config, 5)
    ((_, trained),) = trained_weights(plan, [5])
    assert same(weights, trained)


@pytest.mark.parametrize(
    ("lost", "message"),
    [
        (
            "config.yaml",
            r"config\.yaml: it cannot be read \(FileNotFoundError\); allowed is the fol",
        ),
        ("checkpoint.pt", r"run=.*: there is no checkpoint in it; allowed is .* train it first"),
    ],
)
def test_a_folder_without_a_run_is_refused(plan_for, lost, message):
    plan = plan_for("estimator=exact")
    execute(plan)
    (run_path(plan) / lost).unlink()
    with pytest.raises(UsageError, match=message):
        run_weights(run_path(plan))


@pytest.mark.parametrize("trainer", [{}, {"progress": {"iteration": 3}}, {"progress": 3}])
def test_a_checkpoint_without_weights_is_refused(plan_for, trainer):
    plan = plan_for("estimator=exact")
    execute(plan)
    state = {"config_hash": plan.config_hash, "trainer": trainer}
    save_checkpoint(run_path(plan) / "checkpoint.pt", state)
    message = (
        r"run=.*: its checkpoint has no iteration or no weights \(.*\); allowed is .* train it"
    )
    with pytest.raises(UsageError, match=message):
        run_weights(run_path(plan))


def test_weights_of_other_sizes_are_refused(plan_for):
    ((_, weights),) = trained_weights(plan_for("estimator=exact", "model.hidden=[4]"), [0])
    message = "weights that do not fit model=mlp: allowed are those of a run of the same sizes; na"
    with pytest.raises(UsageError, match=message):
        measure_noise({"exact": plan_for("estimator=exact")}, weights, 2)


@pytest.mark.parametrize(
    ("words", "exact"),
    [
        (("estimator=exact",), True),
        (("estimator=small_batch",), True),
        (("estimator=rad", "estimator.keep=1"), True),
        (("estimator=rad", "estimator.keep=0.5"), False),
        (("estimator=rad_project",), False),
    ],
)
def test_estimates_without_a_sketch_are_exact(plan_for, words, exact):
    assert is_exact(plan_for(*words)) == exact


@pytest.fixture
def plans(plan_for):
    return {
        "exact": plan_for("estimator=exact"),
        "rad": plan_for("estimator=rad", "estimator.keep=0.5"),
        "small": plan_for("estimator=small_batch", "estimator.batch_size=10"),
    }


def test_plans_of_one_batch_size_share_their_batches(plans):
    ((_, weights),) = trained_weights(plans["exact"], [0])
    calls = []
    rows = measure_noise(plans, weights, 3, lambda: calls.append(1))
    # Of the batch of 40: b and an estimate by rad; of the batch of 10: b; exact ones are b itself.
    assert len(calls) == 3 * (1 + 2) + 3 * (1 + 1)
    layers = {row["layer"] for row in rows}
    assert len(rows) == 3 * 3 * len(layers)
    batch = {
        name: [row["batch"] for row in rows if row["arm"] == name]
        for name in ("exact", "rad", "small")
    }
    assert batch["exact"] == batch["rad"] != batch["small"]
    assert all(row["sketch"] == 0 for row in rows if row["arm"] != "rad")
    assert all(row["sketch"] > 0 for row in rows if row["arm"] == "rad")
    reference = {row["layer"]: row["reference"] for row in rows}
    assert sum(reference.values()) == pytest.approx(1, abs=1e-6)
    assert all(row["reference"] == reference[row["layer"]] for row in rows)


def test_the_same_plans_give_the_same_numbers(plans):
    ((_, weights),) = trained_weights(plans["exact"], [0])
    first, second = (measure_noise({"rad": plans["rad"]}, weights, 2) for _ in range(2))
    assert [{**row, "pair": str(row["pair"])} for row in first] == [
        {**row, "pair": str(row["pair"])} for row in second
    ]


def test_a_gradient_by_which_nothing_can_be_divided_is_refused(plans):
    ((_, weights),) = trained_weights(plans["exact"], [0])
    broken = {name: torch.full_like(weight, torch.nan) for name, weight in weights.items()}
    with pytest.raises(UsageError, match="an exact gradient of size nan at this point of training"):
        measure_noise(plans, broken, 2)
