"""Compile loops, and run their parts on PyTorch's threads."""

from __future__ import annotations

import ctypes
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import numba
import torch
from torch import Tensor

Loop = TypeVar("Loop", bound=Callable[..., None])

_CALLBACK = ctypes.CFUNCTYPE(None, ctypes.c_void_p)


def compiled(inline: bool = False, reorder: bool = False) -> Callable[[Loop], Loop]:
    """Compile a loop over NumPy arrays when it is first called, once for each type of array.

    It releases the global interpreter lock. Products and sums may be fused, which rounds once
    instead of twice, but sums are not reordered unless asked for. The result is kept on disk where
    there is a folder to keep it in.

    Args:
        inline: Put the loop's body where it is called, instead of a call.
        reorder: Let sums be added up in the lanes of vectors, in an order that the processor's
            vector length decides.
    """
    allowed = {"contract", "reassoc"} if reorder else {"contract"}
    options: dict[str, Any] = {"nogil": True, "fastmath": allowed}
    options["inline"] = "always" if inline else "never"

    def decorate(loop: Loop) -> Loop:
        try:
            return numba.njit(cache=True, **options)(loop)  # type: ignore[no-any-return]
        except RuntimeError:  # neither the package's folder nor the user's cache can be written
            return numba.njit(**options)(loop)  # type: ignore[no-any-return]

    return decorate


def serves(tensor: Tensor) -> bool:
    """Tell whether compiled loops take this tensor: on the CPU, of float32 or float64."""
    plain = type(tensor) in (Tensor, torch.nn.Parameter) and tensor.device.type == "cpu"
    return plain and tensor.dtype in (torch.float32, torch.float64)


def run_parts(part: Callable[[int], None], count: int) -> None:
    """Call ``part(0)`` to ``part(count - 1)`` on the threads of PyTorch's own operations.

    Those wait actively for a while after each operation, so threads of ours would have to share
    cores with them: on two cores that takes twice as long. Where PyTorch's OpenMP cannot be
    found, one thread does it all.

    Parts must release the global interpreter lock and write to places of their own. What they
    compute must depend on ``count`` alone, so that results do not depend on the threads.
    """
    left, errors = iter(range(count)), list[BaseException]()

    def work(_: Any = None) -> None:
        try:
            for index in left:  # each index goes to one thread, the next that is free
                part(index)
        except BaseException as error:  # an exception cannot pass through OpenMP
            errors.append(error)

    num_threads = min(torch.get_num_threads(), count)
    openmp = _openmp() if num_threads > 1 else None
    if openmp is None:
        work()
    else:
        openmp.GOMP_parallel(_CALLBACK(work), None, num_threads, 0)
    if errors:
        raise errors[0]


@cache
def _openmp() -> ctypes.CDLL | None:
    """Return the OpenMP library that PyTorch runs on, if it has GNU's interface."""
    try:
        lines = Path("/proc/self/maps").read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    paths = {line.split(maxsplit=5)[-1] for line in lines if re.search(r"/lib\w*omp[^/]*$", line)}
    for path in sorted(paths, key=lambda path: ("/torch/lib/" not in path, path)):
        library = ctypes.CDLL(path)
        if hasattr(library, "GOMP_parallel"):
            return library
    return None
