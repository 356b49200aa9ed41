"""Networks that tell classes apart, as plans and runs see them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from math import prod

import torch
from torch import Tensor, nn

from radexp.config import EstimatorConfig, TrainConfig, load_estimator_config
from radexp.data import (
    Dataset,
    IndexStream,
    bootstrap_indices,
    hold_out_indices,
    load_dataset,
)
from radexp.eager import EagerRNN
from radexp.errors import require
from radexp.experiments.choosing import choose_settings
from radexp.experiments.device import choose_device
from radexp.experiments.sensitivity import LayerNoise, layer_noise
from radexp.layers import Estimator, randomize
from radexp.memory import parameter_bytes, predict_by_layer
from radexp.models import build_model
from radexp.reactor import least_checkpoints
from radexp.seeding import derive_seed
from radexp.sketches.importance import BLOCK
from radexp.training import Classification, Task, classification_loss

DEFAULT_SMALL_BATCH = 20  # as published; also of a micro-batch

# Noise is measured on few examples, as the exact step that it takes holds all that they need.
LEAST_EXAMPLES = 20
# What was measured of workloads in this process, by what decides it.
_noise_of: dict[str, dict[str, LayerNoise]] = {}


class ClassificationWorkload:
    """A network and a data set.

    Args:
        config: The request.
        dataset: Data to use instead of those that the request names.
    """

    def __init__(self, config: TrainConfig, dataset: Dataset | None) -> None:
        self.config = config
        self.device()  # before the data are loaded
        self.dataset = dataset or _load_dataset_once(config.data.name, config.data.root)
        self._held_out()  # refuses more than there is
        with torch.device("meta"):
            self.model = self._network()
        self.parameter_bytes = parameter_bytes(self.model)
        checkpoints = config.estimator.checkpoints
        require(
            not checkpoints or self._steps() > 0,
            f"estimator.checkpoints={checkpoints} with model={config.model.name}",
            "0, as there is no recurrent layer whose steps could be run again",
            "try model=rnn",
        )

    @property
    def data_sha256(self) -> str | None:
        """Digest of the data set."""
        return self.dataset.sha256

    def device(self) -> torch.device:
        """Return the device that ``device=`` names; ``auto`` is CUDA where there is one."""
        return choose_device(self.config.device)

    def batch_size(self, estimator: EstimatorConfig) -> int:
        """Return the examples per step: the estimator's own number, if it has one."""
        return estimator.batch_size or self.config.training.batch_size

    def by_layer(self, estimator: EstimatorConfig) -> dict[str, int]:
        """Predict what autograd will hold by layer."""
        randomize(self.model, Estimator.from_config(estimator))
        batch_size = estimator.micro_batch or self.batch_size(estimator)
        with torch.device("meta"):
            x = torch.empty(batch_size, *self.dataset.input_shape)
            y = torch.empty(batch_size, dtype=torch.int64)
        return predict_by_layer(self.model, classification_loss, x, y)

    def candidates(self, free: str) -> Sequence[int]:
        """Return sizes of a batch or a micro-batch, or numbers of checkpoints, many first.

        More checkpoints than keep the fewest states take more memory and more time.
        """
        if free == "checkpoints":
            return range(self.default(free), -1, -1)
        return range(1, self.config.training.batch_size + 1)

    def default(self, free: str) -> int:
        """Return the number of checkpoints that keeps the fewest states, or the published batch."""
        if free == "checkpoints":
            return least_checkpoints(self._steps()) if self._steps() else 0
        most = self.config.training.batch_size
        return min(DEFAULT_SMALL_BATCH, most) if free == "micro_batch" else DEFAULT_SMALL_BATCH

    def _steps(self) -> int:
        """Return the steps of the recurrent layer that reads an example; 0 without one."""
        layers = (module for module in self.model.modules() if isinstance(module, EagerRNN))
        size = prod(self.dataset.input_shape)
        return next((size // layer.input_size for layer in layers), 0)

    def allocate(self, estimator: EstimatorConfig, room: int) -> EstimatorConfig:
        """Return what each layer keeps so that all gradients together have least noise.

        It is measured on examples of the run's first batch, at its initial weights.
        """
        return choose_settings(estimator, self._noise(), self.by_layer, room)

    def _noise(self) -> dict[str, LayerNoise]:
        """Measure the noise of each layer, once for all like workloads."""
        config = self.config
        data = config.data.name, self.dataset.input_shape, self.data_sha256
        key = repr((config.model, config.training, config.seed, config.device, data))
        if key not in _noise_of:
            exact = load_estimator_config("exact")
            with torch.random.fork_rng():
                model, task = self.build(exact, self.device())
                batch = [part[: _measured_examples(model)].clone() for part in task.next_batch()]
                seed = derive_seed(config.seed, "allocation")
                _noise_of[key] = layer_noise(model, lambda net: task.loss(net, batch)[0], seed)
        return _noise_of[key]

    def build(self, estimator: EstimatorConfig, device: torch.device) -> tuple[nn.Module, Task]:
        """Return the network, randomized, and its data.

        Initial weights, what is held out, bootstrap, batches and sketches are drawn from the run's
        seed, each in a stream of its own. Runs that differ in their estimator alone start from the
        same weights and train on the same bootstrap, so they can be compared in pairs.
        """
        config, dataset = self.config, self.dataset
        torch.manual_seed(derive_seed(config.seed, "torch"))
        model = self._network().to(device)
        seed = derive_seed(config.seed, "sketches")
        randomize(model, Estimator.from_config(estimator), seed=seed)
        indices, held_out = self._held_out()
        if config.training.bootstrap:
            seed, size = derive_seed(config.seed, "bootstrap"), dataset.num_examples
            drawn = bootstrap_indices(size if indices is None else len(indices), seed)
            indices = drawn if indices is None else indices[drawn]
        counts, out = self._counts(indices), self._counts(held_out)
        seed, size = derive_seed(config.seed, "batches"), self.batch_size(estimator)
        stream = IndexStream(dataset.num_examples, size, seed, indices)
        part = estimator.micro_batch
        return model, Classification(dataset.to(device), stream, counts, out, part)

    def _held_out(self) -> tuple[Tensor | None, Tensor | None]:
        """Draw what to train on and what to hold out, before any bootstrap; None for all of it."""
        number = self.config.training.holdout
        if not number:
            return None, None
        seed = derive_seed(self.config.seed, "holdout")
        return hold_out_indices(self.dataset.num_examples, number, seed)

    def _counts(self, indices: Tensor | None) -> Tensor | None:
        """Return how often each training example is among some; None for each of them once."""
        if indices is None:
            return None
        return torch.bincount(indices, minlength=self.dataset.num_examples)

    def _network(self) -> nn.Module:
        dataset = self.dataset
        return build_model(self.config.model, dataset.input_shape, dataset.num_classes)


def _measured_examples(model: nn.Module) -> int:
    """Return how many examples fill a block of what ``importance`` samples, and 20 at least.

    The noise of a block depends on how many entries share it; of a recurrent layer's inputs these
    are one step's, perhaps one for each example.
    """
    widths = [weight.shape[1] for weight in model.parameters() if weight.dim() == 2]
    return max(LEAST_EXAMPLES, -(-BLOCK // min(widths, default=BLOCK)))


@lru_cache(maxsize=2)
def _load_dataset_once(name: str, root: str | None) -> Dataset:
    """Load a data set, once for all runs of a sweep in this process."""
    return load_dataset(name, root)
