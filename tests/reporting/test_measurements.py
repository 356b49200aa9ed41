"""Measured tables: read exactly, joined by study, refused in one line."""

import re
from pathlib import Path

import pandas as pd
import pytest

from radexp.errors import UsageError
from radexp.reporting.finding import find
from radexp.reporting.measured_table import KINDS, read_measured
from radexp.reporting.measurements import read_measurements

RESULTS = Path(__file__).parents[2] / "results"
COMMITTED = (
    "memory_table/memory",
    *(f"gradient_noise/{name}/noise" for name in ("mlp", "cnn", "rnn")),
    "variance_depth/depth",
)


def measurements(path):
    return read_measurements(find(path))


@pytest.mark.parametrize("name", COMMITTED)
def test_committed_tables_read_as_pandas_reads_them(name):
    path = RESULTS / f"{name}.csv"
    table = read_measured(path, path.stem)
    pd.testing.assert_frame_equal(table, pd.read_csv(path, dtype={"layer": str}))


@pytest.mark.parametrize("kind", KINDS)
def test_a_job_and_an_evidence_folder_give_the_same_table(make_job, tmp_path, measured_text, kind):
    job = measurements(make_job(kind))
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / f"{kind}.csv").write_text(measured_text(kind))
    kept = measurements(tmp_path / "kept")
    (one,), (other,) = job.tables, kept.tables
    pd.testing.assert_frame_equal(one.rows, other.rows)
    assert (one.kind, one.study, other.study) == (kind, "measured", "kept")
    assert job.environments == [{"git_commit": "def456"}]
    assert kept.environments == []
    assert repr(one) == f"MeasuredTable({kind} of measured, {len(one.rows)} rows)"


def test_jobs_of_one_study_are_one_table_in_folder_order(make_job, tmp_path, measured_text):
    for name, model in (("b", "rnn"), ("a", "cnn"), ("c", "mlp")):
        make_job("memory", name, text=measured_text("memory").replace("mlp", model))
    make_job("memory", "d", study="other")
    one, other = measurements(tmp_path).of("memory")
    assert list(one.rows["model"].unique()) == ["cnn", "rnn", "mlp"]
    assert list(one.rows["cell"]) == list(range(9))
    assert (one.study, other.study, len(other.rows)) == ("measured", "other", 3)
    assert one.place == (tmp_path / "outputs/measured").resolve()


def test_a_subfolder_of_evidence_is_of_the_same_study(tmp_path, measured_text):
    text = measured_text("noise")
    for folder, model in ((tmp_path / "noise", "mlp"), (tmp_path / "noise/cnn", "cnn")):
        folder.mkdir()
        (folder / "noise.csv").write_text(text.replace("mlp", model))
    (table,) = measurements(tmp_path).tables
    assert (table.study, table.place) == ("noise", tmp_path / "noise")
    assert list(table.rows["model"].unique()) == ["mlp", "cnn"]


def test_words_on_a_study_make_one_table_of_the_folders_below(tmp_path, measured_text):
    for model in ("mlp", "cnn"):
        (tmp_path / "noise" / model).mkdir(parents=True)
        text = measured_text("noise").replace("mlp", model)
        (tmp_path / "noise" / model / "noise.csv").write_text(text)
    (tmp_path / "noise/deviations.md").write_text("few gradients")
    (table,) = measurements(tmp_path).tables
    assert (table.study, table.place) == ("noise", tmp_path / "noise")
    assert list(table.rows["model"].unique()) == ["cnn", "mlp"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_row_of_two_jobs_leaves_out_their_table_alone(make_job, tmp_path, measured_text, kind):
    for name in ("a", "b", "c"):
        text = measured_text(kind).replace("mlp", "other") if name == "a" else None
        make_job(kind, name, text=text)
    make_job(kind, "d", study="whole")
    found = measurements(tmp_path)
    assert [table.study for table in found.tables] == ["whole"]
    (doubled,) = found.doubled
    assert (doubled.kind, doubled.study) == (kind, "measured")
    one = "a and measured/b" if kind == "depth" else "b and measured/c"
    assert doubled.message.startswith(f"measured/{one}: the same row in both (")
    assert doubled.message.endswith(
        "); allowed is one row for each measurement; give the jobs of one of them a study=... of "
        "their own, or delete one"
    )
    assert "\n" not in doubled.message


@pytest.mark.parametrize("status", ["failed", "interrupted", None])
def test_a_job_that_did_not_complete_is_listed_and_not_read(make_job, tmp_path, status):
    make_job("bias", status=status, text="half a ta")
    found = measurements(tmp_path)
    assert found.tables == ()
    (row,) = found.incomplete.to_dict("records")
    assert (row["run"], row["arm"]) == ("measured/job", "bias")
    assert row["status"] == (status or "interrupted")
    assert row["message"] == ("no room" if status else "")


def test_columns_that_the_paper_fills_may_be_absent(make_job, measured_text, tmp_path):
    frame = pd.read_csv(make_job("memory") / "memory.csv")
    path = tmp_path / "memory.csv"
    frame.drop(columns=list(KINDS["memory"].absent)).to_csv(path, index=False)
    assert read_measured(path, "memory")["paper_bytes"].isna().all()


BAD = [
    ("memory", "cell,model", "cell,madel", "columns cell,madel"),
    ("memory", "False", "maybe", "lean=maybe; allowed is True, False"),
    ("memory", ",1000,", ",-7,", "=-7; allowed is a whole number, 0 or more"),
    ("noise", ",0.5,", ",much,", "reference=much; allowed is a number"),
    ("noise", ",0.5,", ",inf,", "reference that is missing or not finite; allowed is a number in"),
    ("depth", "edges", "hedges", "sketch=hedges; allowed is edges, rad, rad_shared, rad_project"),
    ("depth", ",7.0", ",", "variance that is missing or not finite"),
    ("bias", "400", "", "draws=; allowed is a whole number"),
    ("bias", "1.03", "1.0", "a row that is there twice; allowed is one row for each"),
    ("bias", r"\n.*", "\n", "no rows; allowed is at least one row"),
    ("bias", r"\n$", "", "ends in the middle of a line"),
]


@pytest.mark.parametrize(("kind", "old", "new", "message"), BAD)
def test_damage_is_one_clear_line(make_job, measured_text, kind, old, new, message):
    text = re.sub(old, new, measured_text(kind), flags=re.DOTALL)
    assert text != measured_text(kind)
    job = make_job(kind, text=text)
    with pytest.raises(UsageError, match=re.escape(message)) as caught:
        measurements(job)
    assert f"{kind}.csv" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_completed_job_without_its_table_is_damaged(make_job):
    job = make_job("depth")
    (job / "depth.csv").unlink()
    with pytest.raises(UsageError, match=r"depth\.csv: not a file"):
        measurements(job)


@pytest.mark.parametrize(
    ("summary", "match"),
    [
        ('{"status": "fine"}', r"summary.json: status=fine; allowed is completed, diverged"),
        ("[]", r"summary.json: not an object; allowed is the summary that radexp writes"),
        ("3", r"summary.json: not an object"),
    ],
)
def test_an_unknown_status_is_damaged(make_job, summary, match):
    job = make_job("depth")
    (job / "summary.json").write_text(summary)
    with pytest.raises(UsageError, match=match):
        measurements(job)
