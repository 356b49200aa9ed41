"""Measurements as jobs: their files, their names, how they end, and that they are skipped."""

import json

import pandas as pd
import pytest

from radexp.commands.composing import compose_jobs
from radexp.errors import UsageError
from radexp.experiments import Measurement, execute, make_job, measurement, run_path

SMALL = {
    "depth": ("measure=depth", "measure.depth=2", "measure.repetitions=2", "measure.graph_draws=9"),
    "noise": ("measure=noise", "measure.keeps=[0.5]", "measure.repetitions=3", "measure.at=2"),
    "bias": ("measure=bias", "measure.repetitions=4", "training.batch_size=4"),
    "frontier": ("measure=frontier", "measure.budgets=[0.3,1]", "measure.repetitions=2"),
    "memory": ("measure=memory", "measure.keeps=[0.5]", "training.batch_size=4"),
}
FILES = {".lock", "config.yaml", "environment.json", "run.log", "summary.json"}


@pytest.fixture
def job_for(tmp_path, torch_state):
    def job(name, *words):
        sizes = [] if name == "memory" else ["model.hidden=[4]"]
        overrides = [*SMALL[name], *sizes, "threads=1", f"output={tmp_path / 'outputs'}", *words]
        return make_job(compose_jobs(overrides, multirun=False)[0])

    return job


@pytest.mark.parametrize("name", SMALL)
def test_it_writes_its_rows_and_its_record_and_is_skipped_the_next_time(job_for, name):
    job = job_for(name)
    summary = execute(job)
    folder = run_path(job)
    rows = pd.read_csv(folder / f"{name}.csv")
    assert {path.name for path in folder.iterdir()} == FILES | {f"{name}.csv"}
    assert (summary["status"], summary["measured"], summary["message"]) == ("completed", name, None)
    assert summary["rows"] == len(rows) > 1
    assert json.loads((folder / "summary.json").read_text()) == summary
    assert json.loads((folder / "environment.json").read_text())["threads"] == 1
    time = (folder / f"{name}.csv").stat().st_mtime_ns
    assert execute(job) == summary
    assert (folder / f"{name}.csv").stat().st_mtime_ns == time


@pytest.mark.parametrize("name", sorted(set(SMALL) - {"memory"}))
def test_the_same_request_gives_the_same_rows_and_another_seed_others(job_for, name, tmp_path):
    words = [(), (f"output={tmp_path / 'again'}",), ("seed=1",)]
    texts = []
    for more in words:
        job = job_for(name, *more)
        execute(job)
        rows = pd.read_csv(run_path(job) / f"{name}.csv")
        texts.append(rows.drop(columns=["seconds", "stock_seconds"], errors="ignore").to_csv())
    assert texts[0] == texts[1] != texts[2]


def test_every_measurement_of_the_configuration_is_known():
    assert sorted(measurement.ROWS) == sorted(SMALL)


def test_names_say_what_it_depends_on(job_for):
    names = {name: job_for(name).run_id.rsplit("-", 1)[0] for name in SMALL}
    assert names == {
        "depth": "depth-s0",
        "noise": "noise-mlp-digits-s0",
        "bias": "bias-mlp-digits-s0",
        "frontier": "frontier-mlp-digits-s0",
        "memory": "memory-mlp-s0",
    }
    assert job_for("depth").run_id != job_for("depth", "measure.depth=3").run_id


def test_a_request_without_measure_is_a_run():
    (config,) = compose_jobs(["measure=depth"], multirun=False)
    assert isinstance(make_job(config), Measurement)
    (config,) = compose_jobs([], multirun=False)
    assert not isinstance(make_job(config), Measurement)


@pytest.mark.parametrize(
    ("name", "words", "message"),
    [
        ("depth", ("budget=10%",), "measure=depth with budget=10%: allowed is no budget, as every"),
        (
            "depth",
            ("model=reactor", "model.hidden=[]"),
            "measure=depth with model=reactor: allowed is a network",
        ),
        ("noise", ("estimator.keep=0.3",), "measure=noise with words on the estimator or traini"),
        ("noise", ("estimator=exact",), "measure=noise with words on the estimator or training"),
        ("bias", ("training.holdout=5",), "measure=bias with words on the estimator or training."),
        ("bias", ("measure.keeps=[1]",), "keeps=.1.0.: allowed is fractions, 0 < keep < 1"),
        ("noise", ("data=mnist", "data.root=/nowhere/at/all"), "is no folder"),
    ],
)
def test_impossible_requests_are_refused(job_for, name, words, message):
    with pytest.raises(UsageError, match=message):
        job_for(name, *words)


def test_what_needs_no_data_loads_none(job_for):
    words = ("data=mnist", "data.root=/nowhere/at/all")
    assert {job_for(name, *words).name for name in measurement.WITHOUT_DATA} == {"depth", "memory"}


@pytest.mark.parametrize(
    ("error", "status", "message"),
    [
        (ValueError("bad luck"), "failed", "ValueError: bad luck"),
        (UsageError("not so"), "failed", "UsageError: not so"),
        (KeyboardInterrupt(), "interrupted", "stopped by a signal"),
    ],
)
def test_whatever_happens_is_recorded_and_it_can_be_done_again(
    job_for, monkeypatch, error, status, message
):
    def fail(config):
        raise error

    job = job_for("depth")
    with monkeypatch.context() as patch:
        patch.setitem(measurement.ROWS, "depth", fail)
        with pytest.raises(type(error)):
            execute(job)
    summary = json.loads((run_path(job) / "summary.json").read_text())
    assert (summary["status"], summary["message"]) == (status, message)
    assert not (run_path(job) / "depth.csv").exists()
    assert execute(job)["status"] == "completed"


def test_running_out_of_memory_is_a_status(job_for, monkeypatch):
    def fail(config):
        raise MemoryError("too much")

    monkeypatch.setitem(measurement.ROWS, "depth", fail)
    assert execute(job_for("depth"))["status"] == "out_of_memory"
