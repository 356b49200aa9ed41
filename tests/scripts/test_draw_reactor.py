"""``scripts/draw_reactor.py`` draws the field that a run ended with."""

import runpy
import sys
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest

from radexp.errors import UsageError
from radexp.experiments import execute, run_path
from radexp.training import load_checkpoint, save_checkpoint

SCRIPT = Path(__file__).resolve().parents[2] / "scripts/draw_reactor.py"
SMALL = (
    *("model=reactor", "model.hidden=[]", "model.points=9", "model.steps=200"),
    *(
        "model.final_time=2.0",
        "training.iterations=3",
        "training.batch_size=150",
        "estimator=exact",
    ),
)


@pytest.fixture
def draw(monkeypatch):
    """Return a function that runs the script with some words."""

    def run(*words):
        monkeypatch.setattr(sys, "argv", [str(SCRIPT), *map(str, words)])
        return runpy.run_path(str(SCRIPT), run_name="__main__")

    return run


@pytest.fixture
def run(plan_for):
    plan = plan_for(*SMALL)
    assert execute(plan)["status"] == "completed"
    return run_path(plan)


def test_field_and_target_are_drawn(draw, run, tmp_path):
    names = draw(run, tmp_path / "new/folder", "--times", "3", "--animation")
    assert matplotlib.image.imread(tmp_path / "new/folder/field.png").std() > 0.05
    assert (tmp_path / "new/folder/field.gif").read_bytes().startswith(b"GIF")
    times, field, target = names["fields"](run, 3)
    assert times.tolist() == pytest.approx([0.0, 1.0, 2.0], abs=0.02)
    assert field.shape == target.shape == (3, 9, 9)
    assert np.isfinite(field).all()
    assert not field[:, 0].any()  # the boundary is cold


def test_the_field_is_that_of_the_last_control(draw, run, tmp_path, plan_for):
    fields = draw(run, tmp_path, "--times", "2")["fields"]
    before = fields(run, 2)[1]
    path = run / "checkpoint.pt"
    state = load_checkpoint(path, plan_for(*SMALL).config_hash)
    state["trainer"]["model"]["theta"] += 0.1
    save_checkpoint(path, state)
    assert np.abs(fields(run, 2)[1] - before).max() > 1e-3


def test_a_folder_without_a_run_is_refused(draw, tmp_path):
    with pytest.raises(UsageError, match=r"no config\.yaml: allowed is a run's folder; train it"):
        draw(tmp_path, tmp_path / "out")
