"""Launchers of a cluster: what they need is asked for in one line, and what they compose to."""

import os

import pytest
from hydra import compose, initialize_config_dir

import radexp.commands.cluster as module
from radexp.catalogue import choices, config_folder
from radexp.commands.cluster import LAUNCHERS, on_cluster
from radexp.experiments.device import DEVICE_VARIABLE, choose_device

INSTALL = "allowed is basic or joblib; install it: pip install 'hydra-submitit-launcher>=1.2,<2'\n"


@pytest.mark.parametrize("launcher", LAUNCHERS)
@pytest.mark.parametrize(
    "words", [("train", "-m"), ("train", "--cfg", "hydra"), ("reproduce",), ("tune",)]
)
def test_without_the_plugin_it_says_what_to_install(radexp, cwd, monkeypatch, words, launcher):
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    outcome = radexp(*words, f"hydra/launcher={launcher}")
    assert (outcome.status, outcome.out) == (2, "")
    needs = "without the package hydra-submitit-launcher"
    assert outcome.err == f"radexp: hydra/launcher={launcher} {needs}: {INSTALL}"
    assert not list(cwd.iterdir())


@pytest.mark.parametrize("words", [("train", "-m"), ("reproduce",), ("tune",)])
def test_without_slurm_it_names_what_works(radexp, cwd, monkeypatch, words):
    monkeypatch.setenv("PATH", str(cwd))
    outcome = radexp(*words, "hydra/launcher=slurm_cpu")
    assert (outcome.status, outcome.out) == (2, "")
    assert outcome.err == (
        "radexp: hydra/launcher=slurm_cpu where there is no sbatch or srun or squeue: allowed is "
        "it on a machine that hands jobs to Slurm; try hydra/launcher=submitit_local or "
        "hydra/launcher=joblib here\n"
    )
    assert not list(cwd.iterdir())


def test_a_single_run_takes_no_launcher(radexp, cwd):
    outcome = radexp("train", "hydra/launcher=slurm_cpu")
    assert (outcome.status, outcome.out) == (2, "")
    assert outcome.err == (
        "radexp: hydra/launcher=slurm_cpu: allowed is a launcher for a sweep; add -m, or drop it\n"
    )
    assert not list(cwd.iterdir())


def launcher_of(*words):
    with initialize_config_dir(str(config_folder()), version_base="1.3"):
        return compose("train", overrides=list(words), return_hydra_config=True).hydra.launcher


def test_both_ready_launchers_hold_what_is_documented():
    assert choices("hydra/launcher") == ["slurm_cpu", "slurm_gpu"]
    common = {
        **{"timeout_min": 240, "signal_delay_s": 120, "max_num_timeout": 100},
        **{"array_parallelism": 256, "additional_parameters": {"requeue": True}},
        **{"name": "radexp-a", "nodes": 1, "tasks_per_node": 1},
    }
    reserved = {
        "slurm_cpu": {"cpus_per_task": 1, "mem_gb": 4, "gpus_per_node": None},
        "slurm_gpu": {"cpus_per_task": 4, "mem_gb": 16, "gpus_per_node": 1},
    }
    for name, values in reserved.items():
        launcher = launcher_of(f"hydra/launcher={name}", "study=a")
        assert launcher._target_.endswith("submitit_launcher.SlurmLauncher")
        assert {key: launcher[key] for key in {**common, **values}} == {**common, **values}


def test_launchers_take_a_clusters_own_settings():
    words = ("hydra.launcher.partition=short", "hydra.launcher.timeout_min=60")
    launcher = launcher_of("hydra/launcher=slurm_gpu", *words, "hydra.launcher.qos=low")
    assert (launcher.partition, launcher.timeout_min, launcher.qos) == ("short", 60, "low")


@pytest.mark.parametrize(
    ("words", "device"),
    [
        (["hydra/launcher=slurm_cpu"], "cpu"),
        (["hydra/launcher=slurm_gpu"], "cuda"),
        (["hydra/launcher=submitit_slurm"], "cpu"),
        (["hydra/launcher=submitit_slurm", "hydra.launcher.gpus_per_node=1"], "cuda"),
        (["hydra/launcher=submitit_slurm", "hydra.launcher.gres='gpu:1'"], "cuda"),
        (["hydra/launcher=submitit_slurm", "device=cuda"], "cuda"),
        (["hydra/launcher=submitit_slurm", "device=cpu,cuda"], "cuda"),
        (["hydra/launcher=slurm_cpu", "+hydra.launcher.additional_parameters.gpus=2"], "cuda"),
        (["hydra/launcher=slurm_cpu", "hydra.launcher.gpus_per_node=0"], "cpu"),
        (["hydra/launcher=slurm_cpu", "hydra.launcher.gpus_per_task=null"], "cpu"),
        (["hydra/launcher=slurm_cpu", "hydra.launcher.gres='tmpdisk:9'"], "cpu"),
        (["hydra/launcher=slurm_gpu", "hydra.launcher.gpus_per_node=null"], "cpu"),
        (["-m", "hydra/launcher=slurm_gpu", "experiment=a,b", "hydra.launcher.mem_gb=2"], "cuda"),
    ],
)
def test_runs_are_planned_for_the_device_of_their_jobs(monkeypatch, words, device):
    monkeypatch.setattr(module.shutil, "which", lambda name: name)
    with on_cluster(words):
        assert choose_device("auto").type == choose_device(device).type == device
        assert os.environ[DEVICE_VARIABLE] == device
    assert DEVICE_VARIABLE not in os.environ


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("hydra.launcher.nope=1", "hydra.launcher.nope: there is no such key; "),
        ("hydra.launcher=null", "'NoneType' object has no attribute 'get'; see radexp train"),
        ("~hydra.launcher", "~hydra.launcher: allowed is no deletion; "),
    ],
)
def test_a_launcher_that_cannot_be_composed_is_refused(radexp, cwd, monkeypatch, word, said):
    monkeypatch.setattr(module.shutil, "which", lambda name: name)
    outcome = radexp("train", "-m", "hydra/launcher=slurm_cpu", word)
    assert (outcome.status, outcome.out) == (2, "")
    assert outcome.err.startswith(f"radexp: {said}")
    assert outcome.err.count("\n") == 1
    assert not list(cwd.iterdir())


def test_a_device_that_was_planned_for_before_is_so_again(monkeypatch):
    monkeypatch.setattr(module.shutil, "which", lambda name: name)
    monkeypatch.setenv(DEVICE_VARIABLE, "cuda")
    with on_cluster(["hydra/launcher=slurm_cpu"]):
        assert os.environ[DEVICE_VARIABLE] == "cpu"
    assert os.environ[DEVICE_VARIABLE] == "cuda"


@pytest.mark.parametrize("launcher", ["basic", "joblib", "submitit_local"])
def test_a_sweep_on_this_machine_takes_its_devices(launcher):
    with on_cluster(["-m", f"hydra/launcher={launcher}"]):
        assert DEVICE_VARIABLE not in os.environ


def test_joblib_does_not_need_the_plugin(monkeypatch):
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    with on_cluster(["-m", "hydra/launcher=joblib"]):
        assert DEVICE_VARIABLE not in os.environ
