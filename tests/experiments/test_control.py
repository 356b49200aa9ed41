"""The reactor as a run: its plan, its record, and that it resumes to the same numbers."""

import csv
import json
import re

import pytest

from radexp.config import CLASSIFICATION, CONTROL, options_for
from radexp.errors import UsageError
from radexp.experiments import execute, run_path
from radexp.experiments.build import build_trainer
from radexp.reactor import Checkpoints, Sketched
from radexp.sketches import Exact
from radexp.training import load_checkpoint

SMALL = (
    *("model=reactor", "model.hidden=[]", "model.points=9", "model.steps=200"),
    *("model.final_time=2.0", "training.batch_size=150", "optimizer.lr=1e-2"),
    *("training.log_every=1", "training.evaluate_train_every=10"),
)
STATES = 200 * 49 * 4
ESTIMATORS = options_for("estimator", CONTROL)
NETWORKS = {*options_for("estimator", CLASSIFICATION)}


@pytest.fixture
def plan(plan_for):
    return lambda *words: plan_for(*SMALL, *words)


def rows_of(plan):
    with (run_path(plan) / "metrics.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    return [{key: row[key] for key in row if key != "train_seconds"} for row in rows]


def total(plan):
    return plan.parameter_bytes + plan.predicted_saved_bytes


@pytest.mark.parametrize("words", [(), ("budget=50%",)])
@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_record_is_complete_and_measured_is_predicted(estimator, words, plan):
    chosen = plan(f"estimator={estimator}", *words)
    summary = execute(chosen)
    assert summary["status"] == "completed"
    assert summary["measured_saved_bytes"] == summary["predicted_saved_bytes"] > 0
    assert summary["parameter_bytes"] == 28
    assert summary["measured_peak_bytes"]["total"] >= 28 + summary["measured_saved_bytes"]
    if words and estimator != "exact":
        assert summary["measured_saved_bytes"] <= STATES // 2
    assert (summary["final_test_loss"], summary["final_test_accuracy"]) == (None, None)
    assert (summary["batch_size"], summary["iterations_done"]) == (1, 20)
    assert json.loads((run_path(chosen) / "summary.json").read_text()) == summary


def test_rows_are_the_loss_before_each_update(plan):
    chosen = plan("estimator=exact")
    summary = execute(chosen)
    rows = rows_of(chosen)
    batch = [row for row in rows if row["split"] == "batch"]
    train = {row["iteration"]: float(row["loss"]) for row in rows if row["split"] == "train"}
    assert [row["iteration"] for row in batch] == [str(k) for k in range(1, 21)]
    assert set(train) == {"0", "10", "20"}
    assert {row["split"] for row in rows} == {"batch", "train"}
    # Row k, counted from 0, is the loss before update k + 1.
    assert float(batch[0]["loss"]) == train["0"]
    assert float(batch[10]["loss"]) == train["10"]
    assert all(row["accuracy"] == "" for row in rows)
    assert summary["final_train_loss"] == train["20"] < train["0"]


def test_the_loss_does_not_depend_on_the_estimator_at_the_start(plan):
    losses = set()
    for estimator in ESTIMATORS:
        chosen = plan(f"estimator={estimator}", "training.iterations=1")
        execute(chosen)
        losses.add(rows_of(chosen)[0]["loss"])
    assert len(losses) == 1


def test_a_start_can_be_given(plan):
    words = ("model.initial=[4.9,0,0,0.5,0,0,0]", "training.iterations=1", "estimator=exact")
    trainer = build_trainer(plan(*words))
    assert trainer.model.theta.tolist() == pytest.approx([4.9, 0, 0, 0.5, 0, 0, 0], rel=1e-7)
    other = build_trainer(plan("estimator=exact"))
    assert float(other.model.theta.detach()[0]) == pytest.approx(4.932, rel=1e-7)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_interrupted_and_resumed_gives_the_same_file(estimator, plan, tmp_path, monkeypatch):
    words = (f"estimator={estimator}", "training.checkpoint_every=6")
    whole, cut = plan(*words, f"output={tmp_path / 'a'}"), plan(*words, f"output={tmp_path / 'b'}")
    execute(whole)
    train = type(build_trainer(cut)).train

    def stop_at_seven(trainer, observer):
        stop = observer.should_stop
        observer.should_stop = lambda: trainer.progress.iteration == 7 or stop()
        train(trainer, observer)

    with monkeypatch.context() as patch:
        patch.setattr(type(build_trainer(cut)), "train", stop_at_seven)
        assert execute(cut)["status"] == "interrupted"
    assert execute(cut)["status"] == "completed"
    assert rows_of(cut) == rows_of(whole)
    states = [load_checkpoint(run_path(p) / "checkpoint.pt", p.config_hash) for p in (cut, whole)]
    assert states[0]["trainer"]["sketch_calls"] == states[1]["trainer"]["sketch_calls"]


def test_a_diverging_control_says_so(plan):
    summary = execute(plan("optimizer=sgd", "optimizer.lr=1e4", "estimator=exact"))
    assert summary["status"] == "diverged"
    assert re.search("the loss of the control is (inf|nan)", summary["message"])


def test_a_control_that_diverges_from_its_start_says_so(plan):
    summary = execute(plan("model.initial=[300,0,0,0,0,0,0]"))
    assert summary["status"] == "diverged"
    assert summary["iterations_done"] == 0


@pytest.mark.parametrize("budget", ["10%", "35%", "60%", "4kB"])
@pytest.mark.parametrize("estimator", [name for name in ESTIMATORS if name.startswith("rad")])
def test_keep_is_the_largest_that_fits(estimator, budget, plan):
    chosen = plan(f"estimator={estimator}", f"budget={budget}")
    assert total(chosen) <= chosen.budget_bytes
    millionths = round(chosen.estimator.keep * 10**6)
    more = plan(f"estimator={estimator}", f"estimator.keep={(millionths + 1) / 10**6}")
    assert total(more) > chosen.budget_bytes


@pytest.mark.parametrize("budget", ["14%", "50%", "99%"])
def test_checkpoints_are_those_with_the_fewest_states(budget, plan):
    chosen = plan("estimator=checkpoint", f"budget={budget}")
    count = chosen.estimator.checkpoints
    assert total(chosen) <= chosen.budget_bytes
    others = (plan("estimator=checkpoint", f"estimator.checkpoints={c}") for c in range(1, 40))
    assert total(chosen) == min(map(total, others))
    assert count == plan("estimator=checkpoint", "budget=100%").estimator.checkpoints


def test_two_samples_that_would_take_more_than_the_trajectory_are_not_taken(plan):
    assert plan("estimator=rad", "estimator.keep=0.7").predicted_saved_bytes == STATES
    assert plan("estimator=rad", "estimator.keep=0.3").predicted_saved_bytes < STATES


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_percent_is_of_the_whole_trajectory(estimator, plan):
    assert plan(f"estimator={estimator}", "budget=50%").budget_bytes == 28 + STATES // 2
    assert plan("estimator=exact").predicted_saved_bytes == STATES


def test_one_percent_of_the_published_trajectory(plan_for):
    words = ("model=reactor", "model.hidden=[]", "training.batch_size=150", "budget=1%")
    plans = {n: plan_for(*words, f"estimator={n}") for n in ("rad", "rad_shared", "checkpoint")}
    limit = 28 + 157_454_084 // 100
    assert {chosen.budget_bytes for chosen in plans.values()} == {limit}
    assert plans["rad"].predicted_saved_bytes == 2 * 40_961 * 4 * 4
    assert plans["rad_shared"].predicted_saved_bytes == 40_961 * 9 * 4
    assert plans["checkpoint"].predicted_saved_bytes <= limit - 28


def test_too_little_says_the_least_and_the_least_works(plan):
    for estimator in ("rad", "rad_shared", "checkpoint"):
        with pytest.raises(UsageError, match="budget=1B: allowed is at least") as caught:
            plan(f"estimator={estimator}", "budget=1B")
        assert "a smaller model or model.steps" in str(caught.value)
        least = int(re.search(r"at least (\d+)B", str(caught.value))[1])
        assert total(plan(f"estimator={estimator}", f"budget={least}B")) == least


def test_storages_and_defaults(plan):
    def storage(*words):
        return build_trainer(plan(*words)).model.storage

    for words in (("estimator=exact",), ("estimator=rad", "estimator.keep=1")):
        assert isinstance(storage(*words), Sketched)
        assert isinstance(storage(*words).sketch, Exact)
        assert storage(*words).draws == 1
    assert (storage("estimator=rad").draws, storage("estimator=rad_shared").draws) == (2, 1)
    assert isinstance(storage("estimator=checkpoint"), Checkpoints)
    assert storage("estimator=checkpoint").count == 14  # 14 ends and a stretch of 14: 28 states
    assert storage("estimator=checkpoint", "estimator.checkpoints=3").count == 3
    assert plan("estimator=rad").estimator.keep == 0.1


def test_runs_have_readable_names(plan):
    assert plan("estimator=rad", "budget=50%").run_id.startswith("reactor-rad-50pct-s0-")


REFUSED = [
    (("model.steps=20",), "model.steps=20 with model.points=9, a time step of 0.105263"),
    (("model.hidden=[3]",), "model.hidden=[3] with model=reactor: allowed is model.points"),
    (("data=mnist",), "data=mnist with model=reactor: allowed is no data, as it learns from its"),
    (("estimator=small_batch",), "estimator=small_batch with model=reactor: allowed is checkpoint"),
    (("device=cuda",), "device=cuda with model=reactor: allowed is cpu or auto; try device=cpu"),
    (("model.initial=[1,2]",), "model.initial=[1.0, 2.0]: allowed is 7 numbers"),
    (("model.initial=[1,2,3,4,5,6,nan]",), "model.initial=[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, nan]"),
    (("model.points=2",), "model.points=2: allowed is a whole number from 3 to"),
    (("model.final_time=0",), "model.final_time=0.0: allowed is a finite number above 0"),
    (("model.diffusion=-1",), "model.diffusion=-1.0: allowed is a finite number above 0"),
    (("model.task=classification",), "model.task=classification with model=reactor: allowed is"),
    (("training.batch_size=20",), "training.batch_size=20 with model=reactor: allowed is no"),
    (
        ("estimator=checkpoint", "estimator.checkpoints=0"),
        "checkpoints=0: allowed is a whole",
    ),
    (
        ("estimator=checkpoint", "estimator.checkpoints=3", "budget=50%"),
        "budget=50% and estimator.checkpoints=3: allowed is one of the two",
    ),
]


@pytest.mark.parametrize(("words", "message"), REFUSED, ids=lambda value: str(value)[:40])
def test_impossible_requests_are_refused(words, message, plan):
    with pytest.raises(UsageError, match=re.escape(message)):
        plan(*words)


@pytest.mark.parametrize("name", sorted({*ESTIMATORS} - NETWORKS))
def test_estimators_of_the_reactor_alone_are_refused_on_networks(name, plan_for):
    with pytest.raises(UsageError, match=f"estimator={name} with model=mlp: allowed is accumulate"):
        plan_for(f"estimator={name}")
