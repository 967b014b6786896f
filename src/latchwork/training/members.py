"""The networks of a run: one by itself, or several side by side, each with rows, rate, clip and seed of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latchwork.core.errors import InputError
from latchwork.core.network import NetworkData
from latchwork.engines.steps import FILL, Order
from latchwork.training.data import Source, in_order, rows_in, steps_in
from latchwork.training.objectives import Member, Objective, SideBySide


@dataclass(frozen=True, eq=False)
class Members:
    """All networks of a run.

    Args:
        each: what each has of its own; of one network by itself a plain `Member`.
        seed: the run's.
        side_by_side: whether arrays have an axis of members.
    """

    each: tuple[Member, ...]
    seed: int
    side_by_side: bool

    @classmethod
    def of(cls, model: Any, objective: Objective, seed: int) -> Members:
        """Those that an objective speaks of; raises `InputError` where the model has other ones."""
        count = model.members if isinstance(model, NetworkData) else None
        if not isinstance(objective, SideBySide):
            if count is not None:
                raise InputError(f"there are {count} networks: train them with the objective SideBySide")
            return cls((Member(),), seed, side_by_side=False)
        if count is None:
            raise InputError("SideBySide trains members: join networks with NetworkData.stacked")
        each = objective.members or (Member(),) * count
        if len(each) != count:
            raise InputError(f"there are {count} networks and {len(each)} members: one for each is needed")
        return cls(each, seed, side_by_side=True)

    def __len__(self) -> int:
        """How many."""
        return len(self.each)

    def seeds(self) -> list[int]:
        """Of what each one draws while it is trained."""
        places = enumerate(self.each)
        return [self.seed + (place << 32) if one.seed is None else one.seed for place, one in places]

    def rates(self) -> NDArray[np.float32]:
        """What each one's rate is multiplied by."""
        return np.array([one.rate for one in self.each], np.float32)

    def clips(self, clip: float | None) -> tuple[float | None, ...]:
        """Each one's largest norm of gradients, `clip` where it has none of its own."""
        return tuple(clip if one.clip is None else one.clip for one in self.each)

    def groups(self) -> NDArray[np.intp]:
        """The number of each one's group, from 0 on."""
        return np.unique([one.group for one in self.each], return_inverse=True)[1]

    def steps_in(self, data: Source, chunk: range, batch_size: int) -> int:
        """Steps on a chunk: a pass over the rows of the one that has most of them."""
        if data.draw_steps is not None:
            return data.draw_steps
        return max(steps_in(len(rows_in(chunk, one.rows)), batch_size) for one in self.each)

    def steps_per_epoch(self, data: Source, batch_size: int) -> int:
        """Steps of an epoch."""
        return sum(self.steps_in(data, chunk, batch_size) for chunk in data.chunks())

    def order(self, data: Source, chunk: range, epoch: int, batch_size: int) -> Order:
        """Batches of a chunk: `[steps, batch]` for all, or `[members, steps, batch]` where somebody has its own."""
        if all(one.rows is None and one.seed is None for one in self.each):
            return data.order(chunk, epoch, self.seed, batch_size)
        steps = self.steps_in(data, chunk, batch_size)
        return np.stack([self._order(one, data, chunk, epoch, batch_size, steps) for one in self.each])

    def _order(self, one: Member, data: Source, chunk: range, epoch: int, batch_size: int, steps: int) -> Order:
        seed = self.seed if one.seed is None else one.seed
        if not len(rows_in(chunk, one.rows)):
            raise InputError(f"a member has no row among {chunk.start} to {chunk.stop - 1}: set a larger chunk_rows")
        batches: list[Order] = []
        while (done := sum(map(len, batches))) < steps:
            batches.append(data.order(chunk, epoch, seed, batch_size, one.rows, len(batches))[: steps - done])
        return np.concatenate(batches)

    def validation_order(self, chunk: range, batch_size: int) -> Order:
        """Batches of what each is evaluated on, in its own order."""
        if all(one.validation is None for one in self.each):
            return in_order(len(chunk), batch_size)
        rows = [rows_in(chunk, one.validation) for one in self.each]
        steps = max(steps_in(len(own), batch_size) for own in rows)
        order = np.full((len(rows), steps * batch_size), FILL, np.int32)
        for place, own in zip(order, rows, strict=True):
            place[: len(own)] = own
        return order.reshape(len(rows), steps, batch_size)
