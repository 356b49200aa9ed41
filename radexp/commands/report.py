"""``radexp report``: curves, tables, claims and one page, from records."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from radexp.commands.words import read_words, wants_help
from radexp.reporting.report import Report, write_report

HELP = """\
radexp report: one self-contained page from records: claims, tables, figures, deviations.

  radexp report runs=outputs/mnist_mlp-quick
  radexp report runs=[outputs/a,outputs/b] output=comparison
  radexp report runs=results output=again        # the committed evidence

Keys:
  runs     a folder of a run or of a measured job, a folder above these, an evidence folder
           (runs.csv and curves.csv, or memory.csv, noise.csv, frontier.csv, depth.csv,
           bias.csv), or a list
           (default outputs)
  output   folder that the report is written to (default outputs/report)"""


@dataclass
class ReportConfig:
    """The keys of ``radexp report``."""

    runs: Any = "outputs"
    output: str = "outputs/report"


def report(words: Sequence[str]) -> int:
    """Write a report and print its table, its verdicts and where the page is.

    Raises:
        UsageError: If a key is unknown or there is no record to report.
    """
    if wants_help(words):
        print(HELP)
        return 0
    config = read_words(words, ReportConfig)
    runs = config.runs if isinstance(config.runs, list) else [config.runs]
    command = " ".join(["radexp report", *words])
    print(as_printed(write_report([str(path) for path in runs], config.output, command)))
    return 0


def as_printed(report: Report) -> str:
    """Return a report's table, its verdicts one line each, and its place."""
    lines = [f"\n{report.table}\n"] * bool(report.table)
    lines += [f"{found.claim} {found.verdict} ({found.setting})" for found in report.verdicts]
    lines += [f"not judged: {problem}" for problem in report.problems]
    return "\n".join([*lines, f"\nreport: {report.page}"])
