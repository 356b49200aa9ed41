"""Compiled loops for CPU tensors, where PyTorch has no operation that skips what is not kept.

They are compiled when first called, and kept on disk. Each has a plain PyTorch counterpart, which
serves every device and dtype and which the tests hold it to.
"""

from radexp.kernels.parallel import serves

__all__ = ["serves"]
