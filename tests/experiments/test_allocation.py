"""``estimator=auto``: bits for each layer, from measured noise, under a budget."""

import re

import pandas as pd
import pytest
import torch

from radexp.config import ModelConfig
from radexp.config.estimator import MOST_BITS
from radexp.errors import UsageError
from radexp.experiments import classification, execute, run, run_path
from radexp.experiments.sensitivity import layer_noise
from radexp.models import build_model

WIDE = ("model.hidden=[32,16]", "estimator=auto")
ALIKE = (WIDE[0], "estimator=rounding")


def total(plan):
    return plan.parameter_bytes + plan.predicted_saved_bytes


def test_noise_is_that_of_each_layers_own_gradient():
    torch.manual_seed(0)
    net = build_model(ModelConfig("mlp", [32, 16]), (1, 8, 8), 10)
    x, y = torch.rand(40, 1, 8, 8), torch.randint(10, (40,))
    noise = layer_noise(net, lambda m: torch.nn.functional.cross_entropy(m(x), y), MOST_BITS, 0)
    assert list(noise) == ["1", "3", "5"]
    for levels in noise.values():
        assert len(levels) == MOST_BITS
        assert levels == sorted(levels, reverse=True)
        assert levels[-1] > 0
    assert all(type(module).__module__.startswith("torch.nn") for module in net)


def test_a_budget_is_spent_where_noise_is_and_kept_to_the_byte(plan_for):
    alike = {bits: plan_for(*ALIKE, f"estimator.bits={bits}") for bits in (2, 3)}
    between = (total(alike[2]) + total(alike[3])) // 2
    plan = plan_for(*WIDE, f"budget={between}B")
    bits = plan.estimator.layer_bits
    assert total(alike[2]) < total(plan) <= between
    assert len(set(bits.values())) > 1
    assert list(bits) == ["1", "3", "5"]
    assert plan_for(*WIDE, f"budget={between}B").estimator.layer_bits == bits
    summary = execute(plan)
    assert summary["layer_bits"] == bits
    assert summary["measured_saved_bytes"] == plan.predicted_saved_bytes


def test_without_a_budget_it_takes_what_two_bits_take(plan_for):
    plan = plan_for(*WIDE)
    alike = plan_for(*ALIKE, "estimator.bits=2")
    assert total(plan) <= total(alike)
    assert plan.estimator.layer_bits


@pytest.mark.parametrize(
    ("word", "refusal"),
    [
        ("budget=1kB", "budget=1kB: allowed is at least "),
        (
            "+estimator.layer_bits.9=2",
            "layer_bits.9, which is no layer that draws: allowed is 1, 3,",
        ),
        ("+estimator.layer_bits.1=9", "estimator.layer_bits.1=9: allowed is a whole number from 1"),
    ],
)
def test_what_is_impossible_is_refused(plan_for, word, refusal):
    with pytest.raises(UsageError, match=re.escape(refusal)):
        plan_for(*WIDE, word)


def test_bits_that_are_given_are_taken(plan_for):
    plan = plan_for(*WIDE, "+estimator.layer_bits.1=4")
    assert plan.estimator.layer_bits == {"1": 4}
    assert execute(plan)["status"] == "completed"


def test_a_run_goes_on_with_the_bits_that_it_began_with(plan_for, monkeypatch, tmp_path):
    words = (*WIDE, "budget=25%", "training.log_every=1", "training.checkpoint_every=5")
    undisturbed = plan_for(*words, f"output={tmp_path}/undisturbed")
    execute(undisturbed)
    with monkeypatch.context() as patch:
        patch.setattr(run._Recorder, "should_stop", lambda self: True)
        assert execute(plan_for(*words))["status"] == "interrupted"
    monkeypatch.setattr(classification, "_noise_of", {})
    alike = {name: [1.0 - bits / 9 for bits in range(8)] for name in "135"}
    monkeypatch.setattr(classification, "layer_noise", lambda *_: alike)
    plan = plan_for(*words)
    assert plan.estimator.layer_bits != undisturbed.estimator.layer_bits
    summary = execute(plan)
    assert summary["layer_bits"] == undisturbed.estimator.layer_bits
    assert numbers(plan) == numbers(undisturbed)


def numbers(plan):
    rows = pd.read_csv(run_path(plan) / "metrics.csv").drop(columns="train_seconds")
    return rows.fillna("").to_dict("records")
