"""The frontier in the report: its tables and pictures, beside claims that it leaves alone."""

import pytest

from radexp.reporting.report import write_report

STUDY = "frontier_training-quick"


@pytest.fixture
def report(make_run, make_job, tmp_path):
    """Return the writer of the report on all that there is."""
    return lambda: write_report(tmp_path / "outputs", tmp_path / "report")


def grids(report):
    return {grid.title.partition(":")[0]: grid for grid in report.content.grids["frontier"]}


def test_tables_and_pictures_of_noise_and_of_training(make_run, make_job, report):
    make_job("frontier")
    for seed in range(2):
        make_run("exact", seed, study=STUDY, budget=None)
        make_run("rad", seed, study=STUDY, floor=0.0095)
        make_run("small_batch", seed, study=STUDY)
    written = report()
    found = grids(written)
    noise = found["Added noise, mlp on digits, 5 iterations, measured"]
    assert noise.heads == ("budget", "auto", "rad", "rounding", "best", "auto / best")
    assert noise.rows == [("30%", "0.1", "10", "0.1", "rounding", "1")]
    times = found["Step time, mlp on digits, 5 iterations, measured"]
    assert times.rows == [("30%", *["2.00 [2.00, 2.00]"] * 3)]
    training = {row[0]: row for row in found[f"To the same loss, {STUDY}"].rows}
    assert training["exact"][3] == "1.00 [1.00, 1.00]"
    assert training["small_batch"][3:6] == ("never (0/2)",) * 3
    assert float(training["rad"][3].split()[0]) < 1.05
    kinds = [picture.kind for picture in written.content.pictures]
    assert kinds == ["frontier", "slowdowns"]
    page = written.page.read_text()
    assert "Beyond the paper: the frontier" in page


def test_claims_and_curves_are_those_of_the_other_studies(make_run, report):
    for arm in ("exact", "rad", "rad_shared", "rad_project", "small_batch"):
        for seed in range(2):
            make_run(arm, seed)
    alone = report()
    for seed in range(2):
        make_run("exact", seed, study=STUDY, budget=None)
        make_run("rad", seed, study=STUDY)
        make_run("rad", seed, study=STUDY, keep=0.05)
    beside = report()
    assert beside.verdicts == alone.verdicts
    assert beside.problems == alone.problems
    assert [p.kind for p in beside.content.pictures] == ["headline", "curves", "slowdowns"]


def test_arms_without_a_baseline_are_said_and_a_baseline_alone_is_no_picture(make_run, report):
    make_run("rad", study=STUDY)
    written = report()
    (grid,) = written.content.grids["frontier"]
    assert grid.rows == []
    assert "run experiment=frontier_exact of the same preset and seeds" in grid.note
    make_run("exact", study=STUDY, iterations=1000)  # another setting
    assert [picture.kind for picture in report().content.pictures] == []
