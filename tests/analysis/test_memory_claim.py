"""C2 on made-up tables: right both ways, at the edge, and with fractions missing."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from radexp.analysis.memory_claim import TOLERANCE, judge_memory
from radexp.analysis.table1 import FRACTIONS, closed_form_bytes, paper_bytes
from radexp.errors import UsageError

COMMITTED = Path(__file__).resolve().parents[2] / "results/memory_table/memory.csv"


def build(model="mlp", factor=1.0, **common):
    """Return a network's rows, each measured at ``factor`` times the printed cell."""
    arms = [("exact", False, 1.0), ("small_batch", True, 1.0)]
    rows = []
    for name, lean, keep in [*arms, *(("rad", True, keep) for keep in FRACTIONS[1:])]:
        printed = paper_bytes(model, keep)
        saved = round(factor * printed) - 1000
        rows.append(
            {
                **{"model": model, "sizes": "300", "input": "1x28x28", "whole_batch_size": 150},
                **{"estimator": name, "keep": keep, "batch_size": 150, "lean": lean},
                **{"parameter_bytes": 1000, "total_bytes": saved + 1000, "paper_bytes": printed},
                **{"predicted_saved_bytes": saved, "measured_saved_bytes": saved},
                "closed_form_bytes": closed_form_bytes(model, keep),
                "closed_form_full_masks_bytes": closed_form_bytes(model, keep, full_masks=True),
                **common,
            }
        )
    return pd.DataFrame(rows)


def judged(table):
    (verdict,) = judge_memory(table)
    return verdict


@pytest.mark.parametrize(
    ("factor", "outcome"),
    [
        (0.5, "reproduced"),
        (1.0, "reproduced"),
        (1 + 0.9 * TOLERANCE, "reproduced"),
        (1 + 1.1 * TOLERANCE, "not reproduced"),
        (2.0, "not reproduced"),
    ],
)
@pytest.mark.parametrize("model", ["mlp", "cnn", "rnn"])
def test_the_printed_cells_are_the_measure(model, factor, outcome):
    verdict = judged(build(model, factor))
    assert (verdict.claim, verdict.verdict, verdict.n) == ("C2", outcome, 6)
    assert verdict.title.endswith(model)
    assert not verdict.interval.defined
    assert "equal in all 7 rows" in verdict.sentence


@pytest.mark.parametrize("place", range(1, 7))
def test_one_cell_above_is_enough_and_is_named(place):
    table = build()
    table.loc[place, "total_bytes"] *= 1.05
    verdict = judged(table)
    assert verdict.verdict == "not reproduced"
    assert f"1 of 6 cells are more than {TOLERANCE:.0%} above" in verdict.sentence
    assert f"the worst cell, fraction {table['keep'][place]:g}, measures " in verdict.sentence
    assert "(+5.0%)" in verdict.sentence


def test_the_stock_step_is_no_cell_but_its_bytes_must_be_predicted_too():
    table = build()
    table.loc[0, "total_bytes"] *= 2
    assert judged(table).verdict == "reproduced"
    table.loc[0, "measured_saved_bytes"] += 1
    verdict = judged(table)
    assert verdict.verdict == "not reproduced"
    assert "1 rows where measured and predicted bytes differ" in verdict.sentence


def test_only_masks_before_pooling_are_explained():
    for model, explained in (("cnn", True), ("mlp", False)):
        table = build(model)
        table.loc[6, "total_bytes"] *= 1.3
        sentence = judged(table).sentence
        assert ("the closed form with full masks gives " in sentence) is explained
        assert ("counts a ReLU's mask after pooling" in sentence) is explained


@pytest.mark.parametrize("place", range(1, 7))
def test_a_missing_fraction_is_inconclusive_unless_another_cell_decides(place):
    table = build().drop(index=place)
    verdict = judged(table)
    assert (verdict.verdict, verdict.n) == ("inconclusive", 5)
    assert f"no cells at {build()['keep'][place]:g}." in verdict.sentence
    assert judged(build(factor=2.0).drop(index=place)).verdict == "not reproduced"


def test_rows_that_stand_for_no_cell_are_left_out():
    stock = build().assign(lean=False)
    verdict = judged(stock)
    assert (verdict.verdict, verdict.n) == ("inconclusive", 0)
    assert "no cells at 1, 0.8, 0.5, 0.3, 0.1, 0.05." in verdict.sentence
    shared = build().replace({"estimator": {"rad": "rad_shared"}})
    assert judged(shared).n == 1
    assert judge_memory(build(paper_bytes=np.nan)) == []


def test_networks_are_judged_one_by_one():
    both = pd.concat([build("mlp"), build("rnn", 1.1), build("mlp", sizes="9", paper_bytes=np.nan)])
    assert [v.verdict for v in judge_memory(both)] == ["reproduced", "not reproduced"]


def test_tables_that_cannot_be_judged_are_refused():
    with pytest.raises(UsageError, match="a memory table without keep, lean: allowed is the col"):
        judge_memory(build().drop(columns=["lean", "keep"]))
    with pytest.raises(UsageError, match=r"mlp at fraction 0.1: two rows: allowed is one; give"):
        judge_memory(pd.concat([build(), build()[lambda table: table["keep"] == 0.1]]))


def test_the_committed_table_is_judged_alone():
    verdicts = {v.title.rpartition(" ")[2]: v for v in judge_memory(pd.read_csv(COMMITTED))}
    assert {model: verdict.verdict for model, verdict in verdicts.items()} == {
        "cnn": "not reproduced",
        "mlp": "reproduced",
        "rnn": "reproduced",
    }
    assert "full masks gives 2.716 MB (measured +0.6%)" in verdicts["cnn"].sentence
