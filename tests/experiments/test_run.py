"""One run and its record: complete, skipped when it is there, and honest when it went wrong."""

import csv
import json
import math
import signal

import pytest
import torch
import yaml
from sealed import write_summary

from radexp.config import CLASSIFICATION, options_for
from radexp.errors import UsageError
from radexp.experiments import execute, run, run_path
from radexp.reporting.records import load_records
from radexp.reporting.table import as_text, final_table
from radexp.training import StepMemory, checkpoint, save_checkpoint

FILES = {
    *("config.yaml", "environment.json", "run.log", "metrics.csv", "summary.json"),
    *("checkpoint.pt", ".lock"),
}
DESIGNED = {
    *("status", "keep", "batch_size", "parameter_bytes", "predicted_saved_bytes"),
    *("measured_saved_bytes", "measured_peak_bytes", "final_train_loss", "final_test_loss"),
    *("final_test_accuracy", "step_seconds"),
}
ADDED = {
    *("run_id", "message", "budget_bytes", "over_budget", "train_seconds", "iterations_done"),
    *("final_validation_loss", "final_validation_accuracy", "data_sha256", "files", "seal"),
    *("bits", "layer_bits", "layer_keep", "micro_batch", "checkpoints"),
}
DIVERGING = ("optimizer=sgd", "optimizer.lr=1e30", "model.hidden=[8,8]")


