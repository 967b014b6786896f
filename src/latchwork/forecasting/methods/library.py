"""AutoETS and AutoARIMA of statsforecast beside ours, where the `forecast` extra is installed."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np

from latchwork.forecasting.judging.backtest import BASELINES, Backtest
from latchwork.forecasting.reading.panel import Panel
from latchwork.transforms.working import Array, bridge

__all__ = ["BASELINES", "LIBRARY", "add_library_baselines", "library_forecasts"]

LIBRARY = {"ets": "AutoETS", "arima": "AutoARIMA"}
LONGEST_PAST = 600  # values; their search is slow beyond
LONGEST_SEASON = 24
MOST_ROWS = 200  # fits, where they were asked for; each takes a tenth of a second to ten
# Where they were not asked for: what takes some five seconds. ETS takes about 0.4 ms a value whatever the season, the
# search for an ARIMA model grows with the season too (measured: 0.25 s for 100 months, 7 s for 600 hours of a day).
QUICK = {"ets": 12_000, "arima": 12_000}


def add_library_baselines(made: Backtest, panel: Panel, seasons: tuple[int, ...], asked: bool) -> list[str]:
    """Add `ets` and `arima` to a backtest, in place; returns what to tell the user.

    asked: run them however long it takes; otherwise where that is some seconds.
    """
    if find_spec("statsforecast") is None:
        return ["AutoETS and AutoARIMA are not beside: they are not installed (pip install latchwork[forecast])"]
    rows = len(made.series)
    if rows > MOST_ROWS:
        return [f"AutoETS and AutoARIMA were left out: {rows:,} fits are more than {MOST_ROWS}"]
    pasts = [panel.values[i][:-b] for i, b in zip(made.series, made.back, strict=True)]
    values = sum(min(len(past), LONGEST_PAST) for past in pasts)
    work = {"ets": values, "arima": values * _season(seasons)}
    left = [LIBRARY[name] for name in LIBRARY if not asked and work[name] > QUICK[name]]
    for name, readable in LIBRARY.items():
        if readable not in left:
            made.forecasts[name] = library_forecasts(name, pasts, seasons, made.truth.shape[1])
    if not left:
        return []
    return [f"{' and '.join(left)} left out: {rows} fits would take long (--library runs them)"]


def _season(seasons: tuple[int, ...]) -> int:
    return seasons[0] if seasons and seasons[0] <= LONGEST_SEASON else 1


def library_forecasts(name: str, pasts: list[Array], seasons: tuple[int, ...], horizon: int) -> Array:
    """Forecasts [rows, horizon] of one of statsforecast's automatic models; the last value where it fails."""
    from statsforecast import models  # pyright: ignore[reportMissingImports]  # the forecast extra

    season = _season(seasons)
    model = getattr(models, LIBRARY[name])(season_length=season)
    said = np.empty((len(pasts), horizon))
    for row, past in enumerate(pasts):
        known = bridge(past[None, -LONGEST_PAST:], season)[0]
        known = known[np.isfinite(known)]
        try:
            said[row] = model.forecast(y=known, h=horizon)["mean"]
        except Exception:  # a search that fails on one row says nothing about the others
            said[row] = known[-1]
        said[row] = np.where(np.isfinite(said[row]), said[row], known[-1])
    return said
