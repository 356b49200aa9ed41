"""One request, one metrics.csv (times aside): in fresh processes, and after other runs in one.

The contract is for one machine and one number of threads. Every model with every estimator that
serves it is tried, at the model's own size, so that two threads have something to share.
"""

import csv
import multiprocessing

import pytest

from radexp.commands.composing import compose_jobs
from radexp.config import options_for
from radexp.config.task import TASKS
from radexp.experiments import execute, make_plan, run_path

COMBINATIONS = [
    (model, estimator)
    for task in TASKS
    for model in options_for("model", task)
    for estimator in options_for("estimator", task)
]
SHORT = (
    *("training.iterations=4", "training.log_every=1", "training.evaluate_every=3"),
    "training.evaluate_train_every=3",
)
LATE_IMPORTS = ["sklearn.datasets", "torch._dynamo"]  # those of a run that take long
SMALLER = {"reactor": ("model.steps=401", "model.final_time=0.1")}  # time steps as long as ever


def words_for(model, estimator, threads, seed=5):
    """Return the words of a short run."""
    fixed = (f"model={model}", f"estimator={estimator}", f"threads={threads}", f"seed={seed}")
    return (*fixed, *SHORT, *SMALLER.get(model, ()))


def numbers_of(output, requests):
    """Carry out runs in this process, one after the other; return the rows of each, times aside."""
    return [_rows(output / str(number), words) for number, words in enumerate(requests)]


def _rows(output, words):
    plan = make_plan(compose_jobs([*words, f"output={output}"], multirun=False)[0])
    assert execute(plan, show_progress=False)["status"] == "completed"
    with (run_path(plan) / "metrics.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    return [{key: row[key] for key in row if key != "train_seconds"} for row in rows]


@pytest.fixture(scope="module")
def fresh():
    """Return a function that calls ``numbers_of`` in new processes, each for one call.

    They are forked from a process that has imported all, and computed nothing: threads that
    compute do not survive a fork. Threads wait asleep, as other tests want the cores.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([*LATE_IMPORTS, "radexp.experiments", __name__])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_WAIT_POLICY", "passive")
        pool = context.Pool(1, maxtasksperchild=1)
    with pool:

        def call(output, *groups):
            arguments = [(output / str(number), group) for number, group in enumerate(groups)]
            return pool.starmap(numbers_of, arguments, chunksize=1)

        yield call


@pytest.mark.parametrize(("model", "estimator"), COMBINATIONS)
def test_fresh_processes_of_two_threads_agree(fresh, tmp_path, model, estimator):
    words = words_for(model, estimator, 2)
    (first,), (second,) = fresh(tmp_path, [words], [words])
    assert first == second
    assert len(first) >= 7  # four batches, the training set three times


@pytest.mark.parametrize("model", sorted({model for model, _ in COMBINATIONS}))
def test_runs_before_it_in_the_same_process_do_not_matter(fresh, tmp_path, model):
    """Each runs with one thread alone, and after others of its model, the first with two."""
    estimators = [estimator for name, estimator in COMBINATIONS if name == model]
    requests = [words_for(model, estimator, 1) for estimator in estimators]
    before = words_for(model, estimators[0], 2, seed=6)
    *alone, (_, *together) = fresh(tmp_path, *([words] for words in requests), [before, *requests])
    assert together == [rows for (rows,) in alone]


def test_another_seed_gives_other_numbers(fresh, tmp_path):
    requests = [words_for("mlp", "rad", 1, seed) for seed in (0, 1)]
    ((first, second),) = fresh(tmp_path, requests)
    assert first != second
