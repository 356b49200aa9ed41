"""Plain PyTorch networks. They know no randomness, so the exact estimator is stock PyTorch."""

from __future__ import annotations

from importlib import import_module

from torch import nn

from radexp.config import ModelConfig


def build_model(config: ModelConfig, input_shape: tuple[int, ...], num_classes: int) -> nn.Module:
    """Build the network that ``configs/model/NAME.yaml`` describes.

    A model is one file here, named like its YAML, with a function ``build`` of these arguments.

    Args:
        config: Name and sizes.
        input_shape: Shape of one example.
        num_classes: Classes to tell apart.

    Returns:
        The network, freshly initialized from PyTorch's default generator.

    Example:
        >>> build_model(ModelConfig("mlp", [5]), (1, 8, 8), 10)[1]
        Linear(in_features=64, out_features=5, bias=True)
    """
    module = import_module(f"{__name__}.{config.name}")
    network = module.build(config, input_shape, num_classes)
    assert isinstance(network, nn.Module)
    return network
