"""What a network is trained to make small, and what is reported beside it.

A loss takes `(outputs, targets)` of a batch and gives one value for each row. Losses are plain frozen data with a
`__call__`, so that equal ones share one compiled program; they are written over an array namespace, so that NumPy and
JAX run the same lines. A target that is NaN, or a class below 0, was not observed: it is left out, and a row of which
nothing was observed counts nowhere. So is what lies past the end of a sequence that is answered at each step.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np

from latchwork.core.arrays import namespace
from latchwork.core.errors import InputError

NEVER = -1e30  # log 0, finite so that differences are

Array = Any  # NumPy's or JAX's
Values = Any  # [batch]


class Loss(Protocol):
    """One value for each row of a batch; one whose `TARGETS` are labels takes the lengths of the sequences as well."""

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
    TARGETS: ClassVar = "classes"

    def __call__(self, outputs: Array, targets: Array) -> Values:
        """The loss of each row, averaged over its observed steps where it has a target at each.

        Args:
            outputs: `[batch, *steps, classes]`.
            targets: `[batch, *steps]`, whole numbers; below 0 where none was observed.
        """
        xp = namespace(outputs)
        logs = _log_softmax(outputs)
        # A comparison in place of indexing, whose gradient would be a scatter: slow on a CPU.
        chosen = xp.arange(outputs.shape[-1]) == targets[..., None]
        hit = xp.where(chosen, logs, 0).sum(axis=-1)
        values = -((1 - self.label_smoothing) * hit + self.label_smoothing * logs.mean(axis=-1))
        return _mean_where(targets >= 0, values)


@dataclass(frozen=True)
class BinaryCrossEntropy:
    """-t log p - (1 - t) log(1 - p) with p = sigmoid(output), in nats, averaged over a row's values.

    For labels of which several may hold at once, or for one that holds or not; targets are 1, 0 or between.
    `label_smoothing` moves them that far towards a half, as in Keras.

    Example:
        >>> float(BinaryCrossEntropy()(np.zeros((1, 3)), np.array([[0.0, 1.0, 1.0]]))[0]) == float(np.log(2.0))
        True
    """

    label_smoothing: float = 0.0
    TARGETS: ClassVar = "numbers"

    def __call__(self, outputs: Array, targets: Array) -> Values:
        """The loss of each row; outputs and targets have one shape."""
        xp = namespace(outputs)
        wanted = xp.where(xp.isnan(targets), 0, targets) * (1 - self.label_smoothing) + 0.5 * self.label_smoothing
        # From the logit, so that no probability rounds to 0 or 1.
        values = xp.maximum(outputs, 0) - outputs * wanted + xp.log1p(xp.exp(-abs(outputs)))
        return _mean_of_observed(values, targets)


@dataclass(frozen=True)
class Bits:
    """-log2 softmax(outputs)[target]: the cross-entropy in bits."""

    TARGETS: ClassVar = "classes"

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
    TARGETS: ClassVar = "classes"

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

    TARGETS: ClassVar = "numbers"

    def __call__(self, outputs: Array, targets: Array) -> Values:
        """The loss of each row."""
        return _mean_of_observed(_error(outputs, targets) ** 2, targets)


@dataclass(frozen=True)
class MeanAbsoluteError:
    """|output - target|, averaged over a row's values."""

    TARGETS: ClassVar = "numbers"

    def __call__(self, outputs: Array, targets: Array) -> Values:
        """The loss of each row."""
        return _mean_of_observed(abs(_error(outputs, targets)), targets)


@dataclass(frozen=True)
class Huber:
    """Squared near zero and straight beyond `delta`, so that outliers pull less (Huber, 1964)."""

    delta: float = 1.0
    TARGETS: ClassVar = "numbers"

    def __call__(self, outputs: Array, targets: Array) -> Values:
        """The loss of each row."""
        error = abs(_error(outputs, targets))
        near = namespace(outputs).minimum(error, self.delta)
        return _mean_of_observed(0.5 * near**2 + self.delta * (error - near), targets)


@dataclass(frozen=True)
class SmoothAbsoluteError:
    """sqrt(error^2 + smoothing): the absolute error, with a derivative at zero."""

    smoothing: float = 1e-3
    TARGETS: ClassVar = "numbers"

    def __call__(self, outputs: Array, targets: Array) -> Values:
        """The loss of each row."""
        error = _error(outputs, targets)
        return _mean_of_observed(namespace(outputs).sqrt(error**2 + self.smoothing), targets)


