"""Parts run once each, on PyTorch's number of threads, and also after a fork."""

import os
import signal
import threading
import time

import numba
import pytest
import torch

from radexp.kernels import parallel, serves
from radexp.kernels.parallel import compiled, run_parts

pytestmark = pytest.mark.usefixtures("torch_state")


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("count", [0, 1, 2, 8])
def test_every_part_runs_once(threads, count):
    torch.set_num_threads(threads)
    calls = []
    run_parts(calls.append, count)
    assert sorted(calls) == list(range(count))


@pytest.mark.skipif(parallel._openmp() is None, reason="PyTorch's OpenMP has not GNU's interface")
@pytest.mark.parametrize(("threads", "count", "wanted"), [(1, 4, 1), (2, 4, 2), (3, 2, 2)])
def test_as_many_threads_work_as_pytorch_has_or_there_are_parts(threads, count, wanted):
    torch.set_num_threads(threads)
    # As many threads must be inside a part at once before one may go on.
    barrier, workers = threading.Barrier(wanted, timeout=20), set()

    def part(index):
        workers.add(threading.get_ident())
        barrier.wait()

    run_parts(part, count)
    assert len(workers) == wanted
    assert threading.get_ident() in workers


def test_without_openmp_one_thread_does_it_all(monkeypatch):
    monkeypatch.setattr(parallel, "_openmp", lambda: None)
    torch.set_num_threads(2)
    workers, calls = set(), []

    def part(index):
        workers.add(threading.get_ident())
        calls.append(index)

    run_parts(part, 5)
    assert (workers, calls) == ({threading.get_ident()}, [0, 1, 2, 3, 4])


@pytest.mark.parametrize("threads", [1, 2])
def test_what_a_part_raises_is_raised(threads):
    def part(index):
        if index == 2:
            raise KeyError("part 2")

    torch.set_num_threads(threads)
    with pytest.raises(KeyError, match="part 2"):
        run_parts(part, 4)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_a_fork_of_one_thread_goes_on():
    # As PyTorch's data loaders do: after a fork its OpenMP has no threads but the one.
    torch.set_num_threads(2)
    run_parts(lambda index: None, 4)
    child = os.fork()
    if child == 0:
        torch.set_num_threads(1)
        calls = []
        run_parts(calls.append, 4)
        os._exit(0 if calls == [0, 1, 2, 3] else 1)
    deadline, ended = time.monotonic() + 20, (0, 0)
    while ended == (0, 0) and time.monotonic() < deadline:
        time.sleep(0.01)
        ended = os.waitpid(child, os.WNOHANG)
    if ended == (0, 0):
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    assert ended == (child, 0)


@pytest.mark.parametrize(
    ("dtype", "device", "served"),
    [
        (torch.float32, "cpu", True),
        (torch.float64, "cpu", True),
        (torch.bfloat16, "cpu", False),
        (torch.float16, "cpu", False),
        (torch.int64, "cpu", False),
        (torch.float32, "meta", False),
        pytest.param(
            *(torch.float32, "cuda", False),
            marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"),
        ),
    ],
    ids=str,
)
def test_compiled_loops_serve_floats_on_the_cpu(dtype, device, served):
    assert serves(torch.empty(2, dtype=dtype, device=device)) is served


def test_a_loop_that_cannot_be_kept_on_disk_is_compiled_all_the_same(monkeypatch):
    real, asked = numba.njit, []

    def njit(**options):
        asked.append(options.get("cache", False))
        if asked[-1]:
            raise RuntimeError("cannot cache function: no locator available")
        return real(**options)

    def double(numbers):
        for i in range(len(numbers)):
            numbers[i] *= 2

    with monkeypatch.context() as patch:
        patch.setattr(numba, "njit", njit)
        loop = compiled()(double)
    numbers = torch.ones(3)
    loop(numbers.numpy())
    assert numbers.tolist() == [2, 2, 2]
    assert asked == [True, False]
