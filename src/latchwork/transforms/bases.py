"""The statistical methods: fourteen ways to continue a series, each over a whole panel of rows at once.

A method is one function `(prepared, horizon, learned) -> (forecast, learned)`. `forecast` is [rows, horizon] in working
values, NaN in rows where the method does not apply. `learned` is what it estimated; given back, it is used as it is
and only the states run on, so that a model fitted at one origin can forecast from later ones.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from latchwork.transforms.airline import airline
from latchwork.transforms.autoregression import autoregression, seasonal_autoregression
from latchwork.transforms.seasonality import future_indices, seasonal_indices, tile_indices
from latchwork.transforms.smoothing import Grid, extrapolate, likelihood_weights, smooth
from latchwork.transforms.working import (
    TINY,
    Array,
    Index,
    Scale,
    bridge,
    first_known,
    fit_scale,
    nanmedian,
    tame_outliers,
)

LONGEST_HISTORY = 1000  # observations, or SEASONS_KEPT of the longest season; what is older says little of the next
SEASONS_KEPT = 5  # step. Of a season so long that these are more than
LONG = 10_000  # observations (a week of minutes), no more than two are kept

SES = Grid.of(alpha=(0.05, 0.12, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.99))
DAMPED = Grid.of(alpha=(0.1, 0.25, 0.4, 0.6, 0.8, 0.99), beta=(0.02, 0.08, 0.2, 0.4), phi=(0.8, 0.9, 0.95, 0.98))
HOLT = Grid.of(alpha=(0.1, 0.3, 0.5, 0.75, 0.99), beta=(0.02, 0.08, 0.2, 0.4))
HOLT_WINTERS = Grid.of(
    alpha=(0.1, 0.25, 0.45, 0.7, 0.9), beta=(0.02, 0.1), phi=(0.9, 0.98), gamma=(0.02, 0.1, 0.25, 0.5)
)


@dataclass(frozen=True)
class Prepared:
    """Rows known up to their origins, ready for the methods.

    working: [rows, time]. adjusted: the same without its seasons. seasons: periods. indices: one [rows, period] each.
    strength: [rows], of the main season. noise: [rows], a robust spread of the adjusted changes.
    tamed: [rows], lone spikes that were replaced.
    """

    scale: Scale
    working: Array
    adjusted: Array
    seasons: tuple[int, ...]
    indices: tuple[Array, ...]
    strength: Array
    noise: Array
    tamed: Index

    @property
    def season(self) -> int:
        """The main season's period, 1 where there is none."""
        return self.seasons[0] if self.seasons else 1

    def seasonal_future(self, horizon: int) -> Array:
        """The indices' contribution to the next steps, [rows, horizon]."""
        total = np.zeros((len(self.working), horizon))
        for indices in self.indices:
            total = total + future_indices(indices, horizon)
        return total


def history_length(seasons: tuple[int, ...]) -> int:
    """How many of a series' last observations are used."""
    longest = max(seasons, default=1)
    return max(LONGEST_HISTORY, min(SEASONS_KEPT * longest, max(LONG, 2 * longest)))


def prepare(values: Array, seasons: tuple[int, ...]) -> Prepared:
    """Fit scale and seasonal indices on rows [rows, time] as far as they are given.

    seasons: candidate periods, shortest first; each is as strong as the row shows, none where it is too short.
    """
    values = values[:, -history_length(seasons) :]
    scale = fit_scale(values)
    return _deseason(scale, values, seasons, None)


def prepare_again(values: Array, fitted: Prepared, steps: int) -> Prepared:
    """Later values of the same rows, with the scale and indices fitted `steps` observations before their end."""
    values = values[:, -fitted.working.shape[1] - steps :]
    rolled = tuple(np.roll(indices, -steps, axis=1) for indices in fitted.indices)
    return replace(
        _deseason(fitted.scale, values, fitted.seasons, rolled), strength=fitted.strength, noise=fitted.noise
    )


