"""Records: found wherever they lie, refused in one line, the same after a round trip."""

import math
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sealed import write_summary

from radexp.errors import UsageError
from radexp.reporting.records import load_records, write_evidence
from radexp.reporting.report import write_report

COMMITTED = Path(__file__).parents[2] / "results/mnist_mlp"


def assert_same(one, other):
    pd.testing.assert_frame_equal(one.runs, other.runs, check_exact=True)
    pd.testing.assert_frame_equal(one.curves, other.curves, check_exact=True)
    assert one.environments == other.environments


def test_runs_are_found_below_any_folder(study):
    records = load_records([study])
    assert repr(records).startswith("Records(15 runs, ")
    assert records.environments == [
        {"git_commit": "abc123", "packages": {"numpy": "2"}, "threads": 1}
    ]
    assert_same(records, load_records(study / "mnist_mlp-quick"))
    assert_same(records, load_records([str(study), *sorted(study.rglob("rad*"))]))


def test_evidence_round_trips_exactly(study, make_run, tmp_path):
    make_run("exact", 9, status="diverged", message='lost, "really"')
    make_run("rad", 2**60 + 1, status="failed", budget=None, keep=1 / 3)
    records = load_records(study)
    files = write_evidence(records, tmp_path / "results")
    assert [path.name for path in files] == ["runs.csv", "curves.csv", "environment.json"]
    assert_same(records, load_records(tmp_path / "results"))


@pytest.mark.parametrize("renamed", [{}, {"sizes": "hidden"}])
def test_evidence_with_older_columns_reads_the_same_without_a_target(study, tmp_path, renamed):
    records = load_records(study)
    path = write_evidence(records, tmp_path / "results")[0]
    runs = pd.read_csv(path, dtype=str, keep_default_na=False)
    assert (runs["target"] == "0.05").all()
    older = runs.drop(columns=["target", "bits", "micro_batch"]).rename(columns=renamed)
    older.to_csv(path, index=False)
    records.runs["target"] = math.nan
    assert_same(records, load_records(tmp_path / "results"))


def test_columns_that_never_were_together_are_refused(study, tmp_path):
    path = write_evidence(load_records(study), tmp_path / "results")[0]
    path.write_text(path.read_text().replace(",sizes,", ",hidden,", 1))
    with pytest.raises(UsageError, match=r"runs.csv: columns run,study.*; allowed is the columns"):
        load_records(tmp_path / "results")


def test_committed_evidence_is_older_than_targets():
    assert load_records(COMMITTED).runs["target"].isna().all()


def test_the_committed_evidence_gives_the_committed_report(tmp_path):
    write_report(COMMITTED, tmp_path)
    for name in ("table.csv", "claims.csv"):
        new, old = (pd.read_csv(place / name) for place in (tmp_path, COMMITTED / "report"))
        pd.testing.assert_frame_equal(new, old, rtol=1e-9)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(message=st.text(), loss=st.floats(), name=st.text(min_size=1))
def test_any_text_and_number_round_trips(tmp_path_factory, write_any, message, loss, name):
    root = tmp_path_factory.mktemp("any")
    folder = write_any(root / "in", status="failed")
    summary = {"status": "failed", "message": message, "final_test_loss": loss, "run_id": name}
    write_summary(folder, summary)
    records = load_records(root / "in")
    write_evidence(records, root / "out")
    assert_same(records, load_records(root / "out"))


def test_folders_without_runs_are_refused(tmp_path, study):
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match=r"empty: no run in it; allowed is a folder that holds"):
        load_records([study, tmp_path / "empty"])
    with pytest.raises(UsageError, match="none: there is no such folder; allowed is a"):
        load_records(tmp_path / "none")
    with pytest.raises(UsageError, match=r"runs=\[\]: allowed is at least one folder"):
        load_records([])


def test_hidden_folders_and_links_are_not_entered(make_run, tmp_path):
    folder = make_run()
    hidden = folder.parent / ".hydra"
    hidden.mkdir()
    (hidden / "config.yaml").write_text("a: 1")
    (hidden / "summary.json").write_text("{}")
    (folder.parent / "loop").symlink_to(folder.parent.parent)
    assert len(load_records(tmp_path).runs) == 1


def test_one_run_from_two_places_is_refused(study, tmp_path):
    write_evidence(load_records(study), tmp_path / "results")
    with pytest.raises(UsageError, match=r"found in .* and in .*; allowed is one place"):
        load_records([study, tmp_path / "results"])


@pytest.mark.parametrize(
    ("name", "old", "new", "match"),
    [
        ("runs.csv", "run,study", "run,stady", "runs.csv: columns run,stady"),
        ("runs.csv", "completed", "perfect", "runs.csv: status=perfect; allowed is completed"),
        ("runs.csv", ",0.0026,", ",fast,", "runs.csv: step_seconds=fast; allowed is a number"),
        ("curves.csv", "/exact", "/other", "curves.csv: rows of .*/other.* runs of runs.csv"),
        ("environment.json", "[", "{", "environment.json: not JSON"),
        ("environment.json", None, "[1]", "environment.json: not a list of objects"),
    ],
)
def test_damaged_evidence(make_run, tmp_path, name, old, new, match):
    make_run("exact")
    write_evidence(load_records(make_run().parent), tmp_path / "results")
    path = tmp_path / "results" / name
    path.write_text(path.read_text().replace(old, new, 1) if old else new)
    with pytest.raises(UsageError, match=match):
        load_records(tmp_path / "results")
