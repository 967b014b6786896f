"""Blocks of steps as programs that XLA compiles: any model, objective and optimiser that JAX can trace."""

from __future__ import annotations

import math
from typing import Any

import equinox as eqx
import jax
import numpy as np

from latchwork.engines.jax.compilation import enable_cache
from latchwork.engines.jax.network import split_parameters
from latchwork.training.block import CAPACITY, StepsToDo, compiled_block, compiled_initial_state, padded
from latchwork.training.data import Data, DeviceData, Order
from latchwork.training.objective import Objective
from latchwork.training.optimizers import OptaxOptimizer, Optimizer
from latchwork.training.steps import Sums, TrainState

SMALL = 4096  # numbers that a step reads; with fewer, compiling takes longer than training


class XlaSteps:
    """A compiled block, and the data on the device."""

    most_steps = CAPACITY
    compiles = True

    def __init__(
        self,
        model: Any,
        objective: Objective,
        data: Data,
        optimizer: Optimizer | OptaxOptimizer,
        batch_size: int,
        seed: int,
    ) -> None:
        """Take the model apart and prepare the programs; nothing is compiled yet."""
        enable_cache()
        self.parameters, self.fixed = split_parameters(model)
        self.data, self.optimizer = DeviceData(data), optimizer
        self.steps_per_epoch = data.steps_per_epoch(batch_size)
        self.initial_carry = objective.initial_carry(model, batch_size)
        small = self._numbers_in_a_step(data, batch_size) < SMALL
        self.transformation = optimizer.transformation(joined=small)
        self.program = compiled_block(objective, self.transformation, small=small)
        self.key = np.array([0, seed], np.uint32)

    def initial_state(self) -> TrainState:
        """Copies: the program takes the state's memory over, but model and carry are used again."""
        optimizer = compiled_initial_state(self.transformation)(self.parameters)
        return TrainState(*jax.tree.map(np.array, (self.parameters, optimizer, self.initial_carry)))

    def train(self, state: TrainState, chunk: range, order: Order, first: int, total: int) -> tuple[TrainState, Sums]:
        """One call of the compiled block; the state given is used up."""
        count = len(order)
        resets = np.arange(first, first + CAPACITY) % self.steps_per_epoch == 0
        scales = padded(self.optimizer.scales(first, count, total))
        steps = StepsToDo(padded(order), scales, resets, first, count)
        state, sums = self.program(state, self.fixed, self.data.arrays(chunk), self.initial_carry, steps, self.key)
        return state, np.asarray(sums, np.float64)[:count]

    def model(self, parameters: Any) -> Any:
        """From the device."""
        return eqx.combine(jax.device_get(parameters), self.fixed)

    def placed(self, parameters: Any) -> Any:
        """On the device."""
        return jax.device_put(self.model(parameters))

    def _numbers_in_a_step(self, data: Data, batch_size: int) -> int:
        """The batch's and the parameters' together."""
        rows = sum(math.prod(array.shape[1:]) for array in data.arrays.values())
        return batch_size * rows + sum(leaf.size for leaf in jax.tree.leaves(self.parameters))
