"""Metrics by Keras's names: reported beside the loss, by the kernels while they train."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np

from latchwork.core.errors import InputError
from latchwork.interop.keras import losses
from latchwork.interop.keras.refusals import arguments, missing
from latchwork.training import losses as ours


class Metric:
    """A metric of `compile`; by itself it gathers values with `update_state`, and `result` gives them.

    Attributes:
        family: `classes`, `numbers`, or `both` where the loss decides.
    """

    name: str = ""
    family: ClassVar[str] = "numbers"
    options: ClassVar[dict[str, Any]] = {}

    def __init__(self, name: str | None = None, **given: Any) -> None:
        """Check the arguments."""
        self.given = arguments(type(self).__name__, given, self.options | {"dtype": None})
        self.name = name or self.name
        self.reset_state()

    def trained(self, scores: bool) -> ours.Loss:
        """What the kernels compute of each row; `scores`: outputs are those before their softmax or sigmoid."""
        raise NotImplementedError

    def finished(self, mean: float) -> float:
        """What is reported of the rows' mean."""
        return mean

    def reset_state(self) -> None:
        """Forget what was gathered."""
        self._sum, self._rows = 0.0, 0

    reset_states = reset_state

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Gather the values of some rows."""
        if sample_weight is not None:
            raise InputError(f"{type(self).__name__}.update_state: no sample_weight: leave it out")
        outputs, targets = np.asarray(y_pred, np.float64), np.asarray(y_true)
        if self.family == "classes":
            one_hot = targets.shape == outputs.shape
            targets = targets.argmax(axis=-1) if one_hot else targets.reshape(outputs.shape[:-1])
        else:
            targets = targets.reshape(outputs.shape).astype(np.float64)
        values = np.asarray(self.trained(scores=False)(outputs, targets))
        self._sum, self._rows = self._sum + float(values.sum()), self._rows + len(values)

    def result(self) -> float:
        """Of all rows so far."""
        return self.finished(self._sum / max(self._rows, 1))

    def __call__(self, y_true: Any, y_pred: Any) -> float:
        """Gather the values of some rows, and give the result of all so far."""
        self.update_state(y_true, y_pred)
        return self.result()


class CategoricalAccuracy(Metric):
    """The share of right classes."""

    name = "categorical_accuracy"
    family: ClassVar[str] = "classes"

    def trained(self, scores: bool) -> ours.Loss:
        """See `Metric`."""
        del scores
        return ours.Accuracy()


class SparseCategoricalAccuracy(CategoricalAccuracy):
    """The same, of class numbers."""

    name = "sparse_categorical_accuracy"


class BinaryAccuracy(Metric):
    """The share of labels on the right side of a threshold."""

    name = "binary_accuracy"
    options: ClassVar[dict[str, Any]] = {"threshold": 0.5}

    def trained(self, scores: bool) -> ours.Loss:
        """See `Metric`; of scores the threshold is that before the sigmoid."""
        threshold = float(self.given["threshold"])
        if not scores:
            return ours.ThresholdAccuracy(threshold)
        if not 0 < threshold < 1:
            raise InputError(f"BinaryAccuracy: threshold must lie in 0 < threshold < 1, got {threshold}")
        return ours.ThresholdAccuracy(math.log(threshold / (1 - threshold)))


class Accuracy(Metric):
    """`CategoricalAccuracy` or `BinaryAccuracy`, as the loss and the outputs have it."""

    name = "accuracy"
    family: ClassVar[str] = "both"


class _OfLoss(Metric):
    loss: ClassVar[type[losses.Loss]] = losses.MeanSquaredError

    def trained(self, scores: bool) -> ours.Loss:
        del scores
        return self.loss().trained()


def _of_loss(loss: type[losses.Loss], name: str) -> type[Metric]:
    family = "classes" if loss.targets in ("classes", "one_hot") else "numbers"
    return type(loss.__name__, (_OfLoss,), {"loss": loss, "name": name, "family": family, "__doc__": loss.__doc__})


MeanSquaredError = _of_loss(losses.MeanSquaredError, "mean_squared_error")
MeanAbsoluteError = _of_loss(losses.MeanAbsoluteError, "mean_absolute_error")
MeanAbsolutePercentageError = _of_loss(losses.MeanAbsolutePercentageError, "mean_absolute_percentage_error")
MeanSquaredLogarithmicError = _of_loss(losses.MeanSquaredLogarithmicError, "mean_squared_logarithmic_error")
LogCoshError = _of_loss(losses.LogCosh, "logcosh")
Poisson = _of_loss(losses.Poisson, "poisson")
CategoricalCrossentropy = _of_loss(losses.CategoricalCrossentropy, "categorical_crossentropy")
SparseCategoricalCrossentropy = _of_loss(losses.SparseCategoricalCrossentropy, "sparse_categorical_crossentropy")


class BinaryCrossentropy(_OfLoss):
    """-t log p - (1 - t) log(1 - p)."""

    name = "binary_crossentropy"
    loss: ClassVar[type[losses.Loss]] = losses.BinaryCrossentropy

    def trained(self, scores: bool) -> ours.Loss:
        """See `Metric`."""
        if not scores:
            raise InputError("the metric binary_crossentropy needs the loss binary_crossentropy, from probabilities")
        return super().trained(scores)


class RootMeanSquaredError(MeanSquaredError):  # pyright: ignore[reportUntypedBaseClass, reportGeneralTypeIssues]
    """The root of the mean squared error."""

    name = "root_mean_squared_error"

    def finished(self, mean: float) -> float:
        """The root."""
        return math.sqrt(mean)


_KNOWN: dict[str, type[Metric]] = {
    kind.name: kind
    for kind in (
        Accuracy, CategoricalAccuracy, SparseCategoricalAccuracy, BinaryAccuracy, MeanSquaredError, MeanAbsoluteError,
        MeanAbsolutePercentageError, MeanSquaredLogarithmicError, LogCoshError, Poisson, CategoricalCrossentropy,
        SparseCategoricalCrossentropy, RootMeanSquaredError, BinaryCrossentropy,
    )
} | {
    "acc": Accuracy, "mse": MeanSquaredError, "MSE": MeanSquaredError, "mae": MeanAbsoluteError,
    "MAE": MeanAbsoluteError, "mape": MeanAbsolutePercentageError, "MAPE": MeanAbsolutePercentageError,
    "msle": MeanSquaredLogarithmicError, "MSLE": MeanSquaredLogarithmicError, "rmse": RootMeanSquaredError,
}  # fmt: skip
KNOWN: dict[str, type[Metric]] = _KNOWN | {kind.__name__: kind for kind in _KNOWN.values()}


def get(identifier: Any) -> Metric:
    """A metric from a name, a class, a function of `losses`, or itself; it is called as it was named."""
    if isinstance(identifier, Metric):
        return identifier
    name = getattr(identifier, "__name__", None) if callable(identifier) else identifier
    if isinstance(name, str) and name in KNOWN:
        return KNOWN[name](name=name) if isinstance(identifier, str) else KNOWN[name]()
    if isinstance(name, str):
        missing_or_unknown(name)
    raise InputError(f"latchwork.keras has no metric {identifier!r}: there are {', '.join(KNOWN)}")


def missing_or_unknown(name: str) -> None:
    """Raise `InputError` with the hint of a metric that Keras has."""
    for known in (name, name.upper(), name.capitalize()):
        try:
            missing(known)
        except AttributeError:
            continue


def __getattr__(name: str) -> Any:
    missing(name)
