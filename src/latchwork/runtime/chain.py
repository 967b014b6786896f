"""A small network in one call of the kernels, from Python's arrays to the answer.

Going through the layers one by one in Python costs more than a small network computes. A chain holds the whole of it:
the scaling of the inputs, recurrent layers, dense ones.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from latchwork import spec
from latchwork.kernels import native
from latchwork.runtime.network import KINDS, NumpyNetwork, activation_of
from latchwork.transforms.scaling import Scaler

Array = NDArray[np.float32]
ChainState = Any
"""What a chain remembers between two steps, of `state.batch` sequences. It is never changed."""

MOST_WORK = 1_000_000
"""Multiplications of a call from which layers one by one are as fast: a large library's products pay then."""

_ACTIVATIONS = {None: 0, "tanh": 1, "relu": 2, "sigmoid": 3}  # by their numbers in csrc/problem.h


def chainable(network: NumpyNetwork) -> bool:
    """Whether the kernels are there and know every layer."""
    return network.is_fused and all(
        isinstance(layer, spec.Recurrent | spec.Dense | spec.Dropout) for layer in network.spec.layers
    )


class Chain:
    """The layers of a network and the scaler before them; any number of threads may use it.

    Args:
        network: one that `chainable` accepts.
        scaler: what the inputs go through first.
        scores: whether `step` turns its outputs into probabilities.
    """

    def __init__(self, network: NumpyNetwork, scaler: Scaler | None, *, scores: bool) -> None:
        """Pack the weights."""
        offset, scale = ([], []) if scaler is None else (scaler.offset.tolist(), scaler.scale.tolist())
        self._native: Any = native.module().Chain(network.spec.shapes()[0][-1], offset, scale)
        for layer, own in zip(network.spec.layers, network.layer_parameters, strict=True):
            if isinstance(layer, spec.Recurrent):
                weights = native.weight_arguments(KINDS[type(layer)], own, activation_of(layer))
                self._native.add_recurrent(*weights, layer.reverse, not layer.return_sequences)
            elif isinstance(layer, spec.Dense):
                self._native.add_dense(own["weight"], own["bias"], _ACTIVATIONS[layer.activation])
        self._keeps_time = len(network.spec.output_shape()) == 2
        self._outputs = network.spec.output_shape()[-1] or 0
        self._scores = scores
        self._work: int = self._native.work

    def run(self, inputs: Any, lengths: NDArray[np.int32] | None = None) -> Array | None:
        """The network's outputs for `[batch, time, features]`.

        None where the inputs are not finite dense float32, or too many and too long for a chain to pay.
        """
        if not isinstance(inputs, np.ndarray) or inputs.ndim != 3:
            return None
        batch, time, _ = shape = inputs.shape  # pyright: ignore[reportUnknownVariableType]
        if batch * time * self._work > MOST_WORK:
            return None
        outputs = np.empty((*shape[:2], self._outputs) if self._keeps_time else (batch, self._outputs), np.float32)
        return outputs if self._native.run(inputs, lengths, outputs) else None

    def initial_state(self, batch: int) -> ChainState:
        """The state before the first step."""
        return self._native.initial_state(batch)

    def step(self, inputs: Array, state: ChainState) -> tuple[Array, ChainState] | None:
        """One step from `[batch, features]`: outputs (or probabilities) and the new state; None as in `run`."""
        outputs = np.empty((state.batch, self._outputs), np.float32)
        after = self._native.step(inputs, state, outputs, self._scores)
        return None if after is None else (outputs, after)
