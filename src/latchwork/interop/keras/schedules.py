"""Learning rates that follow the step's number: what an optimiser takes in place of a number."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from latchwork.core.errors import InputError
from latchwork.interop.keras.refusals import missing


class LearningRateSchedule:
    """A function from the step's number, counted from 0, to its rate."""

    def __call__(self, step: int) -> float:
        """The rate of a step."""
        raise NotImplementedError


class ExponentialDecay(LearningRateSchedule):
    """rate * decay_rate ^ (step / decay_steps); with `staircase` in whole stairs."""

    def __init__(
        self, initial_learning_rate: float, decay_steps: int, decay_rate: float, staircase: bool = False,
        name: str = "",
    ) -> None:  # fmt: skip
        """See the class."""
        self.rate, self.steps, self.decay, self.staircase = initial_learning_rate, decay_steps, decay_rate, staircase

    def __call__(self, step: int) -> float:
        """The rate of a step."""
        share = step / self.steps
        return self.rate * self.decay ** (math.floor(share) if self.staircase else share)


class InverseTimeDecay(ExponentialDecay):
    """rate / (1 + decay_rate * step / decay_steps)."""

    def __call__(self, step: int) -> float:
        """The rate of a step."""
        share = step / self.steps
        return self.rate / (1 + self.decay * (math.floor(share) if self.staircase else share))


class PolynomialDecay(LearningRateSchedule):
    """From a rate to another within so many steps, along a power."""

    def __init__(
        self, initial_learning_rate: float, decay_steps: int, end_learning_rate: float = 0.0001, power: float = 1.0,
        cycle: bool = False, name: str = "",
    ) -> None:  # fmt: skip
        """See the class."""
        self.rate, self.steps, self.end, self.power, self.cycle = (
            initial_learning_rate, decay_steps, end_learning_rate, power, cycle,
        )  # fmt: skip

    def __call__(self, step: int) -> float:
        """The rate of a step."""
        steps = self.steps * max(1, math.ceil(step / self.steps)) if self.cycle else self.steps
        return (self.rate - self.end) * (1 - min(step, steps) / steps) ** self.power + self.end


class PiecewiseConstantDecay(LearningRateSchedule):
    """The i-th value up to the i-th boundary, the last one after them."""

    def __init__(self, boundaries: Sequence[float], values: Sequence[float], name: str = "") -> None:
        """See the class."""
        if len(values) != len(boundaries) + 1:
            raise InputError(f"{len(boundaries)} boundaries need {len(boundaries) + 1} values, got {len(values)}")
        self.boundaries, self.values = list(boundaries), list(values)

    def __call__(self, step: int) -> float:
        """The rate of a step."""
        return self.values[sum(step > boundary for boundary in self.boundaries)]


class CosineDecay(LearningRateSchedule):
    """Half a cosine from a rate to `alpha` times it within so many steps, after a straight warm-up where it has one."""

    def __init__(
        self, initial_learning_rate: float, decay_steps: int, alpha: float = 0.0, name: str = "",
        warmup_target: float | None = None, warmup_steps: int = 0,
    ) -> None:  # fmt: skip
        """See the class."""
        self.rate, self.steps, self.alpha = initial_learning_rate, decay_steps, alpha
        self.target, self.warmup = warmup_target, warmup_steps

    def __call__(self, step: int) -> float:
        """The rate of a step."""
        rate = self.rate
        if self.target is not None:
            if step < self.warmup:
                return self.rate + (self.target - self.rate) * step / self.warmup
            rate, step = self.target, step - self.warmup
        cosine = 0.5 * (1 + math.cos(math.pi * min(step, self.steps) / self.steps))
        return rate * ((1 - self.alpha) * cosine + self.alpha)


def __getattr__(name: str) -> Any:
    missing(name)
