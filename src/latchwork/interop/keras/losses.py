"""Losses by Keras's names: what `compile` takes, and functions of arrays."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from latchwork.core.errors import InputError
from latchwork.interop.keras.refusals import arguments, missing
from latchwork.training import losses as ours

Targets = Literal["classes", "one_hot", "labels", "numbers"]
"""Class numbers; a 1 among zeros; zeros and ones, each by itself; any numbers."""


class Loss:
    """A loss of `compile`.

    Attributes:
        targets: what it compares with.
        given: its arguments.
    """

    name: str = ""
    targets: ClassVar[Targets] = "numbers"
    options: ClassVar[dict[str, Any]] = {}
    positional: ClassVar[tuple[str, ...]] = ()

    def __init__(self, *places: Any, **given: Any) -> None:
        """Check the arguments."""
        kind = type(self).__name__
        known = self.options | {"reduction": "sum_over_batch_size", "name": None, "dtype": None, "axis": -1}
        named = dict(zip(self.positional, places, strict=False)) | given
        self.given = arguments(kind, named, known)
        if self.given["reduction"] not in ("sum_over_batch_size", "auto", "mean", None):
            raise InputError(f"{kind}: reduction {self.given['reduction']!r}: losses are means over a batch")
        if self.given["axis"] != -1:
            raise InputError(f"{kind}: axis {self.given['axis']!r}: classes are on the last axis")
        self.name = self.given["name"] or self.name

    def trained(self) -> ours.Loss:
        """What is minimised: of scores before their softmax or sigmoid, where `of_scores` says so."""
        raise NotImplementedError

    @property
    def from_logits(self) -> bool:
        """Whether the network's outputs are scores already."""
        return bool(self.given.get("from_logits", False))

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> float:
        """The mean over a batch, of what a model predicts."""
        values = per_row(self, y_true, y_pred)
        return float(values.mean() if sample_weight is None else (values * np.asarray(sample_weight)).mean())


class _OfProbabilities(Loss):
    options: ClassVar[dict[str, Any]] = {"from_logits": False, "label_smoothing": 0.0}
    positional: ClassVar[tuple[str, ...]] = ("from_logits", "label_smoothing")


class CategoricalCrossentropy(_OfProbabilities):
    """-log p(class), of one-hot targets."""

    name = "categorical_crossentropy"
    targets: ClassVar[Targets] = "one_hot"

    def trained(self) -> ours.Loss:
        """See `Loss`."""
        return ours.SoftmaxCrossEntropy(float(self.given["label_smoothing"]))


class SparseCategoricalCrossentropy(Loss):
    """-log p(class), of class numbers."""

    name = "sparse_categorical_crossentropy"
    targets: ClassVar[Targets] = "classes"
    options: ClassVar[dict[str, Any]] = {"from_logits": False, "ignore_class": None}
    positional: ClassVar[tuple[str, ...]] = ("from_logits", "ignore_class")

    def __init__(self, *places: Any, **given: Any) -> None:
        """Refuse what is not done."""
        super().__init__(*places, **given)
        if self.given["ignore_class"] is not None:
            raise InputError("SparseCategoricalCrossentropy: no ignore_class: leave such steps out with Masking")

    def trained(self) -> ours.Loss:
        """See `Loss`."""
        return ours.SoftmaxCrossEntropy()


class BinaryCrossentropy(_OfProbabilities):
    """-t log p - (1 - t) log(1 - p)."""

    name = "binary_crossentropy"
    targets: ClassVar[Targets] = "labels"

    def trained(self) -> ours.Loss:
        """See `Loss`."""
        return ours.BinaryCrossEntropy(float(self.given["label_smoothing"]))


class Huber(Loss):
    """Squared near zero, straight beyond `delta`."""

    name = "huber"
    options: ClassVar[dict[str, Any]] = {"delta": 1.0}
    positional: ClassVar[tuple[str, ...]] = ("delta",)

    def trained(self) -> ours.Loss:
        """See `Loss`."""
        return ours.Huber(float(self.given["delta"]))


def _of_errors(kind: str, name: str, trained: Callable[[], ours.Loss], words: str) -> type[Loss]:
    body = {"name": name, "trained": lambda _: trained(), "__doc__": words}
    return type(kind, (Loss,), body)


