"""Plans: the free number is the largest that fits, and a run's name is a function of the request.

What fits is tried out with the number set by hand and no budget.
"""

import re
from dataclasses import fields, is_dataclass
from pathlib import Path

import pandas as pd
import pytest

from radexp.commands.composing import compose_jobs
from radexp.config import CLASSIFICATION, load_estimator_config, options_for
from radexp.errors import UsageError
from radexp.experiments import run_path
from radexp.experiments.plan import hash_config

COMMITTED = Path(__file__).parents[2] / "results/mnist_mlp/runs.csv"
SKETCHED = [
    name
    for name in options_for("estimator", CLASSIFICATION)
    if load_estimator_config(name).free == "keep"
]


def total(plan) -> int:
    return plan.parameter_bytes + plan.predicted_saved_bytes


@pytest.mark.parametrize("hidden", ["[20,20]", "[]"])
@pytest.mark.parametrize("budget", ["40%", "85%"])
@pytest.mark.parametrize("estimator", SKETCHED)
def test_keep_is_the_largest_millionth_that_fits(estimator, budget, hidden, plan_for):
    words = (f"estimator={estimator}", f"model.hidden={hidden}")
    plan = plan_for(*words, f"budget={budget}")
    assert total(plan) <= plan.budget_bytes
    assert 0 < plan.estimator.keep < 1
    count = round(plan.estimator.keep * 10**6)
    assert plan.estimator.keep == count / 10**6
    by_hand = plan_for(*words, f"estimator.keep={plan.estimator.keep}")
    assert by_hand.predicted_saved_bytes == plan.predicted_saved_bytes
    if count + 1 < 10**6:
        assert total(plan_for(*words, f"estimator.keep={(count + 1) / 10**6}")) > plan.budget_bytes
    assert total(plan_for(*words, "estimator.keep=1")) > plan.budget_bytes


@pytest.mark.parametrize("budget", ["10%", "33%", "99%", "10kB"])
@pytest.mark.parametrize(
    ("estimator", "free"), [("small_batch", "batch_size"), ("accumulate", "micro_batch")]
)
def test_the_examples_at_a_time_are_the_most_that_fit(estimator, free, budget, plan_for):
    plan = plan_for(f"estimator={estimator}", f"budget={budget}")
    solved = getattr(plan.estimator, free)
    assert solved < 40
    assert plan.batch_size == (solved if free == "batch_size" else 40)
    assert total(plan) <= plan.budget_bytes
    larger = plan_for(f"estimator={estimator}", f"estimator.{free}={solved + 1}")
    assert total(larger) > plan.budget_bytes


@pytest.mark.parametrize("budget", ["40%", "60%", "100%"])
def test_checkpoints_are_the_fewest_that_fit(budget, plan_for):
    words = ("model=rnn", "estimator=checkpoint")
    plan = plan_for(*words, f"budget={budget}", "model.hidden=[30]")
    count = plan.estimator.checkpoints
    sizes = [
        total(plan_for(*words, f"estimator.checkpoints={c}", "model.hidden=[30]")) for c in range(8)
    ]
    assert sizes == sorted(sizes, reverse=True)
    assert [size <= plan.budget_bytes for size in sizes].index(True) == count
    assert (count == 0) == (budget == "100%")


def test_checkpoints_of_a_network_without_steps_are_refused(plan_for):
    with pytest.raises(UsageError, match="checkpoints=3 with model=mlp: allowed is 0, as there is"):
        plan_for("estimator=checkpoint", "estimator.checkpoints=3")


@pytest.mark.parametrize("budget", ["100%", "5GB"])
@pytest.mark.parametrize("estimator", options_for("estimator", CLASSIFICATION))
def test_more_than_enough_is_no_more_than_the_exact_step(estimator, budget, plan_for):
    plan, exact = (
        plan_for(f"estimator={estimator}", f"budget={budget}"),
        plan_for("estimator=exact"),
    )
    free = plan.config.estimator.free
    assert plan.estimator.keep == (1 if free == "keep" else None)
    for number in ("batch_size", "micro_batch"):
        assert getattr(plan.estimator, number) == (40 if free == number else None)
    assert plan.batch_size == 40
    assert plan.estimator.bits == (8 if free == "bits" else plan.config.estimator.bits)
    most = exact.predicted_saved_bytes
    saved = plan.predicted_saved_bytes
    assert saved < most if free in ("bits", "layer_bits") else saved == most
    assert not plan.over_budget


