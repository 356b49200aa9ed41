"""Bias of estimates: none where there is none, 3% seen, and what the sums are."""

import pandas as pd
import pytest
import torch

from radexp.analysis.bias_claim import COLUMNS, thresholds
from radexp.commands.composing import compose_jobs
from radexp.errors import UsageError
from radexp.experiments import bias_rows as module
from radexp.experiments.bias_rows import PLANTED, BiasTally, bias_rows

# A bias of 3% is then well beyond the threshold of the noisiest estimator's slope.
DRAWS = 1000


@pytest.fixture
def config(tiny, torch_state):
    words = [*tiny, "training.batch_size=8", "device=cpu", "budget=50%"]
    return compose_jobs(words, multirun=False)[0]


def test_unbiased_estimates_pass_and_a_planted_bias_is_caught(config):
    table = pd.DataFrame(bias_rows(config, [0.7], draws=DRAWS, warmup=5))
    assert list(table.columns) == list(COLUMNS)
    assert set(table["estimator"]) == {"rad", "rad_shared", "rad_project"}
    slope, entry = thresholds(3, int(table["entries"].max()))
    own, planted = table[table["factor"] == 1], table[table["factor"] == PLANTED]
    assert len(own) == len(planted) == 3
    assert own["z_slope"].abs().max() < slope
    assert own["z_entry"].max() < entry
    assert ((planted["z_slope"] > slope) | (planted["z_entry"] > entry)).all()
    assert (table["entries"] == 64 * 8 + 8 * 10).all()  # weights; biases are exact


def test_the_seed_decides(config):
    given = {"keeps": [0.3, 0.5], "draws": 4}
    first = bias_rows(config, **given)
    assert first == bias_rows(config, **given)
    assert len(first) == 2 * 3 * 2


def test_scores_are_those_of_all_estimates_at_once():
    draws = torch.Generator().manual_seed(0)
    truth = torch.randn(7, generator=draws, dtype=torch.float64)
    noise = torch.randn(20, 7, generator=draws, dtype=torch.float64)
    tally = BiasTally(truth)
    for estimate in truth + noise:
        tally.add(estimate)
    assert repr(tally) == "BiasTally(7 entries, 20 draws)"
    for factor in (1.0, PLANTED):
        estimates = factor * (truth + noise)
        z = (estimates.mean(0) - truth) / (estimates.std(0) / 20**0.5)
        slopes = estimates @ truth / (truth @ truth)
        scores = tally.scores(factor)
        assert scores["slope"] == pytest.approx(float(slopes.mean()))
        assert scores["z_slope"] == pytest.approx(
            float((slopes.mean() - 1) / (slopes.std() / 20**0.5)), rel=1e-6
        )
        assert scores["z_entry"] == pytest.approx(float(z.abs().max()), rel=1e-6)


def test_a_gradient_that_should_be_exact_and_is_not_scores_infinity(config, monkeypatch):
    plain, calls = module._gradient, []

    def spoiled(model, task, batch):
        found = plain(model, task, batch)
        calls.append(1)
        if len(calls) == 4:  # the exact one, the first draw, and the second of those counted
            found["1.bias"] = found["1.bias"] * 1.001
        return found

    monkeypatch.setattr(module, "_gradient", spoiled)
    rows = bias_rows(config, [0.3], draws=4)
    assert [row["z_entry"] == float("inf") for row in rows] == [True] * 2 + [False] * 4


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"keeps": []}, r"keeps=\[\]: allowed is fractions, 0 < keep < 1; try keeps="),
        ({"keeps": [0.3, 1]}, r"keeps=\[0.3, 1\]: allowed is fractions"),
        ({"draws": 1}, "draws=1: allowed is 2 or more"),
        ({"warmup": -1}, "warmup=-1: allowed is 0 or more iterations"),
    ],
)
def test_numbers_out_of_range_are_refused(config, changes, message):
    with pytest.raises(UsageError, match=message):
        bias_rows(config, **{"keeps": [0.3], "draws": 2, **changes})


def test_a_model_without_classes_is_refused():
    reactor = compose_jobs(["model=reactor", "estimator=rad"], multirun=False)[0]
    with pytest.raises(UsageError, match="model=reactor: allowed is cnn, mlp, rnn"):
        bias_rows(reactor, [0.3], 2)


def test_estimates_without_noise_are_refused(config, monkeypatch):
    def same(model, task, batch):
        return {"1.weight": torch.ones(3, dtype=torch.float64)}

    monkeypatch.setattr(module, "_gradient", same)
    with pytest.raises(UsageError, match="estimates that are exact: allowed is random ones"):
        bias_rows(config, [0.3], 2)
