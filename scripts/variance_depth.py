"""Variance against depth: claims C9 and C10. Rows, verdicts, a picture and the environment.

With --from-rows the rows that are there are judged and drawn again, and nothing is measured.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from tqdm import tqdm

from radexp.analysis.depth_claims import RULE, judge_depth, trends
from radexp.experiments.depth_graphs import graph_rows
from radexp.experiments.depth_networks import network_rows
from radexp.experiments.environment import describe_environment
from radexp.reporting.depth_figure import write_depth_figure

DEPTHS = range(1, 13)
DECIDING = ("graphs", "networks")
GRAPHS: dict[str, Any] = {
    "width": 32,
    "fractions": (0.25, 0.5, 0.75),
    "seeds": range(20),
    "draws": 1000,
}
NETWORKS: dict[str, Any] = {
    "width": 256,
    "fractions": (0.1, 0.3, 0.5),
    "seeds": range(20),
    "draws": 30,
}
# Added after the first measurement, to see how far its loss matters; it decides no claim.
COMMON: dict[str, Any] = {"width": 256, "fractions": (0.1, 0.5), "draws": 20}


def measure() -> Iterator[dict[str, Any]]:
    """Yield the rows of all studies."""
    return chain(
        graph_rows(depths=DEPTHS, seeds=range(20), **GRAPHS),
        network_rows(depths=DEPTHS, seeds=range(20), **NETWORKS),
        network_rows(depths=DEPTHS, seeds=range(10), **COMMON, common_loss=True),
    )


def main() -> None:
    """Measure, judge and draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("output", type=Path)
    parser.add_argument("--from-rows", action="store_true")
    arguments = parser.parse_args()
    folder: Path = arguments.output
    folder.mkdir(parents=True, exist_ok=True)
    if not arguments.from_rows:
        torch.set_num_threads(1)
        environment = describe_environment(torch.device("cpu"))
        rows = pd.DataFrame(tqdm(measure(), desc="measuring", unit="row", disable=None))
        rows.to_csv(folder / "depth.csv", index=False, float_format="%.6g")
        text = json.dumps(environment, indent=2) + "\n"
        (folder / "environment.json").write_text(text, encoding="utf-8")
    rows = pd.read_csv(folder / "depth.csv")
    lines = [
        {
            **{"study": study, "arm": line.arm, "sketch": line.sketch, "fraction": line.fraction},
            **{"slope": line.slope.mean, "low": line.slope.low, "high": line.slope.high},
            "n": line.slope.n,
            # The curves were derived for the studies that decide a claim.
            **({"derived": line.derived, "verdict": line.verdict} if study in DECIDING else {}),
        }
        for study, part in rows.groupby("study", sort=False)
        for line in trends(part)
    ]
    pd.DataFrame(lines).round(6).to_csv(folder / "slopes.csv", index=False)
    with (folder / "variance_depth.png").open("wb") as file:
        write_depth_figure(rows, file)
    print(RULE)
    for verdict in judge_depth(rows):
        print(f"{verdict.claim} {verdict.verdict} ({verdict.setting})\n   {verdict.sentence}")


if __name__ == "__main__":
    main()