def test_keeping_everything_is_tried_first(plan_for):
    exact = plan_for("estimator=exact")
    nearly = plan_for("estimator=rad", "estimator.keep=0.999999")
    assert total(nearly) > total(exact)
    assert plan_for("estimator=rad", f"budget={total(exact)}B").estimator.keep == 1
    assert plan_for("estimator=rad", f"budget={total(exact) - 1}B").estimator.keep < 1


@pytest.mark.parametrize("hidden", ["[1]", "[]", "[50,2]"])
@pytest.mark.parametrize("estimator", [*SKETCHED, "small_batch"])
def test_too_little_says_the_least_and_the_least_works(estimator, hidden, plan_for):
    words = (f"estimator={estimator}", f"model.hidden={hidden}")
    with pytest.raises(UsageError, match="budget=1B: allowed is at least") as caught:
        plan_for(*words, "budget=1B")
    assert f"for model=mlp estimator={estimator}; raise the budget or take a" in str(caught.value)
    least = int(re.search(r"at least (\d+)B", str(caught.value))[1])
    assert total(plan_for(*words, f"budget={least}B")) == least
    with pytest.raises(UsageError, match=f"at least {least}B"):
        plan_for(*words, f"budget={least - 1}B")


def test_exact_over_budget_is_planned_all_the_same(plan_for):
    plan = plan_for("estimator=exact", "budget=10%")
    assert plan.over_budget
    assert (plan.estimator.keep, plan.batch_size) == (None, 40)
    assert not plan_for("estimator=exact", "budget=100%").over_budget
    assert not plan_for("estimator=exact").over_budget


@pytest.mark.parametrize("estimator", options_for("estimator", CLASSIFICATION))
def test_percent_is_of_the_stock_exact_step_of_the_full_batch(estimator, plan_for):
    exact = plan_for("model=rnn", "estimator=exact")
    plan = plan_for("model=rnn", f"estimator={estimator}", "budget=50%")
    assert plan.budget_bytes == exact.parameter_bytes + exact.predicted_saved_bytes // 2


def test_defaults_without_a_budget(plan_for):
    assert plan_for("estimator=rad").estimator.keep == 0.1
    assert plan_for("estimator=small_batch").batch_size == 20
    assert plan_for("estimator=accumulate").estimator.micro_batch == 20
    few = plan_for("estimator=accumulate", "training.batch_size=7")
    assert few.estimator.micro_batch == few.batch_size == 7
    for name in options_for("estimator", CLASSIFICATION):
        assert plan_for(f"estimator={name}").budget_bytes is None
    assert plan_for("estimator=small_batch", "estimator.batch_size=500").batch_size == 500


def leaves(config, prefix: str = "") -> set[str]:
    """Return the dotted keys of a configuration."""
    nested = [field.name for field in fields(config) if is_dataclass(getattr(config, field.name))]
    below = [leaves(getattr(config, name), f"{prefix}{name}.") for name in nested]
    own = {prefix + field.name for field in fields(config) if field.name not in nested}
    return own.union(*below)


def changed(config, key: str, value):
    """Return the configuration with one key set, unchecked."""
    name, _, rest = key.partition(".")
    if rest:
        value = changed(getattr(config, name), rest, value)
    copy = object.__new__(type(config))
    vars(copy).update(vars(config) | {name: value})
    return copy


IGNORED = (
    *("output", "preset", "scales", "tuned", "data.root", "estimator.task"),
    *(f"tune.{key}" for key in ("lr", "weight_decay", "draws", "seed", "trial")),
)


def test_hash_reacts_to_every_key_but_paths_and_interpolated_ones(plan_for):
    config = plan_for().config
    keys = leaves(config)
    assert {*IGNORED, "seed", "model.hidden", "estimator.keep", "training.log_every"} < keys
    same = {
        key for key in keys if hash_config(changed(config, key, {"a": 1})) == hash_config(config)
    }
    assert same == set(IGNORED)


