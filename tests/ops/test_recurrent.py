"""The sketched recurrent layer: exact where it should be, and keeping what it says."""

from itertools import product

import pytest
import torch
from torch import nn

from radexp.eager import EagerRNN
from radexp.memory.meter import SavedBytesMeter
from radexp.ops import recurrent
from radexp.ops.recurrent import sketched_rnn, sketched_rnn_saved_bytes
from radexp.seeding import derive_seed
from radexp.sketches import Exact, Projection, Sampling

T, N, I, H = 7, 3, 5, 11  # noqa: E741
SKETCHES = [
    Sampling(0.1),
    Sampling(0.4, shared=True),
    Sampling(0.4, replacement=False),
    Sampling(0.4, shared=True, replacement=False),
    Projection(0.4),
]

each_sketch = pytest.mark.parametrize("sketch", SKETCHES, ids=repr)
any_sketch = pytest.mark.parametrize("sketch", [Exact(), *SKETCHES], ids=repr)
each_kind = pytest.mark.parametrize("nonlinearity", ["relu", "tanh"])
each_bias = pytest.mark.parametrize("with_bias", [True, False], ids=["bias", "no bias"])
each_wish = pytest.mark.parametrize("with_outputs", [True, False], ids=["all states", "the last"])
# Steps of float64 states in a chunk, so that 7 steps make 7, 3 and 1 chunks.
each_chunk = pytest.mark.parametrize("steps", [1, 3, T], ids=lambda s: f"chunks of {s}")


@pytest.fixture
def chunks_of(monkeypatch):
    """Return a function that sets how many steps of N rows and H units make a chunk."""

    def set_steps(steps, dtype=torch.float64, rows=N, hidden=H):
        size = steps * rows * hidden * dtype.itemsize
        monkeypatch.setattr(recurrent, "CHUNK_BYTES", size + 1)

    return set_steps


def draw(shape, dtype=torch.float64, seed=0):
    numbers = torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return numbers.to(dtype)


def operands(dtype=torch.float64, with_bias=True, pattern=(True,) * 5, steps=T):
    shapes = [(steps, N, I), (N, H), (H, I), (H, H), (H,)]
    tensors = [draw(shape, dtype, seed) for seed, shape in enumerate(shapes)]
    tensors[3] = tensors[3] / H**0.5  # states neither die nor grow
    for tensor, needed in zip(tensors, pattern, strict=True):
        tensor.requires_grad_(needed)
    return [*tensors[:4], tensors[4] if with_bias else None]


def stock_states(x, h, w_ih, w_hh, bias, nonlinearity):
    """Return all states and the last by PyTorch's own operations."""
    apply, states = getattr(torch, nonlinearity), []
    for x_NI in x.unbind():
        h = apply(torch.nn.functional.linear(x_NI, w_ih, bias) + h @ w_hh.t())
        states.append(h)
    return torch.stack(states), h


def gradients(states, operands):
    """Return the gradients of a fixed linear function of all states and the last."""
    outputs, last = states
    total = (last * draw(last.shape, last.dtype, 9)).sum()
    if outputs is not None:
        total = total + (outputs * draw(outputs.shape, outputs.dtype, 8)).sum()
    wanted = [t for t in operands if t is not None and t.requires_grad]
    return torch.autograd.grad(total, wanted) if wanted else ()


def both(given, sketch, nonlinearity, with_outputs, seed=0):
    """Return states and gradients, ours and PyTorch's."""
    ours = sketched_rnn(*given, sketch, seed, nonlinearity, with_outputs)
    outputs, last = stock_states(*given, nonlinearity)
    stock = (outputs if with_outputs else None, last)
    return ours, stock, gradients(ours, given), gradients(stock, given)


# Sums of at most T N = 21 products, or of 16, of numbers of order 10, carried over 7 steps.
CLOSE = {"rtol": 1e-11, "atol": 1e-11}


