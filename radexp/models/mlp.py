"""The fully connected network: linear layers with ReLU between them."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from torch import nn

from radexp.config import ModelConfig
from radexp.models.sizes import require_only


def mlp(num_features: int, hidden: Sequence[int], num_classes: int) -> nn.Sequential:
    """Flatten, then ``len(hidden)`` linear layers with ReLU, then a linear layer to the classes.

    With 784 features, hidden sizes 300, 300, 300 and 10 classes it is the paper's fully connected
    network: 419,110 parameters.

    Args:
        num_features: Features per example, once flattened.
        hidden: Units of each hidden layer.
        num_classes: Classes.

    Example:
        >>> sum(p.numel() for p in mlp(784, [300, 300, 300], 10).parameters())
        419110

    Source: appendix, "FC on MNIST".
    """
    layers: list[nn.Module] = [nn.Flatten()]
    for size in hidden:
        layers += [nn.Linear(num_features, size), nn.ReLU()]
        num_features = size
    return nn.Sequential(*layers, nn.Linear(num_features, num_classes))


def build(config: ModelConfig, input_shape: tuple[int, ...], num_classes: int) -> nn.Sequential:
    """Build the network that ``configs/model/mlp.yaml`` describes.

    Args:
        config: Its ``hidden`` sizes.
        input_shape: Shape of one example, flattened.
        num_classes: Classes.

    Returns:
        The network.

    Raises:
        UsageError: If other sizes are set.
    """
    require_only(config, "hidden")
    return mlp(prod(input_shape), config.hidden, num_classes)
