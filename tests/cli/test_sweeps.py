"""Whole commands: single runs, sweeps, launchers, reports and the reproduction."""

import csv
import json

import pytest
from joblib.externals.loky import get_reusable_executor

from radexp.commands import train


def summaries(cwd, study="train"):
    return {
        path: json.loads(path.read_text()) for path in cwd.glob(f"outputs/{study}/*/summary.json")
    }


def times(cwd):
    return {path: path.stat().st_mtime_ns for path in cwd.glob("outputs/train/*/[a-z]*")}


@pytest.fixture
def no_workers():
    """Leave no worker processes to later tests: they would work in this test's folder."""
    yield
    get_reusable_executor().shutdown(wait=True)


def test_one_run_prints_its_record_and_draws_its_curves(radexp, cwd, tiny):
    outcome = radexp("train", *tiny, "estimator=rad", "budget=60%")
    assert (outcome.status, outcome.err) == (0, "")
    assert outcome.out.startswith("completed   mlp-digits-rad-60pct-s0-")
    assert "records in outputs/train/mlp-digits-rad-60pct-s0-" in outcome.out
    (folder,) = cwd.glob("outputs/train/*")
    assert {"curves.png", "curves.pdf", "summary.json"} <= {path.name for path in folder.iterdir()}
    assert [path.name for path in cwd.iterdir()] == ["outputs"]


def test_a_sweep_runs_every_combination_and_a_second_call_skips(radexp, cwd, tiny):
    words = ("train", "-m", *tiny, "estimator=exact,rad", "budget=60%", "seed=0,1")
    outcome = radexp(*words)
    assert (outcome.status, outcome.err) == (0, "")
    assert outcome.out.startswith("4 runs into outputs/train\n")
    assert outcome.out.count("\ncompleted   mlp-digits-") == 4
    assert "curves.png, curves.pdf" in outcome.out
    assert (cwd / "outputs/train/curves.png").stat().st_size > 1000
    before = times(cwd)
    assert len(summaries(cwd)) == 4
    again = radexp(*words)
    assert (again.status, again.err) == (0, "")
    assert again.out.count("\ncompleted   mlp-digits-") == 4
    assert times(cwd) == before


def test_a_sweep_over_budgets_leaves_out_what_does_not_fit(radexp, cwd, tiny):
    words = ("train", "-m", *tiny, "estimator=rad,rounding")
    outcome = radexp(*words, "budget=17.3%,60%")
    assert outcome.status == 0
    assert outcome.err == (
        "radexp: left out, as they do not fit into their budget: mlp rounding 17.3%\n"
    )
    assert outcome.out.startswith("3 runs into outputs/train\n")
    assert len(summaries(cwd)) == 3
    # One budget is a request, not a sweep over budgets; one that nothing fits into is a mistake.
    for budget in ("17.3%", "0.1%,60%"):
        refused = radexp(*words, f"budget={budget}", "study=other")
        assert (refused.status, refused.out) == (2, "")
        assert refused.err.startswith("radexp: budget=")
        assert refused.err.count("\n") == 1
        assert not (cwd / "outputs/other").exists()


def test_a_diverging_run_is_listed_and_the_others_complete(radexp, cwd, tiny):
    words = ("model.hidden=[8,8]", "optimizer=sgd", "optimizer.lr=1e30,1e-2", "seed=0,1")
    outcome = radexp("train", "-m", *tiny, *words)
    assert outcome.status == 1
    lines = outcome.err.splitlines()
    assert [line.startswith("radexp: diverged: outputs/train/mlp-") for line in lines] == [True] * 2
    ended = sorted(summary["status"] for summary in summaries(cwd).values())
    assert ended == ["completed", "completed", "diverged", "diverged"]
    assert outcome.out.count("\ndiverged    mlp-digits-rad-s") == 2
    assert "curves.png" in outcome.out