def _deseason(scale: Scale, values: Array, seasons: tuple[int, ...], known: tuple[Array, ...] | None) -> Prepared:
    main = seasons[0] if seasons else 1
    working = bridge(scale.to_working(values), main)
    working, marked = tame_outliers(working, main)
    adjusted, found = working, list[Array]()
    strength = np.zeros(len(values))
    for number, season in enumerate(seasons):
        indices, strong = seasonal_indices(adjusted, season) if known is None else (known[number], strength)
        strength = strong if number == 0 else strength
        found.append(indices)
        adjusted = adjusted - tile_indices(indices, adjusted.shape[1])
    noise = 1.4826 * nanmedian(np.abs(np.diff(adjusted, axis=1))) if working.shape[1] > 1 else np.zeros(len(values))
    typical = np.sqrt(np.nanmean(np.where(np.isfinite(adjusted), adjusted, np.nan) ** 2, axis=1))
    noise = np.maximum(noise, 1e-4 * (1 + typical))
    tamed = marked.sum(axis=1)
    return Prepared(scale, working, adjusted, seasons, tuple(found), strength, noise, tamed)


Learned = Array
Method = Callable[[Prepared, int, Learned | None], tuple[Array, Learned]]
NOTHING = np.zeros((0, 0))


def _last(matrix: Array, horizon: int) -> Array:
    return np.repeat(matrix[:, -1:], horizon, axis=1)


def naive(prepared: Prepared, horizon: int, learned: Learned | None) -> tuple[Array, Learned]:
    """The last value, season aside."""
    return _last(prepared.adjusted, horizon) + prepared.seasonal_future(horizon), NOTHING


def drift(prepared: Prepared, horizon: int, learned: Learned | None) -> tuple[Array, Learned]:
    """The last value and the mean change of the whole row."""
    slope = _mean_change(prepared.adjusted) if learned is None else learned
    steps = np.arange(1, horizon + 1)
    return _last(prepared.adjusted, horizon) + slope[:, None] * steps + prepared.seasonal_future(horizon), slope


def recent_mean(prepared: Prepared, horizon: int, learned: Learned | None) -> tuple[Array, Learned]:
    """The mean of the last season, or of the last six values."""
    reach = max(prepared.season, 6)
    level = np.nanmean(prepared.adjusted[:, -reach:], axis=1)
    return np.repeat(level[:, None], horizon, axis=1) + prepared.seasonal_future(horizon), NOTHING


def exponential(prepared: Prepared, horizon: int, learned: Learned | None) -> tuple[Array, Learned]:
    """Simple exponential smoothing."""
    return _smoothed(prepared, prepared.adjusted, SES, horizon, learned, trended=False)


def theta(prepared: Prepared, horizon: int, learned: Learned | None) -> tuple[Array, Learned]:
    """Theta: exponential smoothing with half the slope of the row (Assimakopoulos & Nikolopoulos 2000), in logs."""
    forecast, learned = _theta(prepared.adjusted, horizon, learned)
    return forecast + prepared.seasonal_future(horizon), learned


def theta_linear(prepared: Prepared, horizon: int, learned: Learned | None) -> tuple[Array, Learned]:
    """Theta in the row's own units, where the season multiplies."""
    return _in_units(prepared, lambda values: _theta(values, horizon, learned))


def damped(prepared: Prepared, horizon: int, learned: Learned | None) -> tuple[Array, Learned]:
    """Holt's method with a damped trend (Gardner & McKenzie 1985), in logs."""
    return _smoothed(prepared, prepared.adjusted, DAMPED, horizon, learned)


def damped_linear(prepared: Prepared, horizon: int, learned: Learned | None) -> tuple[Array, Learned]:
    """The damped trend in the row's own units, where the season multiplies."""
    return _in_units(prepared, lambda values: _grid(values, DAMPED, horizon, learned))


def holt_linear(prepared: Prepared, horizon: int, learned: Learned | None) -> tuple[Array, Learned]:
    """Holt's undamped trend in the row's own units."""
    return _in_units(prepared, lambda values: _grid(values, HOLT, horizon, learned))


