"""Local Jacobians of vector operations: a dense matrix, or a diagonal where there is one."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

import torch
from torch import Tensor

# Operations that act on each entry for itself, by the names PyTorch calls them. Where operand and
# result have one shape, their Jacobian is diagonal; where shapes are broadcast it is dense.
ELEMENTWISE = frozenset(
    (
        "abs",
        "add",
        "clamp",
        "cos",
        "div",
        "erf",
        "exp",
        "expm1",
        "log",
        "log1p",
        "mul",
        "neg",
        "pow",
        "reciprocal",
        "relu",
        "rsqrt",
        "rsub",
        "sigmoid",
        "sin",
        "sinh",
        "sqrt",
        "square",
        "sub",
        "tan",
        "tanh",
        "true_divide",
    )
)


class Jacobian(ABC):
    """A linear operator from D inputs to O outputs.

    Shapes: C rows of what is multiplied from the left, M columns from the right.
    """

    @property
    @abstractmethod
    def shape(self) -> tuple[int, int]:
        """(O, D)."""

    @abstractmethod
    def pull(self, adjoint_CO: Tensor) -> Tensor:
        """Return ``adjoint J``, shape (C, D): a step of reverse accumulation."""

    @abstractmethod
    def push(self, tangent_DM: Tensor) -> Tensor:
        """Return ``J tangent``, shape (O, M): a step of forward accumulation."""

    @abstractmethod
    def times(self, factor: float) -> Jacobian:
        """Return the operator multiplied by a number."""


class Dense(Jacobian):
    """A matrix.

    Example:
        >>> Dense(torch.ones(2, 3)).pull(torch.ones(1, 2)).tolist()
        [[2.0, 2.0, 2.0]]
    """

    def __init__(self, matrix_OD: Tensor) -> None:
        self.matrix_OD = matrix_OD

    @property
    def shape(self) -> tuple[int, int]:
        """(O, D)."""
        return self.matrix_OD.shape[0], self.matrix_OD.shape[1]

    def pull(self, adjoint_CO: Tensor) -> Tensor:
        """Return ``adjoint J``."""
        return adjoint_CO @ self.matrix_OD

    def push(self, tangent_DM: Tensor) -> Tensor:
        """Return ``J tangent``."""
        return self.matrix_OD @ tangent_DM

    def times(self, factor: float) -> Dense:
        """Return the matrix multiplied by a number."""
        return Dense(factor * self.matrix_OD)

    def __repr__(self) -> str:
        return f"Dense({self.shape[0]} x {self.shape[1]})"


class Diagonal(Jacobian):
    """A diagonal matrix, of which the diagonal alone is kept.

    Example:
        >>> Diagonal(torch.tensor([2.0, 3.0])).pull(torch.ones(1, 2)).tolist()
        [[2.0, 3.0]]
    """

    def __init__(self, diagonal_D: Tensor) -> None:
        self.diagonal_D = diagonal_D

    @property
    def shape(self) -> tuple[int, int]:
        """(D, D)."""
        return len(self.diagonal_D), len(self.diagonal_D)

    def pull(self, adjoint_CO: Tensor) -> Tensor:
        """Return ``adjoint J``."""
        return adjoint_CO * self.diagonal_D

    def push(self, tangent_DM: Tensor) -> Tensor:
        """Return ``J tangent``."""
        return self.diagonal_D.unsqueeze(1) * tangent_DM

    def times(self, factor: float) -> Diagonal:
        """Return the diagonal multiplied by a number."""
        return Diagonal(factor * self.diagonal_D)

    def __repr__(self) -> str:
        return f"Diagonal({self.shape[0]})"


def is_diagonal(name: str, operand: Tensor, result: Tensor) -> bool:
    """Tell whether an operation's Jacobian is diagonal: elementwise, between equal shapes.

    Args:
        name: PyTorch's name of the operation.
        operand: With respect to which.
        result: What the operation computed.

    Example:
        >>> is_diagonal("__radd__", torch.ones(3), torch.ones(3))
        True
        >>> is_diagonal("add", torch.ones(3), torch.ones(2, 3))
        False
    """
    base = name.strip("_")
    base = base[1:] if base in ("radd", "rmul", "rdiv", "rpow", "rtruediv") else base
    return base in ELEMENTWISE and result.shape == operand.shape


def local_jacobian(name: str, operation: Callable[[Tensor], Tensor], x: Tensor) -> Jacobian:
    """Return the Jacobian of one operation with respect to one operand, both taken as vectors.

    Args:
        name: PyTorch's name of the operation.
        operation: The operation as a function of that operand alone.
        x: The operand's value.

    Returns:
        A ``Diagonal`` for elementwise operations between equal shapes, else a ``Dense``.

    Example:
        >>> local_jacobian("exp", torch.exp, torch.zeros(3))
        Diagonal(3)
        >>> local_jacobian("sum", torch.sum, torch.zeros(3))
        Dense(1 x 3)
    """
    with torch.enable_grad():
        operand = x.detach().requires_grad_()
        result = operation(operand)
        if is_diagonal(name, operand, result):
            (diagonal,) = torch.autograd.grad(result, operand, torch.ones_like(result))
            return Diagonal(diagonal.flatten())
    with torch.enable_grad():
        matrix = torch.autograd.functional.jacobian(operation, x.detach())
    assert isinstance(matrix, Tensor)
    return Dense(matrix.reshape(-1, x.numel()))
