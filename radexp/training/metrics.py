"""metrics.csv: tidy rows, appended as they come and put back when a run resumes."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from io import StringIO
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Row:
    """One row of metrics.csv.

    Attributes:
        iteration: Optimizer steps taken so far.
        examples_seen: Examples drawn so far.
        train_seconds: Time spent on training alone, without evaluation and logging.
        split: ``batch``, ``train``, ``validation`` or ``test``.
        loss: Mean loss in nats per example, or a control's loss; of a ``batch``, before that
            iteration's update.
        accuracy: Fraction of right answers; empty where there are no answers.
        learning_rate: Step size of that iteration's update (of the next one, at iteration 0).
        gradient_norm: Norm of the batch's gradient estimate; empty for whole splits.
    """

    iteration: int
    examples_seen: int
    train_seconds: float
    split: str
    loss: float
    accuracy: float | None
    learning_rate: float
    gradient_norm: float | None = None


COLUMNS = [field.name for field in fields(Row)]


class MetricsFile:
    """An open metrics.csv, and the same text in memory, which is what counts.

    Args:
        path: The file; whatever is there is replaced.
        text: Resume: the rows so far, as ``commit`` returned them.
    """

    def __init__(self, path: Path, text: str | None = None) -> None:
        self.path = path
        self._lines = [_line(COLUMNS) if text is None else text]
        # Unbuffered, so that nothing is left to fail later when the disk is full.
        self._file = path.open("wb", buffering=0)
        self._write(self._lines[0])

    @property
    def text(self) -> str:
        """The header and all rows."""
        return "".join(self._lines)

    def append(self, row: Row) -> None:
        """Write one row; numbers are written so that reading gives the same ones back.

        It is handed to the system at once, so that others can see how far the run is.
        """
        values = asdict(row)
        values["train_seconds"] = f"{row.train_seconds:.6f}"
        self._lines.append(_line(values.values()))
        self._write(self._lines[-1])

    def commit(self) -> str:
        """Force everything to disk and return ``text``."""
        os.fsync(self._file.fileno())
        return self.text

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _write(self, text: str) -> None:
        rest = text.encode()
        while rest:  # a disk that fills up takes a part, then refuses the rest
            rest = rest[self._file.write(rest) :]


def _line(cells: Iterable[Any]) -> str:
    line = StringIO()
    csv.writer(line, lineterminator="\n").writerow(cells)
    return line.getvalue()
