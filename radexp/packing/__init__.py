"""Truth values and small whole numbers, side by side in as few bits as they need."""

from radexp.packing.bits import pack_bits, packed_bytes, select_by_bits, unpack_bits
from radexp.packing.codes import code_bytes, pack_codes, unpack_codes

__all__ = [
    "code_bytes",
    "pack_bits",
    "pack_codes",
    "packed_bytes",
    "select_by_bits",
    "unpack_bits",
    "unpack_codes",
]