def test_hash_of_a_committed_run_is_pinned():
    # results/mnist_mlp/runs.csv was written before there was any key but model.hidden. Its runs
    # were hashed with device=auto as it stands; plans resolve the device first by now.
    words = ["experiment=mnist_mlp", "preset=paper", "estimator=rad", "seed=0"]
    assert hash_config(compose_jobs(words, multirun=False)[0]) == "d8de3ad8f1"


def test_runs_of_an_experiment_keep_their_names_when_it_gets_a_target():
    runs = pd.read_csv(COMMITTED)
    for run, arm in runs.loc[runs["seed"] == 0, ["run", "arm"]].itertuples(index=False):
        words = ["experiment=mnist_mlp", "preset=paper", f"estimator={arm}", "seed=0"]
        config = compose_jobs(words, multirun=False)[0]
        assert config.scales["paper"]["target"] == 0.01
        assert hash_config(config) == run.rpartition("-")[2]


@pytest.mark.parametrize(
    ("experiment", "targets"),
    [
        ("mnist_mlp", [2.0, 0.05, 0.01, 0.01]),
        ("cifar_cnn", [2.0, 0.2, 1.0, 0.1]),
        ("seqmnist_rnn", [2.0, 1.0, 2.0, 0.5]),
        ("reactor", [None] * 4),
    ],
)
def test_targets_are_fixed_by_experiment_and_preset(experiment, targets):
    scales = compose_jobs([f"experiment={experiment}"], multirun=False)[0].scales
    presets = ("smoke", "quick", "reduced", "paper")
    assert [scales[preset].get("target") for preset in presets] == targets


def test_run_id_of_a_plain_run_is_what_it_was_before_there_was_tuning(plan_for):
    assert plan_for("device=cpu").run_id == "mlp-digits-rad-s0-7b51c1ee67"
    assert plan_for("training.holdout=0").run_id == plan_for().run_id
    assert plan_for("training.holdout=1").run_id != plan_for().run_id


def test_a_trial_says_its_number_and_is_hashed_as_its_settings(plan_for):
    words = ("optimizer.lr=${drawn:lr}", "optimizer.weight_decay=${drawn:weight_decay}")
    trial = plan_for("tune.trial=3", *words)
    optimizer = trial.config.optimizer
    values = [f"optimizer.{key}={getattr(optimizer, key)!r}" for key in ("lr", "weight_decay")]
    by_hand = plan_for(*values)
    assert trial.config_hash == by_hand.config_hash
    assert trial.run_id == by_hand.run_id.replace("-s0-", "-s0-t3-")
    assert plan_for("tune.trial=4", *words).config_hash != trial.config_hash


def test_model_keys_at_their_default_are_not_hashed(plan_for):
    config = plan_for().config
    given = [f"model.{key}" for key in ("channels=[]", "kernel_size=5", "pooling=average")]
    assert hash_config(plan_for(*given).config) == hash_config(config)
    new = changed(config, "model.kernel_size", 3)
    assert hash_config(new) != hash_config(config)


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("budget=' 90 % '",),
        ("budget=123456789.123456789kib", "seed=9223372036854775807"),
        ("study=a.b_c-d", "estimator=small_batch", "budget=50%"),
    ],
)
def test_run_id_has_safe_characters_only(words, plan_for):
    plan = plan_for(*words)
    slug, _, tail = plan.run_id.rpartition("-")
    assert re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,120}", slug)
    assert tail == plan.config_hash
    assert re.fullmatch("[0-9a-f]{10}", tail)
    assert run_path(plan).name == plan.run_id
    assert run_path(plan).parent.name == plan.config.study


def test_run_id_is_readable(plan_for):
    plan = plan_for("estimator=rad_shared", "budget=50%", "seed=7")
    assert plan.run_id.startswith("mlp-digits-rad_shared-50pct-s7-")


def test_same_request_same_run_wherever_it_is_written(plan_for, tmp_path):
    assert plan_for().run_id == plan_for("output=elsewhere", "preset=smoke").run_id
    assert len({plan_for(f"seed={seed}").run_id for seed in range(5)}) == 5