def read_rows(plan):
    with (run_path(plan) / "metrics.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def read_json(plan, name):
    def refuse(constant):
        raise AssertionError(f"{constant} is not JSON")

    return json.loads((run_path(plan) / name).read_text(), parse_constant=refuse)


@pytest.mark.parametrize("words", [(), ("budget=60%",)])
@pytest.mark.parametrize("estimator", options_for("estimator", CLASSIFICATION))
def test_record_is_complete_and_measured_is_predicted(estimator, words, plan_for):
    # Of a plain network it keeps everything, which is more than that budget.
    model = "rnn" if estimator == "checkpoint" else "mlp"
    plan = plan_for(f"model={model}", f"estimator={estimator}", *words)
    summary = execute(plan)
    assert {path.name for path in run_path(plan).iterdir()} == FILES
    assert summary == read_json(plan, "summary.json")
    assert set(summary) == DESIGNED | ADDED
    assert (summary["status"], summary["message"], summary["run_id"]) == (
        *("completed", None),
        plan.run_id,
    )
    assert summary["measured_saved_bytes"] == summary["predicted_saved_bytes"]
    total = summary["parameter_bytes"] + summary["measured_saved_bytes"]
    assert summary["over_budget"] == (bool(words) and total > summary["budget_bytes"])
    assert summary["over_budget"] == (bool(words) and estimator == "exact")
    peak = summary["measured_peak_bytes"]
    assert peak["total"] == sum(peak[name] for name in peak if name != "total") >= total
    assert (summary["keep"], summary["batch_size"]) == (plan.estimator.keep, plan.batch_size)
    assert summary["iterations_done"] == 20
    assert 0 < summary["step_seconds"] < summary["train_seconds"]


def test_final_numbers_are_the_last_rows(plan_for):
    plan = plan_for("training.evaluate_every=7", "training.evaluate_train_every=9")
    summary, rows = execute(plan), read_rows(plan)
    last = {row["split"]: row for row in rows}
    assert all(row["iteration"] == "20" for row in last.values())
    assert summary["final_train_loss"] == float(last["train"]["loss"])
    assert summary["final_test_loss"] == float(last["test"]["loss"])
    assert summary["final_test_accuracy"] == float(last["test"]["accuracy"])
    assert list(rows[0]) == [
        *("iteration", "examples_seen", "train_seconds", "split", "loss", "accuracy"),
        *("learning_rate", "gradient_norm"),
    ]


def test_config_and_environment_are_written_down(plan_for):
    plan = plan_for("seed=3", "optimizer.lr=0.5")
    execute(plan)
    config = yaml.safe_load((run_path(plan) / "config.yaml").read_text())
    assert (config["seed"], config["optimizer"]["lr"]) == (3, 0.5)
    environment = read_json(plan, "environment.json")
    assert {"git_commit", "git_dirty", "packages", "cpu", "gpu", "threads"} <= set(environment)
    assert environment["threads"] == 1
    log = (run_path(plan) / "run.log").read_text()
    assert "completed after 20 iterations" in log


def test_a_completed_run_is_skipped(plan_for):
    plan = plan_for()
    summary = execute(plan)
    times = {path: path.stat().st_mtime_ns for path in run_path(plan).iterdir()}
    del times[run_path(plan) / ".lock"]
    assert execute(plan) == summary
    assert all(path.stat().st_mtime_ns == time for path, time in times.items())


def test_two_runs_of_one_request_are_the_same_numbers(plan_for, tmp_path):
    first, second = plan_for("output=first"), plan_for(f"output={tmp_path / 'second'}")
    first = plan_for(f"output={tmp_path / 'first'}")
    for plan in (first, second):
        execute(plan)
    times = {"train_seconds"}
    assert [{k: row[k] for k in row.keys() - times} for row in read_rows(first)] == [
        {k: row[k] for k in row.keys() - times} for row in read_rows(second)
    ]


def test_a_diverged_run_says_so_and_is_not_started_again(plan_for):
    plan = plan_for(*DIVERGING, "training.log_every=5")
    summary = execute(plan)
    assert summary["status"] == "diverged"
    assert " is nan at iteration" in summary["message"]
    assert summary["iterations_done"] < 20
    for key in ("final_train_loss", "final_test_loss", "final_test_accuracy"):
        assert summary[key] is None
    assert all(math.isfinite(float(row["loss"])) for row in read_rows(plan))
    time = (run_path(plan) / "summary.json").stat().st_mtime_ns
    assert execute(plan) == summary
    assert (run_path(plan) / "summary.json").stat().st_mtime_ns == time


def test_measured_above_the_budget_refuses_to_train(plan_for, monkeypatch):
    plan = plan_for("budget=60%")
    above = StepMemory(plan.budget_bytes - plan.parameter_bytes + 1, {"total": 1})
    monkeypatch.setattr(run, "measure_step", lambda trainer: above)
    message = (
        f"budget=60%: the first step measured {plan.budget_bytes + 1}B, allowed is "
        f"{plan.budget_bytes}B and .*B were predicted; please report this, and set a higher budget"
    )
    with pytest.raises(UsageError, match=message):
        execute(plan)
    summary = read_json(plan, "summary.json")
    assert (summary["status"], summary["iterations_done"]) == ("failed", 0)
    assert summary["message"].startswith("UsageError: budget=60%")
    assert not (run_path(plan) / "metrics.csv").exists()
    monkeypatch.undo()
    assert execute(plan)["status"] == "completed"


def test_exactly_the_budget_is_fine(plan_for, monkeypatch):
    plan = plan_for("budget=60%")
    just = StepMemory(plan.budget_bytes - plan.parameter_bytes, {"total": 1})
    monkeypatch.setattr(run, "measure_step", lambda trainer: just)
    assert execute(plan)["status"] == "completed"


def test_an_error_inside_is_a_failed_run_that_can_be_tried_again(plan_for, monkeypatch):
    plan = plan_for()

    def fail(trainer):
        raise ZeroDivisionError("no memory left to divide")

    monkeypatch.setattr(run, "measure_step", fail)
    with pytest.raises(ZeroDivisionError):
        execute(plan)
    summary = read_json(plan, "summary.json")
    assert (summary["status"], summary["message"]) == (
        "failed",
        "ZeroDivisionError: no memory left to divide",
    )
    assert "Traceback" in (run_path(plan) / "run.log").read_text()
    monkeypatch.undo()
    assert execute(plan)["status"] == "completed"


@pytest.mark.parametrize(
    "error",
    [
        MemoryError("no more"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"),
        torch.cuda.OutOfMemoryError("CUDA out of memory"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_run_out_of_memory_says_so_and_can_be_tried_again(error, plan_for, monkeypatch):
    plan = plan_for()

    def fail(trainer):
        raise error

    monkeypatch.setattr(run, "measure_step", fail)
    summary = execute(plan)
    assert summary == read_json(plan, "summary.json")
    assert summary["status"] == "out_of_memory"
    assert summary["message"] == f"{type(error).__name__}: {error}"
    assert "Traceback" not in (run_path(plan) / "run.log").read_text()
    monkeypatch.undo()
    assert execute(plan)["status"] == "completed"


def test_a_finished_run_without_summary_needs_no_training(plan_for):
    plan = plan_for()
    summary, rows = execute(plan), read_rows(plan)
    (run_path(plan) / "summary.json").unlink()  # as if killed just before the end
    again = execute(plan)
    assert again == summary
    assert read_rows(plan) == rows


@pytest.mark.parametrize("status", ["completed", "interrupted"])
def test_a_record_or_checkpoint_that_names_no_data_is_refused(status, plan_for):
    plan = plan_for()
    folder = run_path(plan)
    execute(plan)
    values = read_json(plan, "summary.json")
    kept = {k: v for k, v in values.items() if k not in ("data_sha256", "files", "seal")}
    write_summary(folder, {**kept, "status": status})
    save_checkpoint(folder / "checkpoint.pt", {"config_hash": plan.config_hash})
    with pytest.raises(UsageError, match="its data were of SHA-256 unknown; allowed are the same"):
        execute(plan)


def test_signals_are_put_back_though_the_rows_cannot_be_closed(plan_for, monkeypatch):
    def fail(file):
        raise OSError(5, "Input/output error")

    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    monkeypatch.setattr(run.MetricsFile, "close", fail)
    with pytest.raises(OSError, match="Input/output error"):
        execute(plan_for())
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


def test_a_full_disk_leaves_the_old_checkpoint(plan_for, monkeypatch):
    plan = plan_for("training.checkpoint_every=10")
    saved = checkpoint.torch.save
    calls = []

    def second_fails(state, file):
        calls.append(state["trainer"]["progress"]["iteration"])
        if len(calls) == 2:
            raise OSError(28, "No space left on device")
        saved(state, file)

    monkeypatch.setattr(checkpoint.torch, "save", second_fails)
    message = r"it cannot be written \(No space left on device\); allowed is a disk with room left"
    with pytest.raises(UsageError, match=message):
        execute(plan)
    assert calls == [10, 20]
    assert read_json(plan, "summary.json")["status"] == "failed"
    monkeypatch.undo()
    assert execute(plan)["status"] == "completed"
    assert "resumed at iteration 10" in (run_path(plan) / "run.log").read_text()
    iterations = [int(row["iteration"]) for row in read_rows(plan)]
    assert iterations == sorted(iterations)
    assert iterations.count(20) == 3


@pytest.mark.parametrize(
    ("estimator", "free", "shown"),
    [("rounding", "bits", "{} bits"), ("accumulate", "micro_batch", "batch 40 in {}s")],
)
def test_the_record_tells_the_solved_number(estimator, free, shown, plan_for):
    plan = plan_for(f"estimator={estimator}", "budget=30%")
    solved = getattr(plan.estimator, free)
    assert execute(plan, show_progress=False)[free] == solved > 0
    runs = load_records(run_path(plan)).runs
    assert runs[free].tolist() == [solved]
    assert shown.format(solved) in as_text(final_table(runs))
