"""Every check of the schemas by its message, and every YAML file by composing it."""

import re

import pytest

from radexp.commands.composing import compose_jobs
from radexp.config import (
    CLASSIFICATION,
    CONTROL,
    DataConfig,
    EstimatorConfig,
    MeasureConfig,
    ModelConfig,
    OptimizerConfig,
    TrainConfig,
    TrainingConfig,
    choices,
    config_folder,
    load_estimator_config,
    options_for,
)
from radexp.errors import UsageError

GROUPS = ("model", "data", "estimator", "optimizer", "measure", "experiment", "preset")
RAD = {"name": "rad", "sketch": "sampling", "free": "keep"}
AUTO = {"name": "auto", "sketch": "rounding", "free": "layer_bits"}
CHECKPOINT = {"name": "checkpoint", "free": "checkpoints"}
ACCUMULATE = {"name": "accumulate", "free": "micro_batch"}


def request(**values) -> TrainConfig:
    parts = {
        "model": ModelConfig("mlp", [8]),
        "data": DataConfig("digits"),
        "estimator": EstimatorConfig(**RAD),
        "optimizer": OptimizerConfig("adam"),
    }
    return TrainConfig(**parts | values)


WHOLE = "whole number from 1 to"
POSITIVE = "a finite number above 0; try optimizer.lr=1e-3 optimizer.decay=0.6"
REFUSED = [
    (MeasureConfig, {"name": "nope"}, "measure.name=nope: allowed is bias, depth, frontier, "),
    (
        MeasureConfig,
        {"name": "noise", "keeps": [0.5, 1.5]},
        "measure.keeps=[0.5, 1.5]: allowed is fractions above 0, up to 1; try measure.keeps=",
    ),
    *(
        (MeasureConfig, {"name": "noise", key: -1}, f"measure.{key}=-1: allowed is a whole number")
        for key in ("at", "repetitions", "depth", "graph_draws")
    ),
    (
        ModelConfig,
        {"name": "nope"},
        f"model.name=nope: allowed is {', '.join(choices('model'))}; set model=NAME instead",
    ),
    (
        ModelConfig,
        {"name": "mlp", "hidden": [3, 0]},
        "model.hidden=[3, 0]: allowed is whole numbers",
    ),
    (
        ModelConfig,
        {"name": "mlp", "hidden": [-1]},
        "from 1 to 10000000; try model.hidden=[300,300,300]",
    ),
    (
        ModelConfig,
        {"name": "mlp", "channels": [16, 10**7 + 1]},
        "model.channels=[16, 10000001]: allowed is whole numbers from 1 to 10000000; "
        "try model.channels=[16,32,32,32]",
    ),
    *(
        (
            *(ModelConfig, {"name": "mlp", "kernel_size": size}),
            f"model.kernel_size={size}: allowed is an odd number from 1 to 99; try model.kernel",
        )
        for size in (-1, 0, 4, 101)
    ),
    (
        *(ModelConfig, {"name": "mlp", "pooling": "min"}),
        "model.pooling=min: allowed is average, max; try model.pooling=average",
    ),
    (
        DataConfig,
        {"name": "nope"},
        f"data.name=nope: allowed is {', '.join(choices('data'))}; set data=NAME instead",
    ),
    (
        EstimatorConfig,
        {"name": "nope"},
        "estimator.name=nope: allowed is accumulate, auto",
    ),
    (
        EstimatorConfig,
        {"name": "rad", "free": "rank"},
        "estimator.free=rank: allowed is keep, bits, batch",
    ),
    *(
        (
            EstimatorConfig,
            {"name": "rounding", "sketch": "rounding", "free": "bits", "bits": bits},
            f"estimator.bits={bits}: allowed is a whole number from 1 to 8; try estimator.bits=2",
        )
        for bits in (0, 9)
    ),
    (
        EstimatorConfig,
        {"name": "rad", "sketch": "exact", "free": "bits"},
        "estimator.sketch=exact with estimator.free=bits: allowed is free=keep or bits or",
    ),
    *(
        (EstimatorConfig, {**RAD, "keep": keep}, f"estimator.keep={keep}: allowed is 0 < keep <= 1")
        for keep in (0.0, -0.1, 1.0000001, float("nan"), float("inf"))
    ),
    (
        EstimatorConfig,
        {**RAD, "also": "bits"},
        "estimator.bits=null with estimator=rad: allowed is a number, as no budget solves it; leav",
    ),
    (EstimatorConfig, {"name": "small_batch", "free": "batch_size", "batch_size": 0}, WHOLE),
    (
        *(EstimatorConfig, {"name": "exact", "keep": 0.5}),
        "estimator.keep=0.5 with estimator=exact: allowed is no number, it has none; drop",
    ),
    (
        *(EstimatorConfig, {**RAD, "batch_size": 5}),
        "estimator.batch_size=5 with estimator=rad: allowed is estimator.keep; drop estimator",
    ),
    (
        *(EstimatorConfig, {**RAD, "layer_keep": {"1": 0.5}}),
        "estimator.layer_keep={'1': 0.5} with estimator=rad: allowed is estimator.keep; drop esti",
    ),
    (
        *(EstimatorConfig, {**AUTO, "layer_bits": {"1": 2}, "layer_keep": {"1": 0.5}}),
        "estimator.layer_keep.1=0.5 with estimator.layer_bits.1: allowed is one of the two, as a",
    ),
    (
        OptimizerConfig,
        {"name": "nope"},
        "optimizer.name=nope: allowed is adam, sgd; set optimizer=",
    ),
    *(
        (
            OptimizerConfig,
            {"name": "sgd", key: value},
            f"optimizer.{key}={value}: allowed is {POSITIVE}",
        )
        for key in ("lr", "decay")
        for value in (0.0, -1.0, float("nan"), float("inf"))
    ),
    (OptimizerConfig, {"name": "sgd", "decay_every": 0}, f"decay_every=0: allowed is {POSITIVE}"),
    *(
        (
            *(OptimizerConfig, {"name": "sgd", "weight_decay": value}),
            f"optimizer.weight_decay={value}: allowed is a finite number of 0 or more; try",
        )
        for value in (-1e-9, float("nan"), float("inf"))
    ),
    *(
        (
            *(OptimizerConfig, {"name": "sgd", "clip_norm": value}),
            f"optimizer.clip_norm={value}: allowed is more than 0, or null; try optimizer",
        )
        for value in (0.0, -1.0, float("nan"))
    ),
    *(
        (TrainingConfig, {key: 0}, f"training.{key}=0: allowed is a {WHOLE} ")
        for key in ("iterations", "batch_size", "log_every", "evaluate_every", "checkpoint_every")
    ),
    (
        TrainingConfig,
        {"holdout": -1},
        "training.holdout=-1: allowed is a whole number from 0 to 1000000000000; try training.hold",
    ),
    (
        TrainingConfig,
        {"evaluate_train_every": -3},
        f"evaluate_train_every=-3: allowed is a {WHOLE}",
    ),
    (
        *(request, {"budget": "10%", "estimator": EstimatorConfig(**RAD, keep=0.5)}),
        "budget=10% and estimator.keep=0.5: allowed is one of the two, as the budget solves that",
    ),
    (
        *(request, {"budget": "10%", "estimator": EstimatorConfig(**AUTO, layer_keep={"1": 0.5})}),
        "budget=10% and estimator.layer_keep={'1': 0.5}: allowed is one of the two, as the budget",
    ),
    (
        *(request, {"estimator": EstimatorConfig(**ACCUMULATE, micro_batch=151)}),
        "micro_batch=151 with training.batch_size=150: allowed is a whole number from 1 to 150;",
    ),
    (
        EstimatorConfig,
        {**CHECKPOINT, "checkpoints": -1},
        "checkpoints=-1: allowed is a whole",
    ),
    (request, {"device": "tpu"}, "device=tpu: allowed is auto, cpu, cuda; try device=auto"),
    (request, {"threads": 0}, f"threads=0: allowed is a {WHOLE} 1024, or null; try threads=1"),
    *(
        (request, {"study": study}, f"study={study}: allowed is up to 80 of the characters a-z 0-9")
        for study in ("", "A", "a/b", "..", "-a", "a b", "é", "a\n", "a" * 81)
    ),
    (request, {"seed": -1}, "seed=-1: allowed is 0 to 2**63 - 1; try seed=0"),
    (request, {"seed": 2**63}, f"seed={2**63}: allowed is 0 to 2**63 - 1; try seed=0"),
]


