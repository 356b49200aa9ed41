"""What only prints: help, version and the composed configuration. Nothing runs, nothing is left."""

import subprocess
import sys

import pytest

from radexp import __version__


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        ((), ["Usage: radexp COMMAND", "train", "reproduce", "report", "data", "status 2"]),
        (("--help",), ["Usage: radexp COMMAND"]),
        (("-h",), ["Usage: radexp COMMAND"]),
        (("--version",), [__version__]),
        (
            ("train", "--help"),
            [
                "budget is parameters plus",
                "estimator: accumulate, auto, checkpoint",
                "10%",
                "number: null\n",
            ],
        ),
        (
            ("train", "-h", "model.hidden=[7]"),
            ["of mlp or rnn: [7]\n", "bootstrap of the data: true"],
        ),
        (("train", "-h", "model=cnn", "output=a$b"), ["of cnn: [16, 32, 32, 32]\n", ": a$b\n"]),
        (("train", "-h", "experiment=seqmnist_rnn"), ["step size: 0.01\n", "steps: 400\n"]),
        (("train", "--cfg", "job"), ["iterations: 2000", "name: rad"]),
        (("train", "--cfg", "job", "estimator=exact", "seed=5"), ["name: exact", "seed: 5"]),
        (("train", "--cfg", "job", "-p", "optimizer"), ["name: adam"]),
        (("train", "--cfg", "hydra"), ["sweeper:"]),
        (("train", "--info"), ["Config search path"]),
        (("train", "--hydra-help"), ["--multirun"]),
        (("report", "--help"), ["radexp report", "runs"]),
        (("reproduce", "--help"), ["radexp reproduce", "preset", "mnist_mlp"]),
        (("data", "--help"), ["radexp data", "data.root", "digits, mnist, cifar10, seq"]),
        (("memory", "--help"), ["radexp memory", "Table 1", "--per-layer"]),
        (("data", "digits"), ["digits: embedded, verified"]),
    ],
)
def test_prints_and_leaves_nothing(words, parts, radexp, cwd):
    outcome = radexp(*words)
    assert (outcome.status, outcome.err) == (0, "")
    for part in parts:
        assert part in outcome.out
    assert "${" not in outcome.out or "--cfg" in words or "--info" in words
    assert list(cwd.iterdir()) == []


def test_the_command_is_installed_and_a_closed_pipe_is_no_error(cwd):
    line = f"{sys.executable} -m radexp.cli train --help | head -1"
    done = subprocess.run(line, shell=True, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("radexp train: train one network")
    assert done.stderr == ""


def test_hydra_can_be_called_again_and_argv_is_put_back(radexp, cwd):
    before = list(sys.argv)
    first = radexp("train", "--cfg", "job", "seed=1")
    assert radexp("train", "--cfg", "job", "seed=1") == first
    assert radexp("train", "nope=1").status == 2
    assert radexp("train", "--cfg", "job", "seed=1") == first
    assert before == before.copy()
