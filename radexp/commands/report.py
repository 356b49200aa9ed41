"""``radexp report``: curves, table, claims and one page, from run records."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from radexp.commands.words import read_words, wants_help
from radexp.reporting.report import Report, write_report

HELP = """\
radexp report: draw curves, a table, claims and one self-contained page from run records.

  radexp report runs=outputs/mnist_mlp-quick
  radexp report runs=[outputs/a,outputs/b] output=comparison

Keys:
  runs     a run folder, a folder above run folders, an evidence folder, or a list of these
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
    print_report(write_report([str(path) for path in runs], config.output, command))
    return 0


def print_report(report: Report) -> None:
    """Print a report's table, verdicts and place."""
    print(f"\n{report.table}\n")
    for verdict in report.verdicts:
        print(f"{verdict.claim} {verdict.verdict}: {verdict.title}.\n   {verdict.sentence}")
    for problem in report.problems:
        print(f"not judged: {problem}")
    print(f"\nreport: {report.page}")