MeanSquaredError = _of_errors("MeanSquaredError", "mean_squared_error", ours.MeanSquaredError, "(output - target)^2.")
MeanAbsoluteError = _of_errors("MeanAbsoluteError", "mean_absolute_error", ours.MeanAbsoluteError, "|output - target|.")
MeanAbsolutePercentageError = _of_errors(
    "MeanAbsolutePercentageError", "mean_absolute_percentage_error", ours.MeanAbsolutePercentageError,
    "100 |output - target| / |target|.",
)  # fmt: skip
MeanSquaredLogarithmicError = _of_errors(
    "MeanSquaredLogarithmicError", "mean_squared_logarithmic_error", ours.MeanSquaredLogarithmicError,
    "(log(1 + output) - log(1 + target))^2.",
)  # fmt: skip
LogCosh = _of_errors("LogCosh", "log_cosh", ours.LogCosh, "log(cosh(output - target)).")
Poisson = _of_errors("Poisson", "poisson", ours.PoissonLoss, "output - target log(output).")

_KNOWN: Mapping[str, type[Loss]] = {
    kind.name: kind
    for kind in (
        MeanSquaredError, MeanAbsoluteError, MeanAbsolutePercentageError, MeanSquaredLogarithmicError, LogCosh,
        Poisson, Huber, CategoricalCrossentropy, SparseCategoricalCrossentropy, BinaryCrossentropy,
    )
} | {
    "mse": MeanSquaredError, "MSE": MeanSquaredError, "mae": MeanAbsoluteError, "MAE": MeanAbsoluteError,
    "mape": MeanAbsolutePercentageError, "MAPE": MeanAbsolutePercentageError, "msle": MeanSquaredLogarithmicError,
    "MSLE": MeanSquaredLogarithmicError, "logcosh": LogCosh, "huber_loss": Huber, "bce": BinaryCrossentropy,
    "BCE": BinaryCrossentropy,
}  # fmt: skip
KNOWN: Mapping[str, type[Loss]] = {**_KNOWN, **{kind.__name__: kind for kind in _KNOWN.values()}}


def get(identifier: Any) -> Loss:
    """A loss from a name, a class, a function of this module, or itself."""
    name = getattr(identifier, "__name__", None) if callable(identifier) else identifier
    if isinstance(identifier, Loss):
        return identifier
    if isinstance(name, str) and name in KNOWN:
        return KNOWN[name]()
    if callable(identifier):
        known = ", ".join(sorted({kind.name for kind in KNOWN.values()}))
        raise InputError(f"a loss of one's own ({name}) is not here: use one of {known}")
    raise InputError(f"latchwork.keras has no loss {identifier!r}: there are {', '.join(KNOWN)}")


def per_row(loss: Loss, y_true: Any, y_pred: Any) -> NDArray[Any]:
    """A loss of each row of what a model predicts, in float64."""
    outputs, targets = np.asarray(y_pred, np.float64), np.asarray(y_true)
    if loss.targets == "one_hot":
        targets = targets.argmax(axis=-1)
    elif loss.targets == "classes":
        targets = targets.reshape(outputs.shape[:-1]).astype(np.intp)
    else:
        targets = targets.reshape(outputs.shape).astype(np.float64)
    if loss.targets in ("one_hot", "classes") and not loss.from_logits:
        outputs = np.log(np.maximum(outputs, 1e-30))
    elif loss.targets == "labels" and not loss.from_logits:
        clipped = np.clip(outputs, 1e-7, 1 - 1e-7)
        outputs = np.log(clipped / (1 - clipped))
    return np.asarray(loss.trained()(outputs, targets))


def _function(kind: type[Loss]) -> Callable[..., NDArray[Any]]:
    def function(y_true: Any, y_pred: Any, **given: Any) -> NDArray[Any]:
        return per_row(kind(**given), y_true, y_pred)

    function.__name__ = kind.name
    function.__doc__ = f"{kind.__doc__} One value for each row."
    return function


mse = mean_squared_error = _function(MeanSquaredError)
mae = mean_absolute_error = _function(MeanAbsoluteError)
mape = mean_absolute_percentage_error = _function(MeanAbsolutePercentageError)
msle = mean_squared_logarithmic_error = _function(MeanSquaredLogarithmicError)
MSE, MAE, MAPE, MSLE = mse, mae, mape, msle
logcosh = log_cosh = _function(LogCosh)
poisson, huber = _function(Poisson), _function(Huber)
categorical_crossentropy = _function(CategoricalCrossentropy)
sparse_categorical_crossentropy = _function(SparseCategoricalCrossentropy)
binary_crossentropy = _function(BinaryCrossentropy)


def __getattr__(name: str) -> Any:
    missing(name)