@dataclass(frozen=True)
class SmoothSMAPE:
    """2 |error| / (|output| + |target|), from 0 to 2, where |x| is sqrt(x^2 + smoothing): with a derivative at zero.

    The symmetric percentage error of the M competitions (Makridakis & Hibon, 2000) as a share. It looks at the numbers
    themselves: outputs and targets must not have been centred.
    """

    smoothing: float = 1e-3
    TARGETS: ClassVar = "numbers"

    def __call__(self, outputs: Array, targets: Array) -> Values:
        """The loss of each row."""
        xp = namespace(outputs)

        def size(of: Array) -> Array:
            return xp.sqrt(of**2 + self.smoothing)

        known = xp.where(xp.isnan(targets), 0, targets)
        return _mean_of_observed(2 * size(outputs - known) / (size(outputs) + size(known)), targets)


@dataclass(frozen=True)
class Pinball:
    """The quantile loss, averaged over `quantiles` (Koenker & Bassett, 1978).

    Every target has an output for each quantile, one beside the other: outputs `[batch, horizon, quantiles]` or
    `[batch, horizon * quantiles]` for targets `[batch, horizon]`.

    Example:
        >>> float(Pinball((0.1, 0.9))(np.zeros((1, 2)), np.full((1, 1), 2.0))[0])
        1.0
    """

    quantiles: tuple[float, ...] = (0.1, 0.5, 0.9)
    TARGETS: ClassVar = "numbers"

    def __post_init__(self) -> None:
        """Refuse levels that are no shares."""
        object.__setattr__(self, "quantiles", tuple(float(level) for level in self.quantiles))
        if not self.quantiles or not all(0 < level < 1 for level in self.quantiles):
            raise InputError(f"quantiles are one or more levels above 0 and below 1, got {self.quantiles!r}")

    def __call__(self, outputs: Array, targets: Array) -> Values:
        """The loss of each row."""
        xp = namespace(outputs)
        level = xp.asarray(self.quantiles, outputs.dtype)
        known = xp.where(xp.isnan(targets), 0, targets)
        error = known[..., None] - outputs.reshape(*targets.shape, len(self.quantiles))
        return _mean_of_observed(xp.maximum(level * error, (level - 1) * error).mean(axis=-1), targets)


@dataclass(frozen=True)
class Accuracy:
    """The share of a row's targets that have the largest output."""

    TARGETS: ClassVar = "classes"

    def __call__(self, outputs: Array, targets: Array) -> Values:
        """The share of right answers, row by row."""
        return _mean_where(targets >= 0, (outputs.argmax(axis=-1) == targets).astype(outputs.dtype))


@dataclass(frozen=True)
class ConnectionistTemporal:
    """-log of the probability that a row's labels come in their order, whatever the steps (CTC).

    Each step emits a class: a label, or the blank, class 0. A label may take several steps; between two equal ones
    stands a blank. The probability is summed over all such alignments (Graves, Fernandez, Gomez & Schmidhuber, 2006).
    Where the steps are too few for the labels there is none, and the loss is infinite; in training and evaluation such
    a row counts nowhere.

    Args:
        per_label: divide by the number of labels, as PyTorch's `ctc_loss` does before its mean.

    Example:
        >>> outputs = np.zeros((1, 3, 2))  # three steps of a label or a blank, all alike: 6 of 8 ways read "1"
        >>> float(np.exp(-ConnectionistTemporal()(outputs, np.array([[1, -1]])))[0])
        0.75
    """

    per_label: bool = True
    TARGETS: ClassVar = "labels"

    def __call__(self, outputs: Array, targets: Array, lengths: Array | None = None) -> Values:
        """The loss of each row.

        Args:
            outputs: `[batch, time, classes]`, logits.
            targets: `[batch, labels]`, whole numbers from 1 on; below 0 behind a row's last label.
            lengths: real steps `[batch]`; all where None.
        """
        xp: Any = namespace(outputs)
        batch, time, _ = outputs.shape
        steps = xp.full((batch,), time) if lengths is None else lengths
        count = (targets >= 0).sum(axis=1)
        labels = xp.maximum(targets, 0)
        # A blank before each label and behind the last; a label may follow another one without the blank between.
        blank = xp.zeros_like(labels[:, :1])
        places = xp.concatenate([xp.stack([0 * labels, labels], axis=-1).reshape(batch, -1), blank], axis=1)
        before = xp.concatenate([blank - 1, blank - 1, places[:, :-2]], axis=1)
        direct = xp.where((places > 0) & (places != before), 0.0, NEVER)
        emitted = xp.take_along_axis(_log_softmax(outputs), places[:, None, :], axis=2)
        reached = xp.where(xp.arange(places.shape[1]) == 0, 0.0, xp.full(places.shape, NEVER)).astype(outputs.dtype)
        for step in range(time):
            left = xp.concatenate([0 * reached[:, :1] + NEVER, reached], axis=1)[:, :-1]
            skipped = xp.concatenate([0 * reached[:, :2] + NEVER, reached], axis=1)[:, :-2] + direct
            new = xp.logaddexp(xp.logaddexp(reached, left), skipped) + emitted[:, step]
            reached = xp.where((step < steps)[:, None], new, reached)
        ends = [xp.take_along_axis(reached, at[:, None], axis=1)[:, 0] for at in (2 * count, abs(2 * count - 1))]
        found = xp.where(count > 0, xp.logaddexp(*ends), ends[0])
        cost = xp.where(found > NEVER / 2, -found, np.inf)
        return (cost / xp.maximum(count, 1) if self.per_label else cost).astype(outputs.dtype)