@pytest.mark.parametrize(("build", "values", "message"), REFUSED)
def test_what_is_out_of_range_is_refused(build, values, message):
    with pytest.raises(UsageError, match=re.escape(message)):
        build(**values)


@pytest.mark.parametrize(
    "values",
    [
        {"seed": 2**63 - 1, "study": "a" * 80, "threads": 1, "device": "cpu"},
        {"budget": "10%", "study": "0._-"},
        {"model": ModelConfig("mlp", [8], [1, 10**7], kernel_size=1, pooling="max")},
        {"model": ModelConfig("mlp", [8], kernel_size=99)},
        {"estimator": EstimatorConfig(**RAD, keep=1.0)},
        {"estimator": EstimatorConfig(**RAD, keep=1e-9)},
        {"training": TrainingConfig(1, 1, True, 1, 1, 1, 1)},
        {"optimizer": OptimizerConfig("sgd", lr=1e30, clip_norm=float("inf"))},
    ],
)
def test_the_ends_of_the_ranges_are_fine(values):
    assert request(**values).model.hidden == [8]


@pytest.mark.parametrize("bootstrap", [True, False])
def test_training_without_a_bootstrap_can_be_asked_for(bootstrap):
    assert TrainingConfig(bootstrap=bootstrap).bootstrap is bootstrap


