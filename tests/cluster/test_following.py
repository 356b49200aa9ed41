"""A job is over when Slurm's last two answers do not list it."""

import pickle
import subprocess
import time
from itertools import pairwise

import pytest

from radexp.commands import following
from radexp.commands.following import Queue
from radexp.experiments.device import DEVICE_VARIABLE, choose_device


@pytest.fixture
def queue(monkeypatch):
    """Return a function from Slurm's answers, one per question, to a queue that gets them."""

    def answering(*answers):
        given = iter(answers)
        monkeypatch.setattr(following, "LEAST_SECONDS", 0)
        monkeypatch.setattr(following.subprocess, "run", lambda *args, **keys: next(given))
        return Queue()

    return answering


def meaning_of_auto(name):
    return choose_device(name).type


def listing(*jobs, status=0):
    return subprocess.CompletedProcess((), status, "".join(f"{job}\n" for job in jobs), "")


def test_a_job_is_over_when_it_is_twice_not_listed(queue):
    jobs = queue(listing("7_0", "7_1"), listing("7_1"), listing("7_1"))
    assert [jobs.is_done("7_0") for _ in range(3)] == [False, False, True]


def test_a_job_requeued_after_its_end_is_not_over(queue):
    jobs = queue(listing("7_0"), listing(), listing("7_0"), listing(), listing())
    assert [jobs.is_done("7_0") for _ in range(5)] == [False, False, False, False, True]


def test_no_answer_counts_for_nothing(queue):
    jobs = queue(listing(status=1), listing(status=1), listing(), listing(status=1), listing())
    assert [jobs.is_done("7_0") for _ in range(5)] == [False, False, False, False, True]


def test_slurm_is_asked_less_and_less_often(monkeypatch):
    now, asked = [0.0], []
    monkeypatch.setattr(following.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(
        following.subprocess, "run", lambda *args, **keys: asked.append(now[0]) or listing("7_0")
    )
    queue = Queue()
    for now[0] in range(3600):
        queue.is_done("7_0")
    gaps = [later - earlier for earlier, later in pairwise(asked)]
    assert gaps[0] == 5
    assert set(gaps[-20:]) == {60}


def test_a_question_without_answer_is_given_up(monkeypatch, tmp_path):
    monkeypatch.setattr(following, "ANSWER_SECONDS", 0.1)
    monkeypatch.setattr(following, "SQUEUE", ("sleep", "60"))
    before = time.monotonic()
    assert not Queue().is_done("7_0")
    assert time.monotonic() - before < 30


def test_the_users_variables_hide_no_jobs(monkeypatch):
    monkeypatch.setenv("SQUEUE_STATES", "COMPLETED")
    monkeypatch.setattr(following, "LEAST_SECONDS", 0)
    monkeypatch.setattr(following, "SQUEUE", ("sh", "-c", 'test "$SQUEUE_STATES" || echo 7_0'))
    jobs = Queue()
    assert [jobs.is_done("7_0") for _ in range(3)] == [False, False, False]


def test_a_job_knows_its_device_without_the_environment_also_when_requeued(monkeypatch, tmp_path):
    monkeypatch.setenv(DEVICE_VARIABLE, "cuda")
    given = []
    monkeypatch.setattr(
        following.submitit.AutoExecutor,
        "map_array",
        lambda self, function, *arguments: given.append(function) or [],
    )
    following._Executor(folder=tmp_path, cluster="local").map_array(meaning_of_auto, ["auto"])
    monkeypatch.delenv(DEVICE_VARIABLE)
    (function,) = pickle.loads(pickle.dumps(given))
    assert function("auto") == "cuda"
    monkeypatch.delenv(DEVICE_VARIABLE)
    requeued = pickle.loads(pickle.dumps(function.checkpoint("auto")))
    assert requeued.result() == "cuda"
