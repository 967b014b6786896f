"""One run's steps, its place in the data and its figures: what `fit` drives."""

from __future__ import annotations

import re
import time
import zlib
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from latchwork.core.errors import InputError, LatchworkError
from latchwork.core.network import NetworkData
from latchwork.engines.steps import FILL, Batches, Order, Sums
from latchwork.training.data import Source
from latchwork.training.engines import Job, as_given, as_plain, chosen_engine
from latchwork.training.evaluation import Evaluator
from latchwork.training.members import Members
from latchwork.training.objectives import Member, Objective, SideBySide, Supervised
from latchwork.training.optimizers import OptaxOptimizer, Optimizer
from latchwork.training.plan import Moment
from latchwork.training.run import Figures, Run

BLOCK_SECONDS = 0.7  # short enough to answer Ctrl-C and to move a bar, long enough that the host costs nothing
TIMING_SECONDS = 5.0  # spent at most on turning a time budget into a number of steps


TAME = "lower learning_rate, or limit the gradients with clip=1.0"


class NotFiniteError(LatchworkError):
    """A loss or weights that are not numbers."""


class FinishedEpoch(NamedTuple):
    """The number of an epoch, the step that it ended with, and each member's figures."""

    number: int
    step: int
    figures: Figures


class Trained(NamedTuple):
    """What a block gives: its speed, the running means of its epoch, and each epoch that ended in it."""

    rows_per_second: float
    means: dict[str, float]
    finished: list[FinishedEpoch]


