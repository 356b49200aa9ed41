"""The report as a whole: its files, its outcome, and what it may import."""

import subprocess
import sys

import pandas as pd
import pytest
from sealed import edit_summary

from radexp.errors import UsageError
from radexp.reporting.records import load_records, write_evidence
from radexp.reporting.report import draw_curves, write_report


@pytest.fixture
def bare_run(make_run):
    """Return a builder of runs that failed before their first evaluation: quick to draw."""

    def make(*args, **changes):
        folder = make_run(*args, status="failed", **changes)
        (folder / "metrics.csv").unlink()
        edit_summary(folder)
        return folder

    return make


def test_every_file_is_written(study, tmp_path):
    report = write_report([study], tmp_path / "a" / "report")
    assert sorted(path.name for path in report.page.parent.iterdir()) == [
        "claims.csv",
        "curves.pdf",
        "curves.png",
        "headline.png",
        "index.html",
        "points.csv",
        "report.md",
        "table.csv",
    ]
    assert {path.name for path in report.figures} == {"curves.png", "curves.pdf"}
    assert [verdict.verdict for verdict in report.verdicts] == ["reproduced"] * 3
    assert report.problems == ()
    assert "small_batch" in report.table
    check_tables(report.page.parent)


def check_tables(folder):
    claims = pd.read_csv(folder / "claims.csv")
    counts = claims["claim"].value_counts().to_dict()
    assert counts == {"C3": counts["C3"], "C6": counts["C3"], "C7": 4 * counts["C3"]}
    assert counts["C3"] >= 4  # the deciding view and the secondary ones
    assert (claims.loc[claims["decides"] == "yes", "high"] < 0).all()
    assert len(pd.read_csv(folder / "table.csv")) == 5
    curves = pd.read_csv(folder / "points.csv")
    assert set(curves["arm"]) == set(claims["other"]) | {"exact"}


def test_evidence_gives_the_same_report_as_its_runs(make_run, tmp_path):
    study = make_run("rad", 0).parent
    make_run("small_batch", 0, status="diverged")
    write_evidence(load_records(study), tmp_path / "evidence")
    one = write_report(study, tmp_path / "one")
    other = write_report(tmp_path / "evidence", tmp_path / "other")
    for name in ("claims.csv", "table.csv", "points.csv", "curves.png"):
        left, right = one.page.with_name(name), other.page.with_name(name)
        assert left.read_bytes() == right.read_bytes()
    left, right = one.page.read_text(), other.page.read_text()
    link = "<a href='../{}'>{}</a>".format
    there, kept = link("outputs/mnist_mlp-quick", "mnist_mlp-quick"), link("evidence", "evidence")
    assert there in left
    assert left.replace(there, kept) == right


def test_an_absent_arm_has_a_row_in_the_claims(bare_run, tmp_path):
    report = write_report(bare_run(), tmp_path / "r")
    claims = pd.read_csv(tmp_path / "r" / "claims.csv")
    assert claims["verdict"].tolist() == ["inconclusive"] * 3
    assert "no runs of small_batch" in claims["sentence"][0]
    assert report.problems == ()


def test_several_settings_have_a_figure_each_and_old_ones_go(bare_run, tmp_path):
    first, second = bare_run("rad", 0), bare_run("rad", 1, data="digits")
    target = tmp_path / "out"
    names = [path.name for path in draw_curves([first, second], target)]
    assert names == ["curves-1.png", "curves-1.pdf", "curves-2.png", "curves-2.pdf"]
    draw_curves(first, target)
    assert sorted(path.name for path in target.iterdir()) == ["curves.pdf", "curves.png"]


def test_jobs_that_give_one_row_leave_the_rest_of_the_report(make_job, tmp_path):
    for seed in ("s0", "s1"):
        make_job("noise", seed, study="noise-quick")
    alone = write_report(tmp_path / "outputs", tmp_path / "alone")
    assert (alone.verdicts, alone.content.studies) == ((), ("noise-quick",))
    make_job("depth", study="depth-quick")
    report = write_report(tmp_path / "outputs", tmp_path / "r")
    assert [verdict.claim for verdict in report.verdicts] == ["C9", "C10"]
    (problem,) = report.problems
    assert problem.startswith("C11 in noise-quick: noise-quick/s0 and noise-quick/s1: the same row")
    page = report.page.read_text()
    assert "noise-quick/s0 and noise-quick/s1: the same row" in page
    assert "at the derived rate, for interleaved ones (at quick scale)." in page
    assert {path.name for path in report.page.parent.glob("*.png")} == {"depth.png"}


@pytest.mark.parametrize("name", ["deviations.md", "command.txt"])
def test_words_that_cannot_be_read_leave_no_report(make_run, tmp_path, name):
    run = make_run()
    (run.parent / name).write_bytes(b"\xff")
    with pytest.raises(UsageError, match=f"{name}: unreadable .* allowed is UTF-8 text"):
        write_report(run, tmp_path / "r")
    assert not (tmp_path / "r").exists()


def test_a_target_that_is_a_file_is_refused(make_run, tmp_path):
    (tmp_path / "file").write_text("")
    run = make_run()
    for write in (write_report, draw_curves):
        with pytest.raises(UsageError, match=r"output .*file: cannot be written .*allowed is a f"):
            write(run, tmp_path / "file")


def test_a_file_in_the_way_is_refused(make_run, tmp_path):
    run = make_run()
    (tmp_path / "r" / "curves.png" / "x").mkdir(parents=True)
    for write in (write_report, draw_curves):
        with pytest.raises(UsageError, match=r"output .*r: cannot be written .*allowed is a f"):
            write(run, tmp_path / "r")


def test_nothing_here_needs_torch_or_hydra():
    code = (
        "import sys, radexp.reporting.report, radexp.analysis.claims; "
        "print([m for m in ('torch', 'hydra', 'matplotlib.pyplot') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
