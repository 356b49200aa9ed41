"""jobs.csv: what was asked for of a study, and the jobs that only have a folder."""

import pytest

from radexp.errors import UsageError
from radexp.reporting.finding import find
from radexp.reporting.job_list import AskedJob, job_in, job_list_csv, jobs_of, read_job_list

JOBS = [AskedJob("mlp-s0-0123456789", "run", 2000), AskedJob("depth-s0-0123456789", "depth", 0)]


def test_a_list_is_read_back(tmp_path):
    assert read_job_list(tmp_path) == []
    (tmp_path / "jobs.csv").write_bytes(job_list_csv(JOBS))
    assert read_job_list(tmp_path) == JOBS
    assert [job.is_run for job in JOBS] == [True, False]


@pytest.mark.parametrize(
    ("row", "match"),
    [
        ("../../elsewhere,run,1", r"run_id=../../elsewhere; allowed is names of a-z 0-9 . _ -"),
        ("..,run,1", r"run_id=..; allowed is names .* delete it"),
        ("a/b,run,1", "run_id=a/b; allowed is names"),
        (",run,1", "run_id=; allowed is names"),
        ("a,run,many", "iterations=many; allowed is a whole number"),
        ("a,run", "2 cells in row 1; allowed is the columns run_id,kind,iterations"),
        ("a,run,1\nb,r", "2 cells in row 2"),
    ],
)
def test_a_damaged_list_is_refused(tmp_path, row, match):
    (tmp_path / "jobs.csv").write_text(f"run_id,kind,iterations\n{row}\n")
    with pytest.raises(UsageError, match=rf"jobs\.csv: {match}"):
        read_job_list(tmp_path)


def test_folders_that_are_not_listed_follow(tmp_path):
    (tmp_path / "jobs.csv").write_bytes(job_list_csv(JOBS))
    for name, text in {
        JOBS[0].run_id: "training: {iterations: 7}",
        "b": "training: {iterations: 30}",
        "a": "measure: {name: noise}\ntraining: {iterations: 9}",
        ".hidden": "training: {iterations: 9}",
    }.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.yaml").write_text(text)
    (tmp_path / "no_job").mkdir()
    others = [AskedJob("a", "noise", 0), AskedJob("b", "run", 30)]
    assert jobs_of(tmp_path) == [*JOBS, *others]


@pytest.mark.parametrize(
    "text", ["", "a: [", "training: 3", "training: {iterations: many}", "measure: nothing"]
)
def test_a_damaged_configuration_is_a_run_of_unknown_length(tmp_path, text):
    (tmp_path / "config.yaml").write_text(text)
    assert job_in(tmp_path) == AskedJob(tmp_path.name, "run", 0)


def test_a_list_is_no_record(make_run):
    folder = make_run()
    before = find(folder.parent)
    (folder.parent / "jobs.csv").write_bytes(job_list_csv(JOBS))
    assert find(folder.parent) == before
