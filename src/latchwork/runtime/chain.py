"""A small network in one call of the kernels, from Python's arrays to the answer.

Going through the layers one by one in Python costs more than a small network computes. A chain holds the whole of it:
the scaling of the inputs, recurrent layers, dense ones.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from latchwork.core import spec
from latchwork.engines import native
from latchwork.runtime.interim import Layers, kernel_of
from latchwork.transforms.scaling import Scaler

Array = NDArray[np.float32]
ChainState = Any
"""What a chain remembers between two steps, of `state.batch` sequences. It is never changed."""


def chainable(network: Layers) -> bool:
    """Whether the kernels are there and know every layer."""
    return network.is_fused and all(
        isinstance(layer, spec.Recurrent | spec.Dense | spec.Dropout) for layer in network.spec.layers
    )


class Chain(Protocol):
    """The layers of a network and the scaler before them, in the kernels; any number of threads may use it."""

    def run(self, inputs: Any, lengths: NDArray[np.int32] | None, /) -> Array | None:
        """The network's outputs for `[batch, time, features]`.

        None where the inputs are not finite dense float32, or too many and too long for a chain to pay.
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
    offset, scale = ([], []) if scaler is None else (scaler.offset.tolist(), scaler.scale.tolist())
    chain: Any = native.module().Chain(network.spec.shapes()[0][-1], offset, scale, scores)
    for layer, own in zip(network.spec.layers, network.layer_parameters, strict=True):
        if isinstance(layer, spec.Recurrent):
            weights = native.weight_arguments(kernel_of(layer), own)
            chain.add_recurrent(*weights, layer.reverse, not layer.return_sequences)
        elif isinstance(layer, spec.Dense):
            chain.add_dense(own["weight"], own["bias"], layer.activation or "none")
    return chain
