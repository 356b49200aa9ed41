"""The sketched recurrent layer: its numbers, exact where they should be, by the seed elsewhere."""

from itertools import product

import pytest
import torch
from recurrent_cases import (
    CLOSE,
    H,
    I,
    T,
    any_sketch,
    draw,
    each_chunk,
    each_kind,
    each_sketch,
    each_wish,
    gradients,
    operands,
)
from torch import nn

from radexp.eager import EagerRNN
from radexp.ops.recurrent import sketched_rnn
from radexp.seeding import derive_seed
from radexp.sketches import Exact

each_bias = pytest.mark.parametrize("with_bias", [True, False], ids=["bias", "no bias"])


def stock_states(x, h, w_ih, w_hh, bias, nonlinearity):
    """Return all states and the last by PyTorch's own operations."""
    apply, states = getattr(torch, nonlinearity), []
    for x_NI in x.unbind():
        h = apply(torch.nn.functional.linear(x_NI, w_ih, bias) + h @ w_hh.t())
        states.append(h)
    return torch.stack(states), h


def both(given, sketch, nonlinearity, with_outputs, seed=0):
    """Return states and gradients, ours and PyTorch's."""
    ours = sketched_rnn(*given, sketch, seed, nonlinearity, with_outputs)
    outputs, last = stock_states(*given, nonlinearity)
    stock = (outputs if with_outputs else None, last)
    return ours, stock, gradients(ours, given), gradients(stock, given)


@each_kind
@each_bias
@each_wish
@each_chunk
@pytest.mark.parametrize("pattern", list(product((False, True), repeat=5)), ids=str)
def test_the_exact_sketch_equals_autograd(
    nonlinearity, with_bias, with_outputs, steps, pattern, chunks_of, device
):
    chunks_of(steps)
    given = operands(with_bias=with_bias, pattern=pattern, device=device)
    if not any(t is not None and t.requires_grad for t in given):
        return
    ours, stock, our_grads, stock_grads = both(given, Exact(), nonlinearity, with_outputs)
    assert (ours[0] is None) == (not with_outputs)
    torch.testing.assert_close(ours[1], stock[1], **CLOSE)
    if with_outputs:
        torch.testing.assert_close(ours[0], stock[0], **CLOSE)
    torch.testing.assert_close(our_grads, stock_grads, **CLOSE)


@each_kind
@pytest.mark.parametrize("bias", [True, False])
def test_the_exact_sketch_equals_the_stock_module_and_the_eager_loop(nonlinearity, bias):
    torch.manual_seed(0)
    stock = nn.RNN(I, H, nonlinearity=nonlinearity, bias=bias).double()
    loop = EagerRNN(I, H, nonlinearity=nonlinearity, bias=bias).double()
    loop.load_state_dict(stock.state_dict())
    x, h, w_ih, w_hh, _ = operands()
    w_ih, w_hh = stock.weight_ih_l0, stock.weight_hh_l0
    total = stock.bias_ih_l0 + stock.bias_hh_l0 if bias else None
    outputs, last = sketched_rnn(x, h, w_ih, w_hh, total, Exact(), 0, nonlinearity)
    wanted, wanted_last = stock(x, h[None])
    torch.testing.assert_close(outputs, wanted, **CLOSE)
    torch.testing.assert_close(last, wanted_last[0], **CLOSE)
    eager = loop(x.transpose(0, 1), h)
    torch.testing.assert_close(last, eager, **CLOSE)
    leaves = [x, h, *stock.parameters()]
    ours = torch.autograd.grad((last * draw(last.shape)).sum(), leaves)
    theirs = torch.autograd.grad((eager * draw(last.shape)).sum(), [x, h, *loop.parameters()])
    torch.testing.assert_close(ours, theirs, **CLOSE)


@each_kind
@each_bias
@each_wish
def test_gradcheck_with_the_exact_sketch(nonlinearity, with_bias, with_outputs, chunks_of):
    chunks_of(2)
    given = operands(with_bias=with_bias, steps=3)

    def op(*args):
        states = sketched_rnn(*args, Exact(), 0, nonlinearity, with_outputs)
        return tuple(state for state in states if state is not None)

    assert torch.autograd.gradcheck(op, given, fast_mode=True)


def preactivation_gradients(given, nonlinearity, with_outputs):
    """Return the states before each step, and the gradients before each nonlinearity."""
    x, h, w_ih, w_hh, bias = (None if t is None else t.detach() for t in given)
    apply, states, shifts = getattr(torch, nonlinearity), [h], []
    for x_NI in x.unbind():
        shifts.append(torch.zeros_like(h, requires_grad=True))
        before = torch.nn.functional.linear(x_NI, w_ih, bias) + states[-1] @ w_hh.t()
        states.append(apply(before + shifts[-1]))
    outputs = torch.stack(states[1:]) if with_outputs else None
    return torch.stack(states[:-1]).detach(), torch.stack(gradients((outputs, states[-1]), shifts))


