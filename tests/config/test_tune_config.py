"""Draws: log-uniform over their ranges, a function of seed and number, written as they are run."""

import math
import re

import pytest
from scipy import stats

from radexp.commands.composing import compose_jobs
from radexp.config import TuneConfig
from radexp.config.tune import DRAWN, draw
from radexp.errors import UsageError

WORDS = ("optimizer.lr=${drawn:lr}", "optimizer.weight_decay=${drawn:weight_decay}")


def optimizer_of(*words):
    (job,) = compose_jobs([*WORDS, *words], multirun=False)
    return {name: getattr(job.optimizer, name) for name in DRAWN}


@pytest.mark.parametrize("name", DRAWN)
def test_draws_are_log_uniform_over_their_range(name):
    config = TuneConfig()
    low, high = getattr(config, name)
    drawn = [draw(config, trial)[name] for trial in range(1000)]
    assert low <= min(drawn) < low * 1.1 < high / 1.1 < max(drawn) <= high
    places = [math.log(value / low) / math.log(high / low) for value in drawn]
    assert stats.kstest(places, "uniform").pvalue > 0.01


def test_the_two_are_independent_of_one_another_and_of_other_trials():
    drawn = [draw(TuneConfig(), trial) for trial in range(1000)]
    lr, decay = ([math.log(one[name]) for one in drawn] for name in DRAWN)
    assert abs(stats.pearsonr(lr, decay).statistic) < 0.1
    assert abs(stats.pearsonr(lr[1:], lr[:-1]).statistic) < 0.1


def test_a_draw_is_a_function_of_seed_and_number_alone():
    one = draw(TuneConfig(draws=3), 2)
    assert one == draw(TuneConfig(draws=200, trial=7), 2)
    assert one != draw(TuneConfig(draws=3), 1)
    assert one != draw(TuneConfig(draws=3, seed=1), 2)
    seeds = {draw(TuneConfig(seed=seed), 0)["lr"] for seed in (0, 1, 2**32, 2**63 - 1)}
    assert len(seeds) == 4
    # The range of one leaves the other as it was.
    assert one["lr"] == draw(TuneConfig(weight_decay=[1e-9, 1.0]), 2)["lr"]


def test_first_draws_are_pinned():
    # Runs are named by what was drawn: another generator would train every trial anew.
    assert draw(TuneConfig(), 0) == {"lr": 0.001879, "weight_decay": 1.2e-06}
    assert draw(TuneConfig(), 1) == {"lr": 0.006018, "weight_decay": 1.693e-05}


def test_every_estimator_has_the_same_draws_and_what_is_drawn_is_what_is_run():
    for trial in (0, 5):
        word = f"tune.trial={trial}"
        exact, rad = (optimizer_of(word, f"estimator={name}") for name in ("exact", "rad"))
        assert exact == rad == draw(TuneConfig(), trial)
    assert optimizer_of("tune.trial=5", "tune.draws=9", "seed=4") == draw(TuneConfig(), 5)
    assert optimizer_of("tune.trial=0", "tune.seed=3") == draw(TuneConfig(seed=3), 0)


def test_draws_have_four_digits_and_stay_within_odd_ranges():
    config = TuneConfig(lr=[1.23456e-4, 1.23457e-4], weight_decay=[3e-5, 3e-5])
    for trial in range(50):
        drawn = draw(config, trial)
        assert 1.23456e-4 <= drawn["lr"] <= 1.23457e-4
        assert drawn["weight_decay"] == 3e-5
        assert len(re.sub(r"e.*|[.]", "", repr(draw(TuneConfig(), trial)["lr"])).lstrip("0")) <= 4


@pytest.mark.parametrize(
    ("values", "message"),
    [
        *(
            ({name: ends}, f"tune.{name}={ends}: allowed is [LOW,HIGH], two finite numbers above 0")
            for name in DRAWN
            for ends in (
                *([1e-2, 1e-4], [0.0, 1.0], [-1.0, 1.0], [1e-3], [], [1e-4, 1e-3, 1e-2]),
                *([1e-4, math.inf], [math.nan, 1.0], [1e-4, math.nan]),
            )
        ),
        ({"draws": 0}, "tune.draws=0: allowed is a whole number from 1 to 1000; try tune.draws=20"),
        ({"draws": 1001}, "tune.draws=1001: allowed is a whole number from 1 to 1000"),
        ({"seed": -1}, "tune.seed=-1: allowed is 0 to 2**63 - 1; try"),
        ({"seed": 2**63}, f"tune.seed={2**63}: allowed is 0 to 2**63 - 1; try"),
        ({"trial": -1}, "tune.trial=-1: allowed is a whole number of at least 0, or null; leave"),
    ],
)
def test_what_is_out_of_range_is_refused(values, message):
    with pytest.raises(UsageError, match=re.escape(message)):
        TuneConfig(**values)


@pytest.mark.parametrize("word", ["optimizer.lr=${drawn:lr}", "optimizer.lr=${drawn:decay}"])
def test_nothing_is_drawn_outside_of_a_trial(word):
    trial = ["tune.trial=0"] if "decay" in word else []
    with pytest.raises(UsageError, match="lr or weight_decay in a trial of radexp tune; give"):
        compose_jobs([word, *trial], multirun=False)
