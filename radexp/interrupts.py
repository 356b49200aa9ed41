"""Signals that ask a command to stop, and stretches that they must not cut in two."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType


@dataclass
class _State:
    """Whether a signal came, whether one would have to wait, and whether one does."""

    asked: bool = False
    held: bool = False
    waiting: bool = False

    def act(self) -> None:
        """Raise what a signal raises."""
        self.waiting = False
        raise KeyboardInterrupt


_state = _State()


def was_asked_to_stop() -> bool:
    """Tell whether a signal came since ``interruptible`` began, whatever it broke on its way."""
    return _state.asked


@contextmanager
def interruptible() -> Iterator[None]:
    """Let SIGINT and SIGTERM raise KeyboardInterrupt; a SIGINT that is ignored stays so.

    Only a main thread may; elsewhere signals are left as they are.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    _state.asked = _state.held = _state.waiting = False
    before = {signal.SIGTERM: signal.getsignal(signal.SIGTERM)}
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        before[signal.SIGINT] = signal.default_int_handler
    for number in before:
        signal.signal(number, _on_signal)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _on_signal(number: int, frame: FrameType | None) -> None:
    _state.asked = True
    if _state.waiting or not _state.held:
        _state.act()
    _state.waiting = True


@contextmanager
def held() -> Iterator[None]:
    """Let a first signal wait for the end of this stretch.

    For code of others that does not stand being interrupted: it may raise anything then.

    Raises:
        KeyboardInterrupt: At the end, if a signal came.
    """
    before, _state.held = _state.held, True
    try:
        yield
    finally:
        _state.held = before
    if _state.waiting and not before:
        _state.act()


@contextmanager
def released() -> Iterator[None]:
    """Let signals act at once again, inside a stretch that holds them.

    Raises:
        KeyboardInterrupt: At the beginning, if one came meanwhile.
    """
    before, _state.held = _state.held, False
    try:
        if _state.waiting:
            _state.act()
        yield
    finally:
        _state.held = before
