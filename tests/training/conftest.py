"""Trainers of tiny runs, and an observer that remembers."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
import torch

from radexp.experiments.build import build_trainer


class Memory:
    """Remembers rows and the last state, and asks to stop when told to."""

    def __init__(self, stop_at: int | None = None) -> None:
        self.rows, self.states, self.calls, self.stop_at = [], [], 0, stop_at

    def on_row(self, row):
        self.rows.append(replace(row, train_seconds=0.0))

    def on_checkpoint(self, state):
        file = io.BytesIO()
        torch.save(state, file)
        file.seek(0)
        self.states.append(torch.load(file, weights_only=True))

    def should_stop(self):
        self.calls += 1
        return self.stop_at is not None and self.calls >= self.stop_at


@pytest.fixture
def memory():
    return Memory


@pytest.fixture
def trainer_for(plan_for):
    """Return a function from overrides to a fresh trainer."""
    return lambda *words: build_trainer(plan_for(*words))


@pytest.fixture
def same_state():
    """Return a function that compares two states, tensors by value; times do not count."""

    def same(first, second) -> bool:
        if isinstance(first, torch.Tensor):
            return torch.equal(first, second)
        if isinstance(first, dict):
            keys = set(first) - {"train_seconds", "step_seconds"}
            return keys == set(second) - {"train_seconds", "step_seconds"} and all(
                same(first[key], second[key]) for key in keys
            )
        if isinstance(first, (list, tuple)):
            return len(first) == len(second) and all(map(same, first, second))
        return first == second

    return same
