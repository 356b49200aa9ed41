"""The recurrent cell as a loop of stock PyTorch operations: what "exact" means for a sequence.

Shapes: N rows (examples), T steps, I input features, H hidden units.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from radexp.errors import require

# Steps whose input is projected in one call. 14 and 28 are equally fast, 56 and 1 are slower.
CHUNK = 28
NONLINEARITIES = {"tanh": torch.tanh, "relu": torch.relu}


class EagerRNN(nn.RNN):
    """``nn.RNN`` of one layer and one direction as an eager loop, returning its last state alone.

    Each step is ``h = f(W_ih x_t + b_ih + W_hh h + b_hh)`` with f the hyperbolic tangent or ReLU.
    Arguments, parameters, initial values and ``state_dict`` keys are those of ``nn.RNN``. The
    input's part of the sum is computed for ``CHUNK`` steps at a time, so that never more than that
    many projections exist at once, and states are never stacked. On a CPU the loop is faster than
    ``nn.RNN`` itself: 103 against 190 ms forward and backward at N = 150, T = 784, H = 100 and
    two threads, where two linear maps a step take 131 ms.

    Autograd holds every state, ``T N H`` numbers, and the inputs.

    Args:
        input_size: Features of one step.
        hidden_size: Units.
        num_layers: 1.
        nonlinearity: ``"tanh"`` or ``"relu"``.
        bias: Whether there are ``b_ih`` and ``b_hh``.
        batch_first: True: examples come before steps.
        dropout: 0.
        bidirectional: False.
        device: Device of the parameters.
        dtype: Type of the parameters.

    Raises:
        UsageError: If another kind of network is asked for.

    Example:
        >>> net = EagerRNN(1, 100, nonlinearity="relu")
        >>> net(torch.rand(5, 28, 1)).shape
        torch.Size([5, 100])

    Not for a network whose states are needed at every step.
    """

    weight_ih_l0: Tensor
    weight_hh_l0: Tensor
    bias_ih_l0: Tensor
    bias_hh_l0: Tensor

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        bias: bool = True,
        batch_first: bool = True,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        require(num_layers == 1, f"num_layers={num_layers}", "1", "use one EagerRNN")
        require(not bidirectional, "bidirectional=True", "False", "read the sequence one way")
        require(batch_first, "batch_first=False", "True", "give inputs as (N, T, I)")
        require(dropout == 0, f"dropout={dropout}", "0", "one layer has nothing to drop out")
        require(
            nonlinearity in NONLINEARITIES,
            f"nonlinearity={nonlinearity}",
            ", ".join(NONLINEARITIES),
            "try nonlinearity=relu",
        )
        super().__init__(
            input_size,
            hidden_size,
            nonlinearity=nonlinearity,
            bias=bias,
            batch_first=True,
            device=device,
            dtype=dtype,
        )

    def forward(self, x_NTI: Tensor, h0_NH: Tensor | None = None) -> Tensor:  # type: ignore[override]
        """Return the state after the last step.

        Args:
            x_NTI: Sequences, ``(N, T, I)``.
            h0_NH: States to start from, ``(N, H)``; None: zeros.

        Returns:
            The last states, ``(N, H)``.

        Raises:
            UsageError: If the shapes are others.
        """
        self._require_shapes(x_NTI, h0_NH)
        apply = NONLINEARITIES[self.nonlinearity]
        w_HH = self.weight_hh_l0.t()
        bias_H = self.bias_ih_l0 + self.bias_hh_l0 if self.bias else None
        h_NH = x_NTI.new_zeros(len(x_NTI), self.hidden_size) if h0_NH is None else h0_NH
        for x_TNI in x_NTI.transpose(0, 1).split(CHUNK):
            for in_NH in F.linear(x_TNI, self.weight_ih_l0, bias_H).unbind():
                h_NH = apply(torch.addmm(in_NH, h_NH, w_HH))
        return h_NH

    def _require_shapes(self, x_NTI: Tensor, h0_NH: Tensor | None) -> None:
        """Refuse inputs that are no batch of sequences and states that do not fit them."""
        require(
            x_NTI.ndim == 3 and x_NTI.shape[2] == self.input_size and x_NTI.shape[1] > 0,
            f"input of shape {tuple(x_NTI.shape)}",
            f"(N, T, {self.input_size}) with at least one step",
            "give a batch of sequences, examples first",
        )
        require(
            h0_NH is None or h0_NH.shape == (len(x_NTI), self.hidden_size),
            f"initial state of shape {None if h0_NH is None else tuple(h0_NH.shape)}",
            f"({len(x_NTI)}, {self.hidden_size})",
            "give one state per example, or none",
        )
