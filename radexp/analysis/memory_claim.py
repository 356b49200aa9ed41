"""C2 as code: does an implementation measure what the paper's Table 1 calculated?"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import pandas as pd

from radexp.analysis.table1 import FRACTIONS
from radexp.analysis.verdict import NO_INTERVAL, Verdict
from radexp.errors import require

# The printed cells have two decimals, and a kept count is a whole number: 2% is far more than
# either comes to, and less than one more tensor kept.
TOLERANCE = 0.02
STATISTIC = "measured over printed bytes"
RULE = (
    "For each network, at each fraction of the paper's Table 1, parameters plus measured bytes "
    f"held for the backward pass must be at most {TOLERANCE:.0%} above the printed cell, and in "
    "every row measured and predicted bytes must be equal. Fraction 1 is the exact step in lean "
    "operations, the others RAD with a sample for each example. Bytes are not random, so there is "
    "no interval: one cell above, or one byte off, and the claim is not reproduced; else a "
    "missing fraction leaves it inconclusive. The measured table was known when this rule was "
    "written."
)
NETWORK = ["model", "sizes", "input", "whole_batch_size"]
COLUMNS = (
    *NETWORK,
    *("estimator", "keep", "batch_size", "lean", "total_bytes", "paper_bytes"),
    *("predicted_saved_bytes", "measured_saved_bytes"),
    *("closed_form_bytes", "closed_form_full_masks_bytes"),
)
Row = dict[Hashable, Any]


def judge_memory(table: pd.DataFrame) -> list[Verdict]:
    """Judge C2 for each of the paper's networks in a memory table.

    Args:
        table: As ``radexp memory`` writes it to memory.csv.

    Returns:
        One verdict for each network that has printed cells; none for others.

    Raises:
        UsageError: If a column is missing or a fraction was measured twice.
    """
    missing = [name for name in COLUMNS if name not in table]
    require(not missing, f"a memory table without {', '.join(missing)}", *_MEMORY_TABLE)
    networks = [rows for _, rows in table.groupby(NETWORK, sort=False)]
    return [_judge(rows) for rows in networks if rows["paper_bytes"].notna().any()]


_MEMORY_TABLE = ("the columns of memory.csv", "measure it with radexp memory")


def _judge(rows: pd.DataFrame) -> Verdict:
    """Judge one network."""
    model, sizes, input_, batch = rows[NETWORK].iloc[0]
    cells = _cells(rows, str(model))
    missing = [fraction for fraction in FRACTIONS if fraction not in cells]
    unequal = int((rows["predicted_saved_bytes"] != rows["measured_saved_bytes"]).sum())
    above = [f for f, row in cells.items() if _ratio(row) > 1 + TOLERANCE]
    failed = bool(above or unequal)
    outcome = "not reproduced" if failed else "inconclusive" if missing else "reproduced"
    parts = [f"{len(above)} of {len(cells)} cells are more than {TOLERANCE:.0%} above the printed"]
    if cells:
        parts.append(_worst(cells))
    parts.append(
        f"{unequal} rows where measured and predicted bytes differ"
        if unequal
        else f"measured and predicted bytes are equal in all {len(rows)} rows"
    )
    if missing:
        parts.append(f"no cells at {', '.join(f'{fraction:g}' for fraction in missing)}")
    return Verdict(
        claim="C2",
        title=f"Table 1's memory, now measured: {model}",
        setting=f"{model} {sizes} on inputs of {input_}, batch {batch}",
        verdict=outcome,
        statistic=STATISTIC,
        interval=NO_INTERVAL,
        n=len(cells),
        sentence="; ".join(parts) + ".",
    )


def _cells(rows: pd.DataFrame, model: str) -> dict[float, Row]:
    """Return the rows that stand for the paper's fractions."""
    lean = rows[rows["lean"].isin([True, "True"]) & rows["paper_bytes"].notna()]
    whole = lean["batch_size"] == lean["whole_batch_size"]
    exact = (lean["estimator"] == "small_batch") & whole & (lean["keep"] == 1)
    sketched = (lean["estimator"] == "rad") & whole & (lean["keep"] < 1)
    found: dict[float, Row] = {}
    for row in lean[exact | sketched].to_dict("records"):
        fraction = next((f for f in FRACTIONS if abs(f - row["keep"]) < 1e-9), None)
        if fraction is not None:
            what = f"{model} at fraction {fraction:g}: two rows"
            require(fraction not in found, what, "one", "give one table of each network")
            found[fraction] = row
    return found


def _ratio(row: Row) -> float:
    return float(row["total_bytes"] / row["paper_bytes"])


def _worst(cells: dict[float, Row]) -> str:
    """Word the cell that is furthest above the printed one, and why if the masks are why."""
    fraction = max(cells, key=lambda fraction: _ratio(cells[fraction]))
    row = cells[fraction]
    words = (
        f"the worst cell, fraction {fraction:g}, measures {row['total_bytes'] / 1e6:.4g} MB, "
        f"printed are {row['paper_bytes'] / 1e6:.4g} MB ({_ratio(row) - 1:+.1%})"
    )
    full = row["closed_form_full_masks_bytes"]
    if full > row["closed_form_bytes"]:
        words += (
            f", while the closed form with full masks gives {full / 1e6:.4g} MB (measured "
            f"{row['total_bytes'] / full - 1:+.1%}): the paper counts a ReLU's mask after pooling, "
            "but it is needed where the ReLU stands, before it"
        )
    return words
