"""Signals act at once or wait for the end of a stretch; what one broke was interrupted."""

import signal

import pytest

from radexp import cli
from radexp.errors import UsageError
from radexp.interrupts import held, interruptible, released, was_asked_to_stop


@pytest.fixture(autouse=True)
def _not_ignored():
    """Heed SIGINT: a background job of a shell, as this suite may be, ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


each_signal = pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])


@each_signal
def test_a_signal_acts_at_once(number):
    before = signal.getsignal(number)
    with pytest.raises(KeyboardInterrupt), interruptible():
        signal.raise_signal(number)
    assert was_asked_to_stop()
    assert signal.getsignal(number) is before


@each_signal
def test_in_a_stretch_the_first_signal_waits_for_its_end(number):
    reached = []

    def stretch():
        with interruptible(), held():
            with held():
                signal.raise_signal(number)
                reached.append("the end of the inner")
            reached.append("the end of the outer")

    with pytest.raises(KeyboardInterrupt):
        stretch()
    assert len(reached) == 2


def test_a_second_signal_does_not_wait():
    with interruptible(), held():
        signal.raise_signal(signal.SIGTERM)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGTERM)


def test_a_signal_that_waits_acts_where_it_may():
    with interruptible(), held():
        signal.raise_signal(signal.SIGTERM)
        with pytest.raises(KeyboardInterrupt), released():
            pytest.fail("it goes on")
        with pytest.raises(KeyboardInterrupt), released():
            signal.raise_signal(signal.SIGTERM)


def test_a_signal_that_is_ignored_stays_so():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with interruptible():
            signal.raise_signal(signal.SIGINT)
        assert not was_asked_to_stop()
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("error", [UsageError("of what was broken"), SystemExit(1)])
def test_a_command_that_a_signal_broke_was_interrupted(monkeypatch, capsys, error):
    def command(words):
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGTERM)
        raise error

    monkeypatch.setattr(cli, "_command", lambda name: command)
    assert cli.main(["train"]) == 130
    assert capsys.readouterr().err == "radexp: interrupted; the same command resumes\n"
