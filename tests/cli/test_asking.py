"""A sweep writes down all its jobs before the first of them starts."""

import errno
import threading

import pytest

from radexp.commands import asking, train
from radexp.commands.asking import write_job_lists
from radexp.commands.composing import compose_jobs
from radexp.errors import UsageError
from radexp.experiments import make_job, run_path
from radexp.reporting.job_list import AskedJob, read_job_list


def test_the_list_is_there_before_the_first_job(radexp, cwd, tiny, monkeypatch):
    seen = []
    monkeypatch.setattr(train, "execute", lambda *a, **k: seen.append(listed(cwd)) or {"status": 0})
    radexp("train", "-m", *tiny, "seed=0,1")
    assert len(seen) == 2
    assert [job.kind for job in seen[0]] == ["run", "run"]
    assert {job.iterations for job in seen[0]} == {20}


def listed(cwd):
    return read_job_list(cwd / "outputs/train")


def test_what_was_asked_for_before_stays_and_nothing_is_there_twice(radexp, cwd, tiny):
    radexp("train", "-m", *tiny, "seed=1,0")
    first = listed(cwd)
    stamp = (cwd / "outputs/train/jobs.csv").stat().st_mtime_ns
    radexp("train", "-m", *tiny, "seed=1,0")
    assert (cwd / "outputs/train/jobs.csv").stat().st_mtime_ns == stamp
    radexp("train", "-m", *tiny, "seed=0,1,2")
    assert listed(cwd)[:2] == first
    assert len(listed(cwd)) == 3
    assert {job.run_id for job in listed(cwd)} == {
        path.parent.name for path in cwd.glob("outputs/train/*/summary.json")
    }


def test_a_measurement_is_asked_for_by_its_name(tmp_path):
    words = ["measure=depth", f"output={tmp_path}", "study=deep"]
    job = make_job(compose_jobs(words, multirun=False)[0])
    assert write_job_lists([job]) == [tmp_path / "deep"]
    assert read_job_list(tmp_path / "deep") == [AskedJob(job.run_id, "depth", 0)]


def test_sweeps_that_start_at_once_lose_nothing(plan_for):
    plans = [plan_for(f"seed={seed}") for seed in range(8)]
    threads = [threading.Thread(target=write_job_lists, args=([plan],)) for plan in plans]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = {job.run_id for job in read_job_list(run_path(plans[0]).parent)}
    assert found == {plan.run_id for plan in plans}


def test_a_folder_that_takes_no_list_is_refused(plan_for, monkeypatch):
    def fail(*args):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(asking, "write_atomically", fail)
    with pytest.raises(UsageError, match=r"it cannot be written \(Read-only file system\)"):
        write_job_lists([plan_for()])


def test_a_damaged_list_is_told_and_written_anew(radexp, cwd, tiny):
    (cwd / "outputs/train").mkdir(parents=True)
    (cwd / "outputs/train/jobs.csv").write_text("run_id,kind,iterations\n../x,run,1\n")
    outcome = radexp("train", "-m", *tiny, "seed=0,1")
    assert outcome.status == 0
    assert outcome.err.count("\n") == 1
    assert "outputs/train/jobs.csv: run_id=../x; allowed is names of" in outcome.err
    assert outcome.err.endswith("; left out, and written anew\n")
    assert len(listed(cwd)) == 2
