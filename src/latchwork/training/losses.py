"""What a network is trained to make small, and what is reported beside it.

A loss takes `(outputs, targets)` of a batch and gives one value for each row. Losses are plain frozen data with a
`__call__`, so that equal ones share one compiled program; they are written over an array namespace, so that NumPy and
JAX run the same lines. A target that is NaN was not observed: the losses of errors leave it out.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from latchwork.core.arrays import namespace
from latchwork.core.errors import InputError

Array = Any  # NumPy's or JAX's
Values = Any  # [batch]


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
        >>> float(SoftmaxCrossEntropy()(np.zeros((1, 4)), np.array([2]))[0]) == float(np.log(4.0))
        True
    """

    label_smoothing: float = 0.0

    def __call__(self, outputs: Array, targets: Array) -> Values:
        """The loss of each row, averaged over its steps where it has a target at each.

        Args:
            outputs: `[batch, *steps, classes]`.
            targets: `[batch, *steps]`, whole numbers.
        """
        xp = namespace(outputs)
        logs = _log_softmax(outputs)
        # A comparison in place of indexing, whose gradient would be a scatter: slow on a CPU.
        chosen = xp.arange(outputs.shape[-1]) == targets[..., None]
        hit = xp.where(chosen, logs, 0).sum(axis=-1)
        return _row_mean(-((1 - self.label_smoothing) * hit + self.label_smoothing * logs.mean(axis=-1)))


@dataclass(frozen=True)
class Bits:
    """-log2 softmax(outputs)[target]: the cross-entropy in bits."""

    def __call__(self, outputs: Array, targets: Array) -> Values:
        """The bits of each row's targets, on average."""
        return SoftmaxCrossEntropy()(outputs, targets) / math.log(2)


@dataclass(frozen=True)
class SampledCrossEntropy:
    """The cross-entropy over very many classes, trained on a sample of them.

    The kernels sum the softmax over the first `frequent` classes exactly. Of the rest `drawn` are drawn for each step,
    class w with a chance of about 1 / w (Zipf's law, so classes go from frequent to rare), and weighted by one over
    how often they are drawn, so that the expected sum is right; the target counts itself. Sampled softmax (Jean et
    al., 2015), but for the exact part, which takes most of its variance away. It is exact where it evaluates, and where
    XLA trains.

    Example:
        >>> outputs, targets = np.zeros((1, 4)), np.array([2])
        >>> SampledCrossEntropy(1, 2)(outputs, targets) == SoftmaxCrossEntropy()(outputs, targets)
        array([ True])
    """

    frequent: int
    drawn: int

    def __post_init__(self) -> None:
        """Refuse sizes that mean nothing."""
        if min(self.frequent, self.drawn) < 1:
            raise InputError(f"frequent and drawn must be at least 1, got {self.frequent} and {self.drawn}")

    def __call__(self, outputs: Array, targets: Array) -> Values:
        """The loss of each row, summed over all classes."""
        return SoftmaxCrossEntropy()(outputs, targets)


@dataclass(frozen=True)
class MeanSquaredError:
    """(output - target)^2, averaged over a row's values."""

    def __call__(self, outputs: Array, targets: Array) -> Values:
        """The loss of each row."""
        return _mean_of_observed(_error(outputs, targets) ** 2, targets)


@dataclass(frozen=True)
class MeanAbsoluteError:
    """|output - target|, averaged over a row's values."""

    def __call__(self, outputs: Array, targets: Array) -> Values:
        """The loss of each row."""
        return _mean_of_observed(abs(_error(outputs, targets)), targets)


@dataclass(frozen=True)
class Huber:
    """Squared near zero and straight beyond `delta`, so that outliers pull less (Huber, 1964)."""

    delta: float = 1.0

    def __call__(self, outputs: Array, targets: Array) -> Values:
        """The loss of each row."""
        error = abs(_error(outputs, targets))
        near = namespace(outputs).minimum(error, self.delta)
        return _mean_of_observed(0.5 * near**2 + self.delta * (error - near), targets)


@dataclass(frozen=True)
class SmoothAbsoluteError:
    """sqrt(error^2 + smoothing): the absolute error, with a derivative at zero."""

    smoothing: float = 1e-3

    def __call__(self, outputs: Array, targets: Array) -> Values:
        """The loss of each row."""
        error = _error(outputs, targets)
        return _mean_of_observed(namespace(outputs).sqrt(error**2 + self.smoothing), targets)


@dataclass(frozen=True)
class Pinball:
    """The quantile loss, averaged over `quantiles` (Koenker & Bassett, 1978).

    Outputs have the targets' shape with one more axis, a value for each quantile.
    """

    quantiles: tuple[float, ...] = (0.1, 0.5, 0.9)

    def __call__(self, outputs: Array, targets: Array) -> Values:
        """The loss of each row."""
        xp = namespace(outputs)
        level = xp.asarray(self.quantiles, outputs.dtype)
        error = targets[..., None] - outputs
        return _row_mean(xp.maximum(level * error, (level - 1) * error))


@dataclass(frozen=True)
class Accuracy:
    """The share of a row's targets that have the largest output."""

    def __call__(self, outputs: Array, targets: Array) -> Values:
        """The share of right answers, row by row."""
        return _row_mean((outputs.argmax(axis=-1) == targets).astype(outputs.dtype))


LOSSES: Mapping[str, Loss] = {
    "softmax_cross_entropy": SoftmaxCrossEntropy(),
    "mean_squared_error": MeanSquaredError(),
    "mean_absolute_error": MeanAbsoluteError(),
    "huber": Huber(),
    "smooth_absolute_error": SmoothAbsoluteError(),
    "pinball": Pinball(),
}


def named_loss(loss: str | Loss) -> Loss:
    """The loss of that name, or the one given."""
    if not isinstance(loss, str):
        return loss
    if loss not in LOSSES:
        raise InputError(f"unknown loss {loss!r}: expected one of {', '.join(LOSSES)}, or a Loss")
    return LOSSES[loss]


def _log_softmax(outputs: Array) -> Array:
    """Of the last axis; the largest output is taken off first, so that nothing overflows."""
    xp = namespace(outputs)
    shifted = outputs - outputs.max(axis=-1, keepdims=True)
    return shifted - xp.log(xp.exp(shifted).sum(axis=-1, keepdims=True))


def _error(outputs: Array, targets: Array) -> Array:
    """The difference, zero where no target was observed."""
    xp = namespace(outputs)
    there = ~xp.isnan(targets)
    return xp.where(there, outputs - xp.where(there, targets, 0), 0)


def _mean_of_observed(values: Array, targets: Array) -> Values:
    """Each row's mean over the values whose target was observed; zero where none was."""
    xp, rows = namespace(values), values.shape[0]
    there = ~xp.isnan(targets).reshape(rows, -1)
    return xp.where(there, values.reshape(rows, -1), 0).sum(axis=-1) / xp.maximum(there.sum(axis=-1), 1)


def _row_mean(values: Array) -> Values:
    return values.reshape(values.shape[0], -1).mean(axis=-1)
