"""The convolutional network: pairs of convolutions with ReLU, each pair followed by a pool."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from radexp.config import ModelConfig
from radexp.errors import require
from radexp.models.sizes import require_only

POOLS: dict[str, type[nn.Module]] = {"average": nn.AvgPool2d, "max": nn.MaxPool2d}


def cnn(
    input_shape: tuple[int, ...],
    channels: Sequence[int],
    kernel_size: int,
    num_classes: int,
    pooling: str = "average",
) -> nn.Sequential:
    """Stack convolutions that keep the image's size, a pool after every second, a linear layer.

    With images of (3, 32, 32), channels 16, 32, 32, 32, kernels of 5x5 and 10 classes it is the
    paper's convolutional network: 85,802 parameters.

    Args:
        input_shape: Shape of one example, ``(C, H, W)``.
        channels: Output channels of each convolution.
        kernel_size: Height and width of the kernels, odd.
        num_classes: Classes.
        pooling: ``"average"`` or ``"max"``, of 2x2.

    Raises:
        UsageError: If there is no convolution, or the examples are no images or are too small to
            be halved by every pool.

    Example:
        >>> network = cnn((3, 32, 32), [16, 32, 32, 32], 5, 10)
        >>> sum(p.numel() for p in network.parameters())
        85802

    Source: appendix, "ConvNet on CIFAR-10".
    """
    num_channels, height, width = _require_image(input_shape, len(channels))
    layers: list[nn.Module] = []
    for number, size in enumerate(channels, start=1):
        padding = kernel_size // 2
        layers += [nn.Conv2d(num_channels, size, kernel_size, padding=padding), nn.ReLU()]
        num_channels = size
        if number % 2 == 0:
            layers.append(POOLS[pooling](2))
            height, width = height // 2, width // 2
    features = num_channels * height * width
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(features, num_classes))


def build(config: ModelConfig, input_shape: tuple[int, ...], num_classes: int) -> nn.Sequential:
    """Build the network that ``configs/model/cnn.yaml`` describes.

    Args:
        config: Its ``channels``, ``kernel_size`` and ``pooling``.
        input_shape: Shape of one example, ``(C, H, W)``.
        num_classes: Classes.

    Returns:
        The network.

    Raises:
        UsageError: If other sizes are set, or the examples are no images or are too small.
    """
    require_only(config, "channels", "kernel_size", "pooling")
    return cnn(input_shape, config.channels, config.kernel_size, num_classes, config.pooling)


def _require_image(input_shape: tuple[int, ...], num_convolutions: int) -> tuple[int, int, int]:
    """Return the sizes of an image, if all pools can halve it."""
    require(
        num_convolutions >= 1,
        "model.channels=[]",
        "the channels of at least one convolution",
        "try model.channels=[16,32,32,32]",
    )
    require(
        len(input_shape) == 3,
        f"model=cnn on examples of {input_shape}",
        "images, examples of (C, H, W)",
        "try data=cifar10, or model=mlp, which takes any shape",
    )
    num_channels, height, width = input_shape
    least = 2 ** (num_convolutions // 2)
    require(
        min(height, width) >= least,
        f"{num_convolutions} convolutions on examples of {input_shape}",
        f"images of at least {least}x{least}, which {num_convolutions // 2} pools can halve",
        "give model.channels fewer entries",
    )
    return num_channels, height, width
