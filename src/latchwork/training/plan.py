"""How a run is to go, as plain data: how long, what is watched, where it is kept. `fit` makes it from its arguments."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from latchwork.core.errors import InputError


class EpochReport(NamedTuple):
    """What a callback is told at the end of an epoch: the history's row, and the model as it is now."""

    row: dict[str, float]
    model: Any


Callback = Callable[[EpochReport], bool | None]


IDLE = 0.85  # the least share of its threads' time that work gets on a machine with nothing else to do


class Moment(NamedTuple):
    """A point in time by two clocks: the wall's, and the time that this process has had of the processors."""

    wall: float
    processor: float

    @classmethod
    def now(cls) -> Moment:
        """This one."""
        return cls(time.monotonic(), time.process_time())

    def seconds_since(self, threads: int | None = 1) -> float:
        """Seconds that the work since then takes of an idle machine, whatever else this one has to do.

        Args:
            threads: how many the work keeps busy; where None, nobody can tell, and the wall's clock counts.
        """
        now = Moment.now()
        wall = now.wall - self.wall
        alone = (now.processor - self.processor) / (threads or 1)
        return alone if threads and alone < IDLE * wall else wall


@dataclass(frozen=True)
class Budget:
    """How long to train, one of three; minutes count from `since`, or from the start of `fit`."""

    epochs: int | None = None
    steps: int | None = None
    minutes: float | None = None
    since: Moment | None = None

    def __post_init__(self) -> None:
        """Refuse none, several, and nothing at all."""
        if sum(value is not None for value in (self.epochs, self.steps, self.minutes)) != 1:
            raise InputError("give one of epochs, steps and minutes")
        if not (self.steps or self.epochs or self.minutes or 0) > 0:
            raise InputError("epochs, steps, minutes and batch_size must be above 0")

    def total(self, steps_per_epoch: int) -> int:
        """Steps in all; an epoch's where minutes are yet to be timed."""
        return self.steps if self.steps is not None else steps_per_epoch * (self.epochs or 1)

    def setting(self, total: int) -> dict[str, float]:
        """What a resumed run must share."""
        return {"minutes": self.minutes} if self.minutes else {"steps": total}


@dataclass(frozen=True)
class Selection:
    """Which parameters are given back, and when to stop before the end.

    Args:
        monitor: the figure that is watched.
        patience: epochs without a new best after which a group of networks stops; None for never.
        min_delta: how much better a new best must be.
        keep_best: give back the best parameters, not the last.
        validate_first: the parameters before the first step count as well.
        quorum: the share of a group's members that must be better for it to have gained.
    """

    monitor: str = "val_loss"
    patience: int | None = None
    min_delta: float = 0.0
    keep_best: bool = True
    validate_first: bool = False
    quorum: float = 0.0

    def check(self, names: Sequence[str], *, validated: bool) -> None:
        """Refuse to watch what is not there."""
        if not validated and (self.patience is not None or self.validate_first):
            asked = "patience" if self.patience is not None else "validate_first"
            raise InputError(f"{asked} watches the validation: give validation rows as well")
        known = [*names, *(f"val_{name}" for name in names)]
        if self.monitor not in known:
            raise InputError(f"there is no figure {self.monitor!r} to monitor: there are {', '.join(known)}")

    def value(self, figures: dict[str, NDArray[np.float64]]) -> NDArray[np.float64] | None:
        """What is to be made small, of each member; None where it is not among the figures."""
        if self.monitor not in figures:
            return None
        values = np.asarray(figures[self.monitor], np.float64)
        return -values if self.monitor.endswith("accuracy") else values


@dataclass(frozen=True)
class Checkpoints:
    """Where a run's state is kept, and the least time between two of them."""

    folder: Path | None = None
    seconds: float = 20.0
