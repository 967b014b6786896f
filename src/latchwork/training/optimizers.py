"""Optimisers by name, rates over time, gradient clipping: plain data, for whichever engine trains.

A named optimiser gives a direction; the rate of each step is a run-time value computed on the host, so that another
rate or schedule compiles nothing new. Any Optax transformation serves as well, with a rate of its own.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from numbers import Real
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from latchwork.core.errors import InputError
from latchwork.engines.steps import Rule

EPSILON = 1e-7  # Keras's, for all that divide by a root

# Each direction with Keras's constants.
RULES: dict[str, Rule] = {
    "sgd": Rule("sgd"),
    "momentum": Rule("momentum", decay=0.9),
    "rmsprop": Rule("rmsprop", decay=0.9, epsilon=EPSILON),
    "adam": Rule("adam", decay=0.9, decay_of_squares=0.999, epsilon=EPSILON),
    "adamw": Rule("adam", decay=0.9, decay_of_squares=0.999, epsilon=EPSILON),
    "adagrad": Rule("adagrad", epsilon=EPSILON, start=0.1),
}
ScheduleName = Literal["constant", "cosine", "linear"]


@dataclass(frozen=True)
class Optimizer:
    """An optimiser by name.

    Args:
        name: one of `sgd`, `momentum`, `rmsprop`, `adam`, `adamw`, `adagrad`.
        learning_rate: the rate after warm-up; or a function from the step's number to its rate.
        schedule: how the rate falls over all steps: `constant` (not at all), `cosine` or `linear`.
        warmup: share of the steps over which the rate rises from zero.
        weight_decay: share of a matrix, times the rate, taken off at each step (Loshchilov & Hutter, 2019). Vectors,
            that is biases, peepholes and scales, are left alone.
        clip: largest norm of all gradients together; larger ones are scaled down to it (Pascanu et al., 2013).
        last: share of the rate at which a schedule ends.
    """

    name: str = "adam"
    learning_rate: float | Callable[[int], float] = 1e-3
    schedule: ScheduleName = "constant"
    warmup: float = 0.0
    weight_decay: float = 0.0
    clip: float | None = None
    last: float = 0.0

    def __post_init__(self) -> None:
        """Refuse names and numbers that mean nothing."""
        if self.name not in RULES:
            raise InputError(f"unknown optimizer {self.name!r}: expected one of {', '.join(RULES)}")
        if self.schedule not in ("constant", "cosine", "linear"):
            raise InputError(f"unknown schedule {self.schedule!r}: expected constant, cosine or linear")
        rate = self.learning_rate
        if not callable(rate) and not (isinstance(rate, Real) and 0 < rate < math.inf):
            raise InputError(f"learning_rate must be a number above 0, got {rate!r}")
        if not 0 <= self.warmup < 1:
            raise InputError(f"warmup is a share of the steps, 0 <= warmup < 1, got {self.warmup!r}")
        if not 0 <= self.weight_decay < math.inf:
            raise InputError(f"weight_decay must be a number of at least 0, got {self.weight_decay!r}")
        if self.clip is not None and not self.clip > 0:
            raise InputError(f"clip must be above 0, got {self.clip!r}")
        if not 0 <= self.last <= 1:
            raise InputError(f"last is a share of the rate, 0 <= last <= 1, got {self.last!r}")

    def scales(self, first: int, count: int, total: int) -> NDArray[np.float32]:
        """What each direction of steps `first` to `first + count - 1`, out of `total`, is multiplied by: -rate."""
        steps = np.arange(first, first + count)
        if callable(self.learning_rate):
            return -np.array([self.learning_rate(int(step)) for step in steps], np.float32)
        warm = max(self.warmup * total, 1e-9)
        rising = np.minimum((steps + 1) / max(warm, 1), 1) if self.warmup else 1.0
        done = np.clip((steps - warm) / max(total - warm, 1), 0, 1)
        falling = {"constant": 1.0, "cosine": 0.5 * (1 + np.cos(np.pi * done)), "linear": 1 - done}[self.schedule]
        if self.last:
            falling = self.last + (1 - self.last) * falling
        return (-self.learning_rate * rising * falling * np.ones(count)).astype(np.float32)


@dataclass(frozen=True)
class OptaxOptimizer:
    """A user's own Optax transformation, which brings its rate with it."""

    given: Any

    def scales(self, first: int, count: int, total: int) -> NDArray[np.float32]:
        """Its updates are added as they are."""
        del first, total
        return np.ones(count, np.float32)


def as_optimizer(optimizer: str | Optimizer | OptaxOptimizer | Any) -> Optimizer | OptaxOptimizer:
    """An optimiser from a name, a description or an Optax transformation."""
    match optimizer:
        case str():
            return Optimizer(optimizer)
        case Optimizer() | OptaxOptimizer():
            return optimizer
        case _ if hasattr(optimizer, "init") and hasattr(optimizer, "update"):
            return OptaxOptimizer(optimizer)
        case _:
            raise InputError(f"optimizer must be a name, an Optimizer or an Optax transformation, got {optimizer!r}")
