"""What is read from an experiment's YAML is what its composition says."""

import pytest

from radexp.commands.composing import compose_jobs
from radexp.commands.trials import plan_trials
from radexp.config import CLASSIFICATION, choices, experiments_for, read_experiment
from radexp.errors import UsageError


@pytest.mark.parametrize("name", choices("experiment"))
def test_it_agrees_with_the_composed_jobs(name):
    one = read_experiment(name)
    jobs = compose_jobs([f"experiment={name}", "preset=smoke", "seed=0"], multirun=True)
    assert {job.measure and job.measure.name for job in jobs} == {one.measure}
    if one.measure is None:
        assert list(dict.fromkeys(job.estimator.name for job in jobs)) == list(one.estimators)
        assert {job.model.name for job in jobs} == set(one.models)
    else:
        assert one.estimators == ()


@pytest.mark.parametrize("name", choices("experiment"))
def test_those_for_classification_are_those_that_tuning_accepts(name, radexp):
    words = [f"experiment={name}", "preset=smoke", "tune.draws=1"]
    if name in experiments_for(CLASSIFICATION):
        assert plan_trials(words).plans
        assert name in radexp("tune", "--help").out
    else:
        with pytest.raises(UsageError, match="allowed is "):
            plan_trials(words)
        assert name not in radexp("tune", "--help").out