@pytest.mark.parametrize(
    ("name", "settings", "part"),
    [
        ("rad", {"keep": 0.25}, 0.25),
        ("rounding", {"bits": 4}, 4 / 32),
        ("hybrid", {"keep": 0.25, "bits": 4}, 1 / 32),
        ("auto", {"layer_bits": {"1": 4}, "layer_keep": {"3": 0.375}}, 0.25),
        ("hybrid", {"keep": 1}, 1),  # the exact sketch
        ("small_batch", {}, None),
    ],
)
def test_the_kept_fraction_is_of_bits(name, settings, part):
    assert load_estimator_config(name, **settings).kept_fraction == part


PUBLISHED = ("exact", "rad", "rad_project", "rad_shared", "small_batch")


def test_choices_are_the_yaml_files():
    others = ["accumulate", "auto", "checkpoint", "hybrid", "importance", "rad_rows", "rounding"]
    networks = sorted([*PUBLISHED, *others])
    assert options_for("estimator", CLASSIFICATION) == networks
    assert choices("estimator") == sorted([*networks, "rad_as_published"])
    assert options_for("model", CLASSIFICATION) == ["cnn", "mlp", "rnn"]
    assert options_for("model", CONTROL) == ["reactor"]
    assert choices("preset") == ["paper", "quick", "reduced", "smoke"]
    assert choices("nope") == []
    assert {path.name for path in config_folder().iterdir()} >= {"train.yaml", *GROUPS}


@pytest.mark.parametrize("name", choices("estimator"))
def test_estimators_load_by_name(name):
    config = load_estimator_config(name)
    assert config.name == name
    assert (config.keep, config.batch_size) == (None, None)
    if config.free == "keep":
        assert load_estimator_config(name, keep=0.25).keep == 0.25


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        (
            "nope",
            {},
            "estimator 'nope': allowed is accumulate, auto, checkpoint, exact, hybrid, importance, "
            "rad, rad_as_published, rad_project, rad_rows, rad_shared, rounding, small_batch;",
        ),
        ("../model/mlp", {}, "estimator '../model/mlp': allowed is accumulate, auto, checkpoint"),
        ("rad", {"kept": 0.1}, "estimator setting kept: allowed is name, sketch, free, keep"),
        ("rad", {"b": 1, "a": 1}, "estimator setting a, b: allowed is name, sketch"),
        ("rad", {"keep": 2}, "estimator.keep=2.0: allowed is 0 < keep <= 1"),
        ("exact", {"keep": 0.5}, "estimator.keep=0.5 with estimator=exact: allowed is no number"),
        ("rad", {"keep": "much"}, "keep"),
        ("rad", {"keep": [1]}, "keep"),
    ],
)
def test_bad_estimator_settings_are_refused(name, settings, message):
    with pytest.raises(UsageError, match=re.escape(message)):
        load_estimator_config(name, **settings)