@each_kind
@each_bias
@each_wish
@each_chunk
@pytest.mark.parametrize("pattern", list(product((False, True), repeat=5)), ids=str)
def test_the_exact_sketch_equals_autograd(
    nonlinearity, with_bias, with_outputs, steps, pattern, chunks_of
):
    chunks_of(steps)
    given = operands(with_bias=with_bias, pattern=pattern)
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
    sketch, nonlinearity, with_bias, with_outputs, steps, chunks_of
):
    chunks_of(steps)
    given = operands(with_bias=with_bias)
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


def measured_bytes(given, sketch, nonlinearity, with_outputs):
    with SavedBytesMeter(given[2:4]) as meter:
        states = sketched_rnn(*given, sketch, 0, nonlinearity, with_outputs)
    held = meter.held_bytes
    assert held == meter.peak_bytes
    del states
    assert meter.held_bytes == 0
    return held


@any_sketch
@each_kind
@each_wish
@each_chunk
@pytest.mark.parametrize(("needs_ih", "needs_hh"), list(product((True, False), repeat=2)), ids=str)
def test_saved_bytes_are_predicted_for_every_pattern(
    sketch, nonlinearity, with_outputs, steps, needs_ih, needs_hh, chunks_of
):
    chunks_of(steps)
    given = operands(pattern=(True, True, needs_ih, needs_hh, True))
    predicted = sketched_rnn_saved_bytes(
        (T, N, I), H, torch.float64, sketch, nonlinearity, needs_ih, needs_hh
    )
    assert measured_bytes(given, sketch, nonlinearity, with_outputs) == predicted


SIZES = [(1, 1, 1, 1), (2, 9, 4, 3), (40, 2, 1, 13), (5, 20, 3, 16), (784, 3, 1, 10)]


@any_sketch
@each_kind
@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("chunk_bytes", [1, 2000, 2**20])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_saved_bytes_are_predicted_for_every_size(
    sketch, nonlinearity, size, chunk_bytes, dtype, monkeypatch
):
    monkeypatch.setattr(recurrent, "CHUNK_BYTES", chunk_bytes)
    steps, rows, inputs, hidden = size
    shapes = [(steps, rows, inputs), (rows, hidden), (hidden, inputs), (hidden, hidden), (hidden,)]
    given = [torch.zeros(shape, dtype=dtype, requires_grad=True) for shape in shapes]
    predicted = sketched_rnn_saved_bytes(size[:3], hidden, dtype, sketch, nonlinearity)
    assert measured_bytes(given, sketch, nonlinearity, True) == predicted


