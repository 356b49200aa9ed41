"""The sketched recurrent layer: what it keeps and draws, and how autograd may use it."""

from itertools import product

import pytest
import torch
from recurrent_cases import (
    CLOSE,
    H,
    I,
    N,
    T,
    any_sketch,
    each_chunk,
    each_kind,
    each_sketch,
    each_wish,
    operands,
)

from radexp.eager import EagerRNN
from radexp.memory.meter import SavedBytesMeter
from radexp.ops import recurrent_steps
from radexp.ops.recurrent import sketched_rnn, sketched_rnn_saved_bytes
from radexp.sketches import Exact, Projection, Rounding, Sampling


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


@each_wish
@each_chunk
@pytest.mark.parametrize("bits", [1, 8])
def test_with_tanh_a_rounded_derivative_takes_the_place_of_the_states(
    bits, with_outputs, steps, chunks_of
):
    for dtype, whole in ((torch.float64, False), (torch.bfloat16, bits == 8)):
        chunks_of(steps, dtype)
        given, sizes = operands(dtype), ((T, N, I), H, dtype)
        predicted = sketched_rnn_saved_bytes(*sizes, Rounding(bits), "tanh")
        assert measured_bytes(given, Rounding(bits), "tanh", with_outputs) == predicted
        stock = sketched_rnn_saved_bytes(*sizes, Exact(), "tanh")
        assert predicted < stock
        # Two codes of 8 bits would take as much as a state of 16, which is kept instead.
        assert (predicted > (T + 1) * N * H * dtype.itemsize) == whole


SIZES = [(1, 1, 1, 1), (2, 9, 4, 3), (40, 2, 1, 13), (5, 20, 3, 16), (784, 3, 1, 10)]


@any_sketch
@each_kind
@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("chunk_bytes", [1, 2000, 2**20])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_saved_bytes_are_predicted_for_every_size(
    sketch, nonlinearity, size, chunk_bytes, dtype, monkeypatch
):
    monkeypatch.setattr(recurrent_steps, "CHUNK_BYTES", chunk_bytes)
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
    monkeypatch.setattr(recurrent_steps, "CHUNK_BYTES", chunk_bytes)
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
