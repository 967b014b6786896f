"""What a run found, as plain JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from latchwork.forecasting.forecast import level_name
from latchwork.forecasting.judging.verdict import losses

if TYPE_CHECKING:
    from latchwork.forecasting.forecaster import Forecaster

MOST_ROWS = 200_000  # rows of forecast in the JSON; forecast.csv has all of them


def results(forecaster: Forecaster, seconds: float) -> dict[str, Any]:
    """Everything that `--json` prints."""
    panel = forecaster.panel_
    forecast = forecaster.predict()
    found: dict[str, Any] = {
        "target": panel.target,
        "series": len(panel),
        "observations": int(sum(np.isfinite(v).sum() for v in panel.values)),
        "horizon": forecaster.horizon_,
        "frequency": panel.frequency.name,
        "season": forecaster.seasons_[0] if forecaster.seasons_ else 1,
        "seasons": list(forecaster.seasons_),
        "notes": forecaster.notes_,
        "backtest": backtest_results(forecaster),
        "verdict": None if forecaster.verdict_ is None else forecaster.verdict_.sentence,
        "winner": None if forecaster.verdict_ is None else forecaster.verdict_.winner,
        "used": forecaster.used_,
        "p_value": None if forecaster.verdict_ is None else forecaster.verdict_.p_value,
        "copy_share": None if forecaster.verdict_ is None else forecaster.verdict_.copy_share,
        "forecast": forecast.records() if forecast.mean.size <= MOST_ROWS else [],
        "seconds": round(seconds, 3),
    }
    return found


def backtest_results(forecaster: Forecaster) -> dict[str, Any] | None:
    """Scores of the used method and of every other on the same origins; None without a backtest."""
    made = forecaster.backtest_
    if made is None:
        return None
    levels = list(made.low)
    table = forecaster.baselines()
    return {
        "origins": len(made.origins),
        "steps_before_end": made.origins,
        "rows": len(made.series),
        "method": forecaster.used_,
        **table[forecaster.used_].to_dict(),
        "coverage": {level_name(level): made.coverage(level) for level in levels},
        "width": {level_name(level): made.width(level) for level in levels},
        "baselines": {name: scores.to_dict() for name, scores in table.items()},
        "by_horizon": by_horizon(forecaster),
    }


def by_horizon(forecaster: Forecaster) -> dict[str, list[float]]:
    """Mean absolute error of each method at each step ahead, in units of MASE."""
    made = forecaster.backtest()
    unit = np.where(made.unit > 0, made.unit, np.nan)[:, None]
    found: dict[str, list[float]] = {}
    for name in forecaster.baselines():
        away = np.abs(made.forecasts[name] - made.truth) / unit
        known = np.isfinite(away)
        total = np.where(known, away, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
        found[name] = [round(float(v), 5) for v in total]
    return found


def series_overview(forecaster: Forecaster) -> list[dict[str, Any]]:
    """One line a series: its last value, its forecast, how that changes, and its error on the backtest."""
    panel, made = forecaster.panel_, forecaster.backtest_
    forecast = forecaster.predict()
    errors = np.full(len(panel), np.nan)
    if made is not None:
        loss = losses(made, forecaster.used_)
        total = np.bincount(made.series, weights=np.nan_to_num(loss), minlength=len(panel))
        count = np.bincount(made.series, weights=np.isfinite(loss), minlength=len(panel))
        errors = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return [
        {
            "name": name,
            "length": len(values),
            "last": float(values[np.flatnonzero(np.isfinite(values))[-1]]),
            "next": float(forecast.mean[i, 0]),
            "mean": float(forecast.mean[i].mean()),
            "error": float(errors[i]),
        }
        for i, (name, values) in enumerate(zip(panel.names, panel.values, strict=True))
    ]
