"""``nn.Sequential`` that does at once what neighbours would do one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn
from torch.nn.modules import module as nn_module

from radexp.kernels.geometry import Pair
from radexp.layers.conv import SketchedConv1d, SketchedConv2d
from radexp.layers.linear import SketchedLinear
from radexp.layers.pooling import LeanAvgPool2d
from radexp.layers.relu import BitReLU
from radexp.ops.pool_sizes import as_pair, needs_gradient
from radexp.ops.relu import bit_relu_
from radexp.ops.relu_pooling import relu_avg_pool2d

# Their output is new memory, which neither they nor autograd need any more.
_FRESH = (SketchedLinear, SketchedConv1d, SketchedConv2d)


class LeanSequential(nn.Sequential):
    """``nn.Sequential`` that spares a ReLU memory of its own; made by ``randomize``.

    Only a container knows that nobody else needs what one layer hands to the next. So here a
    ``BitReLU`` writes over the output of a sketched layer, an average pooling that follows it is
    done in the same pass, and the sketch of a linear layer that follows it may know which entries
    are zero. Values, exact gradients and the bytes that are kept are those of the modules called
    one by one; a module with hooks is called as ever.
    """

    def forward(self, input: Any) -> Any:
        """Apply the modules in their order."""
        modules, x, is_fresh = list(self), input, False
        while modules:
            module = modules.pop(0)
            if not (type(module) is BitReLU and _can_be_joined(module, x)):
                x = module(x)
                is_fresh = isinstance(module, _FRESH) and _is_bare(module)
            elif (is_fresh or not module.inplace) and (window := _window_of_pool(modules)):
                del modules[0]
                x, is_fresh = relu_avg_pool2d(x, window), False
            elif (is_fresh or not module.inplace) and (linear := _linear_of(modules, x)):
                del modules[0]
                x, is_fresh = linear.forward_after_relu(x, is_fresh and not x._is_view()), True
            elif is_fresh and not x._is_view():
                x, is_fresh = bit_relu_(x), False
            else:
                x, is_fresh = module(x), False
        return x

    def restore_stock(self) -> None:
        """Become ``nn.Sequential`` again."""
        self.__class__ = nn.Sequential  # type: ignore[assignment]


def _can_be_joined(module: nn.Module, x: Any) -> bool:
    """Tell whether a module that is differentiated may be done together with a neighbour."""
    return isinstance(x, Tensor) and needs_gradient(x) and _is_bare(module)


def _is_bare(module: nn.Module) -> bool:
    """Tell whether nobody looks at what goes into a module and what comes out."""
    hooks = (
        module._forward_pre_hooks,
        module._forward_hooks,
        module._backward_pre_hooks,
        module._backward_hooks,
    )
    return not (any(hooks) or "forward" in vars(module) or nn_module._has_any_global_hook())


def _window_of_pool(modules: Sequence[nn.Module]) -> Pair | None:
    """Return the size of the windows if the next module averages some that lie side by side."""
    pool = modules[0] if modules else None
    if type(pool) is not LeanAvgPool2d or not _is_bare(pool):
        return None
    side_by_side = as_pair(pool.stride) == as_pair(pool.kernel_size)
    plain = as_pair(pool.padding) == (0, 0) and not pool.ceil_mode and not pool.divisor_override
    return as_pair(pool.kernel_size) if side_by_side and plain else None


def _linear_of(modules: Sequence[nn.Module], x: Tensor) -> SketchedLinear | None:
    """Return the next module if it is a sketched linear layer for such inputs."""
    linear = modules[0] if modules else None
    if type(linear) is not SketchedLinear or not _is_bare(linear):
        return None
    return linear if x.dim() and x.shape[-1] == linear.in_features else None
