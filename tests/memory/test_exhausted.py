"""Errors that mean "no memory is left", told from all others."""

import pytest
import torch

from radexp.memory import is_out_of_memory
from radexp.memory.exhausted import CPU_ALLOCATOR, TEXTS


def raised_by(function, *arguments):
    try:
        function(*arguments)
    except Exception as error:
        return error
    pytest.fail("nothing was raised")


def test_what_python_and_pytorch_raise_for_want_of_memory():
    # 2**48 bytes: as many as a 48-bit address space has, user and system.
    assert is_out_of_memory(raised_by(bytearray, 2**48))
    assert is_out_of_memory(raised_by(torch.empty, 2**46))
    assert is_out_of_memory(torch.OutOfMemoryError("CUDA out of memory. Tried to allocate"))
    for text in TEXTS:
        assert is_out_of_memory(RuntimeError(f"[here] {text} when calling there"))


@pytest.mark.parametrize(
    "error",
    [
        raised_by(torch.mm, torch.ones(2, 3), torch.ones(2, 3)),
        RuntimeError("out of order"),
        ValueError(CPU_ALLOCATOR),
        OSError(28, "No space left on device"),
        KeyboardInterrupt(),
    ],
    ids=repr,
)
def test_other_errors_are_others(error):
    assert not is_out_of_memory(error)
