"""The rows of the frontier: the network's sizes, and estimators whose noise is known."""

import pytest

from radexp.commands.composing import compose_jobs
from radexp.experiments.frontier_rows import frontier_rows

BATCH, INPUTS, HIDDEN, CLASSES = 20, 64, 16, 10
WORDS = (
    *(f"model.hidden=[{HIDDEN}]", f"training.batch_size={BATCH}", "threads=1", "measure=frontier"),
    *("measure.budgets=[0.2,0.4,1]", "measure.repetitions=2"),
)


@pytest.fixture(scope="module")
def rows():
    (config,) = compose_jobs(WORDS, multirun=False)
    return frontier_rows(config)


@pytest.fixture(scope="module")
def whole(rows):
    return rows[rows["layer"] == "all"]


def test_entries_are_those_of_the_layers_inputs(rows):
    entries = rows.groupby("layer")["entries"].unique().map(list).to_dict()
    first, second = BATCH * INPUTS, BATCH * HIDDEN
    assert entries == {"all": [first + second], "1": [first], "3": [second]}


def test_the_floor_is_a_bit_for_each_relu_and_what_the_loss_keeps(whole):
    loss = BATCH * (4 * CLASSES + 8) + 4  # log p, labels, the total weight
    # Scales are of groups of 512, begun ones as well, so the floor is above by less than two.
    floor = BATCH * HIDDEN / 8 + loss
    assert floor <= whole["floor_bytes"].iloc[0] < floor + 2 * 8


def test_the_exact_rivals_have_the_batchs_gradient_and_sketches_do_not(whole):
    sketch = whole.groupby("estimator")["sketch"].max()
    assert sketch["exact"] == 0
    assert 0 < sketch["accumulate"] < 1e-9  # roundings of float32: 1e-7, squared, by some
    assert whole[whole["budget"] == 0.4].groupby("estimator")["sketch"].min()["rad"] > 0.01


def test_an_error_is_that_of_sketch_and_batch_where_one_of_them_is_none(whole):
    alone = whole[whole["estimator"].isin(["exact", "small_batch"])]
    assert (alone["total"] == alone["batch"]).all()
    assert (whole[["seconds", "stock_seconds"]] > 0).all(axis=None)


def test_the_layers_of_rad_add_up_to_the_whole(rows):
    rad = rows[rows["estimator"] == "rad"].set_index(["budget", "repetition"])
    parts = rad[rad["layer"] != "all"].groupby(["budget", "repetition"])["sketch"].sum()
    together = rad.loc[rad["layer"] == "all", "sketch"]
    assert len(together) == 2 * 4  # the bytes of keep 0.1 are a budget, too
    assert parts.to_numpy() == pytest.approx(together.sort_index().to_numpy(), rel=1e-12)


def test_what_is_held_fits_into_the_budget(whole):
    assert (whole["saved_bytes"] <= whole["budget"] * whole["exact_bytes"] + 1).all()
