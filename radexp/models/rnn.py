"""The recurrent network that starts from the identity, reading a sequence step by step.

Shapes: N rows (examples), T steps, I features of a step, C channels, H W space.
"""

from __future__ import annotations

from torch import Tensor, nn

from radexp.config import ModelConfig
from radexp.eager import EagerRNN
from radexp.errors import require
from radexp.models.sizes import require_only

WEIGHT_STD = 1e-3


class IRNN(nn.Module):
    """One recurrent layer with ReLU, and a linear layer from its last state to the classes.

    The recurrent weights start as the identity and the biases at 0, so that at first every state
    is passed on as it is; input and output weights start at N(0, 0.001^2). With one feature a
    step, 100 units and 10 classes it is the paper's recurrent network: 11,310 parameters.

    Sequences are read as they are. Images are read pixel by pixel, row after row: H W steps of C
    features.

    Args:
        num_features: Features of one step.
        hidden: Units of the recurrent layer.
        num_classes: Classes.

    Example:
        >>> sum(p.numel() for p in IRNN(1, 100, 10).parameters())
        11310

    Source: appendix, "RNN on Sequential-MNIST"; its initial values as in paper.md, section 2,
    after Q. V. Le, N. Jaitly and G. E. Hinton, arXiv 1504.00941.
    """

    def __init__(self, num_features: int, hidden: int, num_classes: int) -> None:
        super().__init__()
        self.recurrent = EagerRNN(num_features, hidden, nonlinearity="relu")
        self.output = nn.Linear(hidden, num_classes)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Set the initial values, drawing from PyTorch's default generator."""
        nn.init.normal_(self.recurrent.weight_ih_l0, std=WEIGHT_STD)
        nn.init.eye_(self.recurrent.weight_hh_l0)
        nn.init.normal_(self.output.weight, std=WEIGHT_STD)
        for bias in (self.recurrent.bias_ih_l0, self.recurrent.bias_hh_l0, self.output.bias):
            nn.init.zeros_(bias)

    def forward(self, x: Tensor) -> Tensor:
        """Return one score per class.

        Args:
            x: Sequences ``(N, T, I)`` or images ``(N, C, H, W)``.

        Returns:
            The scores, ``(N, num_classes)``.
        """
        x_NTI = x.flatten(2).transpose(1, 2) if x.ndim == 4 else x
        scores: Tensor = self.output(self.recurrent(x_NTI))
        return scores


def build(config: ModelConfig, input_shape: tuple[int, ...], num_classes: int) -> IRNN:
    """Build the network that ``configs/model/rnn.yaml`` describes.

    Args:
        config: Its ``hidden`` size, exactly one.
        input_shape: Shape of one example, ``(T, I)`` or ``(C, H, W)``.
        num_classes: Classes.

    Returns:
        The network.

    Raises:
        UsageError: If other sizes are set, or the examples are no sequences and no images.
    """
    require_only(config, "hidden")
    require(
        len(config.hidden) == 1,
        f"model.hidden={list(config.hidden)} with model=rnn",
        "exactly one size",
        "try model.hidden=[100]",
    )
    require(
        len(input_shape) in (2, 3),
        f"model=rnn on examples of {input_shape}",
        "sequences of (T, I) or images of (C, H, W)",
        "try data=sequential_mnist, or model=mlp, which takes any shape",
    )
    num_features = input_shape[1] if len(input_shape) == 2 else input_shape[0]
    return IRNN(num_features, config.hidden[0], num_classes)
