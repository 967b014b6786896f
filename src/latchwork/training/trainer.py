"""One run's steps, its place in the data and its figures: what `fit` drives."""

from __future__ import annotations

import re
import time
from typing import Any, NamedTuple

import jax
import numpy as np

from latchwork.core.errors import LatchworkError
from latchwork.training.data import FILL, Data, Order
from latchwork.training.evaluation import Measuring
from latchwork.training.native_steps import NativeSteps
from latchwork.training.objective import Objective
from latchwork.training.optimizers import OptaxOptimizer, Optimizer
from latchwork.training.run import Run
from latchwork.training.steps import Steps, TrainState, chosen_way
from latchwork.training.xla_steps import XlaSteps

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
        """Choose how the steps are run; nothing is compiled yet."""
        self.given, self.objective, self.data, self.optimizer = model, objective, data, optimizer
        self.validation = None if validation is None else Measuring(objective, validation, batch_size)
        self.batch_size, self.seed = batch_size, seed
        self.steps_per_epoch = data.steps_per_epoch(batch_size)
        self.steps, self.block = make_steps(model, objective, data, optimizer, batch_size, seed)
        self.seconds_per_step: float | None = None  # None until the first block is done
        self._order: tuple[tuple[int, range], Order] | None = None

    def initial_state(self) -> TrainState:
        """The state before the first step."""
        return self.steps.initial_state()

    def model(self, run: Run) -> Any:
        """The model as the run has it now, in NumPy."""
        return self.steps.model(run.state.parameters)

    def settings(self) -> dict[str, Any]:
        """What a resumed run must share with the one before."""
        data = self.data
        return {
            "objective": _described(self.objective),
            "optimizer": _described(self.optimizer),
            "network": _described(self.given),
            "batch size": self.batch_size,
            "seed": self.seed,
            "rows": data.rows,
            "data": data.checksum(),
            "chunk rows": data.chunk_rows,
            "shuffle": data.shuffle,
            "block": self.block.partition(":")[0],
        }

    def train_block(self, run: Run, *, joined: bool) -> Trained:
        """Train for about `BLOCK_SECONDS` and book the figures.

        A block ends with its chunk of rows, so at the latest with its epoch, unless `joined`: then short epochs go
        into one block, since nothing needs to happen between them.
        """
        chunk, order = self._next_batches(run.step, run.total, joined)
        began = time.monotonic()
        run.state, sums = self.steps.train(run.state, chunk, order, run.step, run.total)
        seconds = time.monotonic() - began
        if self.seconds_per_step is None:
            run.history.first_step_seconds = seconds
            self.seconds_per_step = seconds  # where it compiled, the next block is one step too
        else:
            self.seconds_per_step = seconds / len(order)
        finite = np.isfinite(sums).all(axis=1)
        if not finite.all():
            raise LatchworkError(
                f"the loss is not a number at step {run.step + int(np.argmin(finite)) + 1}: "
                "lower learning_rate, or limit the gradients with clip=1.0"
            )
        finished: list[dict[str, float]] = []
        while len(sums):
            left = self.steps_per_epoch - run.step % self.steps_per_epoch
            part, sums = sums[:left], sums[left:]
            # Added one by one, so that it is all the same where a block ends.
            run.sums = np.add.accumulate(np.vstack([run.sums, part]))[-1]
            run.step += len(part)
            if len(part) == left or run.step == run.total:
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
        figures = self.validation.figures(self.model(run))
        return {f"val_{name}": value for name, value in figures.items()}

    def steps_within(self, seconds: float, run: Run, started: float) -> int:
        """How many steps fit into `seconds` since `started` (`time.monotonic`), by timing a copy of the run."""
        kept = jax.device_get(run.state)
        most = self.steps.most_steps
        chunk, first = self._next_batches(0, most, joined=False)
        deadline = time.monotonic() + min(TIMING_SECONDS, seconds / 10)
        count, per_step = 1, 0.0
        while not per_step or time.monotonic() < deadline:
            order = np.resize(first, (count, self.batch_size))
            began = time.monotonic()
            self.steps.train(jax.tree.map(np.copy, kept), chunk, order, 0, most)
            if self.steps.compiles and self.seconds_per_step is None:
                self.seconds_per_step = time.monotonic() - began
                continue
            per_step = (time.monotonic() - began) / count
            count = min(most, max(1, int(TIMING_SECONDS / 4 / per_step)))
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
        for chunk in self.data.epoch(epoch, self.seed):
            steps = -(-len(chunk) // self.batch_size)
            if within < steps:
                break
            within -= steps
        else:
            raise AssertionError("an epoch has fewer steps than it should")
        parts = [self._batches(chunk, epoch)[within : within + wanted]]
        left = wanted - len(parts[0])
        while joined and steps == self.steps_per_epoch and left > 0:
            epoch += 1
            parts.append(self._batches(chunk, epoch)[:left])
            left -= len(parts[-1])
        return chunk, parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _batches(self, chunk: range, epoch: int) -> Order:
        """A chunk's batches in an epoch, kept until another chunk or epoch is asked for."""
        if self._order is None or self._order[0] != (epoch, chunk):
            self._order = (epoch, chunk), self.data.order(chunk, epoch, self.seed, self.batch_size)
        return self._order[1]

    def _block_steps(self) -> int:
        if self.seconds_per_step is None:
            return 1
        return min(self.steps.most_steps, max(1, int(BLOCK_SECONDS / self.seconds_per_step)))


def make_steps(
    model: Any,
    objective: Objective,
    data: Data,
    optimizer: Optimizer | OptaxOptimizer,
    batch_size: int,
    seed: int,
) -> tuple[Steps, str]:
    """The steps of a run, and the history's words for how they are run."""
    way, reason = chosen_way(model, objective, optimizer, data)
    make: Any = NativeSteps if way == "native" else XlaSteps
    return make(model, objective, data, optimizer, batch_size, seed), f"{way}: {reason}" if reason else way


def _described(value: Any) -> str:
    """What tells a run's parts from another's, also in another process: functions have other addresses there."""
    return re.sub(r" at 0x[0-9a-f]+", "", repr(value))
