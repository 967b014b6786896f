"""`SequenceRegressor`: from sequences to numbers."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from latchwork.core.errors import InputError
from latchwork.core.storage import Latch
from latchwork.estimators.sequence import SequenceEstimator
from latchwork.training import Loss, Objective, Supervised, named_loss
from latchwork.transforms.scaling import Scaler, saved_scaler, standard_scaler


@dataclass(eq=False, repr=False)
class SequenceRegressor(SequenceEstimator):
    """A recurrent network that gives each sequence one or more numbers, with scikit-learn's conventions.

    All parameters of `SequenceEstimator`, and:

    Args:
        loss: `mean_squared_error`, `mean_absolute_error`, `huber`, or a `Loss` of your own.
        scale_targets: train on answers of mean 0 and variance 1; predictions come back in your units either way.

    Example:
        >>> X = np.random.default_rng(0).normal(size=(60, 12, 1))
        >>> model = SequenceRegressor(Sequential([GRU(8), Dense(1)]), epochs=3, progress="none").fit(X, X[:, 0, 0])
        >>> model.predict(X[:2]).shape
        (2,)
    """

    loss: str | Loss = "mean_squared_error"
    scale_targets: bool = True

    target_scaler_: Scaler = dataclasses.field(init=False)
    """What the answers went through."""
    vector_: bool = dataclasses.field(init=False)
    """Whether the answers were one number each: predictions come back alike."""

    JOB: ClassVar[str] = "regression"
    SCORE: ClassVar[str] = "r2"
    _estimator_type: ClassVar[str] = "regressor"

    def predict(self, X: Any, lengths: Any = None) -> NDArray[np.float64]:
        """The answer for each sequence, `[batch]` or `[batch, outputs]` as in training."""
        outputs = self._outputs(X, lengths)
        answers = self.target_scaler_.inverse(outputs)
        return answers[:, 0] if self.vector_ else answers

    def evaluate(self, X: Any, y: Any, lengths: Any = None) -> dict[str, float]:
        """`rmse`, `mae`, `r2` and `n` over sequences with known answers."""
        predictions, truth = self.predict(X, lengths), _answers(y)
        shape = np.asarray(y).shape
        if shape != predictions.shape:
            raise InputError(f"got y of shape {shape}, expected {predictions.shape}: one answer for each sequence")
        error = predictions.reshape(truth.shape) - truth
        spread = truth - truth.mean(axis=0)
        return {
            "rmse": float(np.sqrt(np.mean(error**2))),
            "mae": float(np.mean(np.abs(error))),
            "r2": float(1 - np.sum(error**2) / max(np.sum(spread**2), 1e-300)),
            "n": len(error),
        }

    def to_latch(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """The shared part, and the answers' scaler."""
        document, tensors = super().to_latch()
        document["fitted"]["vector"] = self.vector_
        return document, tensors | {
            f"fitted.target_scaler.{name}": array for name, array in self.target_scaler_.arrays().items()
        }

    @classmethod
    def from_latch(cls, latch: Latch) -> Self:
        """The fitted regressor in a file."""
        loaded = super().from_latch(latch)
        loaded.vector_ = latch.document["fitted"]["vector"]
        outputs = loaded.network_.spec.output_shape()[-1] or 0
        unscaled = Scaler(np.zeros(outputs), np.ones(outputs))
        loaded.target_scaler_ = saved_scaler(latch.tensors, "fitted.target_scaler.", outputs) or unscaled
        return loaded

    def _objective(self) -> Objective:
        return Supervised(named_loss(self.loss))

    def _learn_targets(self, y: Any) -> int:
        answers = _answers(y)
        self.vector_ = np.asarray(y).ndim == 1
        width = answers.shape[1]
        unscaled = Scaler(np.zeros(width), np.ones(width))
        self.target_scaler_ = standard_scaler(answers[:, None]) if self.scale_targets else unscaled
        return width

    def _targets(self, y: Any) -> NDArray[np.float32]:
        return self.target_scaler_.transform(_answers(y))

    def _row_weights(self, targets: NDArray[Any]) -> None:
        return None


def _answers(y: Any) -> NDArray[np.float64]:
    answers = np.asarray(y)
    if answers.dtype.kind not in "fiub" or answers.ndim not in (1, 2):
        raise InputError(
            f"got y of shape {answers.shape} and type {answers.dtype}: expected numbers (batch,) or (batch, k)"
        )
    if not np.isfinite(answers).all():
        raise InputError("y has a value that is not a number: fill or leave out what is missing")
    return answers.reshape(len(answers), -1).astype(np.float64)
