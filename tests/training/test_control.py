"""The task of a model that is its own loss."""

import torch
from torch import nn

from radexp.training import Control, Score


class Bowl(nn.Module):
    def __init__(self):
        super().__init__()
        self.place = nn.Parameter(torch.tensor([3.0, -4.0]))

    def forward(self):
        return self.place.square().sum()


def test_the_model_is_the_loss():
    task, bowl = Control(), Bowl()
    loss, outputs = task.loss(bowl, task.next_batch())
    loss.backward()
    assert bowl.place.grad.tolist() == [6.0, -8.0]
    assert task.score(loss.detach(), outputs.detach(), ()) == Score(25.0)
    assert Score(25.0).accuracy is None


def test_evaluation_is_exact_and_needs_no_gradient():
    bowl = Bowl()
    assert Control().evaluate(bowl, "train") == Score(25.0)
    assert torch.is_grad_enabled()
    assert bowl.place.grad is None


def test_there_is_one_split_and_nothing_to_resume():
    task = Control()
    assert list(task.splits) == ["train"]
    assert task.step_name == "control"
    assert task.state_dict() == {}
    task.load_state_dict({})
    assert list(task.next_batch()) == []
