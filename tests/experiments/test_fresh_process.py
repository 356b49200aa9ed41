"""A function in a process of its own: its result, its errors, and how it ran out of memory."""

import os

import pytest
import torch

from radexp.errors import UsageError
from radexp.experiments.fresh_process import in_fresh_process

TOO_MANY = 2**46  # floats of 4 bytes: as many as a 48-bit address space has, user and system


def test_the_result_comes_from_another_process():
    assert in_fresh_process("given", os.getpid) != os.getpid()
    assert in_fresh_process("given", divmod, 17, 5) == (3, 2)


def test_nothing_is_left_of_an_earlier_call():
    assert in_fresh_process("given", os.putenv, "RADEXP_LEFT", "behind") is None
    assert in_fresh_process("given", os.getenv, "RADEXP_LEFT") is None


def test_a_process_that_dies_is_told_in_one_line():
    message = (
        "^model=mlp: the measuring process died, perhaps for want of memory: allowed is what fits "
        "into this machine; take a smaller model or training.batch_size$"
    )
    with pytest.raises(UsageError, match=message):
        in_fresh_process("model=mlp", os._exit, 9)


@pytest.mark.parametrize(
    ("function", "arguments"),
    [(bytearray, (4 * TOO_MANY,)), (torch.ones, (TOO_MANY,))],
    ids=["Python", "PyTorch"],
)
def test_a_process_out_of_memory_is_told_in_one_line(function, arguments):
    message = (
        "^model=mlp: the measuring process ran out of memory: allowed is what fits into this "
        "machine; take a smaller model or training.batch_size$"
    )
    with pytest.raises(UsageError, match=message):
        in_fresh_process("model=mlp", function, *arguments)


@pytest.mark.parametrize(
    ("function", "arguments", "error", "message"),
    [
        (torch.randn, (-1,), RuntimeError, "negative dimension"),
        (divmod, (1, 0), ZeroDivisionError, "by zero"),
        (os.listdir, ("/there/is/none",), FileNotFoundError, "/there/is/none"),
    ],
    ids=["PyTorch", "Python", "system"],
)
def test_other_errors_are_raised_as_they_are(function, arguments, error, message):
    with pytest.raises(error, match=message):
        in_fresh_process("given", function, *arguments)
