"""Measuring a step changes no number of the run that follows."""

import copy

import pytest
import torch

from radexp.config import CLASSIFICATION, options_for
from radexp.training import measure_step


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
@pytest.mark.parametrize("estimator", options_for("estimator", CLASSIFICATION))
def test_measuring_changes_nothing(estimator, optimizer, trainer_for, memory, same_state):
    words = (f"estimator={estimator}", f"optimizer={optimizer}", "training.log_every=4")
    trainer, untouched = trainer_for(*words), trainer_for(*words)
    torch.manual_seed(5)
    before = copy.deepcopy(trainer.state_dict())
    memory_of_step = measure_step(trainer)
    assert same_state(before, trainer.state_dict())
    assert all(parameter.grad is None for parameter in trainer.model.parameters())
    measured, plain = memory(), memory()
    trainer.train(measured)
    untouched.train(plain)
    assert measured.rows == plain.rows
    assert memory_of_step.peak_bytes["total"] >= memory_of_step.saved_bytes > 0


def test_measuring_again_in_the_middle_gives_the_same_bytes(trainer_for, memory):
    trainer = trainer_for("training.iterations=3", "estimator=rad")
    first = measure_step(trainer)
    trainer.train(memory())
    last = measure_step(trainer)
    assert first.saved_bytes == last.saved_bytes
    # A step is measured with Adam's two moments and step counts, however early it is.
    assert last.peak_bytes["optimizer"] == first.peak_bytes["optimizer"] > 0
    assert trainer.progress.iteration == 3
