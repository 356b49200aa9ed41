"""Tell errors that mean "no memory is left" from all others."""

from __future__ import annotations

import torch

CPU_ALLOCATOR = "can't allocate memory"
# Errors without a class of their own, known by their text: PyTorch's allocator on the CPU and the
# C++ library's, and CUDA and its libraries where they allocate for themselves.
TEXTS = (
    *(CPU_ALLOCATOR, "std::bad_alloc", "CUDA error: out of memory"),
    *("CUBLAS_STATUS_ALLOC_FAILED", "CUDNN_STATUS_ALLOC_FAILED"),
)


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether an error says that memory could not be had, on CUDA, the CPU or by Python.

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
    return isinstance(error, RuntimeError) and any(text in str(error) for text in TEXTS)
