"""The paper's claims that are checked, in order: ids, short titles, and where they stand."""

from __future__ import annotations

from typing import NamedTuple


class PaperClaim(NamedTuple):
    """One claim.

    Attributes:
        title: The claim in short.
        where: The section, figure or table that makes it.
    """

    title: str
    where: str


PAPER_CLAIMS = {
    "C1": PaperClaim("Every RAD estimator is unbiased", "section 3"),
    "C2": PaperClaim("Table 1's memory, now measured", "Table 1"),
    "C3": PaperClaim(
        "MNIST: at the same memory and iterations, RAD (different sample) lowers the training "
        "loss faster than a small batch",
        "Fig. 5b",
    ),
    "C4": PaperClaim("CIFAR-10: the same, for same and different sample", "Fig. 5a"),
    "C5": PaperClaim(
        "Sequential-MNIST: RAD with a fresh sample at each step matches the small batch", "Fig. 5c"
    ),
    "C6": PaperClaim(
        "MNIST: different sample beats same sample; CIFAR-10: it does not matter", "Fig. 5"
    ),
    "C7": PaperClaim("The full-memory baseline is best everywhere", "Fig. 5"),
    "C8": PaperClaim(
        "Reactor: up to 99% of memory saved without a significant slowdown", "Fig. 6b"
    ),
    "C9": PaperClaim(
        "Path sampling: variance constant in depth for independent paths, exponential for "
        "interleaved ones",
        "Fig. 2, section 3.3",
    ),
    "C10": PaperClaim(
        "Injection at every Jacobian makes variance exponential in depth; sketching only layer "
        "inputs does not",
        "sections 3.3, 4.2",
    ),
    "C11": PaperClaim(
        "Gradient noise of RAD against mini-batching at equal memory", "appendix, gradient noise"
    ),
}
# The figure of the paper that a picture answers to, by network or by kind of table.
PAPER_FIGURES = {
    "mlp": "Fig. 5b",
    "cnn": "Fig. 5a",
    "rnn": "Fig. 5c",
    "reactor": "Fig. 6b",
    "memory": "Table 1",
    "depth": "Fig. 2",
    "noise": "the figure of gradient noise in the appendix",
}
