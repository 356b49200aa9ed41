"""A run that was stopped or killed ends with the very numbers of one that never was."""

import csv
import json
import os
import signal
import subprocess
import sys
import time

import pytest

WORDS = (
    *("train", "threads=1", "training.iterations=400"),
    *("training.batch_size=40", "training.log_every=10", "training.checkpoint_every=50"),
    *("training.evaluate_every=100", "training.evaluate_train_every=200", "model.hidden=[8]"),
)


def read_rows(folder):
    (path,) = folder.glob("outputs/train/*/metrics.csv")
    with path.open(newline="") as file:
        return [
            {k: v for k, v in row.items() if k != "train_seconds"} for row in csv.DictReader(file)
        ]


def run_until_checkpoint(cwd, number):
    """Start a run in a process of its own, send it a signal at its first checkpoint, wait."""
    words = [sys.executable, "-m", "radexp.cli", *WORDS]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        words, cwd=cwd, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 120
    while not list(cwd.glob("outputs/train/*/checkpoint.pt")):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.002)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_resumed_metrics_are_those_of_an_undisturbed_run(
    number, radexp, cwd, tmp_path, monkeypatch
):
    status, out, err = run_until_checkpoint(cwd, number)
    (folder,) = cwd.glob("outputs/train/*")
    if number == signal.SIGKILL:
        assert status == -signal.SIGKILL
        assert not (folder / "summary.json").exists()
    else:
        assert status == 130
        assert err.endswith("radexp: interrupted; the same command resumes\n")
        assert "Traceback" not in err
        assert out.startswith("interrupted ")
        summary = json.loads((folder / "summary.json").read_text())
        assert summary["status"] == "interrupted"
        assert 50 <= summary["iterations_done"] < 400
    assert len(read_rows(cwd)) < 47
    resumed = radexp(*WORDS)
    assert resumed.status == 0
    assert "resumed at iteration" in (folder / "run.log").read_text()
    undisturbed = tmp_path / "undisturbed"
    undisturbed.mkdir()
    monkeypatch.chdir(undisturbed)
    assert radexp(*WORDS).status == 0
    assert read_rows(cwd) == read_rows(undisturbed)
    assert not list(folder.glob("*.partial"))
