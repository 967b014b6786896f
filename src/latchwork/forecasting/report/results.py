"""What a run found, as plain JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from latchwork.forecasting.forecast import level_name
from latchwork.forecasting.judging.backtest import Backtest
from latchwork.forecasting.judging.stocks import StockReport
from latchwork.forecasting.judging.verdict import losses
from latchwork.forecasting.reading.notes import severity
from latchwork.forecasting.result import Result
from latchwork.transforms.working import Array, mean_known

MOST_ROWS = 200_000  # rows of forecast in the JSON; forecast.csv has all of them


@dataclass(frozen=True)
class Extras:
    """What was asked for beside the forecast, or follows from the kind of data; None where it was not.

    article: figures of the article's model. paths: sampled futures, their times and quantiles.
    """

    stocks: StockReport | None = None
    article: dict[str, float] | None = None
    paths: dict[str, Any] | None = None


def results(result: Result, seconds: float, extras: Extras | None = None) -> dict[str, Any]:
    """Everything that `--json` prints."""
    panel, verdict, forecast = result.panel, result.verdict, result.forecast
    extras = extras or Extras()
    beside = {
        "article": extras.article,
        "paths": extras.paths,
        "stocks": None if extras.stocks is None else extras.stocks.to_dict(),
    }
    return {
        "target": panel.target,
        "series": len(panel),
        "observations": int(sum(np.isfinite(v).sum() for v in panel.values)),
        "horizon": result.horizon,
        "frequency": panel.frequency.name,
        "season": result.end.season,
        "seasons": list(result.seasons),
        "notes": list(result.notes),
        "severities": [severity(note) for note in result.notes],
        "understood": None if panel.understood is None else panel.understood.to_dict(),
        "backtest": backtest_results(result),
        "verdict": None if verdict is None else verdict.sentence,
        "winner": None if verdict is None else verdict.winner,
        "used": result.used.name,
        "p_value": None if verdict is None else verdict.p_value,
        "copy_share": None if verdict is None else verdict.copy_share,
        "forecast": forecast.records() if forecast.mean.size <= MOST_ROWS else [],
        "seconds": round(seconds, 3),
        **{name: value for name, value in beside.items() if value is not None},
    }


def backtest_results(result: Result) -> dict[str, Any] | None:
    """Scores of the used method and of every other on the same origins; None without a backtest."""
    backtest = result.backtest
    if backtest is None:
        return None
    return {
        "origins": len(backtest.origins),
        "steps_before_end": backtest.origins,
        "rows": len(backtest.series),
        "method": result.used.name,
        **result.scores[result.used.name].to_dict(),
        "coverage": {level_name(level): backtest.coverage(level) for level in backtest.low},
        "width": {level_name(level): backtest.width(level) for level in backtest.low},
        "baselines": {name: scores.to_dict() for name, scores in result.scores.items()},
        "by_horizon": {name: _by_step(backtest, name) for name in result.scores},
    }


def _by_step(backtest: Backtest, method: str) -> list[float]:
    """Mean absolute error at each step ahead, in units of MASE; 0 where no truth is known."""
    unit = np.where(backtest.unit > 0, backtest.unit, np.nan)[:, None]
    away = np.abs(backtest.forecasts[method] - backtest.truth) / unit
    return [round(float(v), 5) for v in np.nan_to_num(mean_known(away.T))]


def series_overview(result: Result) -> list[dict[str, Any]]:
    """One line a series: its last value, its forecast, how that changes, and its error on the backtest."""
    mean, last = result.forecast.mean, result.end.last
    errors = _errors(result)
    return [
        {
            "name": name,
            "length": len(values),
            "last": float(last[i]),
            "next": float(mean[i, 0]),
            "mean": float(mean[i].mean()),
            "error": float(errors[i]),
        }
        for i, (name, values) in enumerate(zip(result.panel.names, result.panel.values, strict=True))
    ]


def _errors(result: Result) -> Array:
    """The used method's mean loss on each series, NaN where it has no row in the backtest."""
    count = len(result.panel)
    if result.backtest is None:
        return np.full(count, np.nan)
    loss = losses(result.backtest, result.used.name)
    total = np.bincount(result.backtest.series, weights=np.nan_to_num(loss), minlength=count)
    known = np.bincount(result.backtest.series, weights=np.isfinite(loss), minlength=count)
    return np.where(known > 0, total / np.maximum(known, 1), np.nan)
