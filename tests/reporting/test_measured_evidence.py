"""Evidence of measured jobs: the same tables after a round trip."""

import pandas as pd
import pytest

from radexp.errors import UsageError
from radexp.reporting.finding import find
from radexp.reporting.measured_evidence import write_measured
from radexp.reporting.measured_table import KINDS
from radexp.reporting.measurements import read_measurements


def measurements(path):
    return read_measurements(find(path))


def test_tables_round_trip(make_job, tmp_path):
    for kind in KINDS:
        make_job(kind, kind)
    found = measurements(tmp_path / "outputs")
    files = write_measured(found, tmp_path / "kept")
    assert [path.name for path in files] == [*(f"{k}.csv" for k in KINDS), "environment.json"]
    again = measurements(tmp_path / "kept")
    for one, other in zip(found.tables, again.tables, strict=True):
        pd.testing.assert_frame_equal(one.rows, other.rows, check_exact=True)
    assert again.environments == [{"git_commit": "def456"}]


def test_two_studies_are_refused(make_job, tmp_path):
    make_job("bias", study="a")
    make_job("bias", study="b")
    with pytest.raises(UsageError, match="bias tables of a, b: allowed is one of each kind"):
        write_measured(measurements(tmp_path), tmp_path / "kept")


def test_jobs_that_give_one_row_are_refused(make_job, tmp_path):
    make_job("bias", "a")
    make_job("bias", "b")
    with pytest.raises(UsageError, match="measured/a and measured/b: the same row in both"):
        write_measured(measurements(tmp_path), tmp_path / "kept")
    assert not (tmp_path / "kept").exists()


def test_jobs_that_did_not_complete_are_refused(make_job, tmp_path):
    make_job("bias", status="failed")
    with pytest.raises(UsageError, match="measured/job: failed; allowed is completed jobs alone"):
        write_measured(measurements(tmp_path), tmp_path / "kept")
