"""Control of a linear reaction-diffusion equation: dynamics, discrete adjoint, stored states."""

from radexp.reactor.adjoint import control_loss
from radexp.reactor.dynamics import Problem
from radexp.reactor.grid import Grid
from radexp.reactor.model import Reactor, initial_control
from radexp.reactor.published import AsPublished
from radexp.reactor.storage import Checkpoints, Sketched, Storage, least_checkpoints

__all__ = [
    "AsPublished",
    "Checkpoints",
    "Grid",
    "Problem",
    "Reactor",
    "Sketched",
    "Storage",
    "control_loss",
    "initial_control",
    "least_checkpoints",
]
