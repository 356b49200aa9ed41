"""Sweeps through a real Slurm: killed, preempted, out of time or cancelled, nothing is lost."""

import csv
import json
import os
import signal
import subprocess

from .conftest import CPU, queued, task_of

SWEEP = (
    *("train", "-m", "experiment=mnist_mlp", "preset=smoke", "seed=0"),
    *("estimator=exact,small_batch,rad", "training.iterations=400", "training.checkpoint_every=20"),
)
ENDLESS = (
    *("train", "-m", "seed=0,1", "model.hidden=[32]", "threads=1"),
    *("training.iterations=1000000", "training.checkpoint_every=50"),
)


def rows_of(folder):
    """Return every run's rows, times aside."""
    found = {}
    for path in folder.glob("outputs/*/*/metrics.csv"):
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        found[path.parent.name] = [{**row, "train_seconds": None} for row in rows]
    return found


def status_of(folder):
    try:
        return json.loads((folder / "summary.json").read_text())["status"]
    except FileNotFoundError:
        return None


def test_jobs_killed_out_of_time_or_preempted_resume_to_the_same_numbers(start, cwd, tmp_path):
    command = start(*SWEEP, *CPU)
    killed = command.run_folder("exact")
    process, job = task_of(killed)
    os.kill(process, signal.SIGKILL)
    command.wait_for(lambda: job not in queued())
    subprocess.run(["scontrol", "requeue", job], check=True)

    warned = command.run_folder("small_batch")
    process, job = task_of(warned)
    os.kill(process, signal.SIGUSR2)  # as Slurm does before the time is up
    command.wait_for(lambda: queued()[job] == "PENDING")
    assert status_of(warned) == "interrupted"

    preempted = command.run_folder("-rad-")
    _, job = task_of(preempted)
    subprocess.run(["scontrol", "requeue", job], check=True)
    command.wait_for(lambda: status_of(preempted) == "interrupted")

    undisturbed = tmp_path / "undisturbed"
    undisturbed.mkdir()
    status, _, err = start(*SWEEP, folder=undisturbed).end()
    assert status == 0, err
    status, out, err = command.end()
    assert (status, err) == (0, "")
    assert out.count("\ncompleted   ") == 3
    assert out.count("\ninterrupted ") == 2
    for folder in (killed, warned, preempted):
        assert "resumed at iteration " in (folder / "run.log").read_text()
    assert rows_of(cwd) == rows_of(undisturbed)
    assert len(rows_of(cwd)) == 3


def test_a_second_command_leaves_running_jobs_alone_and_cancelled_ones_end(start, cwd):
    first = start(*ENDLESS, *CPU, "hydra.launcher.array_parallelism=1")
    folder = first.run_folder("s0")
    _, job = task_of(folder)
    status, _, err = start(*ENDLESS, "seed=0", "hydra/launcher=submitit_slurm").end()
    assert status == 1
    assert err.startswith(f"radexp: running: {folder.relative_to(cwd)}\n")
    assert "others are writing these; the same command, when they have ended, goes on" in err
    assert status_of(folder) is None

    subprocess.run(["scancel", job.partition("_")[0]], check=True)
    status, out, err = first.end()
    assert status == 1
    assert "\ninterrupted mlp-digits-rad-s0-" in out
    assert err.startswith(f"radexp: interrupted: {folder.relative_to(cwd)}\nradexp: failed: ")
    assert err.endswith("\nradexp: what a cluster's jobs printed: outputs/train/.submitit\n")
    assert status_of(folder) == "interrupted"
    assert not queued()


def test_an_interrupted_command_says_that_its_jobs_go_on(start):
    command = start(*ENDLESS, *CPU, "+hydra.launcher.additional_parameters.hold=true")
    (job, *_) = command.wait_for(queued)
    array = job.partition("_")[0]
    command.process.send_signal(signal.SIGINT)
    status, _, err = command.end()
    assert status == 130
    assert err.splitlines()[-2:] == [
        f"radexp: Slurm job {array} goes on; scancel {array} stops it",
        "radexp: interrupted; the same command resumes",
    ]
    assert list(queued()) == [f"{array}_0", f"{array}_1"]


def test_jobs_that_slurm_refuses_are_told_in_one_line(start):
    status, _, err = start(*ENDLESS, *CPU, "hydra.launcher.partition=nope").end()
    assert status == 2
    assert err.startswith(
        "radexp: hydra.launcher: sbatch: error: invalid partition specified: nope"
    )
    assert err.endswith("set hydra.launcher.partition=NAME and the like\n")
    assert err.count("\n") == 1


def test_reproduce_runs_an_experiment_through_slurm(start, cwd):
    words = ("experiment=mnist_mlp", "preset=smoke", "seed=0", "estimator=exact,rad")
    status, out, err = start("reproduce", *words, *CPU).end()
    assert (status, err) == (0, "")
    assert out.count("\ncompleted   ") == 2
    assert (cwd / "outputs/report/index.html").is_file()
    assert {path.name[-2:] for path in cwd.glob("outputs/*/.submitit/*_?")} == {"_0", "_1"}


def test_the_plugins_launcher_for_one_machine_works(start):
    words = ("training.iterations=5", "model.hidden=[8]", "seed=0")
    status, out, err = start("train", "-m", *words, "hydra/launcher=submitit_local").end()
    assert (status, err) == (0, "")
    assert out.count("\ncompleted   ") == 1
