"""Recurrent layers over sketches of their states."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from radexp.eager import EagerRNN
from radexp.layers.base import SketchedLayer
from radexp.layers.estimator import Estimator
from radexp.ops.dropout import bit_dropout, bit_dropout_saved_bytes
from radexp.ops.recurrent import sketched_rnn, sketched_rnn_saved_bytes
from radexp.seeding import derive_seed
from radexp.sketches import Exact


class SketchedEagerRNN(SketchedLayer, EagerRNN):
    """``EagerRNN`` that keeps sketches of states and inputs; made by ``randomize``."""

    stock = EagerRNN

    def forward(  # type: ignore[override]
        self, x_NTI: Tensor, h0_NH: Tensor | None = None
    ) -> Tensor:
        """Return the state after the last step; without gradients this is the stock loop."""
        if not self.records(x_NTI, h0_NH):
            return EagerRNN.forward(self, x_NTI, h0_NH)
        self._require_shapes(x_NTI, h0_NH)
        start_NH = x_NTI.new_zeros(len(x_NTI), self.hidden_size) if h0_NH is None else h0_NH
        _, last_NH = sketched_rnn(
            x_NTI.transpose(0, 1),
            start_NH,
            self.weight_ih_l0,
            self.weight_hh_l0,
            self.bias_ih_l0 + self.bias_hh_l0 if self.bias else None,
            self.sketch,
            self.next_seed(),
            self.nonlinearity,
            with_outputs=False,
        )
        return last_NH

    def dry_forward(  # type: ignore[override]
        self, x_NTI: Tensor, h0_NH: Tensor | None = None
    ) -> Tensor:
        """Take one step: the last state has the shape of the first, and there can be thousands."""
        return EagerRNN.forward(self, x_NTI[:, :1], h0_NH)

    def saved_bytes(self, x_NTI: Tensor, h0_NH: Tensor | None = None) -> int:
        """Return the bytes that ``forward`` keeps when gradients are on."""
        if not self.records(x_NTI, h0_NH):
            return 0
        return sketched_rnn_saved_bytes(
            (x_NTI.shape[1], x_NTI.shape[0], x_NTI.shape[2]),
            self.hidden_size,
            self.weight_hh_l0.dtype,
            self.sketch,
            self.nonlinearity,
            self.weight_ih_l0.requires_grad,
            self.weight_hh_l0.requires_grad,
        )


class SketchedRNN(SketchedLayer, nn.RNN):
    """``nn.RNN`` that keeps sketches of states and inputs; made by ``randomize``.

    Any number of layers and both directions; a packed sequence is left to the stock module. Under
    autocast it computes in the precision of its weights, and so keeps more than PyTorch's own.
    """

    stock = nn.RNN

    @classmethod
    def pays(
        cls, module: Any, estimator: Estimator, followed_by: Sequence[nn.Module | None]
    ) -> bool:
        """Tell whether the estimator sketches, and two directions keep less than one whole input.

        Each direction keeps a sketch of its own of the input that PyTorch keeps once for both.
        """
        if estimator.exact or not module.bidirectional:
            return not estimator.exact
        widths = [module.input_size]
        widths += [2 * module.hidden_size] * (module.num_layers > 1)
        each = ((estimator.sketch, (1, 1, width)) for width in widths)
        return all(
            2 * sketch.saved_bytes(row, torch.float32) <= Exact().saved_bytes(row, torch.float32)
            for sketch, row in each
        )

    def forward(  # type: ignore[override]
        self, input: Tensor | PackedSequence, hx: Tensor | None = None
    ) -> tuple[Tensor | PackedSequence, Tensor]:
        """Return the last layer's states at all steps, and every layer's last states."""
        if isinstance(input, PackedSequence) or not self.records(input, hx):
            return nn.RNN.forward(self, input, hx)
        if input.dim() not in (2, 3) or (hx is not None and hx.dim() != input.dim()):
            return nn.RNN.forward(self, input, hx)  # which refuses them in PyTorch's words
        batched, x_TNI = input.dim() == 3, self._steps_first(input)
        starts = self._starts(x_TNI, hx)
        self.check_forward_args(x_TNI.transpose(0, 1) if self.batch_first else x_TNI, starts, None)
        if len(x_TNI) == 0:
            return nn.RNN.forward(self, input, hx)  # which refuses it too
        seed, lasts = self.next_seed(), []
        for layer in range(self.num_layers):
            if layer:
                x_TNI = bit_dropout(x_TNI, self.dropout, self.training)
            passes = [
                self._run(x_TNI, starts, layer, backwards, derive_seed(seed, layer, backwards))
                for backwards in range(self._directions)
            ]
            # A copy: tanh keeps the outputs themselves, and what follows may keep its input too.
            x_TNI = torch.cat([outputs for outputs, _ in passes], 2)
            lasts += [last_NH for _, last_NH in passes]
        last_LNH = torch.stack(lasts)
        if not batched:
            return x_TNI.squeeze(1), last_LNH.squeeze(1)
        return (x_TNI.transpose(0, 1) if self.batch_first else x_TNI), last_LNH

    def saved_bytes(self, input: Tensor | PackedSequence, hx: Tensor | None = None) -> int:
        """Return the bytes that ``forward`` keeps when gradients are on."""
        if isinstance(input, PackedSequence) or not self.records(input, hx):
            return 0
        steps, rows, inputs = self._steps_first(input).shape
        total, needed = 0, input.requires_grad or (hx is not None and hx.requires_grad)
        for layer in range(self.num_layers):
            width = inputs if layer == 0 else self.hidden_size * self._directions
            if layer and needed:
                between = torch.Size((steps, rows, width))
                total += bit_dropout_saved_bytes(between, input.dtype, self.dropout, self.training)
            passes = [self._weights(layer, backwards) for backwards in range(self._directions)]
            recorded = [needed or any(w.requires_grad for w in weights) for weights in passes]
            needed = any(recorded)
            for w_ih, w_hh, *_ in itertools.compress(passes, recorded):
                total += sketched_rnn_saved_bytes(
                    (steps, rows, width),
                    self.hidden_size,
                    w_hh.dtype,
                    self.sketch,
                    self.nonlinearity,
                    w_ih.requires_grad,
                    w_hh.requires_grad,
                )
        return total

    @property
    def _directions(self) -> int:
        return 2 if self.bidirectional else 1

    def _steps_first(self, input: Tensor) -> Tensor:
        if input.dim() == 2:
            return input.unsqueeze(1)
        return input.transpose(0, 1) if self.batch_first else input

    def _starts(self, x_TNI: Tensor, hx: Tensor | None) -> Tensor:
        """Return the states to start from, (layers * directions, N, H)."""
        if hx is None:
            return x_TNI.new_zeros(
                self.num_layers * self._directions, x_TNI.shape[1], self.hidden_size
            )
        return hx.unsqueeze(1) if hx.dim() == 2 else hx

    def _weights(self, layer: int, backwards: int) -> list[Tensor]:
        """Return the parameters of a layer and direction: two weights, then two biases if any."""
        return [*self.all_weights[layer * self._directions + backwards]]

    def _run(
        self, x_TNI: Tensor, starts: Tensor, layer: int, backwards: int, seed: int
    ) -> tuple[Tensor, Tensor]:
        """Run one layer in one direction; its outputs are in the order of the inputs."""
        w_ih, w_hh, *biases = self._weights(layer, backwards)
        outputs, last_NH = sketched_rnn(
            x_TNI.flip(0) if backwards else x_TNI,
            starts[layer * self._directions + backwards],
            w_ih,
            w_hh,
            biases[0] + biases[1] if biases else None,
            self.sketch,
            seed,
            self.nonlinearity,
        )
        assert outputs is not None
        return (outputs.flip(0) if backwards else outputs), last_NH
