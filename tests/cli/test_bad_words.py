"""Impossible requests: status 2, one line with what was given, allowed and mends, nothing left."""

import shlex
import struct

import pytest
import torch

OPTIONS = {
    "model": "cnn, mlp, reactor, rnn",
    "data": "cifar10, default, digits, mnist, none, sequential_mnist, sequential_mnist14",
    "estimator": "accumulate, auto, checkpoint, exact",
    "optimizer": "adam, sgd",
    "experiment": "cifar_cnn, frontier, frontier_exact, frontier_training, gr",
    "experiment=mnist_mlp preset": "paper, quick, reduced, smoke",
}
BAD = [
    # command line, what the one line must contain
    (
        "frobnicate",
        "frobnicate: allowed is train, ",
        "radexp --help",
    ),
    ("--frobnicate", "--frobnicate: allowed is train", "radexp --help"),
    *(
        (f"train {group}=nope", f"{group.split()[-1]}=nope: allowed is {options}", "pick one")
        for group, options in OPTIONS.items()
    ),
    ("train preset=quick", "preset=quick: allowed is a preset of an experiment", "add experiment"),
    # Keys and values
    ("train modle=mlp", "modle: there is no such key; did you mean model", "train --cfg"),
    (
        "train training.iteration=3",
        "training.iteration: there",
        "did you mean training.iterations?",
    ),
    ("train trainig.seed=3", "trainig.seed: there is no such key", "train --cfg job lists"),
    ("train keep=0.1", "keep: there is no such key; did you mean estimator.keep?", "--cfg job"),
    (
        "train +sede=3",
        "+sede: there is no such key; did you mean seed?",
        "train --cfg job lists all",
    ),
    ("train +model.hiden=[3]", "+model.hiden: there is no", "did you mean model.hidden"),
    ("train ~model", "~model: allowed is no deletion", "set the key to another value"),
    ("train ~training.iterations", "~training.iterations: allowed is no deletion", "set the key"),
    ("train ~nope", "~nope: allowed is no deletion", "set the key"),
    ("train hydra.run.dir=x", "hydra.run.dir=x: allowed is output instead", "leave this key"),
    ("train hydra.mode=MULTIRUN", "allowed is -m instead", "leave this key"),
    ("train estimator.sketch=projection estimator=exact", "estimator.sketch=projection", "YAML"),
    ("train foo", "foo: allowed is KEY=VALUE; see radexp train --help"),
    ("train rnn", "rnn: allowed is KEY=VALUE; did you mean model=rnn?"),
    ("train -m experiment=unbiasedness estimator=rad", "estimator=rad with measure=bias: allowed"),
    ("train measure=depth model=cnn seed=1", "model=cnn with measure=depth: allowed", "drop what"),
    ("train experiment=mnist_mlp 'model.hidden=[8'", "(in: experiment=mnist_mlp model.hidden=[8)"),
    ("train 'a b'", "a b", "train --help"),
    (
        "train training.iterations=abc",
        "training.iterations=abc: Value 'abc'",
        "to Integer",
        "--cfg job",
    ),
    (
        "train training.iterations=1.5",
        "training.iterations=1.5: Value '1.5'",
        "Integer",
        "--cfg job",
    ),
    ("train model.hidden=3", "model.hidden=3: Invalid value", "not a ListConfig", "--cfg job"),
    ("train model.hidden=[a]", "model.hidden=[a]: Value 'a'", "Integer", "--cfg job"),
    ("train model.hidden=[8", "'[8'", "train --help"),
    ("train device=null", "device=null: field 'device' is not Optional", "--cfg job"),
    ("train seed='${nope}'", "seed: Interpolation key 'nope' not found", "set seed=VALUE"),
    # Ranges
    ("train seed=-1", "seed=-1: allowed is 0 to 2**63 - 1; try seed=0"),
    ("train seed=9223372036854775808", "seed=9223372036854775808: allowed is 0 to 2**63 - 1"),
    (
        "train training.iterations=-5",
        "training.iterations=-5: allowed is a whole number from",
        "try ",
    ),
    (
        "train training.batch_size=0",
        "training.batch_size=0: allowed is a",
        "training.batch_size=150",
    ),
    ("train model.hidden=[8,0]", "model.hidden=[8, 0]: allowed is whole numbers from 1 to", "try"),
    (
        "train optimizer.lr=nan",
        "optimizer.lr=nan: allowed is a finite number above 0; try optimizer",
    ),
    ("train optimizer.lr=0", "optimizer.lr=0.0: allowed is a finite number above 0; try optimizer"),
    ("train optimizer.weight_decay=-1", "optimizer.weight_decay=-1.0: allowed is a", "try"),
    ("train optimizer.clip_norm=nan", "optimizer.clip_norm=nan: allowed is more than 0", "try"),
    (
        "train threads=0",
        "threads=0: allowed is a whole number from 1 to 1024, or null; try threads=1",
    ),
    ("train device=tpu", "device=tpu: allowed is auto, cpu, cuda; try device=auto"),
    ("train study=A/b", "study=A/b: allowed is up to 80 of the characters a-z", "try study=train"),
    ("train study=../../x", "study=../../x: allowed is up to 80", "try study=train"),
    ("train estimator.keep=0", "estimator.keep=0.0: allowed is 0 < keep <= 1; try estimator.keep"),
    ("train estimator.keep=1.01", "estimator.keep=1.01: allowed is 0 < keep <= 1; try"),
    ("train estimator.keep=nan", "estimator.keep=nan: allowed is 0 < keep <= 1; try"),
    ("train estimator=exact estimator.keep=0.5", "estimator.keep=0.5 with estimator=exact", "drop"),
    (
        "train estimator.sketch=nope",
        "estimator.sketch=nope: allowed is exact, hybrid",
        "leave it as",
    ),
    # Budgets
    ("train budget=1B", "budget=1B: allowed is at least ", "raise the budget or take a smaller"),
    ("train budget=12", "budget=12: allowed is a number above zero with one of B", "try budget="),
    (
        "train budget=-5MB",
        "budget=-5MB: allowed is a number above zero with one of B",
        "try budget=",
    ),
    ("train budget=0%", "budget=0%: allowed is a number above zero with one of B", "try budget="),
    ("train budget=10% estimator.keep=0.5", "budget=10% and estimator.keep=0.5: allowed", "drop"),
    # Sizes of a model
    ("train model.channels=[3]", "model.channels=[3] with model=mlp: allowed is model.hidden"),
    ("train model=cnn model.hidden=[3]", "model.hidden=[3] with model=cnn: allowed is model.chan"),
    ("train model=cnn model.kernel_size=4", "model.kernel_size=4: allowed is an odd number from"),
    ("train model=cnn model.pooling=min", "model.pooling=min: allowed is average, max", "try"),
    ("train model=cnn model.channels=[]", "model.channels=[]: allowed is the channels of at"),
    ("train model=rnn model.hidden=[3,3]", "model.hidden=[3, 3] with model=rnn: allowed is ex"),
    # Data
    ("train data=mnist data.root=nowhere", "nowhere: is no folder", "data.root and", "correct the"),
    ("train data=mnist data.root={data}", "/train-images-idx3-ubyte", "expected is", "replace it"),
    ("train data=cifar10 data.root={empty}", "not found in", "must hold it", "radexp data cifar10"),
    ("train data=mnist data.root={empty}", "not found in", "must hold it", "radexp data mnist"),
    (
        "data",
        "allowed is names of digits, mnist, cifar10, sequential_mnist, ",
        " and data.root=FOLDER",
    ),
    (
        "data nope",
        "nope: allowed is digits, mnist, cifar10, sequential_mnist, ",
        "; try radexp data",
    ),
    ("data digits root=x", "root=x: allowed is names of digits", "try radexp data mnist"),
    ("data mnist data.root={data}", "/train-images-idx3-ubyte", "expected is", "replace it"),
    # Sweeps and flags
    ("train seed=0,1", "seed=0,1: several values; allowed is one, or a sweep of them with -m"),
    ("train -m seed=0,1 training.iterations=5,-5", "training.iterations=-5: allowed is a", "try"),
    (
        "train -m estimator=rad,nope",
        "estimator=nope: allowed is accumulate, auto, checkpoint, exact",
        "pick one",
    ),
    ("train -m budget=90%,1B", "budget=1B: allowed is at least ", "raise the budget"),
    ("train -m budget=90% estimator.keep=null,0.5", "budget=90% and estimator.keep=0.5", "drop"),
    ("train -m hydra/launcher=nope", "hydra/launcher=nope: allowed is basic, joblib", "pick one"),
    ("train -m seed=range(0,0)", "seed"),
    ("train output=é", "output=é: a character that needs quotes; write 'output=\"é\"'"),
    ("train --frobnicate", "unrecognized arguments: --frobnicate; see radexp train --help"),
    ("train --cfg nope", "invalid choice: 'nope' (choose from", "see radexp train --help"),
    (
        "train -m seed=range(0,100000000000)",
        "seed=range(0,100000000000): allowed is up to 10000 runs in a sweep; give fewer values",
    ),
    ("train -m seed=shuffle(range(0,100000000000))", "allowed is up to 10000 runs in a sweep"),
    ("train -m seed=range(0,101) threads=range(1,101)", "allowed is up to 10000 runs in a sweep"),
    (
        "train -m hydra/launcher=joblib hydra.launcher.n_jobs=0",
        "hydra.launcher.n_jobs=0: allowed is a number from 1 to 1024, or -1 for one on each core",
    ),
    (
        "train -m hydra/launcher=joblib hydra.launcher.n_jobs=1,2",
        "hydra.launcher.n_jobs=1,2: allowed is one value, as it starts the sweep; give one",
    ),
    ("tune hydra.launcher.n_jobs=9999999999", "n_jobs=9999999999: allowed is a number from 1 to"),
    (
        "train -m hydra.sweeper.max_batch_size=0",
        "hydra.sweeper.max_batch_size=0: allowed is a whole number of at least 1, or null; leave",
    ),
    ("train +hydra.callbacks.a._target_=os.getcwd", "allowed is no callback instead", "leave"),
    ("train +hydra.job.env_set.A=1", "allowed is a variable that is set before radexp instead"),
    ("train --info --cfg=job", "--cfg=job: allowed is one of --cfg and --info; drop the other"),
    ("train --run --multirun", "allowed is one of --run and --multirun; drop the other"),
    ("train -sc", "--shell-completion: allowed is install=bash, install=fish", "pick one"),
    ("--shell-completion install=nope", "install=nope: allowed is install=bash", "pick one"),
    ("-sc query=bash", "query=bash: allowed is install=bash", "pick one"),  # no line to complete
    # Reports
    (
        "report",
        "outputs: there is no such folder; allowed is a folder that holds runs",
        "train first",
    ),
    ("report runs=nowhere", "nowhere: there is no such folder; allowed is a folder that holds"),
    ("report runs={empty}", "empty: no run in it; allowed is a folder that holds", "train first"),
    ("report foo", "foo: allowed is KEY=VALUE with a key of runs, output; see --help"),
    ("report seeds=3", "seeds=3: allowed is KEY=VALUE with a key of runs, output; see --help"),
    ("report runs=[a", "runs=[a", "see --help for what is allowed"),
    ("reproduce preset=nope", "preset=nope: allowed is paper, quick, reduced, smoke", "pick one"),
    (
        "reproduce experiment=nope",
        "experiment=nope: allowed is cifar_cnn, ",
        "leave it out for all",
    ),
    (
        "reproduce sede=3",
        "sede: there is no such key; did you mean seed?",
        "train --cfg job lists all",
    ),
    ("reproduce smoke", "radexp: smoke: allowed is KEY=VALUE; did you mean preset=smoke?"),
    ("reproduce 'model.hidden=[8' seed=0", "(in: model.hidden=[8 seed=0)"),
    ("reproduce --cfg job", "--cfg: allowed is KEY=VALUE; see radexp reproduce --help"),
    ("reproduce preset=smoke training.iterations=0", "training.iterations=0: allowed is a", "try"),
]
# What Hydra itself stumbles over
HYDRA = [
    ("train measure.depth=3", "a key below one that is null; choose that one first", "depth=3"),
    ("train +=[] +a.b.c=[]", "--help"),
    ("train seed=" + "[" * 500, "--help"),
    ("train model=null", "model=null", "allowed is cnn, mlp, reactor, rnn"),
    ("train estimator=null", "estimator=null", "allowed is accumulate, auto, checkpoint"),
    ("train experiment=1", "experiment=1", "allowed is cifar_cnn"),
    ("train optimizer=true", "optimizer=true", "allowed is adam, sgd"),
    ("train model=[8]", "model=[8]", "allowed is cnn, mlp, reactor, rnn"),
    ("train ~estimator=1", "estimator"),
    ("train ~estimator +estimator.keep=0.5", "estimator"),
    ("train =3", "=3", "--help"),
    ("train --resolve", "--resolve", "--cfg"),
    ("train --experimental-rerun=nowhere", "nowhere"),
    ("train --config-name=nope", "nope"),
    ("train --config-dir=nowhere", "nowhere"),
    ("train --config-path=nowhere", "nowhere"),
    ("train --cfg job --package=nope", "nope"),
    ("train -m --cfg job", "--cfg", "--multirun"),
    ("train ~seed training.iterations=1", "seed"),
    ("train model.hidden=[100000000000000000000]", "model.hidden", "100000000000000000000"),
    ("train output={data}/train-images-idx3-ubyte", "cannot be written", "output=FOLDER"),
    ("train -m seed=0,1 output={data}/train-images-idx3-ubyte", "cannot be written"),
    ("train hydra.run.dir={data}/train-images-idx3-ubyte", "hydra.run.dir"),
    ("data digits nope", "nope: allowed is digits, mnist"),
]


