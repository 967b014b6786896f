"""AutoETS and AutoARIMA of statsforecast beside ours, where the `forecast` extra is installed."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np

from latchwork.forecasting.backtest import BASELINES, Backtest
from latchwork.forecasting.panel import Panel
from latchwork.transforms.working import Array, bridge

__all__ = ["BASELINES", "LIBRARY", "add_library_baselines", "library_forecasts"]

LIBRARY = {"ets": "AutoETS", "arima": "AutoARIMA"}
MOST_ROWS = 200  # fits; each takes a tenth of a second to seconds
LONGEST_PAST = 600  # values; their search is slow beyond
LONGEST_SEASON = 24


def add_library_baselines(made: Backtest, panel: Panel, seasons: tuple[int, ...]) -> list[str]:
    """Add `ets` and `arima` to a backtest, in place; returns what to tell the user."""
    if find_spec("statsforecast") is None:
        return ["AutoETS and AutoARIMA are not installed (pip install latchwork[forecast])"]
    if len(made.series) > MOST_ROWS:
        return [f"AutoETS and AutoARIMA were left out: more than {MOST_ROWS} fits"]
    pasts = [panel.values[i][:-b] for i, b in zip(made.series, made.back, strict=True)]
    for name in LIBRARY:
        made.forecasts[name] = library_forecasts(name, pasts, seasons, made.truth.shape[1])
    return []


def library_forecasts(name: str, pasts: list[Array], seasons: tuple[int, ...], horizon: int) -> Array:
    """Forecasts [rows, horizon] of one of statsforecast's automatic models; the last value where it fails."""
    from statsforecast import models  # pyright: ignore[reportMissingImports]  # the forecast extra

    season = seasons[0] if seasons and seasons[0] <= LONGEST_SEASON else 1
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
