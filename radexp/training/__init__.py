"""Training: the task, the loop, its records and its measured memory."""

from radexp.training.checkpoint import load_checkpoint, save_checkpoint
from radexp.training.classification import Classification, classification_loss, evaluate
from radexp.training.control import Control
from radexp.training.loop import Diverged, Interrupted, Observer, Progress, Trainer
from radexp.training.measure import StepMemory, measure_step
from radexp.training.metrics import MetricsFile, Row
from radexp.training.task import Batch, Score, Task

__all__ = [
    "Batch",
    "Classification",
    "Control",
    "Diverged",
    "Interrupted",
    "MetricsFile",
    "Observer",
    "Progress",
    "Row",
    "Score",
    "StepMemory",
    "Task",
    "Trainer",
    "classification_loss",
    "evaluate",
    "load_checkpoint",
    "measure_step",
    "save_checkpoint",
]
