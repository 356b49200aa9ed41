"""One run, from plan to record: resumed if it was cut off, skipped if it is there."""

from __future__ import annotations

import logging
import math
import signal
import sys
import threading
from types import FrameType
from typing import Any

import torch
from tqdm import tqdm

from radexp.errors import UsageError
from radexp.experiments.build import build_trainer
from radexp.experiments.environment import describe_environment
from radexp.experiments.folder import FINAL_STATUSES, RunFolder, run_path
from radexp.experiments.plan import Plan, as_begun
from radexp.experiments.writing import telling_of
from radexp.memory import format_bytes, is_out_of_memory
from radexp.training import (
    Diverged,
    Interrupted,
    MetricsFile,
    Progress,
    Row,
    StepMemory,
    Trainer,
    load_checkpoint,
    measure_step,
    save_checkpoint,
)

log = logging.getLogger("radexp")
DEFAULT_THREADS = torch.get_num_threads()


def execute(plan: Plan, show_progress: bool = True) -> dict[str, Any]:
    """Carry out a run and write its record.

    Args:
        plan: What to run.
        show_progress: Draw a progress bar, if standard error is a terminal.

    Returns:
        The contents of summary.json. Every way to end but a usage error is a status there.

    Raises:
        UsageError: If the folder is in use or cannot be written, its files are damaged or not this
            run's, its data have changed, or the measured bytes of the first step, or of a later
            one, are above the budget.
    """
    folder = RunFolder(run_path(plan))
    with folder.locked():
        summary = folder.read_summary()
        if summary is not None and summary["status"] in FINAL_STATUSES:
            _refuse_other_data(plan, folder, summary)
            return summary
        torch.set_num_threads(plan.config.threads or DEFAULT_THREADS)
        with folder.logging():
            checkpoint = load_checkpoint(folder.checkpoint, plan.config_hash)
            if checkpoint is not None:
                _refuse_other_data(plan, folder, checkpoint)
                plan = as_begun(plan, checkpoint["layer_bits"], checkpoint.get("layer_keep", {}))
            elif any(folder.path.glob("checkpoint*.pt")):
                log.warning("%s: no good checkpoint is left, so the run starts anew", folder.path)
            folder.forget_summary()
            return _record(plan, folder, checkpoint, show_progress)


def _refuse_other_data(plan: Plan, folder: RunFolder, record: dict[str, Any]) -> None:
    now, then = plan.workload.data_sha256, record.get("data_sha256", "unknown")
    if now != then:
        raise UsageError(
            f"{folder.path}: its data were of SHA-256 {then}; allowed are the same, now they are "
            f"of {now}; give the data as they were, or set output=FOLDER"
        )


def _record(
    plan: Plan,
    folder: RunFolder,
    checkpoint: dict[str, Any] | None,
    show_progress: bool,
) -> dict[str, Any]:
    """Run under the record's eyes: whatever happens, summary.json says so."""
    environment = describe_environment(torch.device(plan.config.device))
    log.info("%s in %s", "resumed" if checkpoint else "started", environment)
    begun = checkpoint or {
        "config_hash": plan.config_hash,
        "data_sha256": plan.workload.data_sha256,
        "layer_bits": plan.estimator.layer_bits,
        "layer_keep": plan.estimator.layer_keep,
        "environment": environment,
    }
    # Written also when resuming: the record speaks for them, so damage is put right before.
    folder.write_config(plan.config)
    folder.write_json("environment.json", begun["environment"])
    trainer, memory, status, message = None, None, "failed", None
    try:
        trainer = build_trainer(plan)
        memory = measure_step(trainer)
        _refuse_above_budget(plan, memory.saved_bytes, "the first step")
        log.info("saved for backward: %s, predicted %d", memory, plan.predicted_saved_bytes)
        with _Recorder(plan, folder, trainer, memory, begun, show_progress) as recorder:
            trainer.train(recorder)
        status = "completed"
    except Diverged as error:
        status, message = "diverged", str(error)
    except Interrupted as error:
        status, message = "interrupted", str(error)
    except KeyboardInterrupt:
        status, message = "interrupted", "stopped at once by a second signal"
        raise
    except Exception as error:
        message = f"{type(error).__name__}: {error}"
        if not is_out_of_memory(error):
            log.exception("the run failed")
            raise
        status = "out_of_memory"
    finally:
        summary = _summarize(plan, folder, trainer, memory, status, message)
        summary = folder.write_summary(summary)
    log.info("%s after %d iterations", status, summary["iterations_done"])
    return summary


def _refuse_above_budget(plan: Plan, saved_bytes: int, when: str) -> None:
    total = plan.parameter_bytes + saved_bytes
    if plan.budget_bytes is not None and total > plan.budget_bytes and not plan.over_budget:
        raise UsageError(
            f"budget={plan.config.budget}: {when} measured {total}B, allowed is "
            f"{plan.budget_bytes}B and {plan.parameter_bytes + plan.predicted_saved_bytes}B were "
            "predicted; please report this, and set a higher budget meanwhile"
        )