@pytest.fixture
def folders(tmp_path):
    """Return a folder with IDX files that end too early, and an empty one."""
    data, empty = tmp_path / "data", tmp_path / "empty"
    data.mkdir()
    empty.mkdir()
    for name, sizes in (
        ("train-images-idx3-ubyte", (60000, 28, 28)),
        ("train-labels-idx1-ubyte", (60000,)),
        ("t10k-images-idx3-ubyte", (10000, 28, 28)),
        ("t10k-labels-idx1-ubyte", (10000,)),
    ):
        header = bytes([0, 0, 8, len(sizes)]) + struct.pack(f">{len(sizes)}I", *sizes)
        (data / name).write_bytes(header + bytes(100))
    return {"data": str(data), "empty": str(empty)}


@pytest.mark.parametrize(("line", "parts"), [(line, parts) for line, *parts in BAD + HYDRA])
def test_bad_words_end_in_one_clear_line(line, parts, radexp, cwd, folders):
    words = shlex.split(line)
    outcome = radexp(
        *(
            word.format(**folders) if "{" in word[:-1] and "$" not in word else word
            for word in words
        )
    )
    assert outcome.status == 2
    assert outcome.out == ""
    assert outcome.err.startswith("radexp: ")
    assert outcome.err.endswith("\n")
    assert len(outcome.err.splitlines()) == 1
    for part in parts:
        assert part in outcome.err
    assert "Traceback" not in outcome.err
    assert list(cwd.iterdir()) == []


@pytest.mark.parametrize("word", ["a\x1b[31mb", "seed=\x1b]0;title\x07", "x\u202ey=1", "\x9b2J=1"])
def test_a_message_holds_nothing_that_a_terminal_obeys(word, radexp):
    outcome = radexp("train", word)
    assert outcome.status == 2
    assert outcome.err[:-1].isprintable()


@pytest.mark.skipif(torch.cuda.is_available(), reason="a CUDA device is there")
def test_cuda_that_is_not_there(radexp, cwd):
    outcome = radexp("train", "device=cuda")
    assert outcome.status == 2
    assert outcome.err == (
        "radexp: device=cuda: allowed here is cpu, no CUDA device was found; try device=cpu\n"
    )
    assert list(cwd.iterdir()) == []


def test_full_error_asks_for_the_traceback(radexp, monkeypatch):
    from radexp.errors import UsageError

    monkeypatch.setenv("HYDRA_FULL_ERROR", "1")
    with pytest.raises(UsageError, match="seed=-1"):
        radexp("train", "seed=-1")