@pytest.mark.parametrize(
    ("group", "option"), [(group, option) for group in GROUPS for option in choices(group)]
)
def test_every_yaml_composes(group, option):
    needs_reactor = group == "estimator" and option not in options_for(group, CLASSIFICATION)
    words = ["model=reactor"] if needs_reactor or option == "none" else []
    (config,) = compose_jobs([*words, f"{group}={option}"], multirun=False)
    if group in ("model", "data", "estimator", "optimizer"):
        assert getattr(config, group).name == {"default": "digits"}.get(option, option)
    if group == "measure":
        assert config.measure.name == option
    if group == "preset":
        assert config.preset == option


ALONG_FRONTIER = (
    *("small_batch", "accumulate", "rad", "rad_shared", "rad_rows", "hybrid", "importance"),
    *("rounding", "auto"),
)
ARMS = {
    "mnist_mlp": {(name, None) for name in PUBLISHED},
    "cifar_cnn": {(name, None) for name in PUBLISHED},
    "seqmnist_rnn": {(name, None) for name in ("exact", "small_batch", "rad", "rad_shared")},
    "frontier_exact": {("exact", None)},
    "frontier_training": {(name, None) for name in ALONG_FRONTIER},
    "reactor": {("rad", keep) for keep in (1, 0.1, 0.01, 0.005, 0.002, 0.001)},
    "reactor_checkpoint": {("checkpoint", None)},
    "reactor_shared": {("rad_shared", 0.01), ("rad_shared", 0.002)},
}


@pytest.mark.parametrize("experiment", ARMS)
def test_every_arm_of_every_experiment_composes(experiment):
    budget = ["budget=10%"] if experiment == "frontier_training" else []
    words = [f"experiment={experiment}", "preset=smoke", "seed=0", *budget]
    jobs = compose_jobs(words, multirun=True)
    arms = {(job.estimator.name, job.estimator.keep) for job in jobs}
    assert arms == ARMS[experiment]
    assert len(jobs) == len(arms) * len({job.model.name for job in jobs})
    for job in jobs:
        assert job.optimizer.lr == step_size(job)


@pytest.mark.parametrize("experiment", ARMS)
@pytest.mark.parametrize("preset", choices("preset"))
def test_every_preset_of_every_experiment_composes(experiment, preset):
    (job,) = compose_jobs([f"experiment={experiment}", f"preset={preset}"], multirun=False)
    assert job.study.endswith(f"-{preset}")
    assert job.optimizer.lr == step_size(job)


def step_size(job):
    of_arm = job.tuned.get(job.model.name) or job.tuned.get(job.estimator.name)
    tuned = of_arm or {"lr": job.scales[job.preset].get("lr", 1e-2)}
    return tuned["lr"]


MEASUREMENTS = {
    "memory_table": ("memory", 3),
    "unbiasedness": ("bias", 3),
    "variance_depth": ("depth", {"smoke": 2, "quick": 5, "reduced": 20, "paper": 20}),
    "frontier": ("frontier", {"smoke": 3, "quick": 3, "reduced": 6, "paper": 9}),
    "gradient_noise": ("noise", {"smoke": 6, "quick": 6, "reduced": 9, "paper": 9}),
}


@pytest.mark.parametrize("experiment", MEASUREMENTS)
@pytest.mark.parametrize("preset", choices("preset"))
def test_every_measurement_of_every_experiment_composes(experiment, preset):
    jobs = compose_jobs([f"experiment={experiment}", f"preset={preset}"], multirun=True)
    name, count = MEASUREMENTS[experiment]
    assert {job.measure.name for job in jobs} == {name}
    assert len(jobs) == (count if isinstance(count, int) else count[preset])


def test_every_experiment_is_among_these():
    assert sorted([*ARMS, *MEASUREMENTS]) == choices("experiment")


@pytest.mark.parametrize("experiment", choices("experiment"))
def test_every_scale_has_every_preset_and_says_how_long_a_job_takes(experiment):
    (job,) = compose_jobs([f"experiment={experiment}"], multirun=False)
    assert sorted(job.scales) == choices("preset")
    assert all(scale["job_seconds"] > 0 for scale in job.scales.values())
