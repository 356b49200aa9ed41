"""Which words of ``radexp reproduce`` go to which experiment, and what is said about the others."""

import pytest

from radexp.commands.sweeps import plan_sweeps
from radexp.errors import UsageError
from radexp.experiments import Measurement

MEASURING = "frontier, gradient_noise, memory_table, unbiasedness, variance_depth"
SMOKE = "preset=smoke"


def arms(sweep):
    return list(dict.fromkeys(job.config.estimator.name for job in sweep.jobs))


def test_an_estimator_picks_arms_and_measurements_stay(cwd):
    sweeps, notes = plan_sweeps([SMOKE, "estimator=rad"])
    trained = [sweep for sweep in sweeps if not isinstance(sweep.jobs[0], Measurement)]
    assert [sweep.name for sweep in trained] == [
        "cifar_cnn",
        "frontier_training",
        "mnist_mlp",
        "reactor",
        "seqmnist_rnn",
    ]
    assert {tuple(arms(sweep)) for sweep in trained} == {("rad",)}
    assert ", ".join(sweep.name for sweep in sweeps if sweep not in trained) == MEASURING
    assert notes == [
        "estimator=rad: no arm of frontier_exact, reactor_checkpoint, reactor_shared, which are "
        "left out",
        f"estimator=rad: without effect on {MEASURING}, which have estimators of their own",
    ]
    assert list(cwd.iterdir()) == []


def test_each_experiment_takes_its_own_arms_of_a_list():
    names = "experiment=seqmnist_rnn,mnist_mlp"
    sweeps, notes = plan_sweeps([SMOKE, names, "estimator=rad_project,exact"])
    assert [arms(sweep) for sweep in sweeps] == [["exact"], ["rad_project", "exact"]]
    assert notes == []


def test_a_word_of_training_leaves_measurements_as_they_are():
    names = "experiment=mnist_mlp,unbiasedness"
    sweeps, notes = plan_sweeps([SMOKE, names, "training.iterations=3", "seed=7"])
    (_, plain), _ = plan_sweeps([SMOKE, names, "seed=7"])
    assert {job.config.training.iterations for job in sweeps[0].jobs} == {3}
    assert [job.run_id for job in sweeps[1].jobs] == [job.run_id for job in plain.jobs]
    assert notes == [
        "training.iterations=3: without effect on unbiasedness, which have estimators of their own"
    ]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            "experiment=unbiasedness estimator=rad",
            r"estimator=rad: allowed is what measurements \(unbiasedness\) look at; .*; drop it",
        ),
        ("experiment=variance_depth model=cnn", "model=cnn: allowed is what measurements"),
        ("experiment=reactor estimator=exact", "estimator=exact: allowed is an arm .*, rad; pick"),
        ("estimator=rad,nope", "estimator=nope: allowed is an arm of these experiments, accumul"),
    ],
)
def test_words_without_effect_are_refused(words, message):
    with pytest.raises(UsageError, match=f"^{message}"):
        plan_sweeps([SMOKE, *words.split()])
