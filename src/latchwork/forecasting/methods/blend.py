"""The blend: half the combination, half the simple method that did best on the series' own earlier origins.

The average: half the trained network, half what would be used without it. A few origins choose badly between two
methods that err alike; the mean of both is steadier than either.

The combiner was trained on many short, noisy series. Where one series has a long record of its own, that record
should count too; averaging with its best method is steadier than switching to it.
"""

from __future__ import annotations

import numpy as np

from latchwork.forecasting.judging.backtest import BASELINES, COMBINATION, Backtest
from latchwork.forecasting.judging.metrics import mean_known
from latchwork.forecasting.methods.statistical import Answers
from latchwork.transforms.working import Array

BLEND, AVERAGE, NETWORK = "blend", "average", "network"
FEWEST_ORIGINS = 3  # fewer say too little about which method is best


def best_method(made: Backtest, origin: int) -> str | None:
    """The statistical method with the least error on origins before `origin` steps from the end; None if too few.

    Only truth that was known at that origin is counted.
    """
    rows = made.back > origin
    if len(np.unique(made.back[rows])) < FEWEST_ORIGINS:
        return None
    steps = np.arange(1, made.truth.shape[1] + 1)
    known = steps <= (made.back[rows] - origin)[:, None]
    truth = np.where(known, made.truth[rows], np.nan)
    unit = np.where(made.unit[rows] > 0, made.unit[rows], np.nan)
    errors: dict[str, float] = {}
    for name in BASELINES:
        said = made.forecasts.get(name)
        if said is not None and np.isfinite(said[rows]).all() and np.isfinite(unit).any():
            errors[name] = float(np.nanmean(mean_known(np.abs(said[rows] - truth)) / unit))
    return min(errors, key=lambda name: errors[name]) if errors else None


def add_blend(made: Backtest) -> str | None:
    """Add the blend to a backtest, in place; gives the method that forecasts past the end are blended with."""
    last = best_method(made, 0)
    if last is None or len(made.answers.sparse) == len(made.series):
        return None
    said = made.forecasts[COMBINATION].copy()
    for origin in made.origins:
        rows, name = made.back == origin, best_method(made, origin)
        if name is not None:
            said[rows] = halves(said[rows], made.forecasts[name][rows])
    made.forecasts[BLEND] = unless_sparse(made.answers, said)
    return last


def unless_sparse(answers: Answers, blended: Array) -> Array:
    """The blend, but the mean demand where a series is often zero: no other method knows how to forecast that."""
    rows = list(answers.sparse)
    blended[rows] = answers.centre[rows]
    return blended


def add_average(made: Backtest, base: str) -> None:
    """Add the average of the network and `base` to a backtest that has both, in place."""
    made.forecasts[AVERAGE] = halves(made.forecasts[base], made.forecasts[NETWORK])


def halves(first: Array, second: Array) -> Array:
    """The mean of two forecasts; the first alone where the second does not apply."""
    return np.where(np.isfinite(second), 0.5 * first + 0.5 * second, first)