def _summarize(
    plan: Plan,
    folder: RunFolder,
    trainer: Trainer | None,
    memory: StepMemory | None,
    status: str,
    message: str | None,
) -> dict[str, Any]:
    final = folder.last_rows() if status == "completed" else {}
    train, test, validation = (final.get(name) for name in ("train", "test", "validation"))
    progress = trainer.progress if trainer else Progress()
    return {
        "run_id": plan.run_id,
        "status": status,
        "message": message,
        "data_sha256": plan.workload.data_sha256,
        "keep": plan.estimator.keep,
        "bits": plan.estimator.bits,
        "layer_bits": plan.estimator.layer_bits or None,
        "layer_keep": plan.estimator.layer_keep or None,
        "micro_batch": plan.estimator.micro_batch,
        "checkpoints": plan.estimator.checkpoints,
        "batch_size": plan.batch_size,
        "budget_bytes": plan.budget_bytes,
        "over_budget": plan.over_budget,
        "parameter_bytes": plan.parameter_bytes,
        "predicted_saved_bytes": plan.predicted_saved_bytes,
        "measured_saved_bytes": memory and max(memory.saved_bytes, progress.saved_bytes),
        "measured_peak_bytes": memory and memory.peak_bytes,
        "final_train_loss": train and float(train["loss"]),
        "final_test_loss": test and float(test["loss"]),
        "final_test_accuracy": test and float(test["accuracy"]),
        "final_validation_loss": validation and float(validation["loss"]),
        "final_validation_accuracy": validation and float(validation["accuracy"]),
        "step_seconds": progress.median_step_seconds if progress.step_seconds else None,
        "train_seconds": progress.train_seconds,
        "iterations_done": progress.iteration,
    }


class _Recorder:
    """Listens to a trainer: metrics.csv, checkpoints, progress bar and signals.

    A first SIGINT or SIGTERM lets the step end, writes a checkpoint and stops; a second one stops
    at once, so that the run resumes from the checkpoint before.
    """

    def __init__(
        self,
        plan: Plan,
        folder: RunFolder,
        trainer: Trainer,
        memory: StepMemory,
        begun: dict[str, Any],
        show_progress: bool,
    ) -> None:
        self._plan, self._folder, self._begun, self._trainer = plan, folder, begun, trainer
        if "trainer" in begun:
            trainer.load_state_dict(begun["trainer"])
            log.info("resumed at iteration %d", trainer.progress.iteration)
        with telling_of(folder.path):
            self._metrics = MetricsFile(folder.metrics, begun.get("metrics"))
        self._stop = False
        self._bar = tqdm(
            total=plan.config.training.iterations,
            initial=trainer.progress.iteration,
            desc=plan.config.estimator.name,
            unit="step",
            disable=not (show_progress and sys.stderr.isatty()),
        )
        self._bar.set_postfix_str(format_bytes(plan.parameter_bytes + memory.saved_bytes))

    def __enter__(self) -> _Recorder:
        self._signals = _catch_signals(self._on_signal)
        return self

    def __exit__(self, *error: object) -> None:
        try:
            self._bar.close()
            self._metrics.close()
            # Whatever became of the file meanwhile, the record speaks for these rows.
            self._folder.write_text(self._metrics.path.name, self._metrics.text)
        finally:
            for number, handler in self._signals.items():
                signal.signal(number, handler)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self._stop:
            raise KeyboardInterrupt
        self._stop = True

    def on_row(self, row: Row) -> None:
        """Append the row, hold its step to the budget and show where the run is."""
        with telling_of(self._folder.path):
            self._metrics.append(row)
        if row.split == "batch":
            saved_bytes = self._trainer.progress.saved_bytes
            _refuse_above_budget(self._plan, saved_bytes, f"step {row.iteration}")
            self._bar.update(row.iteration - self._bar.n)
            loss = row.loss if math.isfinite(row.loss) else math.nan
            held = format_bytes(self._plan.parameter_bytes + self._plan.predicted_saved_bytes)
            self._bar.set_postfix_str(f"loss {loss:.4f}, {held}")

    def on_checkpoint(self, state: dict[str, Any]) -> None:
        """Write the rows down, then the state that follows them."""
        with telling_of(self._folder.path):
            rows = {"metrics": self._metrics.commit()}
            save_checkpoint(self._folder.checkpoint, {**self._begun, **rows, "trainer": state})

    def should_stop(self) -> bool:
        """Tell whether a signal came."""
        return self._stop


def _catch_signals(handler: Any) -> dict[int, Any]:
    """Install a handler for SIGINT and SIGTERM; only a main thread may."""
    if threading.current_thread() is not threading.main_thread():
        return {}
    return {number: signal.signal(number, handler) for number in (signal.SIGINT, signal.SIGTERM)}
