"""A cluster's signals interrupt a job first, and reach those who wait for them afterwards."""

import os
import signal

import pytest

from radexp.experiments import run_path
from radexp.experiments.preemption import making_room
from radexp.experiments.run import execute
from radexp.training import Trainer


@pytest.fixture
def calls():
    """Wait for SIGUSR2 and ignore SIGTERM, as submitit does; return what came."""
    found = []
    names = (signal.SIGUSR2, signal.SIGTERM)
    before = {name: signal.signal(name, lambda number, _: found.append(number)) for name in names}
    yield found
    for name, handler in before.items():
        signal.signal(name, handler)


def killing(number):
    """Return a step of training that sends this process a signal and then does its work."""
    step = Trainer.step

    def send(self, *args, **kwargs):
        if self.progress.iteration == 2:  # taken so far
            os.kill(os.getpid(), number)
        return step(self, *args, **kwargs)

    return send


def test_a_warned_run_ends_its_step_and_its_record_before_the_warning_goes_on(
    plan_for, calls, monkeypatch
):
    plan = plan_for()
    monkeypatch.setattr(Trainer, "step", killing(signal.SIGUSR2))
    with making_room():
        summary = execute(plan, show_progress=False)
        assert calls == []
    assert calls == [signal.SIGUSR2]
    assert (summary["status"], summary["iterations_done"]) == ("interrupted", 3)
    assert (run_path(plan) / "checkpoint.pt").is_file()
    monkeypatch.undo()
    assert execute(plan, show_progress=False)["status"] == "completed"
    assert "resumed at iteration 3" in (run_path(plan) / "run.log").read_text()


def test_a_run_told_to_end_is_not_put_back(plan_for, calls, monkeypatch):
    plan = plan_for()
    monkeypatch.setattr(Trainer, "step", killing(signal.SIGTERM))
    with making_room():
        summary = execute(plan, show_progress=False)
    assert (summary["status"], summary["iterations_done"]) == ("interrupted", 3)
    assert calls == []


@pytest.mark.parametrize("number", [signal.SIGUSR2, signal.SIGTERM])
def test_other_work_stops_at_once(calls, number):
    with pytest.raises(KeyboardInterrupt), making_room():
        os.kill(os.getpid(), number)
    assert calls == [number] * (number == signal.SIGUSR2)


def test_handlers_are_put_back(calls):
    before = [signal.getsignal(name) for name in (signal.SIGUSR2, signal.SIGTERM)]
    with making_room():
        pass
    assert [signal.getsignal(name) for name in (signal.SIGUSR2, signal.SIGTERM)] == before


def test_where_nobody_waits_for_the_warning_nothing_changes():
    before = [signal.getsignal(name) for name in (signal.SIGUSR2, signal.SIGTERM)]
    assert not callable(before[0])
    with making_room():
        during = [signal.getsignal(name) for name in (signal.SIGUSR2, signal.SIGTERM)]
    assert during == before
