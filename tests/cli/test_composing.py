"""Whatever the overrides: checked configurations come out, or one message of one line."""

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from radexp.commands.composing import compose_jobs
from radexp.config import TrainConfig
from radexp.errors import UsageError

KEYS = [
    *("model", "data", "estimator", "optimizer", "training", "experiment", "preset", "budget"),
    *("seed", "device", "threads", "study", "scales", "tuned", "output", "model.hidden"),
    *("model.name", "data.root", "estimator.keep", "estimator.batch_size", "estimator.shared"),
    *("estimator.free", "optimizer.lr", "optimizer.clip_norm", "training.iterations"),
    *("training.bootstrap", "nope", "model.nope", "hydra.nope", "hydra.verbose", "hydra/launcher"),
]
VALUES = [
    *("", "0", "1", "-1", "0.5", "1e30", "nan", "inf", "null", "true", "[]", "[8]", "[a]", "{}"),
    *("{a:1}", "mlp", "digits", "rad", "exact", "adam", "smoke", "mnist_mlp", "10%", "1,2"),
    *("range(0,3)", "choice(1,2)", "glob(*)", "'a b'", "${seed}", "${nope}", "${", "[", "?", "???"),
    *("9" * 40, "a=b", "é", "\\", "joblib", "${oc.env:NOPE}", "${eval:1}"),
]
WORD = st.one_of(
    st.builds(
        "{}{}={}".format,
        st.sampled_from(["", "", "", "+", "++", "~"]),
        st.sampled_from(KEYS),
        st.one_of(st.sampled_from(VALUES), st.text("0aé.,=[]{}()$%'\"\\ \n:@~+", max_size=6)),
    ),
    st.builds("~{}".format, st.sampled_from(KEYS)),
    st.text(max_size=8),
)


@settings(
    max_examples=150,
    deadline=None,
    report_multiple_bugs=True,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(st.lists(WORD, max_size=3), st.booleans())
@example(["model=null"], False)
@example(["=3"], False)
@example(["seed=range(0,0)"], True)
@example(["scales={1:2}"], False)
def test_configurations_or_a_message_come_out(words, multirun):
    try:
        jobs = compose_jobs(words, multirun)
    except UsageError as error:
        text = " ".join(str(error).split())
        assert text
        assert len(text.splitlines()) == 1
    else:
        assert jobs
        assert all(type(job) is TrainConfig for job in jobs)


def test_a_pattern_stands_for_the_options_that_match_it():
    jobs = compose_jobs(["optimizer=glob(*)", "estimator=glob([rad*],exclude=*_*)"], multirun=True)
    assert [(job.optimizer.name, job.estimator.name) for job in jobs] == [
        ("adam", "rad"),
        ("sgd", "rad"),
    ]


STUDIES = dict.fromkeys(["reactor_checkpoint", "reactor_shared"], "reactor")
NUM_JOBS = {"mnist_mlp": 25, "reactor": 30, "reactor_checkpoint": 5, "reactor_shared": 10}
NUM_JOBS |= {"cifar_cnn": 15, "seqmnist_rnn": 12, "memory_table": 3}
DATA = {"mnist_mlp": "mnist", "cifar_cnn": "cifar10", "seqmnist_rnn": "sequential_mnist"}


@pytest.mark.parametrize("preset", ["quick", "paper"])
@pytest.mark.parametrize(("experiment", "num_jobs"), NUM_JOBS.items())
def test_an_experiment_expands_to_its_arms_and_seeds(experiment, num_jobs, preset):
    jobs = compose_jobs([f"experiment={experiment}", f"preset={preset}"], multirun=True)
    assert len(jobs) == (25 if (experiment, preset) == ("cifar_cnn", "paper") else num_jobs)
    assert {job.study for job in jobs} == {f"{STUDIES.get(experiment, experiment)}-{preset}"}
    assert {job.training.iterations for job in jobs} == {
        job.scales[preset].get("iterations", job.training.iterations) for job in jobs
    }
    names = {job.data.name for job in jobs}
    if preset == "paper" and experiment in DATA:
        assert names == {DATA[experiment]}
    elif preset == "quick":
        assert names <= {"digits", "none"}  # nothing to download


def test_words_go_before_the_experiment():
    words = ["experiment=mnist_mlp", "estimator=rad", "seed=3,4", "optimizer.lr=0.5", "budget=null"]
    jobs = compose_jobs(words, multirun=True)
    assert [(job.estimator.name, job.seed) for job in jobs] == [("rad", 3), ("rad", 4)]
    assert {(job.optimizer.lr, job.budget) for job in jobs} == {(0.5, None)}


def test_without_words_there_is_one_default_job():
    (job,) = compose_jobs([], multirun=False)
    assert (job.model.name, job.data.name, job.estimator.name) == ("mlp", "digits", "rad")
    assert compose_jobs([], multirun=True) == [job]


@pytest.mark.parametrize("multirun", [False, True])
def test_a_message_quotes_the_words_that_were_typed(multirun):
    ours = ["estimator=rad", "estimator.keep=0.3"]
    (job,) = compose_jobs(["model.hidden=[8]"], multirun, ours)
    assert (job.estimator.name, job.estimator.keep, job.model.hidden) == ("rad", 0.3, [8])
    with pytest.raises(UsageError) as caught:
        compose_jobs(["model.hidden=[8]", "nope=1"], multirun, ours)
    assert str(caught.value).endswith("(in: model.hidden=[8] nope=1)")


@pytest.mark.parametrize(
    ("value", "seeds"),
    [
        ("3", [3]),
        ("1,2", [1, 2]),
        ("range(0,3)", [0, 1, 2]),
        ("choice(5,7)", [5, 7]),
        ("range(1,10,step=4)", [1, 5, 9]),
    ],
)
def test_sweeps_expand_as_hydra_does(value, seeds):
    assert [job.seed for job in compose_jobs([f"seed={value}"], multirun=True)] == seeds


@pytest.mark.parametrize(("value", "bootstrap"), [("true", True), ("false", False)])
def test_the_bootstrap_can_be_switched_off(value, bootstrap):
    (job,) = compose_jobs([f"training.bootstrap={value}"], multirun=False)
    assert job.training.bootstrap is bootstrap


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["hydra.sweeper.max_batch_size=0"], "max_batch_size=0: allowed is a whole number of at l"),
        (
            ["hydra/launcher=joblib", "hydra.launcher.n_jobs=0"],
            "hydra.launcher.n_jobs=0: allowed is a number from 1 to 1024, or -1 for one on each co",
        ),
        (
            ["hydra/launcher=joblib", "hydra.launcher.n_jobs=1025"],
            "hydra.launcher.n_jobs=1025: allowed is a number from 1 to 1024",
        ),
        (
            ["measure.seeds=3"],
            "a key below one that is null; choose that one first, as in measure=depth",
        ),
    ],
)
def test_a_sweep_that_a_launcher_would_stumble_over_is_refused(words, message):
    with pytest.raises(UsageError, match=message):
        compose_jobs([*words, "seed=0,1"], multirun=True)
