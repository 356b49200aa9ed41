"""What fuzz tests share: an empty current folder, where no data can be downloaded from or to."""

from __future__ import annotations

import pytest
from hypothesis.configuration import set_hypothesis_home_dir

from fuzz.command_line import outcome_of


@pytest.fixture(scope="session", autouse=True)
def _elsewhere(tmp_path_factory):
    """Keep hypothesis's own files out of the current folder."""
    set_hypothesis_home_dir(tmp_path_factory.mktemp("hypothesis"))


@pytest.fixture
def empty(cwd, tmp_path, monkeypatch, torch_state):
    """Return an empty current folder; data sets other than digits are not there."""
    (tmp_path / "data").mkdir()
    monkeypatch.setenv("RADEXP_DATA", str(tmp_path / "data"))
    for words in (["train"], ["train", "--help"], ["graph", "figure1"]):
        outcome_of(words)  # what is imported and compiled once is not timed
    return cwd
