"""``radexp tune``: what it draws, judges, prints and leaves, and what it refuses."""

import json
import os
import shlex
import signal
import subprocess
import sys
import time

import pandas as pd
import pytest

from radexp.commands.composing import compose_jobs
from radexp.commands.trials import default_holdout, plan_trials
from radexp.config import TuneConfig
from radexp.config.tune import draw
from radexp.experiments import make_plan

STUDY = "outputs/mlp-digits-tune"
BASIC = "hydra/launcher=basic"


def summaries(cwd, study=STUDY):
    found = {path: json.loads(path.read_text()) for path in cwd.glob(f"{study}/*/summary.json")}
    return {path.parent.name: summary for path, summary in found.items()}


def times(cwd):
    return {path: path.stat().st_mtime_ns for path in cwd.glob(f"{STUDY}/*/[a-z]*")}


def test_each_estimator_has_its_winner_and_a_second_call_skips(radexp, cwd, tiny):
    words = (*tiny, "estimator=rad,small_batch", "budget=60%", "tune.draws=3")
    outcome = radexp("tune", *words, BASIC)
    assert (outcome.status, outcome.err) == (0, "")
    table = pd.read_csv(cwd / STUDY / "tuning.csv", float_precision="round_trip")
    assert table["estimator"].tolist() == ["rad"] * 3 + ["small_batch"] * 3
    assert table["trial"].tolist() == [0, 1, 2] * 2
    for name in ("lr", "weight_decay"):
        assert table[name].nunique() == 3
        assert table[name].tolist()[:3] == table[name].tolist()[3:]
    ended = summaries(cwd)
    assert set(ended) == set(table["run"])
    for row in table.to_dict("records"):
        assert row["validation_loss"] == ended[row["run"]]["final_validation_loss"]
        assert ended[row["run"]]["final_test_loss"] is None
        assert f"-s0-t{row['trial']}-" in row["run"]
    assert (cwd / STUDY / "tuning.png").stat().st_size > 5000
    for name, part in table.groupby("estimator"):
        best = part.loc[part["validation_loss"].idxmin()].to_dict()
        values = f"lr={best['lr']!r}", f"weight_decay={best['weight_decay']!r}"
        assert f"{name}: trial {best['trial']} is the best of 3" in outcome.out
        assert f"  optimizer.{values[0]} optimizer.{values[1]}\n" in outcome.out
        assert f"  tuned.{name}.{values[0]} tuned.{name}.{values[1]}  (for" in outcome.out
    before = times(cwd)
    again = radexp("tune", *words, BASIC)
    assert (again.status, again.err) == (0, "")
    assert times(cwd) == before
    assert tail(again) == tail(outcome)
    assert [path.name for path in cwd.iterdir()] == ["outputs"]


def tail(outcome):
    return outcome.out[outcome.out.index("\nestimator ") :]


def test_the_printed_command_trains_on_the_whole_set_and_looks_at_the_test_set(radexp, cwd, tiny):
    outcome = radexp("tune", *tiny, BASIC, "tune.draws=2", "training.holdout=100")
    assert "on 100 held-out examples" in outcome.out
    (line,) = [line for line in outcome.out.splitlines() if line.startswith("  radexp train ")]
    words = shlex.split(line)[1:]
    assert "tune" not in line
    assert "holdout" not in line
    assert radexp(*words).status == 0
    (summary,) = summaries(cwd, "outputs/train").values()
    assert summary["final_test_loss"] is not None
    assert summary["final_validation_loss"] is None


def test_more_draws_keep_the_first_trials(radexp, cwd, tiny):
    assert radexp("tune", *tiny, BASIC, "tune.draws=2").status == 0
    before = times(cwd)
    assert radexp("tune", *tiny, BASIC, "tune.draws=3", "estimator=rad,exact").status == 0
    assert len(summaries(cwd)) == 6
    assert {path: time for path, time in times(cwd).items() if path in before} == before


