"""How wrong a forecast is. Truth and forecasts are [rows, horizon]; NaN in the truth is not counted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from latchwork.transforms.working import Array, mean_known


@dataclass(frozen=True)
class Scores:
    """Errors over all rows and steps.

    rmse, mae: in the units of the data. mase: MAE over the in-sample MAE of seasonal naive (Hyndman & Koehler 2006),
    averaged over rows. smape: per cent, 200 |f - y| / (|f| + |y|) (Makridakis & Hibon 2000), averaged over rows.
    """

    rmse: float
    mae: float
    mase: float
    smape: float

    def to_dict(self) -> dict[str, float]:
        """As plain JSON."""
        return {"rmse": self.rmse, "mae": self.mae, "mase": self.mase, "smape": self.smape}


def score(truth: Array, forecast: Array, unit: Array) -> Scores:
    """All errors of one method; `unit` [rows] is what MASE divides by, from `mase_unit`."""
    with np.errstate(over="ignore"):
        away = np.where(np.isfinite(truth), forecast - truth, np.nan)
        largest = np.nanmax(np.abs(away), initial=0.0) or 1.0  # so that squares of 1e300 stay finite
        if not np.isfinite(away).any():
            return Scores(*[float("nan")] * 4)
        rmse = float(np.sqrt(np.nanmean((away / largest) ** 2)) * largest)
        return Scores(
            rmse=rmse,
            mae=float(np.nanmean(np.abs(away / largest)) * largest),
            mase=_mean_or_nan(row_mase(truth, forecast, unit)),
            smape=_mean_or_nan(row_smape(truth, forecast)),
        )


def _mean_or_nan(rows: Array) -> float:
    """The mean over the rows that have a value; NaN where none has."""
    known = rows[np.isfinite(rows)]
    return float(known.mean()) if known.size else float("nan")


def row_smape(truth: Array, forecast: Array) -> Array:
    """sMAPE of each row, [rows], per cent; zero where both are zero."""
    size = np.abs(forecast) + np.abs(truth)
    return mean_known(200 * np.abs(forecast - truth) / np.where(size == 0, 1.0, size))


def row_mase(truth: Array, forecast: Array, unit: Array) -> Array:
    """MASE of each row, [rows]; NaN where the past never changed."""
    with np.errstate(divide="ignore", invalid="ignore"):
        scaled = mean_known(np.abs(forecast - truth)) / unit
    return np.where(unit > 0, scaled, np.nan)


def row_squared(truth: Array, forecast: Array, unit: Array) -> Array:
    """Mean squared error of each row over the square of `unit`, [rows]; NaN where the past never changed.

    Absolute errors are least for the median, which is nothing where a series is mostly nothing; squared errors are
    least for the mean (hence those of the M5 competition, Makridakis et al. 2022).
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        scaled = mean_known(((forecast - truth) / unit[:, None]) ** 2)
    return np.where(unit > 0, scaled, np.nan)


def mase_unit(past: Array, season: int) -> float:
    """Mean absolute error of seasonal naive within a past (of naive, where it is shorter than a season)."""
    lag = season if len(past) > season else 1
    changes = np.abs(past[lag:] - past[:-lag])
    known = changes[np.isfinite(changes)]
    return float(known.mean()) if known.size else 0.0


def coverage(truth: Array, low: Array, high: Array) -> float:
    """Per cent of the known truth that lies within the interval."""
    known = np.isfinite(truth)
    return float(100 * np.mean((truth[known] >= low[known]) & (truth[known] <= high[known]))) if known.any() else np.nan


def width(truth: Array, low: Array, high: Array, unit: Array) -> float:
    """Mean width of the interval in units of MASE, over the steps whose truth is known."""
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = np.where(np.isfinite(truth), high - low, np.nan) / np.where(unit > 0, unit, np.nan)[:, None]
    return float(np.nanmean(relative)) if np.isfinite(relative).any() else np.nan


def owa(smape: float, mase: float, naive_smape: float, naive_mase: float) -> float:
    """Overall weighted average of the M4 competition: sMAPE and MASE relative to the naive2 method."""
    return 0.5 * (smape / naive_smape + mase / naive_mase)


def sign_flip_test(differences: Array, draws: int = 4000) -> float:
    """Two-sided p-value that the mean difference in loss is no more than chance.

    differences: one a unit (an origin, or a series), loss of one method minus the other. Under no difference each sign
    is as likely as the other, so signs are flipped at random: the idea of Diebold and Mariano (1995), exact for few
    units. Fewer than five units can show nothing, and give 1.
    """
    known = differences[np.isfinite(differences)]
    if len(known) < 5 or not known.any():
        return 1.0
    scaled = known / np.abs(known).max()
    signs = np.random.default_rng(0).choice([-1.0, 1.0], size=(draws, len(scaled)))
    flipped = np.abs((signs * scaled).mean(axis=1))
    return float((1 + np.sum(flipped >= abs(scaled.mean()) - 1e-12)) / (draws + 1))


def shifted_copy_share(truth: Array, forecast: Array, last: Array) -> float:
    """How much of a one-step forecast is the last known value, 0 (none) to 1 (all): 1 - |f - last| / |y - last|."""
    moved, needed = (_mean_or_nan(np.abs(ahead - last)) for ahead in (forecast, truth))
    return float(np.clip(1 - moved / needed, 0.0, 1.0)) if needed > 0 else 0.0
