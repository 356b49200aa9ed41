"""The live display: what it says of jobs from their folders alone."""

import json

import pytest
from sealed import write_summary

from radexp.commands.composing import compose_jobs
from radexp.commands.watching import Watching, describe, progress, read_summary
from radexp.experiments import execute, make_job, run_path
from radexp.experiments.folder import RunFolder

MEASURED = {"status": "completed", "run_id": "depth-s0", "measured": "depth", "rows": 7}


@pytest.fixture
def depth_job(tmp_path):
    words = ["measure=depth", f"output={tmp_path / 'outputs'}"]
    return make_job(compose_jobs(words, multirun=False)[0])


def write_row(folder, iteration):
    folder.mkdir(parents=True)
    (folder / "metrics.csv").write_text(f"{iteration},40,0.5,batch,0.25,0.5,0.1,\n")


@pytest.mark.parametrize(("iteration", "share"), [(5, 0.25), (20, 1.0), (40, 1.0)])
def test_progress_is_that_of_the_last_row(plan_for, iteration, share):
    plan = plan_for()
    folder = run_path(plan)
    assert progress(folder, plan) == 0.0
    write_row(folder, iteration)
    assert progress(folder, plan) == share


def test_a_measurement_has_no_progress(depth_job):
    assert progress(run_path(depth_job), depth_job) == 0.0


def test_each_job_is_told_once_as_soon_as_it_ends(plan_for, capsys):
    plans = [plan_for(f"seed={seed}") for seed in (0, 1, 2)]
    before = execute(plans[2], show_progress=False)
    with Watching(plans, "a study") as watching:
        execute(plans[0], show_progress=False)
        watching._look()
        first = capsys.readouterr().out
        execute(plans[1], show_progress=False)
    assert first.startswith(f"completed   {plans[0].run_id}  train loss ")
    assert first.count("\n") == 1
    rest = capsys.readouterr().out.splitlines()
    assert [line.split()[1] for line in rest] == [plans[1].run_id, plans[2].run_id]
    assert rest[1] == describe(before)


def test_an_interrupted_run_may_come_back_and_is_told_again(plan_for, capsys):
    plan = plan_for()
    folder = run_path(plan)
    folder.mkdir(parents=True)
    with Watching([plan], "a study") as watching:
        record = {"run_id": plan.run_id, "status": "interrupted", "message": "stopped"}
        write_summary(folder, record)
        watching._look()
        watching._look()
        assert capsys.readouterr().out == f"interrupted {plan.run_id}  stopped\n"
        execute(plan, show_progress=False)
    assert capsys.readouterr().out.startswith(f"completed   {plan.run_id}  train loss ")


def test_a_run_is_told_with_its_share_of_the_whole(plan_for):
    plans = [plan_for(f"seed={seed}") for seed in (0, 1)]
    execute(plans[0], show_progress=False)
    half = run_path(plans[1])
    write_row(half, 10)
    with Watching(plans, "a study") as watching, RunFolder(half).locked():
        watching._look(last=True)
        assert watching._bar.n == pytest.approx(1.5)
        assert watching._bar.postfix == "1/2 ended, 1 running"


def test_damaged_records_are_not_read(plan_for):
    folder = run_path(plan_for())
    assert read_summary(folder) is None
    folder.mkdir(parents=True)
    (folder / "summary.json").write_text("{")
    assert read_summary(folder) is None
    (folder / "summary.json").write_text(json.dumps(MEASURED))
    assert read_summary(folder) is None  # without a seal
    write_summary(folder, MEASURED)
    assert MEASURED.items() <= read_summary(folder).items()


def test_a_measurement_in_one_line():
    assert describe({**MEASURED, "seconds": 1.25}) == "completed   depth-s0  7 rows, 1.2 s"
    failed = {"status": "failed", "run_id": "depth-s0", "measured": "depth", "message": "no"}
    assert describe(failed) == "failed      depth-s0  no"


def test_an_old_record_of_a_job_that_never_started_is_not_told(plan_for, capsys):
    folder = run_path(plan_for())
    folder.mkdir(parents=True)
    write_summary(folder, {"status": "failed", "run_id": "x"})
    with Watching([plan_for()], "a study"):
        pass
    assert capsys.readouterr().out == ""


def test_a_record_without_numbers_is_told_by_its_status():
    assert describe({"status": "completed"}).strip() == "completed"
