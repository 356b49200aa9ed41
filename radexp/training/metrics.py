"""metrics.csv: tidy rows, appended as they come and cut back when a run resumes."""

from __future__ import annotations

import csv
import os
from dataclasses import asdict, dataclass, fields
from pathlib import Path


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
    """An open metrics.csv.

    Args:
        path: The file; created with its header unless ``size`` is given.
        size: Resume: keep this many bytes and drop what was written after them.
    """

    def __init__(self, path: Path, size: int | None = None) -> None:
        self.path = path
        self._file = path.open("w" if size is None else "r+", newline="", encoding="utf-8")
        self._writer = csv.DictWriter(self._file, COLUMNS, lineterminator="\n")
        if size is None:
            self._writer.writeheader()
        else:
            self._file.truncate(size)
            self._file.seek(size)

    def append(self, row: Row) -> None:
        """Write one row; numbers are written so that reading gives the same ones back.

        It is handed to the system at once, so that others can see how far the run is.
        """
        values = asdict(row)
        values["train_seconds"] = f"{row.train_seconds:.6f}"
        self._writer.writerow(values)
        self._file.flush()

    def commit(self) -> int:
        """Force everything to disk and return the file's size in bytes."""
        self._file.flush()
        os.fsync(self._file.fileno())
        return self._file.tell()

    def close(self) -> None:
        """Close the file."""
        self._file.close()
