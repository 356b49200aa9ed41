"""The loop: what is written when, how a run ends, and that stopping changes nothing."""

import pytest
import torch

from radexp.config import CLASSIFICATION, options_for
from radexp.training import Diverged, Interrupted

SPARSE = (
    "training.log_every=5",
    "training.evaluate_every=10",
    "training.evaluate_train_every=20",
    "training.checkpoint_every=7",
)


def places(rows):
    return [(row.iteration, row.split) for row in rows]


def test_rows_come_at_the_right_iterations(trainer_for, memory):
    observer = memory()
    trainer_for("training.iterations=24", *SPARSE).train(observer)
    batches = [5, 7, 10, 14, 15, 20, 21, 24]
    expected = [(i, "batch") for i in batches] + [(i, "test") for i in (0, 10, 20, 24)]
    expected += [(i, "train") for i in (0, 20, 24)]
    assert sorted(places(observer.rows)) == sorted(expected)
    assert [row.iteration for row in observer.rows] == sorted(
        row.iteration for row in observer.rows
    )
    assert [state["progress"]["iteration"] for state in observer.states] == [7, 14, 21, 24]


def test_columns_of_a_row(trainer_for, memory):
    observer = memory()
    words = ("optimizer.lr=0.01", "optimizer.decay=0.5", "optimizer.decay_every=10")
    trainer_for(*words, "training.log_every=10").train(observer)
    for row in observer.rows:
        assert row.examples_seen == 40 * row.iteration
        assert (row.gradient_norm is not None) == (row.split == "batch")
        assert 0 <= row.accuracy <= 1
    rates = {(row.iteration, row.split): row.learning_rate for row in observer.rows}
    # A batch row tells the rate of its own update, an evaluation that of the next.
    assert rates[10, "batch"] == rates[0, "test"] == 0.01
    assert rates[20, "batch"] == 0.005
    assert rates[20, "test"] == 0.0025


def test_clipping_limits_the_step_and_reports_the_norm_before_it(trainer_for, memory):
    words = ("optimizer=sgd", "optimizer.lr=1", "training.iterations=1")
    moved, norms = [], []
    for clip in ("null", "1e-3"):
        trainer, observer = trainer_for(*words, f"optimizer.clip_norm={clip}"), memory()
        before = [p.detach().clone() for p in trainer.model.parameters()]
        trainer.train(observer)
        steps = [p.detach() - q for p, q in zip(trainer.model.parameters(), before, strict=True)]
        moved.append(float(torch.cat([step.flatten() for step in steps]).norm()))
        norms.append(next(row.gradient_norm for row in observer.rows if row.split == "batch"))
    assert norms[0] == norms[1] == pytest.approx(moved[0], rel=1e-4)
    assert moved[1] == pytest.approx(1e-3, rel=1e-3)


@pytest.mark.parametrize(("model", "size"), [("mlp", 1), ("rnn", 7), ("mlp", 40)])
def test_micro_batches_take_the_step_of_the_whole_batch(model, size, trainer_for, memory):
    words = (f"model={model}", "optimizer=sgd", "optimizer.lr=0.1", "training.iterations=3")

    def trained(*arm):
        trainer, observer = trainer_for(*words, *arm), memory()
        trainer.train(observer)
        return trainer, observer.rows

    exact, rows = trained("estimator=exact")
    parts, of_parts = trained("estimator=accumulate", f"estimator.micro_batch={size}")
    small, _ = trained("estimator=small_batch", f"estimator.batch_size={size}")
    assert places(of_parts) == places(rows)
    for found, wanted in zip(of_parts, rows, strict=True):
        # float32 sums over 40 examples in another order, and three updates by them.
        assert found.loss == pytest.approx(wanted.loss, rel=1e-5)
        if wanted.gradient_norm is not None:
            assert found.gradient_norm == pytest.approx(wanted.gradient_norm, rel=1e-4)
        assert (found.accuracy, found.examples_seen) == (wanted.accuracy, wanted.examples_seen)
    for found, wanted in zip(parts.model.parameters(), exact.model.parameters(), strict=True):
        torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-6)
    assert parts.progress.saved_bytes == small.progress.saved_bytes


def test_a_loss_that_is_no_number_is_diverged(trainer_for, memory):
    trainer, observer = trainer_for("training.log_every=3"), memory()
    with torch.no_grad():
        trainer.model[1].weight.fill_(torch.nan)
    with pytest.raises(Diverged, match="the loss of the training set is nan at iteration 0"):
        trainer.train(observer)
    assert places(observer.rows) == [(0, "train")]
    assert observer.states == []


@pytest.mark.parametrize(
    ("lr", "message"),
    [("1e12", "the loss of the batch is (nan|inf) at iteration 3"), ("1e30", "is (nan|inf) at")],
)
def test_exploding_steps_are_diverged(trainer_for, memory, lr, message):
    words = ("training.log_every=3", f"optimizer.lr={lr}", "optimizer=sgd")
    with pytest.raises(Diverged, match=message):
        trainer_for(*words).train(memory())


def test_a_last_step_into_nowhere_is_diverged(trainer_for, memory):
    trainer = trainer_for("training.iterations=1", "optimizer.lr=1e30")
    with pytest.raises(Diverged, match="the loss of the training set is nan at iteration 1"):
        trainer.train(memory())


def test_a_finished_trainer_does_nothing_more(trainer_for, memory):
    trainer = trainer_for()
    trainer.train(memory())
    again = memory()
    trainer.train(again)
    assert (again.rows, again.states) == ([], [])


@pytest.mark.parametrize("stop_at", [1, 7, 12])
@pytest.mark.parametrize("estimator", options_for("estimator", CLASSIFICATION))
def test_interrupted_and_resumed_is_as_if_never_interrupted(
    estimator, stop_at, trainer_for, memory, same_state
):
    words = (f"estimator={estimator}", *SPARSE, "optimizer.decay=0.5", "optimizer.decay_every=6")
    whole = memory()
    trainer_for(*words).train(whole)
    cut = memory(stop_at)
    with pytest.raises(Interrupted, match="stopped at iteration"):
        trainer_for(*words).train(cut)
    resumed, torch_seed = trainer_for(*words), torch.initial_seed()
    torch.manual_seed(torch_seed + 1)  # whatever this process drew before does not matter
    resumed.load_state_dict(cut.states[-1])
    rest = memory()
    resumed.train(rest)
    assert cut.rows + rest.rows == whole.rows
    assert same_state(rest.states[-1], whole.states[-1])


def test_a_stop_at_the_end_is_a_completed_run(trainer_for, memory):
    observer = memory(stop_at=1)
    trainer_for("training.iterations=1").train(observer)
    assert [state["progress"]["iteration"] for state in observer.states] == [1]


def test_runs_of_one_seed_share_weights_and_batches_whatever_the_estimator(trainer_for):
    trainers = [
        trainer_for(f"estimator={name}") for name in options_for("estimator", CLASSIFICATION)
    ]
    weights = [trainer.model[1].weight for trainer in trainers]
    assert all(torch.equal(weights[0], weight) for weight in weights)
    counts = [trainer.task.counts for trainer in trainers]
    assert all(torch.equal(counts[0], count) for count in counts)
    assert not torch.equal(weights[0], trainer_for("seed=1").model[1].weight)


def test_without_a_bootstrap_every_example_counts_once(trainer_for, memory):
    observer, trainer = memory(), trainer_for("training.bootstrap=false", "training.iterations=2")
    assert trainer.task.counts is None
    trainer.train(observer)
    assert [row.iteration for row in observer.rows if row.split == "train"] == [0, 2]
