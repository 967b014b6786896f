"""Prices: forecast tomorrow's return from all columns, walk forward, and say what that is worth.

The return of the next step is regressed (ridge) on recent returns and on what the day's open, high, low and volume
say; the regression is fitted again every month on the past alone. It is set beside the random walk in error, in the
direction of the next move, and in a toy strategy that holds when a rise is forecast and pays for every trade.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from latchwork.forecasting.judging.metrics import sign_flip_test
from latchwork.forecasting.reading.column import Table
from latchwork.forecasting.reading.columns import numeric
from latchwork.forecasting.reading.roles import PRICES
from latchwork.forecasting.reading.times import find_time
from latchwork.forecasting.reading.told import Columns
from latchwork.transforms.working import TINY, Array

LAGS = 5
REFIT = 21  # steps: a month of trading
RIDGE = 50.0  # observations' worth of belief in the random walk
FIRST = 0.5  # share of the data known at the first step of the walk
COST = 0.001  # of the price, each trade
STEPS_A_YEAR = 252
FEWEST = 120


@dataclass(frozen=True)
class StockReport:
    """The walk forward beside the random walk.

    rmse, random_walk_rmse: of the next price. direction: per cent of moves whose sign was right. p_value: of the
    difference in squared error. strategy, hold: growth a year in per cent, after costs.
    """

    steps: int
    rmse: float
    random_walk_rmse: float
    direction: float
    p_value: float
    strategy: float
    hold: float
    trades: int
    sentence: str

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON."""
        return asdict(self)


def stock_report(table: Table, target: str) -> StockReport | None:
    """Walk through a table of open, high, low, close prices; None where it is none, or too short."""
    names = {name.strip().lower(): name for name in table.columns}
    if not all(price in names for price in PRICES) or target.strip().lower() not in PRICES:
        return None
    clock = find_time(table, Columns()).times
    order = np.argsort(clock, kind="stable")
    columns = {key: numeric(table, name)[order] for key, name in names.items() if key in (*PRICES, "volume")}
    price = numeric(table, target)[order]
    good = np.all([np.isfinite(v) & (v > 0) for v in (*(columns[p] for p in PRICES), price)], axis=0)
    price, columns = price[good], {key: values[good] for key, values in columns.items()}
    if len(price) < FEWEST:
        return None
    return _walk(price, _features(price, columns))


def _features(price: Array, columns: dict[str, Array]) -> Array:
    """What is known at the end of each step, [time, features], each divided by its own past size."""
    returns = np.diff(np.log(price), prepend=np.log(price[0]))
    lagged = [np.concatenate([np.zeros(lag), returns[: len(returns) - lag]]) for lag in range(LAGS)]
    spread = np.log(columns["high"] / columns["low"])
    body = np.log(columns["close"] / columns["open"])
    found = [*lagged, spread, body]
    if "volume" in columns:
        volume = np.log(np.maximum(np.nan_to_num(columns["volume"]), 1.0))
        found.append(np.diff(volume, prepend=volume[0]))
    features = np.stack(found, axis=1)
    size = np.sqrt(np.cumsum(features**2, axis=0) / np.arange(1, len(features) + 1)[:, None]) + TINY
    return np.clip(features / size, -4, 4)


def _walk(price: Array, features: Array) -> StockReport:
    returns = np.diff(np.log(price))  # returns[t]: from t to t + 1, forecast from features[t]
    first = int(FIRST * len(returns))
    forecast = np.zeros(len(returns) - first)
    for start in range(first, len(returns), REFIT):
        known, target = features[:start], returns[:start]
        gram = known.T @ known + RIDGE * np.eye(known.shape[1])
        weights = np.linalg.solve(gram, known.T @ target)
        stop = min(start + REFIT, len(returns))
        forecast[start - first : stop - first] = features[start:stop] @ weights
    actual, last, truth = returns[first:], price[first:-1], price[first + 1 :]
    ours, walk = last * np.exp(forecast) - truth, last - truth
    holds = (forecast > 0).astype(float)
    trades = np.abs(np.diff(holds, prepend=0.0))
    years = len(actual) / STEPS_A_YEAR
    growth = float(np.sum(holds * actual) - COST * trades.sum())
    moved = actual != 0
    direction = 100 * float(np.mean((forecast > 0)[moved] == (actual > 0)[moved]))
    p_value = sign_flip_test(walk**2 - ours**2)
    rmse, base = (float(np.sqrt(np.mean(e**2))) for e in (ours, walk))
    strategy, hold = (100 * (np.exp(g / years) - 1) for g in (growth, float(actual.sum())))
    better = "beats" if rmse < base and p_value < 0.05 else "does not beat"
    sentence = (
        f"A step ahead the forecast {better} the random walk (RMSE {rmse:.4g} against {base:.4g}, p = {p_value:.2g}); "
        f"it has the direction right {direction:.0f} % of the time. Trading on it would have grown {strategy:.0f} % "
        f"a year after costs, holding {hold:.0f} %. Past prices say next to nothing about future ones: do not trade "
        "on this."
    )
    return StockReport(
        len(actual), rmse, base, direction, p_value, float(strategy), float(hold), int(trades.sum()), sentence
    )
