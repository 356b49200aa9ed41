"""The paper's Table 1 and the closed form behind it.

Table 1 gives "peak memory (including weights)" in MB = 10^6 bytes, calculated by hand for an
efficient implementation. One formula gives all 18 of its cells:
``4 B f F + 4 W + extra + B M / 8``, the last term only at fractions f < 1.
"""

from __future__ import annotations

from dataclasses import dataclass

FRACTIONS = (1.0, 0.8, 0.5, 0.3, 0.1, 0.05)
BATCH_SIZE = 150

# As printed, in MB, at the fractions above.
PAPER_MB = {
    "cnn": (23.08, 19.19, 12.37, 7.82, 3.28, 2.14),
    "mlp": (2.69, 2.51, 2.21, 2.00, 1.80, 1.75),
    "rnn": (47.93, 39.98, 25.85, 16.43, 7.01, 4.66),
}


@dataclass(frozen=True)
class Network:
    """What the closed form needs to know of one of the paper's networks.

    Attributes:
        input_shape: Of one example.
        parameters: W.
        floats: F, floats kept of each example and sketched.
        mask_bits: M as the paper counts it, for the ConvNet after pooling.
        full_mask_bits: M as it is needed: one bit for each entry that a ReLU sees.
        other_bytes: Kept of each example besides: labels, and logits or images.
        fixed_bytes: Kept once.
    """

    input_shape: tuple[int, ...]
    parameters: int
    floats: int
    mask_bits: int
    full_mask_bits: int
    other_bytes: int
    fixed_bytes: int = 0


NETWORKS = {
    "cnn": Network(
        input_shape=(3, 32, 32),
        parameters=85_802,
        floats=3072 + 16384 + 8192 + 8192 + 2048,
        mask_bits=16384 + 8192 + 8192 + 2048,
        full_mask_bits=16384 + 32768 + 8192 + 8192,
        other_bytes=40 + 8,
    ),
    "mlp": Network(
        input_shape=(1, 28, 28),
        parameters=419_110,
        floats=784 + 900,
        mask_bits=900,
        full_mask_bits=900,
        other_bytes=40 + 8,
    ),
    "rnn": Network(
        input_shape=(784, 1),
        parameters=11_310,
        floats=78_400 + 100,
        mask_bits=78_400,
        full_mask_bits=78_400,
        other_bytes=4 * 784 + 8,
        fixed_bytes=4 * 78_400,
    ),
}


def closed_form_bytes(
    model: str, fraction: float, batch_size: int = BATCH_SIZE, full_masks: bool = False
) -> float:
    """Return the closed form's bytes, parameters included.

    Args:
        model: ``cnn``, ``mlp`` or ``rnn``.
        fraction: Kept fraction f.
        batch_size: Examples B.
        full_masks: Count a ReLU's mask where the ReLU stands, as an implementation must. The
            paper counts the ConvNet's masks after pooling, a quarter of two of them.

    Example:
        >>> round(closed_form_bytes("cnn", 0.1) / 1e6, 2)
        3.28
        >>> round(closed_form_bytes("cnn", 0.1, full_masks=True) / 1e6, 2)
        3.85
    """
    network = NETWORKS[model]
    bits = network.full_mask_bits if full_masks else network.mask_bits
    masks = batch_size * bits / 8 if fraction < 1 else 0
    fixed = 4 * network.parameters + network.fixed_bytes
    each = 4 * fraction * network.floats + network.other_bytes
    return batch_size * each + fixed + masks


def paper_bytes(model: str, fraction: float) -> float | None:
    """Return the cell as printed, in bytes; None if the paper has none for this fraction.

    Example:
        >>> paper_bytes("mlp", 0.1), paper_bytes("mlp", 0.2)
        (1800000.0, None)
    """
    if model not in PAPER_MB or fraction not in FRACTIONS:
        return None
    return round(PAPER_MB[model][FRACTIONS.index(fraction)] * 1e6, 0)
