"""Training: the task, the loop, its records and its measured memory."""

from radexp.training.checkpoint import load_checkpoint, save_checkpoint, write_atomically
from radexp.training.loop import Diverged, Interrupted, Observer, Progress, Trainer
from radexp.training.measure import StepMemory, measure_step
from radexp.training.metrics import MetricsFile, Row
from radexp.training.task import Score, classification_loss, evaluate

__all__ = [
    "Diverged",
    "Interrupted",
    "MetricsFile",
    "Observer",
    "Progress",
    "Row",
    "Score",
    "StepMemory",
    "Trainer",
    "classification_loss",
    "evaluate",
    "load_checkpoint",
    "measure_step",
    "save_checkpoint",
    "write_atomically",
]
