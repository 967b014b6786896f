"""Blocks of steps in the kernels' own trainer: one call each, no compilation, no JAX while it runs."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import numpy as np
from numpy.typing import NDArray

from latchwork.engines import native
from latchwork.engines.jax.network import Network, split_parameters
from latchwork.training.data import Data, Order
from latchwork.training.native_network import Known, make_trainers, takes_tokens
from latchwork.training.optimizers import RULES, Optimizer
from latchwork.training.steps import Sums, TrainState

Float32Array = NDArray[np.float32]


class NativeSteps:
    """The parameters of each network are one vector here, in the network's own order: `[members, parameters]`.

    What the optimiser keeps is `[members, slots, parameters]`.
    """

    most_steps = 1 << 16
    compiles = False

    def __init__(
        self, model: Network, objective: Known, data: Data, optimizer: Optimizer, batch_size: int, seed: int
    ) -> None:
        """Lay the network out for these batches."""
        self.parameters, self.fixed = split_parameters(model)
        self.optimizer, self.rows, self.seed = optimizer, NativeRows(model, data), seed
        self.figures = len(objective.names)
        self.trainers = make_trainers(model, objective, optimizer, data, batch_size)

    def initial_state(self) -> TrainState:
        """The parameters joined, and slots as the optimiser begins."""
        joined = joined_parameters(self.parameters, len(self.trainers))
        shape = (len(joined), self.trainers[0].slots, joined.shape[1])
        return TrainState(joined, np.full(shape, RULES[self.optimizer.name].start, np.float32), ())

    def train(self, state: TrainState, chunk: range, order: Order, first: int, total: int) -> tuple[TrainState, Sums]:
        """One call; the figures are the networks' mean."""
        parameters, slots = state.parameters.copy(), state.optimizer.copy()
        sums = np.empty((len(self.trainers), len(order), self.figures + 1))
        scales = self.optimizer.scales(first, len(order), total)
        native.module().train(
            self.trainers, parameters, slots, *self.rows.arguments(chunk), np.ascontiguousarray(order), scales, first,
            self.seed, sums,
        )  # fmt: skip
        return TrainState(parameters, slots, ()), sums.mean(axis=0) if len(sums) > 1 else sums[0]

    def model(self, parameters: Float32Array) -> Network:
        """The network around parts of the vectors."""
        leaves, structure = jax.tree.flatten(self.parameters)
        ends = np.cumsum([leaf.size // len(parameters) for leaf in leaves])
        parts = np.split(parameters, ends, axis=1)
        arrays = [part.reshape(leaf.shape) for part, leaf in zip(parts, leaves, strict=False)]
        return eqx.combine(structure.unflatten(arrays), self.fixed)

    def placed(self, parameters: Float32Array) -> Network:
        """On the device where the given network was, else in NumPy."""
        model = self.model(parameters.copy())
        given = jax.tree.leaves(self.parameters)
        return jax.device_put(model) if any(isinstance(leaf, jax.Array) for leaf in given) else model


class NativeRows:
    """Data as the trainer takes it: dense arrays of its types, a chunk at a time."""

    def __init__(self, model: Network, data: Data) -> None:
        """Nothing is loaded yet."""
        self.data, self.takes_tokens = data, takes_tokens(model)
        self._chunk: range | None = None
        self._arguments: tuple[Any, ...] = ()

    def arguments(self, chunk: range) -> tuple[Any, ...]:
        """Of a chunk inputs, tokens, targets as values, targets as classes, lengths, weight; None for what is not."""
        if chunk != self._chunk:
            self._arguments = ()  # let the old chunk go before the new one comes
            arrays = {name: array[chunk.start : chunk.stop] for name, array in self.data.arrays.items()}
            if self.data.chunk_rows is not None:  # read once and in order, where rows would be fetched one by one
                arrays = {name: np.array(array) for name, array in arrays.items()}
            is_class = arrays["targets"].dtype.kind in "iu"
            targets = np.ascontiguousarray(arrays["targets"], np.int32 if is_class else np.float32)
            inputs = np.ascontiguousarray(arrays["inputs"], np.int32 if self.takes_tokens else np.float32)
            self._arguments = (
                None if self.takes_tokens else inputs,
                inputs if self.takes_tokens else None,
                None if is_class else targets,
                targets if is_class else None,
                np.ascontiguousarray(arrays["lengths"], np.int32) if "lengths" in arrays else None,
                np.ascontiguousarray(arrays["weight"], np.float32) if "weight" in arrays else None,
            )
            self._chunk = chunk
        return self._arguments


def joined_parameters(parameters: Any, members: int) -> Float32Array:
    """All leaves of each member as one vector, `[members, parameters]`."""
    leaves = jax.tree.leaves(parameters)
    return np.concatenate([np.asarray(leaf, np.float32).reshape(members, -1) for leaf in leaves], axis=1)
