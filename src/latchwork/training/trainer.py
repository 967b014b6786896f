"""The compiled programs of one run, and the data on the device."""

from __future__ import annotations

import math
import re
import time
from typing import Any, NamedTuple

import equinox as eqx
import jax
import numpy as np

from latchwork.errors import LatchworkError
from latchwork.network import split_parameters
from latchwork.training.block import CAPACITY, Steps, TrainState, compiled_block, compiled_initial_state, padded
from latchwork.training.data import FILL, Data, DeviceData, Order
from latchwork.training.evaluation import evaluate
from latchwork.training.objective import Objective
from latchwork.training.optimizers import OptaxOptimizer, Optimizer
from latchwork.training.run import Run

SMALL = 4096  # numbers that a step reads; with fewer, compiling takes longer than training
BLOCK_SECONDS = 0.7  # short enough to answer Ctrl-C and to move a bar, long enough that the host costs nothing
TIMING_SECONDS = 5.0  # spent at most on turning a time budget into a number of steps


class Trained(NamedTuple):
    """What a block gives: its speed, the running means of its epoch, and a history row for each finished epoch."""

    rows_per_second: float
    means: dict[str, float]
    finished: list[dict[str, float]]


class Trainer:
    """What `fit` drives. All place in the data follows from a run's step: epochs have the same number of steps."""

    def __init__(
        self,
        model: Any,
        objective: Objective,
        data: Data,
        optimizer: Optimizer | OptaxOptimizer,
        batch_size: int,
        seed: int,
        validation: Data | None,
    ) -> None:
        """Take the model apart and prepare the programs; nothing is compiled yet."""
        self.parameters, self.fixed = split_parameters(model)
        self.objective, self.data, self.optimizer = objective, DeviceData(data), optimizer
        self.validation = None if validation is None else DeviceData(validation)
        self.batch_size, self.seed = batch_size, seed
        self.steps_per_epoch = data.steps_per_epoch(batch_size)
        self.initial_carry = objective.initial_carry(model, batch_size)
        small = self._numbers_in_a_step() < SMALL
        self.transformation = optimizer.transformation(joined=small)
        self.program = compiled_block(objective, self.transformation, small=small)
        self.key = np.array([0, seed], np.uint32)
        self.seconds_per_step: float | None = None  # None until the program is compiled
        self._order: tuple[tuple[int, range], Order] | None = None

    def initial_state(self) -> TrainState:
        """The state before the first step."""
        optimizer = compiled_initial_state(self.transformation)(self.parameters)
        # Copies: the program takes the state's memory over, but the model is the caller's and the carry is used again.
        return TrainState(*jax.tree.map(np.array, (self.parameters, optimizer, self.initial_carry)))

    def with_parameters(self, parameters: Any) -> Any:
        """The model around other parameters, in NumPy."""
        return eqx.combine(jax.device_get(parameters), self.fixed)

    def model(self, run: Run) -> Any:
        """The model as the run has it now."""
        return self.with_parameters(run.state.parameters)

    def settings(self) -> dict[str, Any]:
        """What a resumed run must share with the one before."""
        data = self.data.data
        return {
            "objective": _described(self.objective),
            "optimizer": _described(self.optimizer),
            "network": _described(eqx.combine(self.parameters, self.fixed)),
            "batch size": self.batch_size,
            "seed": self.seed,
            "rows": data.rows,
            "data": data.checksum(),
            "chunk rows": data.chunk_rows,
            "shuffle": data.shuffle,
        }

    def train_block(self, run: Run, *, joined: bool) -> Trained:
        """Train for about `BLOCK_SECONDS` and book the figures.

        A block ends with its chunk of rows, so at the latest with its epoch, unless `joined`: then short epochs go
        into one block, since nothing needs to happen between them.
        """
        chunk, order = self._next_batches(run.step, run.total, joined)
        began = time.monotonic()
        run.state, sums = self._call(run.state, chunk, order, run.step, run.total)
        sums = np.asarray(sums, np.float64)[: len(order)]
        seconds = time.monotonic() - began
        if self.seconds_per_step is None:
            run.history.first_step_seconds = seconds
            self.seconds_per_step = seconds  # the next block is one step too: compilation says nothing of speed
        else:
            self.seconds_per_step = seconds / len(order)
        finite = np.isfinite(sums).all(axis=1)
        if not finite.all():
            raise LatchworkError(
                f"the loss is not a number at step {run.step + int(np.argmin(finite)) + 1}: "
                "lower learning_rate, or limit the gradients with clip=1.0"
            )
        finished: list[dict[str, float]] = []
        for step_sums in sums:
            run.sums += step_sums
            run.step += 1
            if run.step % self.steps_per_epoch == 0 or run.step == run.total:
                epoch = -(-run.step // self.steps_per_epoch)
                finished.append({"epoch": float(epoch), "step": float(run.step), **self.means(run)})
                run.sums = np.zeros_like(run.sums)
        means = self.means(run) if run.sums[-1] else {name: finished[-1][name] for name in self.objective.names}
        return Trained(float((order != FILL).sum()) / seconds, means, finished)

    def means(self, run: Run) -> dict[str, float]:
        """The figures of the unfinished epoch."""
        return dict(zip(self.objective.names, (run.sums[:-1] / run.sums[-1]).tolist(), strict=True))

    def validate(self, run: Run) -> dict[str, float]:
        """The figures over the validation rows; none where there are no such rows."""
        if self.validation is None:
            return {}
        figures = evaluate(self.model(run), self.objective, self.validation, batch_size=self.batch_size)
        return {f"val_{name}": value for name, value in figures.items()}

    def steps_within(self, seconds: float, run: Run, started: float) -> int:
        """How many steps fit into `seconds` since `started` (`time.monotonic`), by timing a copy of the run."""
        kept = jax.device_get(run.state)
        chunk, first = self._next_batches(0, CAPACITY, joined=False)
        deadline = time.monotonic() + min(TIMING_SECONDS, seconds / 10)
        count, per_step = 1, 0.0
        while not per_step or time.monotonic() < deadline:
            order = np.resize(first, (count, self.batch_size))
            began = time.monotonic()
            _, sums = self._call(jax.tree.map(np.copy, kept), chunk, order, 0, CAPACITY)
            sums.block_until_ready()
            if self.seconds_per_step is None:  # that was the compilation
                self.seconds_per_step = time.monotonic() - began
                continue
            per_step = (time.monotonic() - began) / count
            count = min(CAPACITY, max(1, int(TIMING_SECONDS / 4 / per_step)))
        if self.validation is not None:
            self.validate(run)  # compiles
            began = time.monotonic()
            self.validate(run)
            per_step += (time.monotonic() - began) / self.steps_per_epoch
        self.seconds_per_step = per_step
        return max(1, int((seconds - (time.monotonic() - started)) / per_step))

    def _next_batches(self, step: int, total: int, joined: bool) -> tuple[range, Order]:
        """The chunk that a step is in, and the batches of the block that starts there."""
        wanted = min(self._block_steps(), total - step)
        epoch, within = divmod(step, self.steps_per_epoch)
        for chunk in self.data.data.epoch(epoch, self.seed):
            steps = -(-len(chunk) // self.batch_size)
            if within < steps:
                break
            within -= steps
        else:
            raise AssertionError("an epoch has fewer steps than it should")
        order = self._batches(chunk, epoch)[within : within + wanted]
        while joined and steps == self.steps_per_epoch and len(order) < wanted:
            epoch += 1
            order = np.concatenate([order, self._batches(chunk, epoch)[: wanted - len(order)]])
        return chunk, order

    def _batches(self, chunk: range, epoch: int) -> Order:
        """A chunk's batches in an epoch, kept until another chunk or epoch is asked for."""
        if self._order is None or self._order[0] != (epoch, chunk):
            self._order = (epoch, chunk), self.data.data.order(chunk, epoch, self.seed, self.batch_size)
        return self._order[1]

    def _numbers_in_a_step(self) -> int:
        """The batch's and the parameters' together."""
        rows = sum(math.prod(array.shape[1:]) for array in self.data.data.arrays.values())
        return self.batch_size * rows + sum(leaf.size for leaf in jax.tree.leaves(self.parameters))

    def _block_steps(self) -> int:
        if self.seconds_per_step is None:
            return 1
        return min(CAPACITY, max(1, int(BLOCK_SECONDS / self.seconds_per_step)))

    def _call(
        self, state: TrainState, chunk: range, order: Order, first: int, total: int
    ) -> tuple[TrainState, jax.Array]:
        count = len(order)
        resets = np.arange(first, first + CAPACITY) % self.steps_per_epoch == 0
        scales = padded(self.optimizer.scales(first, count, total))
        steps = Steps(padded(order), scales, resets, first, count)
        return self.program(state, self.fixed, self.data.arrays(chunk), self.initial_carry, steps, self.key)


def _described(value: Any) -> str:
    """What tells a run's parts from another's, also in another process: functions have other addresses there."""
    return re.sub(r" at 0x[0-9a-f]+", "", repr(value))