def test_a_killed_tuning_goes_on_where_it_stopped(radexp, cwd, tiny):
    words = ("tune", *tiny, BASIC, "tune.draws=3", "training.iterations=600")
    words += ("training.checkpoint_every=50", "training.log_every=50")
    process = subprocess.Popen(
        [sys.executable, "-m", "radexp.cli", *words],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 120
    while len(list(cwd.glob(f"{STUDY}/*/checkpoint.pt"))) < 2:
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.wait(60)
    assert len(summaries(cwd)) < 3
    assert not (cwd / STUDY / "tuning.csv").exists()
    outcome = radexp(*words)
    assert (outcome.status, len(summaries(cwd))) == (0, 3)
    logs = [path.read_text() for path in sorted(cwd.glob(f"{STUDY}/*-t1-*/run.log"))]
    assert "resumed at iteration" in logs[0]
    first = (cwd / STUDY / "tuning.csv").read_text()
    assert radexp(*words, "output=undisturbed").status == 0
    assert (cwd / "undisturbed/mlp-digits-tune/tuning.csv").read_text() == first


def test_diverged_trials_lose_and_are_no_failure(radexp, cwd, tiny):
    words = ("model.hidden=[8,8]", "optimizer=sgd", "tune.lr=[1e-3,1e30]", "tune.draws=3")
    outcome = radexp("tune", *tiny, BASIC, *words)
    table = pd.read_csv(cwd / STUDY / "tuning.csv")
    assert sorted(table["status"]) == ["completed", "diverged", "diverged"]
    assert (
        table.loc[table["status"] == "diverged", "validation_loss"].tolist() == [float("inf")] * 2
    )
    assert (outcome.status, outcome.err) == (0, "")
    assert "is the best of 3" in outcome.out


def test_all_diverged_is_a_clear_error(radexp, cwd, tiny):
    words = ("model.hidden=[8,8]", "optimizer=sgd", "tune.lr=[1e29,1e30]", "tune.draws=2")
    outcome = radexp("tune", *tiny, BASIC, *words)
    assert outcome.status == 1
    assert outcome.err == (
        "radexp: estimator=rad: 2 diverged of 2 trials: allowed is at least one that completed; "
        "try smaller steps, tune.lr=[1e+27,1e+28]\n"
    )
    assert "radexp train" not in outcome.out
    assert (cwd / STUDY / "tuning.png").is_file()


def test_a_failed_trial_is_listed_and_the_others_are_judged(radexp, cwd, tiny):
    words = ("tune", *tiny, BASIC, "tune.draws=2")
    assert radexp(*words).status == 0
    (damaged,) = cwd.glob(f"{STUDY}/*-t0-*/summary.json")
    damaged.write_text("{")
    outcome = radexp(*words)
    assert outcome.status == 1
    assert f"radexp: failed: {STUDY}/{damaged.parent.name}\n" in outcome.err
    assert "Traceback" not in outcome.err
    assert "rad: trial 1 is the best of 2" in outcome.out
    damaged.unlink()
    assert radexp(*words).status == 0


def test_a_winner_near_the_edge_says_how_to_widen_the_range(radexp, cwd, tiny):
    seeds = (seed for seed in range(99) if draw(TuneConfig(seed=seed), 0)["lr"] > 9e-3)
    words = ("tune.draws=1", f"tune.seed={next(seeds)}", "tune.weight_decay=[1e-5,1e-5]")
    outcome = radexp("tune", *tiny, BASIC, *words)
    assert "  near the upper end of tune.lr=[0.0001,0.01]: the best may lie beyond" in outcome.out
    assert "try tune.lr=[0.0001,0.1]\n" in outcome.out
    assert "tune.weight_decay" not in outcome.out


def test_an_experiments_arms_are_tuned_and_its_words_work(radexp, cwd):
    small = ("experiment=mnist_mlp", "preset=smoke", "model.hidden=[8]", "training.iterations=4")
    small += ("budget=60%",)
    outcome = radexp("tune", *small, BASIC, "estimator=rad,exact", "tune.draws=2")
    assert outcome.status == 0
    assert len(summaries(cwd, "outputs/mnist_mlp-smoke-tune")) == 4
    (line,) = [line for line in outcome.out.splitlines() if line.startswith("  radexp train -m ")]
    assert {"tuned.rad.lr", "tuned.exact.weight_decay"} <= {
        word.partition("=")[0] for word in line.split()
    }
    jobs = compose_jobs(shlex.split(line)[3:], multirun=True)
    assert [(job.estimator.name, job.seed) for job in jobs] == [
        (name, seed) for name in ("rad", "exact") for seed in range(5)
    ]
    for job in jobs:
        assert job.optimizer.lr == job.tuned[job.estimator.name]["lr"]
    assert f"tuned.rad.lr={jobs[0].optimizer.lr!r} " in outcome.out


def test_an_experiment_without_settings_by_arm_gets_the_optimizers_own_words(radexp, cwd):
    small = ("experiment=seqmnist_rnn", "preset=smoke", "model.hidden=[8]", "training.iterations=2")
    outcome = radexp("tune", *small, BASIC, "budget=60%", "estimator=rad,exact", "tune.draws=1")
    assert outcome.status == 0
    assert "tuned." not in outcome.out
    lines = [line for line in outcome.out.splitlines() if line.startswith("  radexp train -m ")]
    assert len(lines) == 2
    for line in lines:
        for job in compose_jobs(shlex.split(line)[3:], multirun=True):
            assert f"optimizer.lr={job.optimizer.lr!r} " in line


def test_tuned_values_reach_their_arm_alone():
    words = ["experiment=mnist_mlp", "preset=quick", "estimator=rad,exact", "seed=0"]
    rad, exact = compose_jobs([*words, "tuned.rad.lr=1e-2"], multirun=True)
    assert (rad.optimizer.lr, exact.optimizer.lr) == (1e-2, 1.350e-3)
    assert rad.optimizer.weight_decay == 1.254031e-6


def test_an_experiment_without_estimator_has_all_its_arms(cwd):
    trials = plan_trials(["experiment=mnist_mlp", "preset=smoke", "tune.draws=1"])
    names = [plan.config.estimator.name for plan in trials.plans]
    assert names == ["exact", "small_batch", "rad", "rad_shared", "rad_project"]
    assert {plan.config.seed for plan in trials.plans} == {0}
    assert list(cwd.iterdir()) == []


def test_trials_are_the_runs_that_hydra_will_name(cwd):
    trials = plan_trials(["estimator=rad,exact", "budget=20%", "tune.draws=2", "seed=3"])
    for plan in trials.plans:
        assert make_plan(plan.config).run_id == plan.run_id
        assert make_plan(plan.config).estimator == plan.estimator
    assert trials.holdout == default_holdout(1437) == 287
    assert {plan.config.seed for plan in trials.plans} == {3}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("tune.lr=[1e-2,1e-4]", "tune.lr=[0.01, 0.0001]: allowed is [LOW,HIGH], two finite"),
        ("tune.weight_decay=[0,1e-3]", "tune.weight_decay=[0.0, 0.001]: allowed is [LOW,HIGH]"),
        ("tune.lr=3", "tune.lr=3: "),
        ("tune.draws=0", "tune.draws=0: allowed is a whole number from 1 to 1000; try"),
        ("tune.draws=1.5", "tune.draws=1.5: Value '1.5'"),
        ("tune.drows=3", "tune.drows: there is no such key; did you mean tune.draws?"),
        ("tune.trial=3", "tune.trial=3: allowed is a number of trials; set tune.draws=20"),
        ("training.holdout=1437", "training.holdout=1437: allowed is 0 to 1436 of 1437 training"),
        ("training.holdout=0", "training.holdout=0: allowed is at least 1, to judge trials on"),
        ("training.holdout=-1", "training.holdout=-1: allowed is a whole number from 0 to"),
        ("model=reactor", "model=reactor: allowed is model=cnn, mlp, rnn, as tuning holds out"),
        ("experiment=reactor", "experiment=reactor: allowed is model=cnn, mlp, rnn, as tuning"),
        ("optimizer.lr=1e-3", "optimizer.lr=1e-3: allowed is a range, tune.lr=[1e-4,1e-2], as"),
        ("+optimizer.weight_decay=0", "+optimizer.weight_decay=0: allowed is a range, tune.weight"),
        ("estimator=nope", "estimator=nope: allowed is accumulate, auto, checkpoint, exact"),
        ("estimator=rad,nope", "estimator=nope: allowed is"),
        ("estimator=rad_as_published", "estimator=rad_as_published with model=mlp: allowed"),
        ("estimator=rad,rad", "estimator=rad,rad: allowed is a list for estimator alone, each"),
        ("seed=0,1", "seed=0,1: allowed is a list for estimator alone, each once; give every"),
        ("estimator=rad budget=1B", "budget=1B: allowed is at least "),
        ("preset=quick", "preset=quick: allowed is a preset of an experiment"),
        ("--cfg job", "--cfg: allowed is KEY=VALUE; see radexp tune --help"),
        ("hydra/launcher=nope", "hydra/launcher=nope: allowed is basic, joblib"),
        ("study=A/b", "study=A/b: allowed is up to 80"),
    ],
)
def test_mistakes_are_told_in_one_line(radexp, cwd, words, message):
    outcome = radexp("tune", *words.split())
    assert outcome.status == 2
    assert outcome.out == ""
    assert outcome.err.startswith(f"radexp: {message}")
    assert outcome.err.count("\n") == 1
    assert not list(cwd.iterdir())


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("tune.draws=3", "tune.draws=3: allowed is in radexp tune, as train draws nothing; drop"),
        ("training.holdout=1437", "training.holdout=1437: allowed is 0 to 1436 of 1437 training"),
        ("model=reactor training.holdout=5", "training.holdout=5 with model=reactor: allowed is"),
    ],
)
def test_mistakes_of_train(radexp, cwd, words, message):
    outcome = radexp("train", *words.split())
    assert outcome.status == 2
    assert outcome.err.startswith(f"radexp: {message}")
    assert not list(cwd.iterdir())


def test_help_and_completion(radexp, cwd, monkeypatch):
    outcome = radexp("tune", "--help")
    assert outcome.status == 0
    assert outcome.out.startswith("radexp tune: draw step size and L2 at random")
    assert max(map(len, outcome.out.splitlines())) <= 100
    assert "tune " in radexp("--help").out
    monkeypatch.setenv("COMP_LINE", "radexp tune estimator=small")
    assert "estimator=small_batch" in radexp("--shell-completion", "query=bash").out
    monkeypatch.setenv("COMP_LINE", "radexp tu")
    assert "tune" in radexp("--shell-completion", "query=bash").out.split()
    assert not list(cwd.iterdir())