def by_hand(sketch, seed, operand, x_GND, a_GNH, steps):
    """Return ``sum_t a_t^T xhat_t`` with the estimates that the seeds of the chunks stand for."""
    total = 0
    for start in range(0, len(x_GND), steps):
        x, a = x_GND[start : start + steps], a_GNH[start : start + steps]
        chunk_seed = derive_seed(seed, operand, start)
        xhat = sketch.restore(sketch.compress(x, chunk_seed), tuple(x.shape), chunk_seed)
        total = total + torch.einsum("gnh,gnd->hd", a, xhat)
    return total


@each_sketch
@each_kind
@each_bias
@each_wish
@each_chunk
def test_only_the_weight_gradients_are_estimated(
    sketch, nonlinearity, with_bias, with_outputs, steps, chunks_of, device
):
    chunks_of(steps)
    given = operands(with_bias=with_bias, device=device)
    ours, stock, our_grads, stock_grads = both(given, sketch, nonlinearity, with_outputs, seed=5)
    torch.testing.assert_close(ours, stock, **CLOSE)
    before, a = preactivation_gradients(given, nonlinearity, with_outputs)
    of_ih = by_hand(sketch, 5, "input", given[0].detach(), a, steps)
    of_hh = by_hand(sketch, 5, "hidden", before, a, steps)
    if nonlinearity == "tanh":  # its states are kept whole
        of_hh = stock_grads[3]
    else:
        assert not torch.allclose(of_hh, stock_grads[3], rtol=1e-3)
    assert not torch.allclose(of_ih, stock_grads[2], rtol=1e-3)
    wanted = (*stock_grads[:2], of_ih, of_hh, *stock_grads[4:])
    torch.testing.assert_close(our_grads, wanted, **CLOSE)


@any_sketch
@each_kind
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16], ids=str)
def test_types_and_shapes_are_those_of_the_operands(sketch, nonlinearity, dtype):
    given = operands(dtype)
    ours, stock, our_grads, _ = both(given, sketch, nonlinearity, True)
    # 7 steps, each of a few roundings of numbers of order 10.
    tolerance = 7 * 4 * 10 * torch.finfo(dtype).eps
    torch.testing.assert_close(ours, stock, rtol=0, atol=tolerance)
    assert [(g.dtype, g.shape) for g in our_grads] == [(dtype, t.shape) for t in given]
    assert all(gradient.isfinite().all() for gradient in our_grads)


@any_sketch
@each_kind
def test_the_seed_alone_decides_the_gradient(sketch, nonlinearity, device):
    given, before = operands(device=device), torch.get_rng_state()
    runs = [
        gradients(sketched_rnn(*given, sketch, seed, nonlinearity), given) for seed in (0, 0, 1)
    ]
    assert all(map(torch.equal, runs[0], runs[1]))
    assert torch.equal(runs[0][2], runs[2][2]) == isinstance(sketch, Exact)
    assert torch.equal(torch.get_rng_state(), before)


@each_kind
@pytest.mark.parametrize("wanted", ["outputs", "last", "one of the outputs"])
def test_either_result_can_be_used_alone(nonlinearity, wanted):
    given, results = operands(), []
    ours = sketched_rnn(*given, Exact(), 0, nonlinearity)
    for outputs, last in (ours, stock_states(*given, nonlinearity)):
        of = {"outputs": outputs, "last": last, "one of the outputs": outputs[2]}[wanted]
        results.append(torch.autograd.grad(of.square().sum(), given))
    torch.testing.assert_close(*results, **CLOSE)


@any_sketch
@each_kind
def test_strides_do_not_matter(sketch, nonlinearity):
    results = []
    for dense in (False, True):
        leaves = operands()
        x = leaves[0].transpose(0, 1).contiguous().transpose(0, 1)
        h, w_ih, w_hh = (t.t().contiguous().t() for t in leaves[1:4])
        if dense:
            x, h, w_ih, w_hh = (t.contiguous() for t in (x, h, w_ih, w_hh))
        states = sketched_rnn(x, h, w_ih, w_hh, leaves[4], sketch, 0, nonlinearity)
        results.append((*states, *torch.autograd.grad(states[0].sum() + states[1].sum(), leaves)))
    torch.testing.assert_close(*results, **CLOSE)


@any_sketch
@each_kind
def test_a_batch_without_examples_has_gradients_of_zeros(sketch, nonlinearity):
    given = [tensor.detach()[..., :0, :] if tensor.dim() == 3 else tensor for tensor in operands()]
    given[1] = given[1].detach()[:0]
    outputs, last = sketched_rnn(*given, sketch, 0, nonlinearity)
    assert (outputs.shape, last.shape) == ((T, 0, H), (0, H))
    weights = given[2:]
    for gradient, weight in zip(gradients((outputs, last), weights), weights, strict=True):
        assert torch.equal(gradient, torch.zeros_like(weight))
