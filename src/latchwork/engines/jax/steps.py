"""Blocks of steps as programs that XLA compiles: any model, objective and optimiser that JAX can trace."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
from numpy.typing import NDArray

from latchwork.core.network import NetworkData
from latchwork.engines.jax.block import (
    CAPACITY,
    Members,
    StepsToDo,
    TrainState,
    compiled_block,
    compiled_evaluation,
    compiled_initial_state,
    padded,
)
from latchwork.engines.jax.compilation import enable_cache
from latchwork.engines.jax.data import DeviceRows
from latchwork.engines.jax.models import as_given, as_module, combined, filled, numbered
from latchwork.engines.jax.network import split_parameters
from latchwork.engines.jax.objectives import CompiledObjective
from latchwork.engines.jax.optimizers import transformation
from latchwork.engines.steps import Arrays, Batches, Order, Rows, Seeds, Sums, Update, per_member

SMALL = 4096  # numbers that a step reads; with fewer, compiling takes longer than training


@dataclass(frozen=True)
class Program:
    """A model, what it minimises, and its rows.

    Args:
        model: a network that is plain data, or any module; members side by side where `members` says how many.
        objective: of one member.
        rows: what it is trained on, or evaluated over.
        batch_size: rows of a step.
        members: how many models there are side by side; None for one by itself.
    """

    model: Any
    objective: CompiledObjective
    rows: Rows
    batch_size: int
    members: int | None = None

    def axes(self) -> Members | None:
        """Which arrays hold an example for each member."""
        if self.members is None:
            return None
        return Members(per_member(self.model.spec, self.rows.shapes()))

    def initial_carry(self, module: Any) -> Any:
        """Of every member."""
        carry = self.objective.initial_carry(module, self.batch_size)
        if self.members is None:
            return carry
        return jax.tree.map(lambda leaf: np.stack([np.asarray(leaf)] * self.members), carry)  # pyright: ignore[reportOperatorIssue]


class XlaSteps:
    """A compiled block, and the rows on the device."""

    most_steps = CAPACITY
    compiles = True
    threads = None  # XLA has a pool of its own

    def __init__(self, program: Program, update: Update | Any, seeds: Seeds, steps_per_epoch: int) -> None:
        """Take the model apart and prepare the programs; nothing is compiled yet.

        Args:
            program: what is trained.
            update: what a step does with a gradient: an `Update`, or an Optax transformation of the user's own.
            seeds: of what each member draws.
            steps_per_epoch: after so many, what is carried from batch to batch begins anew.
        """
        enable_cache()
        self.program, self.seeds, self.steps_per_epoch = program, seeds, steps_per_epoch
        module = as_module(program.model)
        self.learned, self.fixed = split_parameters(module)
        self.rows = DeviceRows(program.rows)
        self.initial_carry = program.initial_carry(module)
        self.clips = [math.inf] * len(seeds)
        small = self._numbers_in_a_step() < SMALL
        if isinstance(update, Update):
            alone = program.members is None
            self.clips = [math.inf if clip is None else clip for clip in update.clips]
            self.transformation = transformation(
                update.rule, update.weight_decay, update.clips[0] if alone else None, joined=small
            )
        else:
            self.transformation = update
        self.block = compiled_block(program.objective, self.transformation, program.axes(), small=small)

    def initial_state(self) -> TrainState:
        """Copies: the program takes the state's memory over, but model and carry are used again."""
        optimizer = compiled_initial_state(self.transformation, self.program.axes())(self.learned)
        return TrainState(*jax.tree.map(np.array, (self.learned, optimizer, self.initial_carry)))

    def train(self, state: TrainState, chunk: range, batches: Batches) -> tuple[TrainState, Sums]:
        """One call of the compiled block; the state given is used up."""
        count = batches.order.shape[-2]
        resets = np.arange(batches.first, batches.first + CAPACITY) % self.steps_per_epoch == 0
        arrays = self.rows.arrays(chunk)
        state, sums = self.block(state, self.fixed, arrays, self.initial_carry, self._steps(batches, count, resets))
        found = np.asarray(sums, np.float64)[:count]
        return state, found[None] if self.program.members is None else np.moveaxis(found, 1, 0)

    def _steps(self, batches: Batches, count: int, resets: NDArray[np.bool_]) -> StepsToDo:
        seeds = np.array([[seed >> 32, seed & 0xFFFFFFFF] for seed in self.seeds], np.uint32)
        clips = np.array(self.clips, np.float32)
        if self.program.members is None:
            scales = padded(batches.scales[0])
            return StepsToDo(padded(batches.order), scales, resets, clips[0], seeds[0], batches.first, count)
        # A rate of zero leaves a member as it is.
        scales = np.where(batches.active[:, None], batches.scales, 0).astype(np.float32)
        order = _of_members(batches.order, self.program.members)
        return StepsToDo(padded(order), padded(scales.T), resets, clips, seeds, batches.first, count)

    def arrays(self, state: TrainState) -> dict[str, NDArray[Any]]:
        """The leaves by their numbers."""
        return numbered(state)

    def restored(self, arrays: Arrays) -> TrainState:
        """From `arrays`."""
        return filled(self.initial_state(), arrays)

    def parameters(self, state: TrainState) -> dict[str, NDArray[Any]]:
        """The learned leaves by their numbers."""
        return numbered(state.parameters)

    def model(self, parameters: Arrays) -> Any:
        """Of the kind that was given."""
        return as_given(combined(filled(self.learned, parameters), self.fixed), self.program.model)

    def _numbers_in_a_step(self) -> int:
        """The batch's and the parameters' together."""
        rows = sum(math.prod(row.shape) for row in self.program.rows.shapes().values())
        return self.program.batch_size * rows + sum(leaf.size for leaf in jax.tree.leaves(self.learned))


class XlaEvaluation:
    """The sums of an objective over rows."""

    def __init__(self, program: Program) -> None:
        """Nothing is compiled yet."""
        enable_cache()
        self.program, self.rows = program, DeviceRows(program.rows)
        self.evaluate = compiled_evaluation(program.objective, program.axes())
        self._carry: tuple[int, Any] | None = None

    def sums(self, model: NetworkData | Any, chunk: range, order: Order) -> Sums:
        """Added up batch by batch; what is carried begins anew with the first chunk."""
        module = as_module(model)
        learned, fixed = split_parameters(module)
        carry = self.program.initial_carry(module) if chunk.start == 0 or self._carry is None else self._carry
        if self.program.members is not None:
            order = _of_members(order, self.program.members)
        total: Any = 0.0
        for first in range(0, len(order), CAPACITY):
            part = order[first : first + CAPACITY]
            carry, sums = self.evaluate(learned, fixed, self.rows.arrays(chunk), carry, padded(part), len(part))
            total = total + np.asarray(sums, np.float64)
        self._carry = carry
        return total[None] if self.program.members is None else total


def _of_members(order: Order, members: int) -> Order:
    """`[steps, members, batch]`."""
    if order.ndim == 2:
        return np.repeat(order[:, None], members, axis=1)
    return np.ascontiguousarray(np.moveaxis(order, 0, 1))
