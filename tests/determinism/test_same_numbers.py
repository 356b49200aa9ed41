"""One request, one metrics.csv (times aside): in other processes, and after other runs.

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

ESTIMATORS = {
    model: options_for("estimator", task) for task in TASKS for model in options_for("model", task)
}
SHORT = (
    *("training.iterations=4", "training.log_every=1", "training.evaluate_every=4"),
    "training.evaluate_train_every=4",
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


@pytest.mark.parametrize(
    ("model", "threads"), [*((model, 2) for model in ESTIMATORS), ("mlp", 1), ("reactor", 1)]
)
def test_other_processes_and_runs_before_it_do_not_matter(fresh, tmp_path, model, threads):
    """In one process the estimators run in their order, in another in the reverse one."""
    requests = [words_for(model, estimator, threads) for estimator in ESTIMATORS[model]]
    there, back = fresh(tmp_path, requests, requests[::-1])
    assert there == back[::-1]
    assert all(len(rows) >= 6 for rows in there)  # four batches, the training set twice


def test_another_seed_gives_other_numbers(fresh, tmp_path):
    requests = [words_for("mlp", "rad", 1, seed) for seed in (0, 1)]
    ((first, second),) = fresh(tmp_path, requests)
    assert first != second
