"""``radexp variance``: what it measures and writes, and what it refuses."""

import json

import pandas as pd
import pytest

TINY = (
    *("variance", "model.hidden=[8]", "training.batch_size=40", "threads=1"),
    *("repetitions=4", "output=o"),
)
FILES = {"noise.csv", "variance.csv", "variance.png", "environment.json"}


def test_every_estimator_meets_a_small_batch_of_its_bytes(radexp, cwd):
    outcome = radexp(*TINY, "at=0,3")
    assert outcome.status == 0
    assert {path.name for path in (cwd / "o").iterdir()} == FILES
    table = pd.read_csv(cwd / "o/variance.csv")
    whole = table[table["layer"] == "all"]
    assert set(whole["iteration"]) == {0, 3}
    assert set(whole["estimator"]) == {"exact", "rad", "rad_shared", "rad_project", "small_batch"}
    for _, level in whole.dropna(subset=["level"]).groupby("level"):
        bytes_of = level.groupby("estimator")["bytes"].max()
        assert bytes_of["small_batch"] <= bytes_of["rad"]
    # More kept, less variance: of the sketch's part, which is proportional to 1 / keep.
    sketch = whole[whole["estimator"] == "rad"].groupby("keep")["sketch_variance"].mean()
    assert sketch.is_monotonic_decreasing
    assert "rad / small batch" in outcome.out
    assert json.loads((cwd / "o/environment.json").read_text())["threads"] == 1


def test_named_arms_come_with_the_exact_one(radexp, cwd):
    outcome = radexp(*TINY, "estimator=rad", "estimator.keep=0.2,1", "--per-layer")
    assert outcome.status == 0
    raw = pd.read_csv(cwd / "o/noise.csv")
    assert set(raw["arm"]) == {"rad, keep 0.2", "rad, keep 1"}
    assert (raw.loc[raw["keep"] == 1, "sketch"] == 0).all()
    radexp(*TINY, "estimator=rad,small_batch", "budget=30%", "output=p")
    assert "exact, batch 40" not in set(pd.read_csv(cwd / "p/noise.csv")["arm"])
    radexp(*TINY, "estimator=rad", "output=q")
    assert "exact, batch 40" in set(pd.read_csv(cwd / "q/noise.csv")["arm"])


def test_the_same_words_give_the_same_numbers(radexp, cwd):
    for folder in ("a", "b"):
        assert radexp(*TINY, "estimator=rad", f"output={folder}").status == 0
    assert (cwd / "a/noise.csv").read_bytes() == (cwd / "b/noise.csv").read_bytes()


def test_a_checkpoint_is_measured_where_the_run_stands(radexp, cwd, tiny):
    assert radexp("train", *tiny, "estimator=exact").status == 0
    (run,) = (cwd / "outputs/train").glob("mlp-*")
    outcome = radexp("variance", f"run={run}", "estimator=rad", "repetitions=4", "output=o")
    assert outcome.status == 0
    assert set(pd.read_csv(cwd / "o/noise.csv")["iteration"]) == {20}
    assert "after 20 iterations" in outcome.out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("at=x", "at=x: allowed is iterations, whole numbers of at least 0; try at=0,500,2000"),
        ("at=-1", "at=-1: allowed is iterations"),
        ("repetitions=1", "repetitions=1: allowed is a whole number of at least 2"),
        ("at=1 run=a", "at=1 and run=a: allowed is one of the two; drop one"),
        ("run=nowhere", "nowhere/config.yaml: it cannot be read (FileNotFoundError)"),
        ("run=a model=cnn", "model=cnn with run=a: allowed is the run's; drop them"),
        ("run=a estimater=rad", "estimater=rad with run=a: allowed is the run's; drop them"),
        (
            "model.hidden=[8] optimizer.lr=1e30 at=5 estimator=rad repetitions=2",
            "an exact gradient of size nan at this point of training: allowed is a finite one",
        ),
        ("experiment=mnist_mlp", "experiment=mnist_mlp: allowed is model, data, estimator"),
        ("--quick", "--quick: allowed is --per-layer or KEY=VALUE; see --help"),
        ("estimator=none", "estimator=none: allowed is"),
        ("model=reactor", "model=reactor without an estimator: allowed is estimators by name"),
    ],
)
def test_mistakes_are_told_in_one_line(radexp, cwd, words, message):
    outcome = radexp("variance", *words.split())
    assert outcome.status == 2
    assert outcome.err.startswith(f"radexp: {message}")
    assert outcome.err.count("\n") == 1
    assert not list(cwd.iterdir())


def test_a_run_that_has_not_begun_is_refused(radexp, cwd, tiny):
    assert radexp("train", *tiny, "estimator=exact").status == 0
    (run,) = (cwd / "outputs/train").glob("mlp-*")
    (run / "checkpoint.pt").unlink()
    outcome = radexp("variance", f"run={run}")
    assert outcome.status == 2
    assert "there is no checkpoint in it" in outcome.err


def test_help(radexp):
    outcome = radexp("variance", "--help")
    assert outcome.status == 0
    assert outcome.out.startswith("radexp variance:")