def autoregressive(prepared: Prepared, horizon: int, learned: Learned | None) -> tuple[Array, Learned]:
    """An autoregression of the adjusted changes, shrunk towards a random walk with drift."""
    forecast, learned = autoregression(prepared.adjusted, horizon, learned)
    return forecast + prepared.seasonal_future(horizon), learned


def seasonal_naive(prepared: Prepared, horizon: int, learned: Learned | None) -> tuple[Array, Learned]:
    """The value of the same season one period earlier."""
    return _last_season(prepared, horizon), NOTHING


def seasonal_growth(prepared: Prepared, horizon: int, learned: Learned | None) -> tuple[Array, Learned]:
    """The same season one period earlier, and the growth of the last period over the one before it."""
    season = prepared.season
    forecast = _last_season(prepared, horizon)
    if prepared.working.shape[1] < 2 * season:
        return np.full_like(forecast, np.nan), NOTHING
    latest, before = prepared.working[:, -season:], prepared.working[:, -2 * season : -season]
    growth = np.mean(latest - before, axis=1)
    periods = 1 + np.arange(horizon) // season
    return forecast + growth[:, None] * periods, NOTHING


def holt_winters(prepared: Prepared, horizon: int, learned: Learned | None) -> tuple[Array, Learned]:
    """Holt-Winters with a damped trend in logs, its season moving on from the fitted indices."""
    main = prepared.indices[0]
    rest = prepared.adjusted + tile_indices(main, prepared.adjusted.shape[1])
    state = smooth(rest, HOLT_WINTERS, main)
    weights = likelihood_weights(state.squares, state.count) if learned is None else learned
    others = prepared.seasonal_future(horizon) - future_indices(main, horizon)
    forecast = extrapolate(state, HOLT_WINTERS, weights, horizon) + others
    forecast[state.count < 2 * prepared.season] = np.nan
    return forecast, weights


def box_jenkins(prepared: Prepared, horizon: int, learned: Learned | None) -> tuple[Array, Learned]:
    """The airline model in logs."""
    return airline(prepared.working, prepared.season, horizon, learned)


def seasonal_autoregressive(prepared: Prepared, horizon: int, learned: Learned | None) -> tuple[Array, Learned]:
    """An autoregression with seasonal lags."""
    return seasonal_autoregression(prepared.working, prepared.seasons, horizon, learned)


ALWAYS: dict[str, Method] = {
    "naive": naive,
    "drift": drift,
    "recent_mean": recent_mean,
    "exponential": exponential,
    "theta": theta,
    "theta_linear": theta_linear,
    "damped": damped,
    "damped_linear": damped_linear,
    "holt_linear": holt_linear,
    "autoregressive": autoregressive,
}
SEASONAL: dict[str, Method] = {
    "seasonal_naive": seasonal_naive,
    "seasonal_growth": seasonal_growth,
    "holt_winters": holt_winters,
    "box_jenkins": box_jenkins,
    "seasonal_autoregressive": seasonal_autoregressive,
}
METHODS: dict[str, Method] = {**ALWAYS, **SEASONAL}


def run_methods(
    prepared: Prepared, horizon: int, learned: dict[str, Learned] | None = None
) -> tuple[Array, dict[str, Learned]]:
    """Every method's forecasts, [rows, methods, horizon] in working values (NaN where one does not apply)."""
    rows = len(prepared.working)
    forecasts = np.full((rows, len(METHODS), horizon), np.nan)
    found: dict[str, Learned] = {}
    for number, (name, method) in enumerate(METHODS.items()):
        if name in SEASONAL and prepared.season < 2:
            continue
        forecasts[:, number], found[name] = method(prepared, horizon, None if learned is None else learned[name])
    return _bounded(prepared, forecasts), found


