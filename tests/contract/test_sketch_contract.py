"""What every sketch promises. A new sketch or estimator is picked up from registry and YAML."""

import pytest
import torch
from sketch_cases import build_sketches

from radexp.config import CLASSIFICATION, load_estimator_config, options_for
from radexp.layers import Estimator
from radexp.sketches import Exact, Hybrid, Importance, Rounding

DTYPES = [torch.float32, torch.float64, torch.bfloat16]
SHAPES = [(1, 1, 1), (3, 2, 1), (1, 1, 7), (1, 5, 13), (3, 1, 9), (3, 4, 33)]
ROOMY = (3, 40, 33)  # large enough that two draws of it are never the same by chance


SKETCHES = {
    **build_sketches(keep=(0.05, 0.4, 0.9), bits=range(1, 9)),
    **{
        f"estimator={name}": Estimator.named(name).sketch
        for name in options_for("estimator", CLASSIFICATION)
    },
}
BY_DATA = (Hybrid, Importance, Rounding)  # their draws depend on the entries
LINEAR = {name: sketch for name, sketch in SKETCHES.items() if not isinstance(sketch, BY_DATA)}
FREE_KEEP = [
    name
    for name in options_for("estimator", CLASSIFICATION)
    if load_estimator_config(name).free == "keep"
]

each_sketch = pytest.mark.parametrize("sketch", SKETCHES.values(), ids=SKETCHES)
each_shape = pytest.mark.parametrize("shape", SHAPES, ids=str)
each_dtype = pytest.mark.parametrize("dtype", DTYPES, ids=str)


def draw(shape, dtype=torch.float64, seed=0, device="cpu"):
    numbers = torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return numbers.to(device, dtype)


def restored(sketch, x, seed):
    return sketch.restore(sketch.compress(x, seed), tuple(x.shape), seed)


def global_states(device):
    of_device = [torch.cuda.get_rng_state(device)] if torch.device(device).type == "cuda" else []
    return [torch.get_rng_state(), *of_device]


def total_bytes(kept):
    storages = {t.untyped_storage()._cdata: t.untyped_storage().nbytes() for t in kept}
    return sum(storages.values())


@each_sketch
@each_shape
@each_dtype
def test_measured_bytes_are_the_closed_form(sketch, shape, dtype, device):
    kept = sketch.compress(draw(shape, dtype, device=device), seed=1)
    assert total_bytes(kept) == sketch.saved_bytes(shape, dtype)
    assert total_bytes(kept) <= Exact().saved_bytes(shape, dtype)


@each_sketch
@each_shape
@each_dtype
def test_restore_gives_back_shape_dtype_and_device(sketch, shape, dtype, device):
    x = draw(shape, dtype, device=device)
    xhat = restored(sketch, x, seed=1)
    assert (xhat.shape, xhat.dtype, xhat.device) == (torch.Size(shape), dtype, x.device)
    assert xhat.isfinite().all()


@each_sketch
@each_shape
@each_dtype
def test_contract_is_the_product_with_what_restore_gives(sketch, shape, dtype, device):
    G, N, D = shape
    x_GND, g_GNO = draw(shape, dtype, 0, device), draw((G, N, 5), dtype, 2, device)
    kept = sketch.compress(x_GND, seed=1)
    xhat_GND = sketch.restore(kept, shape, seed=1).double()
    wanted_OD = torch.einsum("gno,gnd->od", g_GNO.double(), xhat_GND)
    result_OD = sketch.contract(g_GNO, kept, shape, seed=1)
    # Sums of at most G N + G D terms and a few roundings, each of relative size eps; no term
    # exceeds |g| D max|x|: a column sampled K times has scale D, a projection at most |x|_1.
    largest_GN1 = x_GND.double().abs().amax(2, keepdim=True) * D
    bound_O1 = (g_GNO.double().abs() * largest_GN1).sum((0, 1))[:, None]
    tolerance_O1 = torch.finfo(dtype).eps * (G * N + G * D + 4) * bound_O1
    assert (result_OD.shape, result_OD.dtype) == (wanted_OD.shape, dtype)
    assert ((result_OD.double() - wanted_OD).abs() <= tolerance_O1).all()


