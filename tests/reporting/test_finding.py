"""Finding: each folder is of one kind, and nothing below a record is looked at."""

import json

import pytest

from radexp.errors import UsageError
from radexp.reporting.finding import find, measure_of
from radexp.reporting.records import load_records


def test_runs_jobs_and_evidence_are_told_apart(make_run, make_job, tmp_path, measured_text):
    run, job = make_run(), make_job("memory")
    evidence = tmp_path / "outputs/kept"
    for folder in (evidence, evidence / "cnn", evidence / ".hidden"):
        folder.mkdir()
        (folder / "noise.csv").write_text(measured_text("noise"))
    found = find(tmp_path / "outputs")
    assert found.runs == (run.resolve(),)
    assert found.jobs == {job.resolve(): "memory"}
    assert found.evidence == {evidence: "kept", evidence / "cnn": "kept"}
    assert find([run, job, tmp_path]).jobs == found.jobs


def test_a_job_is_no_run_and_loading_runs_skips_it(make_run, make_job, tmp_path):
    make_job("noise")
    with pytest.raises(UsageError, match="no run in it; allowed is a folder that holds runs"):
        load_records(tmp_path)
    make_run()
    assert len(load_records(tmp_path).runs) == 1


def test_a_report_below_evidence_is_no_record(make_run, tmp_path):
    report = make_run() / "report"
    report.mkdir()
    (report / "memory.csv").write_text("")
    assert not find(tmp_path).evidence


def test_a_run_with_an_empty_measure_is_a_run(make_run):
    run = make_run()
    config = json.loads((run / "config.yaml").read_text())
    (run / "config.yaml").write_text(json.dumps({**config, "measure": None}))
    assert measure_of(run) == ""
    assert find(run).runs == (run.resolve(),)


def test_an_unknown_measure_is_refused(make_job):
    job = make_job("memory")
    (job / "config.yaml").write_text("measure: {name: taste}")
    with pytest.raises(UsageError, match=r"measure.name=taste; allowed is memory, noise, depth, b"):
        find(job)
    (job / "config.yaml").write_text("measure: memory")
    assert find(job).jobs == {job.resolve(): "memory"}


def test_nothing_is_refused(tmp_path):
    with pytest.raises(
        UsageError, match=r"no run in it; .*measurements, or evidence .*train first"
    ):
        find(tmp_path)
    with pytest.raises(UsageError, match=r"runs=\[\]: allowed is at least one folder"):
        find([])
