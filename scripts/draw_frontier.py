"""Draw the frontier of one network from committed evidence alone: noise, and iterations.

Left: what each estimator adds to the gradient's noise, against the bytes it holds. Right: how many
more iterations it takes to the same training loss.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from matplotlib.figure import Figure

from radexp.analysis.frontier import summarize_frontier
from radexp.analysis.frontier_training import slowdowns
from radexp.reporting.frontier_figure import draw_noise, draw_slowdowns, legend_of
from radexp.reporting.measured_table import read_measured
from radexp.reporting.records import load_records


def main() -> None:
    """Read EVIDENCE/noise and EVIDENCE/training; write EVIDENCE/headline.png."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("evidence", type=Path, help="such as results/frontier")
    parser.add_argument("--model", default="mlp", help="network (default mlp)")
    arguments = parser.parse_args()
    noise = summarize_frontier(read_measured(arguments.evidence / "noise/frontier.csv", "frontier"))
    noise = noise[(noise["model"] == arguments.model) & (noise["iteration"] == 0)]
    records = load_records(arguments.evidence / "training")
    trained = slowdowns(records.runs, records.curves)
    trained = trained[trained["model"] == arguments.model]
    figure = Figure(figsize=(10, 5.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    draw_noise(left, noise)
    left.set_title("gradient noise, at the start of training", fontsize=10)
    draw_slowdowns(right, trained)
    right.set_title("iterations to the same training loss", fontsize=10)
    legend_of(figure, (left, right))
    path = arguments.evidence / "headline.png"
    figure.savefig(path, dpi=130)
    print(path)


if __name__ == "__main__":
    main()
