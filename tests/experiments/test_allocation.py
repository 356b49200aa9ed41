"""``estimator=auto``: what each layer keeps, from measured noise, under a budget."""

import re

import pandas as pd
import pytest

from radexp.errors import UsageError
from radexp.experiments import classification, execute, run, run_path
from radexp.experiments.noise_arms import Arm
from radexp.experiments.sensitivity import LayerNoise

WIDE = ("model.hidden=[32,16]", "estimator=auto")
ALIKE = (WIDE[0], "estimator=rounding")
# Below a bit for each entry there is no rounding; above, some layers are rounded here.
LITTLE, MORE = "budget=12%", "budget=18%"


def total(plan):
    return plan.parameter_bytes + plan.predicted_saved_bytes


@pytest.mark.parametrize("budget", [LITTLE, MORE])
def test_a_budget_is_spent_to_the_byte(plan_for, budget):
    plan = plan_for(*WIDE, budget)
    bits, keeps = plan.estimator.layer_bits, plan.estimator.layer_keep
    assert keeps
    assert sorted([*bits, *keeps]) == ["1", "3", "5"]
    assert bool(bits) == (budget == MORE)
    assert 0.995 * plan.budget_bytes < total(plan) <= plan.budget_bytes
    assert plan_for(*WIDE, budget).estimator == plan.estimator
    summary = execute(plan)
    assert summary["layer_bits"] == (bits or None)
    assert summary["layer_keep"] == keeps
    assert summary["measured_saved_bytes"] == plan.predicted_saved_bytes


def test_without_a_budget_it_takes_what_two_bits_take(plan_for):
    plan = plan_for(*WIDE)
    alike = plan_for(*ALIKE, "estimator.bits=2")
    assert total(plan) <= total(alike)
    assert plan.estimator.settled


@pytest.mark.parametrize(
    ("word", "refusal"),
    [
        ("budget=1kB", "budget=1kB: allowed is at least "),
        (
            "+estimator.layer_bits.9=2",
            "layer_bits.9, which is no layer that draws: allowed is 1, 3,",
        ),
        (
            "+estimator.layer_keep.9=0.1",
            "layer_keep.9, which is no layer that draws: allowed is 1, 3,",
        ),
        ("+estimator.layer_keep.1=1", "estimator.layer_keep.1=1.0: allowed is 0 < keep < 1; try"),
        ("+estimator.layer_bits.1=9", "estimator.layer_bits.1=9: allowed is a whole number from 1"),
    ],
)
def test_what_is_impossible_is_refused(plan_for, word, refusal):
    with pytest.raises(UsageError, match=re.escape(refusal)):
        plan_for(*WIDE, word)


def test_numbers_that_are_given_are_taken(plan_for):
    plan = plan_for(*WIDE, "+estimator.layer_bits.1=4", "+estimator.layer_keep.3=0.1")
    assert plan.estimator.layer_bits == {"1": 4}
    assert plan.estimator.layer_keep == {"3": 0.1}
    assert Arm(plan).name == "auto, 4-3.2 bits"
    summary = execute(plan)
    assert summary["measured_saved_bytes"] == plan.predicted_saved_bytes


def test_arms_of_as_many_bits_have_names_of_their_own(plan_for):
    words = ("layer_bits.3=1", "layer_keep.3=0.03125", "layer_keep.3=0.031251", "layer_bits.5=1")
    plans = [plan_for(*WIDE, f"+estimator.{word}") for word in words]
    names = [Arm(plan).name for plan in plans]
    assert names == ["auto, 1 bits", "auto, 1.0 bits", "auto, 1.000032 bits", "auto, 1 bits"]


def test_a_run_goes_on_with_what_it_began_with(plan_for, monkeypatch, tmp_path):
    words = (*WIDE, MORE, "training.log_every=1", "training.checkpoint_every=5")
    undisturbed = plan_for(*words, f"output={tmp_path}/undisturbed")
    execute(undisturbed)
    with monkeypatch.context() as patch:
        patch.setattr(run._Recorder, "should_stop", lambda self: True)
        assert execute(plan_for(*words))["status"] == "interrupted"
    monkeypatch.setattr(classification, "_noise_of", {})
    alike = {
        name: LayerNoise([9.0 - bits for bits in range(8)], [60.0, 50.0, 40.0, 30.0, 20.0, 10.0])
        for name in "135"
    }
    monkeypatch.setattr(classification, "layer_noise", lambda *_: alike)
    plan = plan_for(*words)
    assert plan.estimator != undisturbed.estimator
    summary = execute(plan)
    assert summary["layer_bits"] == (undisturbed.estimator.layer_bits or None)
    assert summary["layer_keep"] == undisturbed.estimator.layer_keep
    assert numbers(plan) == numbers(undisturbed)


def numbers(plan):
    rows = pd.read_csv(run_path(plan) / "metrics.csv").drop(columns="train_seconds")
    return rows.fillna("").to_dict("records")