def _bounded(prepared: Prepared, forecasts: Array) -> Array:
    """Forecasts kept within reach of the data: an explosive trend is a failure of a method, not news."""
    low = np.nanmin(prepared.working, axis=1)[:, None, None]
    high = np.nanmax(prepared.working, axis=1)[:, None, None]
    steps = np.sqrt(np.arange(1, forecasts.shape[2] + 1))
    room = np.maximum(high - low, 0.0) + 6 * prepared.noise[:, None, None] * steps
    return np.clip(forecasts, low - room, high + room)


def _mean_change(adjusted: Array) -> Array:
    start = np.minimum(first_known(adjusted), adjusted.shape[1] - 1)
    first = np.take_along_axis(adjusted, start[:, None], axis=1)[:, 0]
    return (adjusted[:, -1] - first) / np.maximum(adjusted.shape[1] - 1 - start, 1)


def _last_season(prepared: Prepared, horizon: int) -> Array:
    season = prepared.season
    if prepared.working.shape[1] < season:
        return np.full((len(prepared.working), horizon), np.nan)
    return prepared.working[:, -season + np.arange(horizon) % season]


def _grid(
    values: Array, grid: Grid, horizon: int, learned: Learned | None, trended: bool = True
) -> tuple[Array, Learned]:
    state = smooth(values, grid, None, trended)
    weights = likelihood_weights(state.squares, state.count) if learned is None else learned
    return extrapolate(state, grid, weights, horizon), weights


def _smoothed(
    prepared: Prepared, values: Array, grid: Grid, horizon: int, learned: Learned | None, trended: bool = True
) -> tuple[Array, Learned]:
    forecast, weights = _grid(values, grid, horizon, learned, trended)
    return forecast + prepared.seasonal_future(horizon), weights


def _theta(values: Array, horizon: int, learned: Learned | None) -> tuple[Array, Learned]:
    """Level by smoothing, half the least-squares slope as drift. Learned: the grid's weights, then the slope."""
    state = smooth(values, SES, None, trended=False)
    if learned is None:
        weights = likelihood_weights(state.squares, state.count)
        learned = np.concatenate([weights, _slope(values)[:, None]], axis=1)
    weights, slope = learned[:, :-1], learned[:, -1]
    start = first_known(values)
    length = (values.shape[1] - start).astype(np.float64)
    # the smoothed level lags a trend by (1 - alpha) / alpha steps, once the start is forgotten
    lags = (1 - SES.alpha) / SES.alpha
    lag = (weights * np.minimum(lags, length[:, None] / 2)).sum(axis=1)
    level = (weights * state.level).sum(axis=1)
    steps = np.arange(1, horizon + 1) + lag[:, None]
    return level[:, None] + 0.5 * slope[:, None] * steps, learned


def _slope(values: Array) -> Array:
    known = np.isfinite(values)
    columns = np.arange(values.shape[1], dtype=np.float64)
    count = np.maximum(known.sum(axis=1), 1)
    middle = (known * columns).sum(axis=1) / count
    away = np.where(known, columns - middle[:, None], 0.0)
    return (away * np.where(known, values, 0.0)).sum(axis=1) / np.maximum((away**2).sum(axis=1), TINY)


def _in_units(prepared: Prepared, method: Callable[[Array], tuple[Array, Learned]]) -> tuple[Array, Learned]:
    """Run a method on exp(adjusted) in rows that are in logs, and take the logs of what it says."""
    logs = prepared.scale.logs[:, None]
    values = np.where(logs, np.exp(np.where(logs, prepared.adjusted, 0.0)), prepared.adjusted)
    values = np.where(np.isfinite(prepared.adjusted), values, np.nan)
    forecast, learned = method(values)
    lowest = 0.2 * np.nanmin(
        values, axis=1, keepdims=True
    )  # a straight line must not take a positive series below zero
    logged = np.log(np.maximum(forecast, np.where(logs, lowest, 1.0)))
    forecast = np.where(logs, logged, forecast)
    return forecast + prepared.seasonal_future(forecast.shape[1]), learned