@each_sketch
@each_dtype
def test_the_seed_alone_decides_the_draw(sketch, dtype, device):
    x = draw(ROOMY, dtype, device=device)
    first, again, other = (restored(sketch, x, seed) for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert torch.equal(first, other) == isinstance(sketch, Exact)


@each_sketch
def test_seeds_up_to_the_largest_work_and_leave_global_generators_alone(sketch, device):
    before = global_states(device)
    assert restored(sketch, draw(ROOMY, device=device), 2**63 - 1).isfinite().all()
    assert all(map(torch.equal, global_states(device), before))


@each_sketch
def test_groups_get_draws_of_their_own(sketch, device):
    xhat = restored(sketch, draw((1, *ROOMY[1:]), device=device).repeat(3, 1, 1), seed=0)
    for one, other in ((0, 1), (0, 2), (1, 2)):
        assert torch.equal(xhat[one], xhat[other]) == isinstance(sketch, Exact)


@each_sketch
@each_dtype
def test_sizes_depend_on_shapes_and_never_on_data(sketch, dtype, device):
    shape = (3, 4, 33)
    data = [draw(shape), *(torch.full(shape, v) for v in (0.0, 1.0, -7.0, torch.nan, torch.inf))]
    kept = [sketch.compress(x.to(device, dtype), seed=0) for x in data]
    assert len({tuple((t.shape, t.dtype) for t in tensors) for tensors in kept}) == 1


@pytest.mark.parametrize("sketch", LINEAR.values(), ids=LINEAR)
@each_shape
def test_compress_is_linear(sketch, shape, device):
    x, y = draw(shape, seed=0, device=device), draw(shape, seed=1, device=device)
    for of_sum, of_x, of_y in zip(
        *(sketch.compress(matrix, seed=3) for matrix in (2 * x - 3 * y, x, y)), strict=True
    ):
        # D products of each of x and y meet in one kept number at most.
        rounding = (
            torch.finfo(torch.float64).eps * 10 * shape[2] * max(x.abs().max(), y.abs().max())
        )
        torch.testing.assert_close(of_sum, 2 * of_x - 3 * of_y, rtol=0, atol=rounding.item())


@each_sketch
@each_shape
def test_inputs_are_left_as_they_were(sketch, shape, device):
    x, g = draw(shape, device=device), draw((*shape[:2], 5), seed=2, device=device)
    kept = sketch.compress(x, seed=0)
    before = [t.clone() for t in (x, g, *kept)]
    sketch.contract(g, kept, shape, seed=0)
    sketch.restore(kept, shape, seed=0)
    assert all(map(torch.equal, (x, g, *kept), before))


@each_sketch
def test_strides_do_not_matter(sketch, device):
    x = draw((3, 33, 4), device=device).transpose(1, 2)
    kept = sketch.compress(x, seed=0)
    assert total_bytes(kept) == sketch.saved_bytes((3, 4, 33), x.dtype)
    torch.testing.assert_close(restored(sketch, x, 0), restored(sketch, x.contiguous(), 0))


@each_sketch
def test_a_batch_without_examples_keeps_nothing(sketch, device):
    kept = sketch.compress(draw((1, 0, 9), device=device), seed=0)
    assert total_bytes(kept) == sketch.saved_bytes((1, 0, 9), torch.float64) == 0
    contracted = sketch.contract(draw((1, 0, 5), device=device), kept, (1, 0, 9), seed=0)
    assert torch.equal(contracted, torch.zeros(5, 9, dtype=torch.float64, device=device))


@pytest.mark.parametrize("name", FREE_KEEP)
@pytest.mark.parametrize("keep", [1, 1.0])
def test_keep_1_is_exact_by_definition(name, keep):
    assert isinstance(Estimator.named(name, keep=keep).sketch, Exact)


def test_more_bits_never_save_bytes():
    sizes = [Rounding(bits).saved_bytes((2, 3, 33), torch.float32) for bits in range(1, 9)]
    assert sizes == sorted(sizes)
    assert 25 + 2 * 4 == sizes[0] < sizes[-1] == 198 + 2 * 4


@pytest.mark.parametrize("name", FREE_KEEP)
def test_keeping_more_never_saves_bytes(name):
    sketches = [Estimator.named(name, keep=k / 20).sketch for k in range(1, 21)]
    sizes = [sketch.saved_bytes((2, 3, 33), torch.float32) for sketch in sketches]
    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[-1] == 2 * 3 * 33 * 4
