"""`SequenceRegressor`: from sequences to numbers."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from latchwork.core.storage import Latch
from latchwork.estimators.baselines import Task
from latchwork.estimators.comparison import NETWORK
from latchwork.estimators.sequence import SequenceEstimator
from latchwork.runtime.intervals import interval
from latchwork.runtime.metrics import as_numbers
from latchwork.runtime.model import Model
from latchwork.training import Loss, Objective, Supervised, named_loss
from latchwork.transforms.scaling import Scaler, standard_scaler


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

    def predict_interval(self, X: Any, level: float = 80.0, lengths: Any = None) -> tuple[NDArray[Any], NDArray[Any]]:
        """The lower and upper ends between which about `level` per cent of such answers lie, by held-out rows.

        Args:
            X: as of `predict`.
            level: per cent.
            lengths: as of `predict`.

        Raises:
            InputError: nothing was held out in training, or too little.
        """
        return interval(self._fitted(), self.predict(X, lengths), level)

    @classmethod
    def from_latch(cls, latch: Latch) -> Self:
        """The fitted regressor in a file."""
        loaded = super().from_latch(latch)
        loaded.vector_ = loaded.model_.vector
        scaler = loaded.model_.target_scaler
        loaded.target_scaler_ = scaler or _unscaled(loaded.model_.data.spec.output_shape()[-1] or 0)
        return loaded

    def _objective(self) -> Objective:
        return Supervised(named_loss(self.loss))

    def _learn_targets(self, y: Any) -> int:
        answers = as_numbers(y)
        self.vector_ = np.asarray(y).ndim == 1
        width = answers.shape[1]
        self.target_scaler_ = standard_scaler(answers[:, None]) if self.scale_targets else _unscaled(width)
        return width

    def _outputs(self) -> int:
        return len(self.target_scaler_.offset)

    def _learned_before(self, before: Model) -> int:
        self.vector_ = before.vector
        self.target_scaler_ = before.target_scaler or _unscaled(before.data.spec.output_shape()[-1] or 0)
        return self._outputs()

    def _task(self) -> Task:
        return Task(None, self.seed_)

    def _target_scale(self) -> NDArray[np.float64]:
        return self.target_scaler_.scale

    def _learned_of_targets(self) -> dict[str, Any]:
        return {"target_scaler": self.target_scaler_, "vector": self.vector_, "residuals": self._residuals()}

    def _residuals(self) -> NDArray[np.float64] | None:
        """Errors on held-out rows of what answers, as intervals need them."""
        comparison = getattr(self, "comparison_", None)
        if comparison is None:
            return None
        used = comparison.winner if self._is_simple_better() else NETWORK
        return np.array(comparison.residuals[used])

    def _targets(self, y: Any) -> NDArray[np.float32]:
        return self.target_scaler_.transform(as_numbers(y))

    def _row_weights(self, targets: NDArray[Any]) -> None:
        return None


def _unscaled(outputs: int) -> Scaler:
    return Scaler(np.zeros(outputs), np.ones(outputs))