def test_a_diverged_single_run_ends_with_status_1(radexp, cwd, tiny):
    words = (*tiny, "model.hidden=[8,8]", "optimizer=sgd", "optimizer.lr=1e30")
    outcome = radexp("train", *words)
    assert outcome.status == 1
    assert outcome.out.startswith("diverged ")
    assert outcome.err.startswith("radexp: diverged: outputs/train/mlp-")


def test_a_failing_run_does_not_stop_the_sweep(radexp, cwd, tiny):
    first = radexp("train", *tiny, "seed=0")
    assert first.status == 0
    (summary,) = summaries(cwd)
    summary.write_text("{")
    outcome = radexp("train", "-m", *tiny, "seed=0,1")
    assert outcome.status != 0
    assert "it cannot be read (JSONDecodeError)" in outcome.err
    assert "Traceback" not in outcome.err
    assert outcome.out.count("completed ") == 1


def test_an_error_is_told_without_what_a_terminal_obeys(radexp, cwd, tiny, monkeypatch):
    def fail(*args, **kwargs):
        raise ValueError("red \x1b[31m\nand a bell\x07")

    monkeypatch.setattr(train, "execute", fail)
    told = radexp("train", *tiny).err.splitlines()[0]
    assert told.endswith(": ValueError: red [31m and a bell")


def test_joblib_launches_the_same_runs(radexp, cwd, tiny, no_workers):
    words = ("train", "-m", *tiny, "seed=0,1")
    outcome = radexp(*words, "hydra/launcher=joblib", "hydra.launcher.n_jobs=2")
    assert outcome.status == 0
    assert "Traceback" not in outcome.err
    rows = {path: rows_of(path) for path in cwd.glob("outputs/train/*/metrics.csv")}
    assert len(rows) == 2
    (cwd / "outputs").rename(cwd / "parallel")
    assert radexp(*words).status == 0
    assert {path: rows_of(path) for path in cwd.glob("outputs/train/*/metrics.csv")} == rows


def rows_of(path):
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    return [{key: row[key] for key in row if key != "train_seconds"} for row in rows]


def test_output_and_study_say_where(radexp, cwd, tiny):
    assert radexp("train", *tiny, "output=a/b", "study=c").status == 0
    assert len(list(cwd.glob("a/b/c/mlp-digits-rad-s0-*/summary.json"))) == 1
    assert [path.name for path in cwd.iterdir()] == ["a"]


def test_a_report_writes_its_files(radexp, cwd, tiny):
    assert radexp("train", "-m", *tiny, "estimator=exact,rad", "seed=0,1").status == 0
    outcome = radexp("report", "runs=outputs/train", "output=here")
    assert (outcome.status, outcome.err) == (0, "")
    assert outcome.out.endswith("report: here/index.html\n")
    assert "\nC7 inconclusive (train: mlp " in outcome.out
    names = {path.name for path in (cwd / "here").iterdir()}
    assert names == {
        *("index.html", "curves.png", "curves.pdf", "table.csv", "points.csv", "claims.csv"),
        "report.md",
    }


def test_reproduce_runs_the_experiments_and_prints_the_table(radexp, cwd, no_workers):
    arms = ("estimator=exact,rad", "model.hidden=[8]", "budget=60%", "hydra.launcher.n_jobs=2")
    outcome = radexp("reproduce", "experiment=mnist_mlp", "preset=smoke", "seed=0,1", *arms)
    assert outcome.status == 0
    assert len(summaries(cwd, "mnist_mlp-smoke")) == 4
    for part in ("exact", "rad", "s in all; page: file://", "index.html"):
        assert part in outcome.out
    assert (cwd / "outputs/report/index.html").is_file()


def test_hydras_own_working_folder_is_refused_or_works(radexp, cwd, tiny):
    outcome = radexp("train", *tiny, "hydra.job.chdir=true", "hydra.run.dir=sub")
    assert outcome.status in (0, 2)
    assert "failed" not in outcome.err


def test_a_run_above_its_budget_says_so(radexp, tiny):
    outcome = radexp("train", *tiny, "estimator=exact", "budget=10%")
    assert outcome.status == 0
    assert "kB (over budget), " in outcome.out
