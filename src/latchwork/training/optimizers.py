"""Optimisers by name, rates over time, gradient clipping.

A named optimiser gives a direction; the rate of each step is a run-time value computed on the host, so that another
rate or schedule compiles nothing new. Any Optax transformation serves as well, with a rate of its own.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from numbers import Real
from typing import Literal, NamedTuple

import numpy as np
import optax
from numpy.typing import NDArray

from latchwork.core.errors import InputError

EPSILON = 1e-7  # Keras's, for all that divide by a root


class Rule(NamedTuple):
    """A direction's constants, Keras's, and its name in csrc/network/learning.h."""

    direction: str
    decay: float = 0.0  # of the mean of gradients (momentum, Adam) or of their squares (RMSprop)
    decay_of_squares: float = 0.0
    epsilon: float = EPSILON
    start: float = 0.0  # of what it keeps for each parameter


RULES: dict[str, Rule] = {
    "sgd": Rule("sgd"),
    "momentum": Rule("momentum", decay=0.9),
    "rmsprop": Rule("rmsprop", decay=0.9),
    "adam": Rule("adam", decay=0.9, decay_of_squares=0.999),
    "adamw": Rule("adam", decay=0.9, decay_of_squares=0.999),
    "adagrad": Rule("adagrad", start=0.1),
}

# The same for Optax.
DIRECTIONS: dict[str, Callable[[], optax.GradientTransformation]] = {
    "sgd": optax.identity,
    "momentum": lambda: optax.trace(RULES["momentum"].decay, nesterov=False),
    "rmsprop": lambda: optax.scale_by_rms(RULES["rmsprop"].decay, eps=EPSILON, eps_in_sqrt=True),
    "adam": lambda: _adam(RULES["adam"]),
    "adamw": lambda: _adam(RULES["adamw"]),
    "adagrad": lambda: optax.scale_by_rss(RULES["adagrad"].start, eps=EPSILON),
}
ScheduleName = Literal["constant", "cosine", "linear"]


@dataclass(frozen=True)
class Optimizer:
    """An optimiser by name.

    Args:
        name: one of `sgd`, `momentum`, `rmsprop`, `adam`, `adamw`, `adagrad`.
        learning_rate: the rate after warm-up; or a function from the step's number to its rate.
        schedule: how the rate falls to zero over all steps: `constant` (not at all), `cosine` or `linear`.
        warmup: share of the steps over which the rate rises from zero.
        weight_decay: share of a matrix, times the rate, taken off at each step (Loshchilov & Hutter, 2019). Vectors,
            that is biases, peepholes and scales, are left alone.
        clip: largest norm of all gradients together; larger ones are scaled down to it (Pascanu et al., 2013).
    """

    name: str = "adam"
    learning_rate: float | Callable[[int], float] = 1e-3
    schedule: ScheduleName = "constant"
    warmup: float = 0.0
    weight_decay: float = 0.0
    clip: float | None = None

    def __post_init__(self) -> None:
        """Refuse names and numbers that mean nothing."""
        if self.name not in DIRECTIONS:
            raise InputError(f"unknown optimizer {self.name!r}: expected one of {', '.join(DIRECTIONS)}")
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

    def scales(self, first: int, count: int, total: int) -> NDArray[np.float32]:
        """What each direction of steps `first` to `first + count - 1`, out of `total`, is multiplied by: -rate."""
        steps = np.arange(first, first + count)
        if callable(self.learning_rate):
            return -np.array([self.learning_rate(int(step)) for step in steps], np.float32)
        warm = max(self.warmup * total, 1e-9)
        rising = np.minimum((steps + 1) / max(warm, 1), 1) if self.warmup else 1.0
        done = np.clip((steps - warm) / max(total - warm, 1), 0, 1)
        falling = {"constant": 1.0, "cosine": 0.5 * (1 + np.cos(np.pi * done)), "linear": 1 - done}[self.schedule]
        return (-self.learning_rate * rising * falling * np.ones(count)).astype(np.float32)

    def transformation(self, *, joined: bool = False) -> optax.GradientTransformation:
        """The directions as an Optax transformation, shared by equal optimisers so that they share a program.

        All parameters `joined` to one vector are less to compile and to call, but copied at each step.
        """
        return _transformation(self.name, self.weight_decay, self.clip, joined)


@dataclass(frozen=True)
class OptaxOptimizer:
    """A user's own Optax transformation, which brings its rate with it."""

    given: optax.GradientTransformation

    def scales(self, first: int, count: int, total: int) -> NDArray[np.float32]:
        """Its updates are added as they are."""
        del first, total
        return np.ones(count, np.float32)

    def transformation(self, *, joined: bool = False) -> optax.GradientTransformation:
        """The one given, which may tell parameters apart."""
        del joined
        return self.given


def as_optimizer(
    optimizer: str | Optimizer | OptaxOptimizer | optax.GradientTransformation,
) -> Optimizer | OptaxOptimizer:
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


def _adam(rule: Rule) -> optax.GradientTransformation:
    return optax.scale_by_adam(rule.decay, rule.decay_of_squares, eps=rule.epsilon)


@cache
def _transformation(name: str, weight_decay: float, clip: float | None, joined: bool) -> optax.GradientTransformation:
    steps = [optax.clip_by_global_norm(clip)] if clip is not None else []
    direction = DIRECTIONS[name]()
    steps.append(optax.flatten(direction) if joined else direction)
    if weight_decay:
        steps.append(optax.add_decayed_weights(weight_decay, mask=_matrices))
    return optax.chain(*steps)


def _matrices(tree: optax.Params) -> optax.Params:
    import jax

    return jax.tree.map(lambda leaf: leaf.ndim > 1, tree)
