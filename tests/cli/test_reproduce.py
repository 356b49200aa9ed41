"""The whole reproduction: announced, resumable after any end, and its numbers the same."""

import os
import signal
import subprocess
import sys
import time
from functools import partial

import pandas as pd
import pytest
from joblib.externals.loky import get_reusable_executor

WORDS = ("reproduce", "experiment=mnist_mlp,variance_depth", "preset=smoke", "seed=0")
WORDS = (*WORDS, "hydra.launcher.n_jobs=2")
NUM_JOBS = 6


def start(cwd):
    """Start the command in a process group of its own."""
    words = [sys.executable, "-m", "radexp.cli", *WORDS]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    # A background job of a shell, as this suite may be, ignores SIGINT, and so would its children.
    heed = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    own = {"start_new_session": True, "preexec_fn": heed}
    return subprocess.Popen(words, cwd=cwd, env=environment, **own, **streams)


def wait_for(condition):
    """Wait until something is so, for two minutes at most."""
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def outcomes(cwd):
    """Return what every job found, times aside."""
    found = {}
    for path in sorted(cwd.glob("outputs/*/*/*.csv")):
        table = pd.read_csv(path)
        found[str(path.relative_to(cwd))] = table.drop(columns="train_seconds", errors="ignore")
    return found


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed")
    process = start(folder)
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    process = start(folder)
    again, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    return outcomes(folder), out, again


def test_it_says_beforehand_what_it_will_do_and_ends_with_the_report(undisturbed):
    found, out, again = undisturbed
    assert len(found) == NUM_JOBS
    lines = out.splitlines()
    assert lines[0].split() == ["experiment", "jobs", "done", "about,", "on", "two", "cores"]
    assert lines[1].split()[:3] == ["mnist_mlp", "5", "0"]
    assert lines[2].split()[:3] == ["variance_depth", "1", "0"]
    assert lines[3].startswith("all ")
    assert out.count("\ncompleted   ") == NUM_JOBS
    assert "s in all; page: file://" in lines[-1]
    assert again.count("nothing to do") == 3
    assert "\ncompleted " not in again
    assert "\nrecords in" not in again  # nothing is drawn
    printed, same = (text.partition("\n\n")[2].splitlines()[:-1] for text in (out, again))
    assert printed == same
    assert printed[-1] == "report: outputs/report/index.html"


def ended(cwd, study):
    return len(list(cwd.glob(f"outputs/{study}-smoke/*/summary.json")))


# In the order in which a reproduction comes to them, each stopped in its own way.
MOMENTS = {
    "in the first jobs": (
        lambda cwd: list(cwd.glob("outputs/*/*/config.yaml")),
        lambda cwd: ended(cwd, "mnist_mlp") < NUM_JOBS - 1,
        signal.SIGKILL,
    ),
    "in the middle of an experiment": (
        lambda cwd: ended(cwd, "mnist_mlp") >= 2,
        lambda cwd: not ended(cwd, "variance_depth"),
        signal.SIGINT,
    ),
    "between two experiments": (
        lambda cwd: ended(cwd, "mnist_mlp") == NUM_JOBS - 1,
        lambda cwd: not ended(cwd, "variance_depth"),
        signal.SIGKILL,
    ),
    "in the report": (
        lambda cwd: (cwd / "outputs/report").is_dir(),
        lambda cwd: not (cwd / "outputs/report/index.html").exists(),
        signal.SIGKILL,
    ),
}


def test_stopped_at_every_moment_it_still_ends_with_the_same_numbers_and_report(undisturbed, cwd):
    for name, (come, not_yet_over, number) in MOMENTS.items():
        process = start(cwd)
        wait_for(lambda come=come: come(cwd))
        # SIGKILL as of a machine that dies: the workers, of the same group, with it.
        end = os.killpg if number == signal.SIGKILL else os.kill
        end(process.pid, number)
        _, err = process.communicate(timeout=120)
        assert process.returncode == (-number if number == signal.SIGKILL else 130), (name, err)
        assert not_yet_over(cwd), name
    last = start(cwd)
    out, err = last.communicate(timeout=300)
    assert last.returncode == 0, err
    assert "s in all; page: file://" in out
    assert (cwd / "outputs/report/index.html").is_file()
    found, expected = outcomes(cwd), undisturbed[0]
    assert list(found) == list(expected)
    for name, table in expected.items():
        pd.testing.assert_frame_equal(found[name], table, check_exact=True)


@pytest.fixture(autouse=True, scope="module")
def _no_workers():
    yield
    get_reusable_executor().shutdown(wait=True)
