# type: ignore
# sktime has no types: all that comes from its base class is unknown to the checker.
"""`LatchworkForecaster`: the forecaster in sktime's interface, so that it can be set beside others.

Needs sktime (`pip install latchwork[sktime]`). sktime's own estimator checks pass on it.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pandas as pd
from sktime.forecasting.base import BaseForecaster

from latchwork.forecasting.forecaster import Forecaster

__all__ = ["LatchworkForecaster"]


class LatchworkForecaster(BaseForecaster):
    """`latchwork.Forecaster` for sktime: one series, exogenous columns that are known in advance, intervals.

    Args:
        train: train a network on the series and use it where the backtest shows that it helps.
        best: use whatever won the backtest.
        origins: how many origins the backtest has.
        minutes: the most that training may take.
        random_state: seed of all that is drawn.

    Example:
        >>> from latchwork.forecasting.sktime import LatchworkForecaster
        >>> from sktime.datasets import load_airline
        >>> forecaster = LatchworkForecaster(train=False).fit(load_airline(), fh=[1, 2, 3])
        >>> forecaster.predict().shape, forecaster.predict_interval(coverage=0.8).shape
        ((3,), (3, 2))
    """

    _config: ClassVar[dict[str, Any]] = {"remember_data": True}  # `update` needs the whole series

    _tags: ClassVar[dict[str, Any]] = {
        "authors": ["latchwork"],
        "y_inner_mtype": "pd.Series",
        "X_inner_mtype": "pd.DataFrame",
        "capability:multivariate": False,
        "capability:exogenous": True,
        "capability:missing_values": True,
        "capability:pred_int": True,
        "capability:pred_int:insample": False,
        "capability:insample": False,
        "capability:random_state": True,
        "property:randomness": "derandomized",
        "requires-fh-in-fit": True,
        "X-y-must-have-same-index": True,
        "enforce_index_type": None,
    }

    def __init__(
        self,
        train: bool = True,
        best: bool = False,
        origins: int | None = None,
        minutes: float | None = None,
        random_state: int = 0,
    ) -> None:
        """Arguments as they are given."""
        self.train = train
        self.best = best
        self.origins = origins
        self.minutes = minutes
        self.random_state = random_state
        super().__init__()

    def _fit(self, y: pd.Series, X: pd.DataFrame | None, fh: Any) -> LatchworkForecaster:
        steps = self._steps(fh)
        self._unknown = _unknown_at_end(y)  # sktime counts from the index's end, we from the last known value
        self._columns = [] if X is None else [str(name) for name in X.columns]
        self.forecaster_ = Forecaster(
            int(steps.max()) + self._unknown,
            train=self.train,
            best=self.best,
            covariates=tuple(self._columns),
            origins=self.origins,
            library=False,
            minutes=self.minutes,
            progress="none",
            random_state=self.random_state,
        ).fit(_frame(y, X))
        return self

    def _predict(self, fh: Any, X: pd.DataFrame | None) -> pd.Series:
        forecast = self.forecaster_.predict(covariates=self._ahead(X))
        mean = forecast.mean[0][self._places(fh)]
        return pd.Series(mean, index=fh.to_absolute_index(self.cutoff), name=self._y.name)

    def _predict_interval(self, fh: Any, X: pd.DataFrame | None, coverage: list[float]) -> pd.DataFrame:
        levels = [100 * share for share in coverage if 0 < share < 1]
        forecast = self.forecaster_.predict(levels, covariates=self._ahead(X))
        places = self._places(fh)
        name = self._get_varnames()[0]
        columns = pd.MultiIndex.from_product([[name], coverage, ["lower", "upper"]])
        intervals = pd.DataFrame(index=fh.to_absolute_index(self.cutoff), columns=columns, dtype=float)
        for share in coverage:
            level = 100 * share
            for end, ends in (("lower", forecast.low), ("upper", forecast.high)):
                intervals[name, share, end] = ends.get(level, forecast.mean)[0][places]
        return intervals

    def _update(self, y: pd.Series, X: pd.DataFrame | None = None, update_params: bool = True) -> LatchworkForecaster:
        if update_params:
            return self._fit(self._y, self._X, self._fh)
        self._unknown = _unknown_at_end(self._y)
        if y.notna().any():
            self.forecaster_.update(_frame(self._y, self._X))
        return self

    def _steps(self, fh: Any) -> np.ndarray[Any, np.dtype[np.int64]]:
        return np.asarray(fh.to_relative(self.cutoff).to_numpy(), dtype=np.int64)

    def _places(self, fh: Any) -> np.ndarray[Any, np.dtype[np.int64]]:
        return self._steps(fh) - 1 + self._unknown

    def _ahead(self, X: pd.DataFrame | None) -> dict[str, Any] | None:
        """What is known of the exogenous columns ahead, behind what came at the end without a value of y."""
        if X is None or not self._columns:
            return None
        later = X.loc[X.index > self._y.index[-1]]
        recent = self._X.iloc[len(self._X) - self._unknown :]
        return {
            column: np.concatenate([recent.iloc[:, i].to_numpy(float), later.iloc[:, i].to_numpy(float)])
            for i, column in enumerate(self._columns)
        }

    @classmethod
    def get_test_params(cls, parameter_set: str = "default") -> list[dict[str, Any]]:
        """Quick settings for sktime's checks."""
        del parameter_set
        return [{"train": False}, {"train": False, "best": True, "origins": 2}]


def _frame(y: pd.Series, X: pd.DataFrame | None) -> pd.DataFrame:
    """One table of time, value and exogenous columns."""
    index = y.index
    stamps = index.to_timestamp() if isinstance(index, pd.PeriodIndex) else index
    times = stamps if isinstance(stamps, pd.DatetimeIndex) else np.arange(len(y))
    beside = {} if X is None else {str(name): X[name].to_numpy() for name in X.columns}
    return pd.DataFrame({"time": times, "y": y.to_numpy(dtype=float), **beside})


def _unknown_at_end(y: pd.Series) -> int:
    known = np.flatnonzero(y.notna().to_numpy())
    return len(y) - 1 - int(known[-1]) if known.size else 0