def test_the_closed_form_at_the_papers_size():
    given = (784, 150, 1), 100, torch.float32
    inputs = 4 * 784 * 150
    # The state before every step, and the first of all.
    assert sketched_rnn_saved_bytes(*given, Exact()) == inputs + 4 * 785 * 150 * 100
    # A tenth of the states, and one bit for each; inputs have one feature, of which none can go.
    tenth = inputs + 784 * 150 * (4 * 10 + 100 // 8) + 784 * 150 // 2
    assert sketched_rnn_saved_bytes(*given, Sampling(0.1)) == tenth


@each_kind
@pytest.mark.parametrize("keep", [0.1, 0.5, 0.9, 1.0])
@pytest.mark.parametrize("hidden", [10, 16, 100])
@pytest.mark.parametrize("chunk_bytes", [1, 2**20])
def test_never_more_than_the_eager_loop(nonlinearity, keep, hidden, chunk_bytes, monkeypatch):
    monkeypatch.setattr(recurrent, "CHUNK_BYTES", chunk_bytes)
    loop, x = EagerRNN(2, hidden, nonlinearity=nonlinearity), torch.rand(8, 30, 2)
    with SavedBytesMeter(loop.parameters()) as meter:
        last = loop(x)
    assert last.requires_grad
    for sketch in (Exact(),) if keep == 1 else (Sampling(keep), Projection(keep)):
        ours = sketched_rnn_saved_bytes((30, 8, 2), hidden, torch.float32, sketch, nonlinearity)
        assert ours <= meter.held_bytes


@each_sketch
@each_wish
def test_with_relu_nothing_holds_on_to_inputs_or_states(sketch, with_outputs):
    x, h, *weights = operands()
    gone = []
    copies = [x * 2, h * 2]
    for copy in copies:
        gone.append(torch.multiprocessing.reductions.StorageWeakRef(copy.untyped_storage()))
    outputs, last = sketched_rnn(*copies, *weights, sketch, 0, "relu", with_outputs)
    if outputs is not None:
        gone.append(torch.multiprocessing.reductions.StorageWeakRef(outputs.untyped_storage()))
    del copy, copies, outputs
    assert last.requires_grad
    assert all(reference.expired() for reference in gone)


@any_sketch
@each_kind
def test_the_seed_alone_decides_the_gradient(sketch, nonlinearity):
    given, before = operands(), torch.get_rng_state()
    runs = [
        gradients(sketched_rnn(*given, sketch, seed, nonlinearity), given) for seed in (0, 0, 1)
    ]
    assert all(map(torch.equal, runs[0], runs[1]))
    assert torch.equal(runs[0][2], runs[2][2]) == isinstance(sketch, Exact)
    assert torch.equal(torch.get_rng_state(), before)


class Recording:
    """Writes down what a sketch is asked to keep; it does not enter the registry."""

    def __init__(self):
        self.sketch, self.calls = Sampling(0.4), []

    def __getattr__(self, name):
        return getattr(self.sketch, name)

    def compress(self, x_GND, seed):
        self.calls.append((tuple(x_GND.shape), seed))
        return self.sketch.compress(x_GND, seed)


def test_every_operand_and_chunk_is_drawn_with_a_seed_of_its_own(chunks_of):
    chunks_of(3)
    sketch = Recording()
    sketched_rnn(*operands(), sketch, 0)
    assert sorted(shape for shape, _ in sketch.calls) == sorted(
        (steps, N, width) for steps in (3, 3, 1) for width in (I, H)
    )
    assert len({seed for _, seed in sketch.calls}) == 6


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_without_gradients_nothing_is_drawn(mode):
    sketch = Recording()
    with mode():
        outputs, last = sketched_rnn(*operands(pattern=(False,) * 5), sketch, 0)
    assert (outputs.grad_fn, last.grad_fn, sketch.calls) == (None, None, [])


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
def test_a_retained_graph_gives_the_same_gradient_again(sketch, nonlinearity):
    given = operands()
    y = sketched_rnn(*given, sketch, 0, nonlinearity)[0].pow(2).sum()
    first = torch.autograd.grad(y, given, retain_graph=True)
    assert all(map(torch.equal, first, torch.autograd.grad(y, given)))
    with pytest.raises(RuntimeError, match="backward through the graph a second time"):
        y.backward()


@any_sketch
@each_kind
def test_double_backward_is_refused(sketch, nonlinearity):
    given = operands()
    y = sketched_rnn(*given, sketch, 0, nonlinearity)[0].pow(2).sum()
    (gradient,) = torch.autograd.grad(y, given[0], create_graph=True)
    with pytest.raises(RuntimeError, match="marked with @once_differentiable"):
        gradient.sum().backward()


@any_sketch
@each_kind
def test_changing_the_returned_states_in_place_never_gives_a_wrong_gradient(sketch, nonlinearity):
    given = operands()
    outputs, _ = sketched_rnn(*given, sketch, 0, nonlinearity)
    wanted = torch.autograd.grad((outputs * 2).square().sum(), given)
    outputs, _ = sketched_rnn(*given, sketch, 0, nonlinearity)
    if isinstance(sketch, Exact) or nonlinearity == "tanh":  # the states are kept
        with pytest.raises(RuntimeError, match=r"modified (inplace|by an inplace)"):
            torch.autograd.grad(outputs.mul_(2).square().sum(), given)
    else:
        found = torch.autograd.grad(outputs.mul_(2).square().sum(), given)
        torch.testing.assert_close(found, wanted, **CLOSE)


@any_sketch
@each_kind
def test_no_tensor_bypasses_save_for_backward(sketch, nonlinearity):
    grad_fn = sketched_rnn(*operands(), sketch, 0, nonlinearity)[1].grad_fn
    attributes = [*vars(grad_fn).values(), *vars(grad_fn.cell).values()]
    assert not any(isinstance(value, torch.Tensor) for value in attributes)


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
