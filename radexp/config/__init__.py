"""Typed schemas of every key a user can set, and the checks that need more than one key.

Hydra composes ``configs/`` into these dataclasses; unknown keys and wrong types fail there.
What is left, ranges and combinations, is checked in ``__post_init__``, so that an object of
these classes is a valid request. Nothing here imports torch.
"""

from __future__ import annotations

from radexp.catalogue import choices, config_folder
from radexp.config.data import DataConfig
from radexp.config.estimator import EstimatorConfig, load_estimator_config
from radexp.config.experiment import Experiment, experiments_for, read_experiment
from radexp.config.measure import MeasureConfig
from radexp.config.model import ModelConfig, describe_sizes, load_model_config
from radexp.config.optimizer import OptimizerConfig
from radexp.config.task import CLASSIFICATION, CONTROL, options_for
from radexp.config.train import TrainConfig
from radexp.config.training import TrainingConfig
from radexp.config.tune import TuneConfig

__all__ = [
    "CLASSIFICATION",
    "CONTROL",
    "DataConfig",
    "EstimatorConfig",
    "Experiment",
    "MeasureConfig",
    "ModelConfig",
    "OptimizerConfig",
    "TrainConfig",
    "TrainingConfig",
    "TuneConfig",
    "choices",
    "config_folder",
    "describe_sizes",
    "experiments_for",
    "load_estimator_config",
    "load_model_config",
    "options_for",
    "read_experiment",
]
