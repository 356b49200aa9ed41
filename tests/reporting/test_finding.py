"""Finding: each folder is of one kind, and nothing below a record is looked at."""

import json

import pytest

from radexp.catalogue import choices
from radexp.errors import UsageError
from radexp.reporting.finding import MEASURES, WRITTEN, find, measure_of
from radexp.reporting.records import load_records


def test_every_measurement_that_can_be_asked_for_is_known():
    assert sorted(MEASURES) == choices("measure")


def test_runs_jobs_and_evidence_are_told_apart(make_run, make_job, tmp_path, measured_text):
    run, job = make_run(), make_job("memory")
    evidence = tmp_path / "outputs/kept"
    for folder in (evidence, evidence / "cnn", evidence / ".hidden"):
        folder.mkdir()
        (folder / "noise.csv").write_text(measured_text("noise"))
    found = find(tmp_path / "outputs")
    assert found.runs == (run.resolve(),)
    assert found.jobs == {job.resolve(): "memory"}
    assert found.evidence == {evidence: evidence, evidence / "cnn": evidence}
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


@pytest.mark.parametrize("asked", [".", "results", "results/noise", "results/noise/mlp"])
def test_words_on_a_study_make_one_of_the_tables_right_below(tmp_path, measured_text, asked):
    study, other = tmp_path / "results/noise", tmp_path / "results/depth"
    for table in (study / "mlp/noise.csv", study / "rnn/noise.csv", other / "depth.csv"):
        table.parent.mkdir(parents=True)
        table.write_text(measured_text(table.stem))
    (study / "directions").mkdir()
    (study / "directions/directions.csv").write_text("a,b\n1,2\n")
    (study / WRITTEN).write_text("- few gradients")
    (study.parent / "README.md").write_text("all of it")
    every = {study / "mlp": study, study / "rnn": study, other: other}
    top = tmp_path / asked
    below = {folder: kept for folder, kept in every.items() if folder.is_relative_to(top)}
    assert find(top).evidence == below


def test_without_words_each_table_is_a_study(tmp_path, measured_text):
    for name in ("mlp", "rnn"):
        (tmp_path / "noise" / name).mkdir(parents=True)
        (tmp_path / "noise" / name / "noise.csv").write_text(measured_text("noise"))
    (tmp_path / "noise/README.md").write_text("two networks")
    assert {place.name for place in find(tmp_path).evidence.values()} == {"mlp", "rnn"}


def test_a_run_with_an_empty_measure_is_a_run(make_run):
    run = make_run()
    config = json.loads((run / "config.yaml").read_text())
    (run / "config.yaml").write_text(json.dumps({**config, "measure": None}))
    assert measure_of(run) == ""
    assert find(run).runs == (run.resolve(),)


def test_an_unknown_measure_is_refused(make_job):
    job = make_job("memory")
    (job / "config.yaml").write_text("measure: {name: taste}")
    with pytest.raises(UsageError, match=r"measure.name=taste; allowed is memory, noise, fron"):
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
