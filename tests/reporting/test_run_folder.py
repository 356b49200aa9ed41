"""One run folder: what becomes of each file, whole, missing or damaged."""

import json
import math

import pytest
from sealed import edit_summary, write_summary

from radexp.errors import UsageError
from radexp.reporting.run_folder import RUNS, is_run_folder, read_run


def edit(path, **changes):
    content = json.loads(path.read_text())
    for key, value in changes.items():
        *parents, last = key.split("__")
        place = content
        for parent in parents:
            place = place[parent]
        place[last] = value
    path.write_text(json.dumps(content))
    edit_summary(path.parent)


def test_a_completed_run(make_run):
    run = read_run(make_run("rad", seed=2**63 - 1))
    assert set(run.row) == set(RUNS)
    assert run.row["arm"] == "rad"
    assert run.row["seed"] == 2**63 - 1
    assert run.row["sizes"] == "300x300x300"
    assert run.row["keep"] == 0.0914
    assert run.row["measured_peak_bytes"] == 9_500_000
    assert run.row["over_budget"] == "no"
    assert run.environment["git_commit"] == "abc123"
    assert run.curves["split"].value_counts().to_dict() == {"train": 21, "test": 21, "batch": 20}


@pytest.mark.parametrize(
    ("changes", "target"),
    [
        ({"preset": "paper"}, 1.0),
        ({"preset": "a.b", "scales": {"a.b": {"target": 0.3}}}, 0.3),
        ({"preset": "reduced"}, math.nan),
        ({"scales": {"quick": {"iterations": 5}}}, math.nan),
        ({"scales": {"quick": 5}}, math.nan),
        ({"scales": {}}, math.nan),
        ({"scales": None, "preset": None}, math.nan),
    ],
)
def test_the_target_is_that_of_the_runs_own_scale(make_run, changes, target):
    folder = make_run()
    plain = read_run(folder).row
    assert plain["target"] == 0.05
    edit(folder / "config.yaml", **changes)
    row = read_run(folder).row
    assert row["target"] == pytest.approx(target, nan_ok=True)
    assert row["settings"] == plain["settings"]


def test_keys_that_came_later_leave_the_settings_of_old_runs_alone(make_run):
    folder = make_run()
    config = json.loads((folder / "config.yaml").read_text())
    plain = read_run(folder).row["settings"]
    training = config["training"]
    edit(folder / "config.yaml", tune={"draws": 20}, training={**training, "holdout": 0})
    assert read_run(folder).row["settings"] == plain
    edit(folder / "config.yaml", measure=None)
    assert read_run(folder).row["settings"] == plain
    estimator = {**config["estimator"], "also": None}
    of_layers = {"layer_bits": {}, "layer_keep": {}}
    edit(folder / "config.yaml", estimator={**estimator, **of_layers})
    assert read_run(folder).row["settings"] == plain
    edit(folder / "config.yaml", estimator={**estimator, "layer_bits": {"1": 2}})
    assert read_run(folder).row["settings"] != plain
    edit(folder / "config.yaml", estimator={**estimator, "layer_keep": {"1": 0.1}})
    assert read_run(folder).row["settings"] != plain
    edit(folder / "config.yaml", estimator=estimator, training={**training, "holdout": 9})
    assert read_run(folder).row["settings"] != plain


# As config.yaml has them: every key of the schema, whether the model uses it or not.
UNUSED = {"hidden": [], "channels": [], "kernel_size": 5, "pooling": "average"}


@pytest.mark.parametrize(
    ("model", "sizes"),
    [
        ({"name": "mlp"}, ""),
        ({"name": "mlp", "hidden": 8}, "8"),
        ({**UNUSED, "name": "mlp"}, ""),
        ({**UNUSED, "name": "mlp", "hidden": [300, 20]}, "300x20"),
        ({**UNUSED, "name": "rnn", "hidden": [100]}, "100"),
        ({**UNUSED, "name": "cnn", "channels": [16, 32]}, "16-32, kernel 5, average"),
        ({"name": "cnn", "channels": [4], "kernel_size": 3, "pooling": "max"}, "4, kernel 3, max"),
        ({**UNUSED, "name": "new", "hidden": [9], "channels": [4]}, "9, 4, kernel 5, average"),
    ],
)
def test_sizes_are_described_in_one_text(make_run, model, sizes):
    folder = make_run()
    plain = read_run(folder).row
    edit(folder / "config.yaml", model=model)
    row = read_run(folder).row
    assert row["sizes"] == sizes
    assert row["settings"] == plain["settings"]


