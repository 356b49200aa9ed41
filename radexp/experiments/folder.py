"""The folder of a run or a measurement: its lock, its files and its record."""

from __future__ import annotations

import csv
import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

from filelock import FileLock, Timeout
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from radexp.config import TrainConfig
from radexp.errors import UsageError
from radexp.experiments.writing import make_folder, telling_of, unwritable
from radexp.files import digest, sync_folder, write_atomically
from radexp.sealing import KEEP, UNSEALED, find_broken_seal, find_damage, seal

# A run in one of these states is not started again: it would end in the same way.
FINAL_STATUSES = ("completed", "diverged")
# Who asks whether a folder is locked holds it for an instant, which must keep no job out.
LOCK_SECONDS = 1.0


class Job(Protocol):
    """What has a folder of its own: a run, or a measurement."""

    @property
    def config(self) -> TrainConfig:
        """The request."""

    @property
    def run_id(self) -> str:
        """The folder's name."""


def run_path(job: Job) -> Path:
    """Return the folder of a job."""
    return Path(job.config.output) / job.config.study / job.run_id


class RunFolder:
    """``OUTPUT/STUDY/RUN_ID``.

    Args:
        path: The folder; it is created by ``locked``.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.metrics = path / "metrics.csv"
        self.checkpoint = path / "checkpoint.pt"
        self.log = path / "run.log"
        self._summary = path / "summary.json"
        self._written: dict[str, str] = {}  # digests, for the seal

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder for this process; the system frees it however the process ends.

        Raises:
            UsageError: If the folder cannot be written or another process holds it.
        """
        make_folder(self.path)
        lock = FileLock(self.path / ".lock", timeout=LOCK_SECONDS)
        try:
            lock.acquire()
        except Timeout:
            raise UsageError(
                f"run folder {self.path}: another process is writing it; allowed is one at a "
                "time; wait for it, or change output or seed"
            ) from None
        except OSError as error:
            raise unwritable(self.path, error) from error
        try:
            yield
        finally:
            lock.release()

    @contextmanager
    def logging(self) -> Iterator[None]:
        """Send this package's log to run.log, and its warnings to standard error, too.

        Raises:
            UsageError: If run.log cannot be written.
        """
        log = logging.getLogger("radexp")
        handlers = [_LogFile(self.log), _Warnings()]
        level = log.level
        for handler in handlers:
            log.addHandler(handler)
        log.setLevel(logging.INFO)
        try:
            yield
        finally:
            log.setLevel(level)
            for handler in handlers:
                log.removeHandler(handler)
                with suppress(OSError):  # a full disk was told of already
                    handler.close()

    def write_text(self, name: str, text: str) -> None:
        """Write a file that the record speaks for, atomically.

        Raises:
            UsageError: If it cannot be written.
        """
        contents = text.encode()
        with telling_of(self.path):
            write_atomically(self.path / name, lambda file: file.write(contents))
        self._written[name] = digest(contents)

    def write_json(self, name: str, values: dict[str, Any]) -> None:
        """Write a JSON file atomically; numbers that are not finite become null."""
        self.write_text(name, json.dumps(_finite(values), indent=2, allow_nan=False) + "\n")

    def write_config(self, config: TrainConfig) -> None:
        """Write config.yaml atomically."""
        self.write_text("config.yaml", OmegaConf.to_yaml(OmegaConf.structured(config)))

    def last_rows(self) -> dict[str, dict[str, str]]:
        """Return the last row of each split in metrics.csv."""
        with self.metrics.open(newline="", encoding="utf-8") as file:
            return {row["split"]: row for row in csv.DictReader(file)}

    def read_config(self) -> TrainConfig:
        """Return the configuration that ``write_config`` wrote.

        Raises:
            UsageError: If there is none, or it is damaged.
        """
        path = self.path / "config.yaml"
        try:
            merged = OmegaConf.merge(OmegaConf.structured(TrainConfig), OmegaConf.load(path))
            config = OmegaConf.to_object(merged)
        except (OSError, ValueError, RecursionError, YAMLError, OmegaConfBaseException) as error:
            raise UsageError(
                f"{path}: it cannot be read ({type(error).__name__}); allowed is the folder of a "
                "run that radexp train wrote; give its name"
            ) from error
        assert isinstance(config, TrainConfig)
        return config

    def write_summary(self, values: dict[str, Any]) -> dict[str, Any]:
        """Write summary.json atomically, sealed with what was written before, and return it."""
        record = seal(_finite(values), self._written)
        self.write_json(self._summary.name, record)
        return record

    def forget_summary(self) -> None:
        """Remove summary.json: the run goes on, so it has not ended in any way."""
        self._summary.unlink(missing_ok=True)
        sync_folder(self.path)

    def read_summary(self) -> dict[str, Any] | None:
        """Return summary.json, or None if the run has not ended in any way yet.

        Raises:
            UsageError: If it is not as it was written, or, if the run is not to go on, a file that
                it tells of: one that goes on writes them anew from its checkpoint.
        """
        try:
            values = json.loads(self._summary.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, RecursionError) as error:
            raise self._damaged(f"it cannot be read ({type(error).__name__})") from error
        if not isinstance(values, dict) or not isinstance(values.get("status"), str):
            raise self._damaged("it has no status")
        final = values["status"] in FINAL_STATUSES
        damage = find_damage(values, self.path) if final else find_broken_seal(values)
        if damage:
            raise self._damaged(damage)
        return values

    def _damaged(self, what: str) -> UsageError:
        mend = KEEP if what == UNSEALED else "delete the file to resume this run"
        return UsageError(f"{self._summary}: {what}; allowed is the JSON that radexp wrote; {mend}")


class _LogFile(logging.FileHandler):
    """run.log; where it cannot be written, the run says why, and the log says nothing."""

    def __init__(self, path: Path) -> None:
        with telling_of(path.parent):
            super().__init__(path, encoding="utf-8")
        self.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))

    def handleError(self, record: logging.LogRecord) -> None:
        """Do not print a traceback."""


class _Warnings(logging.StreamHandler):  # type: ignore[type-arg]
    """Standard error, for warnings alone: errors are told by who started the run."""

    def __init__(self) -> None:
        super().__init__(sys.stderr)
        self.setFormatter(logging.Formatter("radexp: %(message)s"))
        self.addFilter(lambda record: record.levelno == logging.WARNING)


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(entry) for key, entry in value.items()}
    return None if isinstance(value, float) and value - value != 0 else value
