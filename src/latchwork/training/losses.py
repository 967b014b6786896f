"""What a network is trained to make small, and what is reported beside it.

A loss takes `(outputs, targets)` of a batch and gives one value for each row. Losses are plain frozen data with a
`__call__`, so that equal ones share one compiled program.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from latchwork.core.errors import InputError

Values = Float[Array, " batch"]


class Loss(Protocol):
    """One value for each row of a batch."""

    def __call__(self, outputs: Array, targets: Array) -> Values:
        """The loss of each row."""
        ...


@dataclass(frozen=True)
class SoftmaxCrossEntropy:
    """-log softmax(outputs)[target], in nats; targets are whole numbers, one a row or one a step.

    `label_smoothing` moves that share of the target's weight evenly onto all classes (Szegedy et al., 2016, section 7).

    Example:
        >>> float(SoftmaxCrossEntropy()(jnp.zeros((1, 4)), jnp.array([2]))[0]) == float(jnp.log(4.0))
        True
    """

    label_smoothing: float = 0.0

    def __call__(self, outputs: Float[Array, "batch *steps classes"], targets: Int[Array, "batch *steps"]) -> Values:
        """The loss of each row, averaged over its steps where it has a target at each."""
        logs = jax.nn.log_softmax(outputs, axis=-1)
        # A comparison in place of indexing, whose gradient would be a scatter: slow on a CPU.
        chosen = jnp.arange(outputs.shape[-1]) == targets[..., None]
        hit = jnp.where(chosen, logs, 0).sum(axis=-1)
        return _row_mean(-((1 - self.label_smoothing) * hit + self.label_smoothing * logs.mean(axis=-1)))


@dataclass(frozen=True)
class MeanSquaredError:
    """(output - target)^2, averaged over a row's values."""

    def __call__(self, outputs: Array, targets: Array) -> Values:
        """The loss of each row."""
        return _row_mean(jnp.square(outputs - targets))


@dataclass(frozen=True)
class MeanAbsoluteError:
    """|output - target|, averaged over a row's values."""

    def __call__(self, outputs: Array, targets: Array) -> Values:
        """The loss of each row."""
        return _row_mean(jnp.abs(outputs - targets))


@dataclass(frozen=True)
class Huber:
    """Squared near zero and straight beyond `delta`, so that outliers pull less (Huber, 1964)."""

    delta: float = 1.0

    def __call__(self, outputs: Array, targets: Array) -> Values:
        """The loss of each row."""
        error = jnp.abs(outputs - targets)
        near = jnp.minimum(error, self.delta)
        return _row_mean(0.5 * near**2 + self.delta * (error - near))


@dataclass(frozen=True)
class Pinball:
    """The quantile loss, averaged over `quantiles` (Koenker & Bassett, 1978).

    Outputs have the targets' shape with one more axis, a value for each quantile.
    """

    quantiles: tuple[float, ...] = (0.1, 0.5, 0.9)

    def __call__(self, outputs: Float[Array, "batch ... quantiles"], targets: Array) -> Values:
        """The loss of each row."""
        level = jnp.asarray(self.quantiles, outputs.dtype)
        error = targets[..., None] - outputs
        return _row_mean(jnp.maximum(level * error, (level - 1) * error))


@dataclass(frozen=True)
class Accuracy:
    """The share of a row's targets that have the largest output."""

    def __call__(self, outputs: Float[Array, "batch *steps classes"], targets: Int[Array, "batch *steps"]) -> Values:
        """The share of right answers, row by row."""
        return _row_mean((outputs.argmax(axis=-1) == targets).astype(outputs.dtype))


LOSSES: Mapping[str, Loss] = {
    "softmax_cross_entropy": SoftmaxCrossEntropy(),
    "mean_squared_error": MeanSquaredError(),
    "mean_absolute_error": MeanAbsoluteError(),
    "huber": Huber(),
    "pinball": Pinball(),
}


def named_loss(loss: str | Loss) -> Loss:
    """The loss of that name, or the one given."""
    if not isinstance(loss, str):
        return loss
    if loss not in LOSSES:
        raise InputError(f"unknown loss {loss!r}: expected one of {', '.join(LOSSES)}, or a Loss")
    return LOSSES[loss]


def _row_mean(values: Array) -> Values:
    return values.reshape(values.shape[0], -1).mean(axis=-1)
