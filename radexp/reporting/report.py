"""The report: everything that run records say, written to one folder."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from radexp.analysis.claims import Verdict, judge_all
from radexp.analysis.settings import Setting, by_setting
from radexp.errors import UsageError
from radexp.reporting.figures import as_data_uri, draw, save
from radexp.reporting.page import Content, render
from radexp.reporting.reading import one_line
from radexp.reporting.records import Records, load_records
from radexp.reporting.table import as_text, final_table

CLAIM_COLUMNS = (
    *("setting", "claim", "title", "verdict", "favoured", "other", "view", "decides"),
    *("mean", "low", "high", "n", "sentence"),
)


@dataclass(frozen=True)
class Report:
    """What a report wrote and found.

    Attributes:
        page: The self-contained HTML page.
        figures: PNG and PDF of each setting.
        table: The final table as text for a terminal.
        verdicts: Verdicts on the claims that speak of these runs.
        problems: Claims that could not be judged (a missing seed, say), one line each.
    """

    page: Path
    figures: tuple[Path, ...]
    table: str
    verdicts: tuple[Verdict, ...]
    problems: tuple[str, ...]


def write_report(
    paths: str | Path | Iterable[str | Path],
    folder: str | Path,
    command: str = "",
    deviations: str = "",
) -> Report:
    """Write index.html, curves.png, curves.pdf, table.csv, points.csv and claims.csv.

    Runs of several settings (models, data sets, lengths) get one figure each, named
    ``curves-1`` and so on, in the order of the page.

    Args:
        paths: Run folders, folders above them, or evidence folders.
        folder: Where to write; made if missing.
        command: The exact command or commands, for the page.
        deviations: Where the protocol differs from the published one, for the page.

    Returns:
        Where the files are, and the outcome.

    Raises:
        UsageError: If there are no runs, a file is damaged, or ``folder`` cannot be written.
    """
    records = load_records(paths)
    target = _made(folder)
    verdicts, problems = judge_all(records.runs, records.curves)
    table = final_table(records.runs)
    try:
        figures = _save(_figures(records), target)
        content = Content(
            title="radexp: " + ", ".join(sorted(set(records.runs["study"]))),
            verdicts=verdicts,
            problems=problems,
            table=table,
            images=_images(records, figures),
            runs=records.runs,
            command=command,
            deviations=deviations,
            environments=records.environments,
        )
        page = _write(content, records, target)
    except OSError as error:
        raise _unwritable(target, error) from None
    return Report(page, tuple(figures), as_text(table), tuple(verdicts), tuple(problems))


def _write(content: Content, records: Records, target: Path) -> Path:
    """Write the tables and the page; return the page's path."""
    content.table.to_csv(target / "table.csv", index=False)
    _curve_table(records).to_csv(target / "points.csv", index=False)
    _claim_table(content.verdicts).to_csv(target / "claims.csv", index=False)
    page = target / "index.html"
    page.write_text(render(content), encoding="utf-8", errors="replace")
    return page


def _images(records: Records, figures: Sequence[Path]) -> list[tuple[str, str]]:
    """Pair the settings' titles with their PNG files, which alternate with the PDF files."""
    titles = [setting.title for setting, _ in by_setting(records.runs)]
    return list(zip(titles, map(as_data_uri, figures[::2]), strict=True))


def draw_curves(
    run_paths: str | Path | Iterable[str | Path], destination: str | Path
) -> list[Path]:
    """Write only the figures, as at the end of every ``radexp train``.

    Args:
        run_paths: As for ``write_report``.
        destination: Folder to write to; made if missing.

    Returns:
        The PNG and PDF files.

    Raises:
        UsageError: As ``write_report``.
    """
    figures = _figures(load_records(run_paths))
    target = _made(destination)
    try:
        return _save(figures, target)
    except OSError as error:
        raise _unwritable(target, error) from None


def _figures(records: Records) -> list[tuple[Setting, Figure]]:
    """Draw each setting."""
    return [
        (setting, draw(setting, runs, records.curves)) for setting, runs in by_setting(records.runs)
    ]


def _save(figures: Sequence[tuple[Setting, Figure]], target: Path) -> list[Path]:
    """Write the figures, numbered if there are several, over those of an earlier report."""
    for old in target.glob("curves*"):
        if re.fullmatch(r"curves(-\d+)?\.(png|pdf)", old.name):
            old.unlink()
    names = ["curves"] if len(figures) == 1 else [f"curves-{i + 1}" for i in range(len(figures))]
    return [
        path
        for name, (_, figure) in zip(names, figures, strict=True)
        for path in save(figure, target / name)
    ]


def _curve_table(records: Records) -> pd.DataFrame:
    """Return the curves with what says which line they belong to."""
    keys = records.runs[["run", "study", "model", "data", "arm", "seed", "status"]]
    return keys.merge(records.curves, on="run")


def _claim_table(verdicts: Sequence[Verdict]) -> pd.DataFrame:
    """Return one row for each claim, comparison and view."""
    rows: list[tuple[object, ...]] = []
    for verdict in verdicts:
        head = (verdict.setting, verdict.claim, verdict.title, verdict.verdict)
        if not verdict.comparisons:
            rows.append((*head, *[""] * 7, 0, verdict.sentence))
        for pair in verdict.comparisons:
            views = {verdict.statistic: pair.deciding, **pair.secondary}
            for name, value in views.items():
                decides = "yes" if name == verdict.statistic else "no"
                numbers = (value.mean, value.low, value.high, value.n)
                rows.append(
                    (*head, pair.favoured, pair.other, name, decides, *numbers, verdict.sentence)
                )
    return pd.DataFrame(rows, columns=list(CLAIM_COLUMNS))


def _made(folder: str | Path) -> Path:
    """Make the folder to write to."""
    target = Path(folder)
    try:
        target.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(target, error) from None
    return target


def _unwritable(target: Path, error: OSError) -> UsageError:
    reason = error.strerror or error
    return UsageError(
        one_line(
            f"output {target}: cannot be written ({reason}); allowed is a folder that you may "
            "write to; try output=outputs"
        )
    )
