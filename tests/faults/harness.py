"""Commands in processes of their own that can be killed at any moment, cheaply and often."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SERVER = Path(__file__).with_name("fork_server.py")
SHORT = (
    *("train", "threads=1", "training.iterations=60", "training.batch_size=40"),
    *("training.log_every=5", "training.checkpoint_every=10"),
    *("training.evaluate_every=20", "training.evaluate_train_every=30"),
)
# Short runs of every model, and every kind of estimator.
RUNS = {
    "mlp": (*SHORT, "model.hidden=[8]", "estimator=rad"),
    "cnn": (*SHORT, "model=cnn", "model.channels=[3,4]", "model.kernel_size=3", "budget=60%"),
    "rnn": (*SHORT, "model=rnn", "model.hidden=[8]", "estimator=rad_project"),
    "small": (*SHORT, "model.hidden=[8]", "estimator=small_batch", "training.holdout=200"),
    "reactor": (
        *(
            "train",
            "threads=1",
            "model=reactor",
            "model.points=17",
            "model.steps=40",
            "model.final_time=0.01",
        ),
        *("training.iterations=60", "training.log_every=5", "training.checkpoint_every=10"),
    ),
}
PATIENCE_SECONDS = 120


@dataclass(frozen=True)
class Ended:
    """How a command ended: its exit status, negative for a signal, and what it said."""

    status: int
    out: str
    err: str


@dataclass
class Server:
    """The fork server; it answers for one command after the other."""

    process: subprocess.Popen[str] = field(repr=False)
    running: Command | None = None

    def ask(self, request: dict[str, Any]) -> int:
        """Send a request; return the number of the process that was started."""
        assert self.running is None, "wait for the command before"
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        return self.read()

    def read(self) -> int:
        """Return the next number that it says."""
        assert self.process.stdout is not None
        return int(self.process.stdout.readline())

    def end(self) -> None:
        """Kill what a test left running."""
        if self.running is not None:
            self.running.kill()
            self.running.wait()


@dataclass
class Command:
    """A command that is going on."""

    number: int
    log: Path
    server: Server = field(repr=False)

    def kill(self, number: int = signal.SIGKILL) -> None:
        """Send the process a signal, if it has not ended."""
        with suppress(ProcessLookupError):
            os.kill(self.number, number)

    def wait(self) -> Ended:
        """Wait for the end."""
        status, self.server.running = self.server.read(), None
        return Ended(status, *self.said())

    def said(self) -> list[str]:
        """Return what it has said so far, on its output and on its error output."""
        return [Path(f"{self.log}.{name}").read_text() for name in ("out", "err")]

    def until(self, condition: Callable[[], object]) -> None:
        """Wait until something holds that the command brings about."""

        def holds() -> object:
            alive = is_alive(self.number)
            held = condition()
            assert held or alive, f"it has ended, and said {self.said()}"
            return held

        try:
            wait_for(holds)
        except TimeoutError:
            self.kill(signal.SIGUSR1)  # it says where it is
            time.sleep(1)
            raise AssertionError(f"it goes on, and has said {self.said()}") from None


@dataclass
class Starter:
    """Starts commands in a folder."""

    cwd: Path
    server: Server = field(repr=False)

    def start(self, *words: str, **faults: Any) -> Command:
        """Start a command, with the faults of ``fork_server.prepare``."""
        log = self.cwd.with_name(f"{self.cwd.name}-said")
        request = {"words": words, "cwd": str(self.cwd), "log": str(log), **faults}
        for name in ("out", "err"):  # it may be killed before it has made them
            Path(f"{log}.{name}").write_text("")
        self.server.running = Command(self.server.ask(request), log, self.server)
        return self.server.running

    def run(self, *words: str, **faults: Any) -> Ended:
        """Start a command and wait for its end."""
        return self.start(*words, **faults).wait()

    def elsewhere(self, name: str) -> Starter:
        """Return what starts commands in another folder beside this one."""
        folder = self.cwd.with_name(name)
        folder.mkdir(exist_ok=True)
        return Starter(folder, self.server)


def rows_of(folder: Path) -> dict[str, list[dict[str, str]]]:
    """Return the metrics of every run below a folder by its place, times aside."""
    found = {}
    for path in sorted(folder.glob("outputs/*/*/metrics.csv")):
        with path.open(newline="") as file:
            rows = list(csv.DictReader(file))
        seconds = [float(row.pop("train_seconds")) for row in rows]
        assert seconds == sorted(seconds)
        assert seconds[0] >= 0
        found[str(path.parent.relative_to(folder))] = rows
    return found


def is_alive(number: int) -> bool:
    """Tell whether there is a process of this number."""
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    return True


def wait_for(condition: Callable[[], object]) -> None:
    """Wait until something holds; TimeoutError if it takes too long."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(0.002)
