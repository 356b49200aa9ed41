"""Tell errors that mean "no memory is left" from all others."""

from __future__ import annotations

import torch

CPU_ALLOCATOR = "can't allocate memory"


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether an error says that memory could not be had, on CUDA, the CPU or by Python.

    PyTorch's allocator on the CPU has no exception of its own: its RuntimeError is known by its
    text.

    Args:
        error: What was raised.

    Example:
        >>> is_out_of_memory(MemoryError())
        True
        >>> is_out_of_memory(RuntimeError("shapes cannot be multiplied"))
        False
    """
    if isinstance(error, (MemoryError, torch.cuda.OutOfMemoryError)):
        return True
    return isinstance(error, RuntimeError) and CPU_ALLOCATOR in str(error)
