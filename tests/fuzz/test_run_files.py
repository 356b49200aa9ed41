"""Checkpoints and settings from outside: nothing in them is run; what is damaged is refused."""

import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sealed import seal_checkpoint

from fuzz.cases import cases
from fuzz.hostile import BYTES, CHANGES, damage_bytes, damage_document
from radexp.errors import UsageError
from radexp.experiments.folder import RunFolder
from radexp.experiments.noise_points import run_weights
from radexp.experiments.run import execute
from radexp.reporting.reading import read_yaml


@pytest.fixture
def run(plan_for, tmp_path):
    """Return the folder of a run."""
    plan = plan_for("training.iterations=2")
    execute(plan, show_progress=False)
    (folder,) = (tmp_path / "outputs/train").iterdir()
    return folder


def weights_or_none(folder):
    """Read a run's weights; a refusal is one line."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return run_weights(folder)
    except UsageError as error:
        lines = str(error).splitlines()
    assert len(lines) == 1
    return None


@cases(150)
@given(BYTES, st.one_of(st.none(), st.integers(0, 20_000)))
def test_damaged_checkpoints(cwd, run, changes, end):
    path = run / "checkpoint.pt"
    whole = path.read_bytes()
    payload = damage_bytes(whole.partition(b"\n")[2], changes, end)
    path.write_bytes(seal_checkpoint(payload))
    weights_or_none(run)
    path.write_bytes(whole)


@cases(150)
@given(CHANGES)
def test_settings_of_changed_contents(cwd, run, changes):
    path = run / "config.yaml"
    whole = path.read_bytes()
    path.write_text(damage_document(read_yaml(path), changes))
    weights_or_none(run)
    path.write_bytes(whole)


@cases(100)
@given(st.one_of(st.binary(max_size=40), st.sampled_from([b"{" * 5000, b"[" * 5000, b"\xff"])))
def test_settings_and_records_of_noise(cwd, run, noise):
    for name, read in (("config.yaml", "read_config"), ("summary.json", "read_summary")):
        path = run / name
        whole = path.read_bytes()
        path.write_bytes(noise)
        with pytest.raises(UsageError, match=r"it cannot be read|it has no status|allowed is"):
            getattr(RunFolder(run), read)()
        path.write_bytes(whole)
    assert list(cwd.iterdir()) == []