@dataclass(frozen=True)
class BinaryAccuracy:
    """The share of a row's labels that are on the right side: p above a half where the target is."""

    TARGETS: ClassVar = "numbers"

    def __call__(self, outputs: Array, targets: Array) -> Values:
        """The share of right answers, row by row."""
        return _mean_of_observed(((outputs > 0) == (targets > 0.5)).astype(outputs.dtype), targets)


@dataclass(frozen=True)
class MeanAbsolutePercentageError:
    """100 |error| / |target|, the target taken as at least `least` (Keras's `mean_absolute_percentage_error`)."""

    least: float = 1e-7
    TARGETS: ClassVar = "numbers"

    def __call__(self, outputs: Array, targets: Array) -> Values:
        """The loss of each row."""
        xp = namespace(outputs)
        known = xp.where(xp.isnan(targets), 1, targets)
        return _mean_of_observed(100 * abs(outputs - known) / xp.maximum(abs(known), self.least), targets)


@dataclass(frozen=True)
class MeanSquaredLogarithmicError:
    """(log(1 + output) - log(1 + target))^2, both taken as at least `least` (Keras's)."""

    least: float = 1e-7
    TARGETS: ClassVar = "numbers"

    def __call__(self, outputs: Array, targets: Array) -> Values:
        """The loss of each row."""
        xp = namespace(outputs)
        known = xp.where(xp.isnan(targets), 0, targets)
        apart = xp.log1p(xp.maximum(outputs, self.least)) - xp.log1p(xp.maximum(known, self.least))
        return _mean_of_observed(apart**2, targets)


@dataclass(frozen=True)
class LogCosh:
    """log(cosh(error)): squared near zero, straight far from it."""

    TARGETS: ClassVar = "numbers"

    def __call__(self, outputs: Array, targets: Array) -> Values:
        """The loss of each row."""
        size = abs(_error(outputs, targets))
        return _mean_of_observed(size + namespace(outputs).log1p(namespace(outputs).exp(-2 * size)) - LOG_2, targets)


LOG_2 = 0.6931471805599453


@dataclass(frozen=True)
class PoissonLoss:
    """Output - target * log(output): of counts whose rate is the output, which has to be above zero."""

    least: float = 1e-7
    TARGETS: ClassVar = "numbers"

    def __call__(self, outputs: Array, targets: Array) -> Values:
        """The loss of each row."""
        xp = namespace(outputs)
        known = xp.where(xp.isnan(targets), 0, targets)
        return _mean_of_observed(outputs - known * xp.log(outputs + self.least), targets)


@dataclass(frozen=True)
class ThresholdAccuracy:
    """The share of a row's targets that equal 1 where the output is above a threshold, and 0 elsewhere."""

    threshold: float = 0.5
    TARGETS: ClassVar = "numbers"

    def __call__(self, outputs: Array, targets: Array) -> Values:
        """The share of right answers, row by row."""
        return _mean_of_observed(((outputs > self.threshold) == targets).astype(outputs.dtype), targets)


LOSSES: Mapping[str, Loss] = {
    "softmax_cross_entropy": SoftmaxCrossEntropy(),
    "mean_squared_error": MeanSquaredError(),
    "mean_absolute_error": MeanAbsoluteError(),
    "huber": Huber(),
    "smooth_absolute_error": SmoothAbsoluteError(),
    "pinball": Pinball(),
    "smooth_smape": SmoothSMAPE(),
    "binary_cross_entropy": BinaryCrossEntropy(),
    "connectionist_temporal": ConnectionistTemporal(),
}


def takes(loss: Loss) -> str | None:
    """`numbers`, `classes` or `labels`: the targets of a loss of this module; None for one's own."""
    return getattr(loss, "TARGETS", None)


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
    return _mean_where(~namespace(targets).isnan(targets), values)


def _mean_where(there: Array, values: Array) -> Values:
    xp, rows = namespace(values), values.shape[0]
    there = there.reshape(rows, -1)
    total = xp.where(there, values.reshape(rows, -1), 0).sum(axis=-1)
    return (total / xp.maximum(there.sum(axis=-1), 1)).astype(values.dtype)