def test_a_run_that_is_going_on_is_interrupted(make_run):
    folder = make_run()
    (folder / "summary.json").unlink()
    with (folder / "metrics.csv").open("a") as metrics:
        metrics.write("2100,31500,5.")
    run = read_run(folder)
    assert run.row["status"] == "interrupted"
    assert run.row["run"] == f"mnist_mlp-quick/{folder.name}"
    assert run.curves["iteration"].max() == 2000


def test_a_failed_run_may_have_next_to_nothing(make_run):
    folder = make_run(status="failed")
    (folder / "metrics.csv").unlink()
    (folder / "environment.json").unlink()
    write_summary(folder, {"status": "failed", "message": "no\nmemory"})
    run = read_run(folder)
    assert run.row["message"] == "no memory"
    assert math.isnan(run.row["step_seconds"])
    assert run.row["over_budget"] == ""
    assert len(run.curves) == 0
    assert run.environment == {}


def test_hydra_folders_are_no_runs(tmp_path):
    (tmp_path / "config.yaml").write_text("a: 1")
    (tmp_path / "hydra.yaml").write_text("a: 1")
    assert not is_run_folder(tmp_path)


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"estimator": {}}, r"config.yaml: no estimator.name; allowed"),
        ({"estimator": "rad"}, r"config.yaml: no estimator.name"),
        ({"seed": None}, r"config.yaml: no seed"),
        ({"seed": -1}, r"config.yaml: seed=-1; allowed is a whole number"),
        ({"scales__quick__target": "low"}, r"config.yaml: scales.quick.target=low; allowed is a n"),
        ({"optimizer__lr": "fast"}, r"config.yaml: optimizer.lr=fast; allowed is a number"),
    ],
)
def test_damaged_config(make_run, changes, match):
    folder = make_run()
    edit(folder / "config.yaml", **changes)
    with pytest.raises(UsageError, match=match):
        read_run(folder)


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"status": "great"}, "summary.json: status=great; allowed is completed, diverged"),
        ({"status": None}, "summary.json: status=None"),
        ({"measured_peak_bytes": 5}, "measured_peak_bytes is not an object"),
        ({"step_seconds": [1]}, r"summary.json: step_seconds=\[1\]; allowed is a number"),
        ({"keep": "most"}, "summary.json: keep=most; allowed is a number"),
    ],
)
def test_damaged_summary(make_run, changes, match):
    folder = make_run()
    edit_summary(folder, **changes)
    with pytest.raises(UsageError, match=match):
        read_run(folder)


@pytest.mark.parametrize(
    ("row", "match"),
    [
        ("2100,1,1e9,train,x,,,", "loss=x; allowed is a number"),
        ("2100,1,1e9,best,1,,,", "split=best; allowed is batch, train, validation, test"),
        ("-1,1,1e9,train,1,,,", "iteration=-1; allowed is a whole number"),
        ("2100,1,nan,train,1,,,", "train_seconds that is not a time"),
        ("2100,1,-1,train,1,,,", "train_seconds that is not a time"),
        ("2000,1,1,train,1,,,", "one iteration and split twice"),
        ("2100,1,1e9,train,1,,,", "examples_seen that goes back"),
        ("2100,999999,0,train,1,,,", "train_seconds that goes back"),
        ("2100,1,1e9,train", "4 cells in row 63"),
    ],
)
def test_damaged_metrics(make_run, row, match):
    path = make_run() / "metrics.csv"
    path.write_text(path.read_text() + row + "\n")
    edit_summary(path.parent)
    with pytest.raises(UsageError, match=f"metrics.csv: .*{match}"):
        read_run(path.parent)


def test_a_completed_run_needs_all_of_its_metrics(make_run):
    path = make_run() / "metrics.csv"
    path.write_text(path.read_text().rstrip("\n"))
    edit_summary(path.parent)
    with pytest.raises(UsageError, match=r"metrics.csv: ends in the middle of a line"):
        read_run(path.parent)
    path.unlink()
    edit_summary(path.parent)
    with pytest.raises(UsageError, match=r"metrics.csv: not a file"):
        read_run(path.parent)


@pytest.mark.parametrize("name", ["summary.json", "environment.json"])
def test_json_that_is_no_object(make_run, name):
    folder = make_run()
    (folder / name).write_text("[]")
    if name != "summary.json":
        edit_summary(folder)
    with pytest.raises(UsageError, match=f"{name}: not an object"):
        read_run(folder)


def test_a_summary_without_its_config(make_run):
    folder = make_run()
    (folder / "config.yaml").unlink()
    edit_summary(folder)
    with pytest.raises(UsageError, match=r"config.yaml: not a file"):
        read_run(folder)
