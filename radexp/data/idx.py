"""Reader of IDX files, the format of MNIST: a header with the sizes, then the bytes.

Source: http://yann.lecun.com/exdb/mnist (section "File formats for the MNIST database").
"""

from __future__ import annotations

import gzip
import math
import zlib
from pathlib import Path

import torch
from torch import Tensor

from radexp.errors import UsageError

MAX_BYTES = 1 << 28
MAX_DIMENSIONS = 4
MAGIC = b"\x00\x00\x08"  # two zeros, then the code of unsigned bytes
MEND = "download the file again"


def read_contents(path: Path) -> bytes:
    """Read a file whole; one whose name ends in ``.gz`` is unpacked.

    Never more than ``MAX_BYTES`` are unpacked, so that no small file can fill the memory.

    Args:
        path: File to read.

    Returns:
        The uncompressed contents.

    Raises:
        UsageError: If the file cannot be read, is no whole gzip file or is too large.
    """
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            contents = file.read(MAX_BYTES + 1)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise UsageError(
            f"{path}: damaged ({error}): expected is a whole gzip file; {MEND}, "
            "or drop .gz from its name if it is unpacked already"
        ) from error
    except OSError as error:
        raise UsageError(
            f"{path}: cannot be read ({error.strerror}): expected is a readable file; "
            "check the path and its permissions"
        ) from error
    if len(contents) > MAX_BYTES:
        raise UsageError(f"{path}: allowed is at most {MAX_BYTES} bytes unpacked; {MEND}")
    return contents


def parse_idx(contents: bytes, source: str | Path) -> Tensor:
    """Turn the contents of an IDX file of unsigned bytes into a tensor.

    The header is ``00 00 08 d`` and d big-endian 32-bit sizes; the product of the sizes is
    compared with the number of bytes that follow before anything is allocated.

    Args:
        contents: The uncompressed file.
        source: Its name, for messages.

    Returns:
        A uint8 tensor with the d dimensions of the header.

    Raises:
        UsageError: If the contents are anything but one whole IDX array.

    Example:
        >>> parse_idx(bytes([0, 0, 8, 2, 0, 0, 0, 1, 0, 0, 0, 3, 7, 8, 9]), "example")
        tensor([[7, 8, 9]], dtype=torch.uint8)
    """
    sizes = _parse_header(contents, source)
    header_bytes = 4 + 4 * len(sizes)
    expected = header_bytes + math.prod(sizes)
    if len(contents) != expected:
        raise UsageError(
            f"{source}: has {len(contents)} bytes: expected are {expected}, as its header says "
            f"{' x '.join(map(str, sizes))}; {MEND}"
        )
    return torch.frombuffer(bytearray(contents), dtype=torch.uint8, offset=header_bytes).view(sizes)


def _parse_header(contents: bytes, source: str | Path) -> list[int]:
    """Return the sizes that the header gives, each at least 1."""
    num_dimensions = contents[3] if len(contents) > 3 else 0
    if contents[:3] != MAGIC or not 1 <= num_dimensions <= MAX_DIMENSIONS:
        raise UsageError(
            f"{source}: starts with {contents[:4].hex(' ') or 'nothing'}: expected is 00 00 08 and "
            f"01 to {MAX_DIMENSIONS:02x}, an IDX file of bytes; {MEND}"
        )
    header = contents[4 : 4 + 4 * num_dimensions]
    sizes = [int.from_bytes(header[i : i + 4], "big") for i in range(0, len(header), 4)]
    if len(header) < 4 * num_dimensions or 0 in sizes:
        raise UsageError(
            f"{source}: its header holds {header.hex(' ', 4) or 'nothing'}: expected are "
            f"{num_dimensions} sizes of 4 bytes, each at least 1; {MEND}"
        )
    return sizes
