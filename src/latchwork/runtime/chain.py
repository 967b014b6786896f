"""A small network in one call of the kernels, from Python's arrays to the answer.

Going through the layers one by one in Python costs more than a small network computes. A chain holds the whole of it:
the scaling of the inputs and all layers.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from latchwork.engines.native import program
from latchwork.runtime.interim import Layers
from latchwork.transforms.scaling import Scaler

Array = NDArray[np.float32]
ChainState = Any
"""What a chain remembers between two steps, of `state.batch` sequences. It is never changed."""


def chainable(network: Layers) -> bool:
    """Whether the kernels are there and know every layer."""
    return network.is_fused and program.why_not(network.spec) is None


class Chain(Protocol):
    """The layers of a network and the scaler before them, in the kernels; any number of threads may use it."""

    def run(self, inputs: Any, lengths: NDArray[np.int32] | None, /) -> Array | None:
        """The network's outputs for `[batch, time, features]`.

        None where the inputs are not finite dense float32.
        """
        ...

    def initial_state(self, batch: int, /) -> ChainState:
        """The state before the first step."""
        ...

    def step(self, inputs: Array, state: ChainState, /) -> tuple[Array, ChainState] | None:
        """One step from `[batch, features]`: outputs (or probabilities) and the new state; None as in `run`."""
        ...


def make_chain(network: Layers, scaler: Scaler | None, *, scores: bool) -> Chain:
    """Pack a network that `chainable` accepts.

    Args:
        network: the layers and their arrays.
        scaler: what the inputs go through first.
        scores: whether `step` turns its outputs into probabilities.
    """
    offset, scale = ((), ()) if scaler is None else (scaler.offset, scaler.scale)
    parameters = {
        f"layers.{index}.{name}": array
        for index, own in enumerate(network.layer_parameters)
        for name, array in own.items()
    }
    server = program.serve(network.spec, parameters, offset=offset, scale=scale, scores=scores)
    return _Quick(server.quick_run, server.initial_state, server.quick_step)


class _Quick(NamedTuple):
    run: Any
    initial_state: Any
    step: Any
