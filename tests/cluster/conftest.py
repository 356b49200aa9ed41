"""A real Slurm of this one machine, started by this process for its tests of this folder."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "single_node_slurm.sh"
PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "squeue", "scontrol", "scancel")
CPU = ("hydra/launcher=slurm_cpu", "hydra.launcher.mem_gb=1")


def why_not():
    """Say why there can be no Slurm here, or return an empty text."""
    path = f"{os.environ['PATH']}:/usr/sbin:/sbin"
    missing = [program for program in PROGRAMS if shutil.which(program, path=path) is None]
    if missing:
        return (
            f"{', '.join(missing)} not installed: make slurm installs Debian's slurm-wlm and munge"
        )
    return "" if os.geteuid() == 0 else "only root can start Slurm's daemons"


def two_free_ports():
    """Return the first of two neighbouring ports that nobody listens on."""
    while True:
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            try:
                second.bind(("127.0.0.1", first.getsockname()[1] + 1))
            except OSError:
                continue
            return first.getsockname()[1]


@pytest.fixture(scope="session")
def slurm(tmp_path_factory):
    """Start Slurm, one for each of pytest's processes that has use for it; return its folder."""
    reason = why_not()
    if reason:
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("slurm")
    environment = {**os.environ, "PORT": str(two_free_ports())}
    subprocess.run([SCRIPT, "start", folder], check=True, env=environment)
    yield folder
    subprocess.run([SCRIPT, "stop", folder], check=True)


class Command:
    """A ``radexp`` command in a process of its own, and the Slurm jobs that it submitted."""

    def __init__(self, folder, words):
        self.folder = folder
        # A background job of a shell, as this suite may be, ignores SIGINT, as would its children.
        heed = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "radexp.cli", *words],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=heed,
        )

    def end(self):
        """Wait; return the exit status, standard output and standard error."""
        out, err = self.process.communicate(timeout=500)
        return self.process.returncode, out, err

    def wait_for(self, condition):
        """Wait for a condition while the command runs, and return its value."""
        deadline = time.monotonic() + 300
        while not (value := condition()):
            assert self.process.poll() is None, self.process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.1)
        return value

    def run_folder(self, part):
        """Wait for the first checkpoint of the run that has a part in its name."""
        pattern = f"outputs/*/*{part}*/checkpoint.pt"
        return self.wait_for(lambda: list(self.folder.glob(pattern)))[0].parent


@pytest.fixture
def start(slurm, cwd, monkeypatch):
    """Return a function that starts a command; what is left of its jobs is cancelled at the end."""
    monkeypatch.setenv("SLURM_CONF", str(slurm / "slurm.conf"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    commands = []

    def begin(*words, folder=cwd):
        commands.append(Command(folder, words))
        return commands[-1]

    yield begin
    for command in commands:
        command.process.kill()
        command.process.wait()
    subprocess.run(["scancel", "--user=root"], check=True)


def queued():
    """Return Slurm's state of each job that it lists, by ID."""
    words = ["squeue", "--noheader", "--array", "--format=%i %T"]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    return dict(line.split() for line in done.stdout.splitlines())


def task_of(folder):
    """Return the process, and the Slurm job, that write a run's folder."""
    lock = (folder / ".lock").stat().st_ino
    for line in Path("/proc/locks").read_text().splitlines():
        words = line.split()
        if "FLOCK" in words and words[-3].endswith(f":{lock}"):
            number = int(words[-4])
            text = Path(f"/proc/{number}/environ").read_bytes().split(b"\0")
            values = dict(entry.decode().partition("=")[::2] for entry in text if entry)
            array, task = values["SLURM_ARRAY_JOB_ID"], values["SLURM_ARRAY_TASK_ID"]
            return number, f"{array}_{task}"
    raise AssertionError(f"nobody writes {folder}")