class Trainer:
    """What `fit` drives. All place in the data follows from a run's step: epochs have the same number of steps."""

    def __init__(
        self,
        model: Any,
        objective: Objective,
        data: Source,
        optimizer: Optimizer | OptaxOptimizer,
        batch_size: int,
        seed: int,
        validation: Source | None,
    ) -> None:
        """Choose how the steps are run; nothing is compiled yet."""
        self.given, self.objective, self.data, self.optimizer = model, objective, data, optimizer
        _check_order(objective, data)
        plain = as_plain(model, objective)
        self.members = members = Members.of(plain, objective, seed)
        self.validation = None if validation is None else Evaluator(objective, validation, batch_size, members)
        self.batch_size, self.seed = batch_size, seed
        self.steps_per_epoch = members.steps_per_epoch(data, batch_size)
        job = Job(plain, objective, data, batch_size, members, optimizer)
        engine, reason = chosen_engine(job)
        self.block = f"{engine.name}: {reason}" if reason else engine.name
        self.steps = engine.steps(job)
        self.seconds_per_step: float | None = None  # None until the first block is done
        self._order: tuple[tuple[int, range], Order] | None = None

    def begin(self, total: int) -> Run:
        """A run of so many steps, before the first one."""
        sums = np.zeros((len(self.members), len(self.objective.names) + 1))
        return Run(self.steps.initial_state(), total, sums, self.members.groups())

    def model(self, run: Run) -> Any:
        """The model as the run has it now."""
        return self.as_given(self.steps.parameters(run.state))

    def as_given(self, parameters: dict[str, NDArray[Any]]) -> Any:
        """The model around parameters, of the kind that was given."""
        return as_given(self.steps.model(parameters), self.given)

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
            "draw steps": data.draw_steps,
            "block": self.block.partition(":")[0],
        }

    def train_block(self, run: Run, *, joined: bool) -> Trained:
        """Train for about `BLOCK_SECONDS` and book the figures.

        A block ends with its chunk of rows, so at the latest with its epoch, unless `joined`: then short epochs go
        into one block, since nothing needs to happen between them.
        """
        chunk, order = self._next_batches(run.step, run.total, joined)
        began = time.monotonic()
        run.state, sums = self.steps.train(run.state, chunk, self._batches_of(order, run.step, run.total, run.active))
        seconds = time.monotonic() - began
        if self.seconds_per_step is None:
            run.history.first_step_seconds = seconds
            self.seconds_per_step = seconds  # where it compiled, the next block is one step too
        else:
            self.seconds_per_step = seconds / order.shape[-2]
        self._check_finite(sums[run.active], run.step)
        finished = self._book(run, sums)
        unfinished = run.sums[:, -1].any()
        figures = self.figures(run) if unfinished else finished[-1].figures
        rows = float((order != FILL).sum()) / (len(self.members) if order.ndim == 3 else 1)
        return Trained(rows / seconds, means_of(figures), finished)

    def _batches_of(self, order: Order, first: int, total: int, active: NDArray[np.bool_]) -> Batches:
        scales = self.optimizer.scales(first, order.shape[-2], total)
        return Batches(order, self.members.rates()[:, None] * scales, first, active)

    def _check_finite(self, sums: Sums, step: int) -> None:
        finite = np.isfinite(sums).all(axis=(0, 2))
        if not finite.all():
            raise NotFiniteError(f"the loss is not a number at step {step + int(np.argmin(finite)) + 1}: {TAME}")

    def _book(self, run: Run, sums: Sums) -> list[FinishedEpoch]:
        """Add a block's sums to the epoch's; gives the epochs that have ended."""
        count, per_epoch = sums.shape[1], self.steps_per_epoch
        ends = [*range(per_epoch - run.step % per_epoch, count, per_epoch), count]
        sums[:, 0] += run.sums  # one by one, so that it is all the same where a block ends
        totals = [np.add.accumulate(sums[:, first:end], axis=1)[:, -1] for first, end in pairwise([0, *ends])]
        steps = [run.step + end for end in ends]
        run.step, run.sums = steps[-1], totals[-1]
        if run.step % per_epoch and run.step < run.total:
            steps, totals = steps[:-1], totals[:-1]
        else:
            run.sums = np.zeros_like(run.sums)
        return [
            FinishedEpoch(-(-step // per_epoch), step, figures)
            for step, figures in zip(steps, self._figures(run, totals), strict=True)
        ]

    def figures(self, run: Run) -> Figures:
        """Each member's figures of the unfinished epoch; of one that has stopped, those it stopped with."""
        return self._figures(run, [run.sums])[0]

    def _figures(self, run: Run, totals: list[NDArray[np.float64]]) -> list[Figures]:
        if not totals:
            return []
        sums = np.stack(totals)
        weights = sums[..., -1:]
        means = sums[..., :-1] / np.where(weights > 0, weights, 1)
        found = [dict(zip(self.objective.names, one.T, strict=True)) for one in means]
        if run.active.all() or not run.history.members:
            return found
        last = run.history.members[-1]
        return [
            {name: np.where(run.active, new, np.array(last.get(name, new))) for name, new in one.items()}
            for one in found
        ]

    def validate(self, run: Run) -> Figures:
        """Each member's figures over the validation rows; none where there are no such rows."""
        if self.validation is None:
            return {}
        figures = self.validation.figures(self.model(run))
        return {f"val_{name}": values for name, values in figures.items()}

    def steps_within(self, seconds: float, run: Run, started: Moment) -> int:
        """How many steps fit into `seconds` since `started`, on an idle machine, by timing a copy of the run."""
        kept = {name: np.array(array) for name, array in self.steps.arrays(run.state).items()}
        most = self.steps.most_steps
        chunk, first = self._next_batches(0, most, joined=False)
        deadline = time.monotonic() + min(TIMING_SECONDS, seconds / 10)
        count, per_step = 1, 0.0
        while not per_step or time.monotonic() < deadline:
            order = np.resize(np.moveaxis(first, -2, 0), (count, *np.moveaxis(first, -2, 0).shape[1:]))
            batches = self._batches_of(np.ascontiguousarray(np.moveaxis(order, 0, -2)), 0, most, run.active)
            state = self.steps.restored(kept)
            began = Moment.now()
            self.steps.train(state, chunk, batches)
            if self.steps.compiles and self.seconds_per_step is None:
                self.seconds_per_step = began.seconds_since(None)
                continue
            per_step = began.seconds_since(self.steps.threads) / count
            count = min(most, max(1, int(TIMING_SECONDS / 4 / per_step)))
        if self.validation is not None:
            self.validate(run)  # compiles
            began = Moment.now()
            self.validate(run)
            per_step += began.seconds_since(self.steps.threads) / self.steps_per_epoch
        self.seconds_per_step = per_step
        before = started.seconds_since(None if self.steps.threads is None else 1)
        return max(1, int((seconds - before) / per_step))

    def _next_batches(self, step: int, total: int, joined: bool) -> tuple[range, Order]:
        """The chunk that a step is in, and the batches of the block that starts there."""
        wanted = min(self._block_steps(), total - step)
        epoch, within = divmod(step, self.steps_per_epoch)
        for chunk in self.data.epoch(epoch, self.seed):
            steps = self.members.steps_in(self.data, chunk, self.batch_size)
            if within < steps:
                break
            within -= steps
        else:
            raise AssertionError("an epoch has fewer steps than it should")
        parts = [self._batches(chunk, epoch)[..., within : within + wanted, :]]
        left = wanted - parts[0].shape[-2]
        # A source may have other rows in the next epoch (speech draws them anew): these are a block of their own.
        while joined and left > 0 and self.data.epoch(epoch + 1, self.seed) == [chunk]:
            epoch += 1
            parts.append(self._batches(chunk, epoch)[..., :left, :])
            left -= parts[-1].shape[-2]
        return chunk, parts[0] if len(parts) == 1 else np.concatenate(parts, axis=-2)

    def _batches(self, chunk: range, epoch: int) -> Order:
        """A chunk's batches in an epoch, kept until another chunk or epoch is asked for."""
        if self._order is None or self._order[0] != (epoch, chunk):
            self._order = (epoch, chunk), self.members.order(self.data, chunk, epoch, self.batch_size)
        return self._order[1]

    def _block_steps(self) -> int:
        if self.seconds_per_step is None:
            return 1
        return min(self.steps.most_steps, max(1, int(BLOCK_SECONDS / self.seconds_per_step)))


def _check_order(objective: Objective, data: Source) -> None:
    inner = objective.inner if isinstance(objective, SideBySide) else objective
    if isinstance(inner, Supervised) and inner.carried and (data.shuffle or data.draw_steps is not None):
        raise InputError("carried=True goes on from batch to batch: give the data with shuffle=False and no draw_steps")


def means_of(figures: Figures) -> dict[str, float]:
    """The members' mean of each figure."""
    return {name: float(values[0] if len(values) == 1 else values.mean()) for name, values in figures.items()}


def _described(value: Any) -> str:
    """What tells a run's parts from another's, also in another process: functions have other addresses there."""
    if isinstance(value, NetworkData):
        return f"{value.spec!r} of inputs {value.spec.input_shape}, members {value.members}"
    if isinstance(value, SideBySide):
        members = [_described_member(member) for member in value.members]
        return f"SideBySide({_described(value.inner)}, {members}, {value.quorum})"
    return re.sub(r" at 0x[0-9a-f]+", "", repr(value))


def _described_member(member: Member) -> tuple[Any, ...]:
    rows = [None if own is None else zlib.crc32(own.tobytes()) for own in (member.rows, member.validation)]
    return (*rows, member.rate, member.clip, member.seed, member.group)
