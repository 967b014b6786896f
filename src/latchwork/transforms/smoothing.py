"""Exponential smoothing of many rows over a grid of parameters at once, averaged by how well each explains the past.

The innovations form (Hyndman, Koehler, Ord and Snyder, *Forecasting with Exponential Smoothing*, 2008, chapter 2):

    error  = value - (level + phi trend + season)
    level <- level + phi trend + alpha error
    trend <-         phi trend + beta  error
    season <- season           + gamma error

Rather than search for one best set of parameters, every point of a small grid is run and weighed by
SSE^(-n/2), its likelihood: steadier on short rows, and free of optimiser failures.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np

from latchwork.transforms.seasonality import tile_indices
from latchwork.transforms.working import TINY, Array, first_known

LARGEST_SQUARES = 1e290  # a sum of squared errors that can still be averaged


@dataclass(frozen=True)
class Grid:
    """Parameters to try, each [points]."""

    alpha: Array
    beta: Array
    phi: Array
    gamma: Array

    @staticmethod
    def of(
        alpha: tuple[float, ...],
        beta: tuple[float, ...] = (0.0,),
        phi: tuple[float, ...] = (1.0,),
        gamma: tuple[float, ...] = (0.0,),
    ) -> Grid:
        """All combinations; beta is given as a share of alpha."""
        points = np.array(list(product(alpha, beta, phi, gamma)))
        return Grid(points[:, 0], points[:, 1] * points[:, 0], points[:, 2], points[:, 3])


@dataclass(frozen=True)
class Smoothed:
    """What a pass over the rows leaves: squared errors and last states, each [rows, points] (season: [season, ...])."""

    squares: Array
    count: Array
    level: Array
    trend: Array
    season: Array | None


def initial_state(working: Array) -> tuple[Array, Array]:
    """Level one step before each row begins, and its trend: the slope between its first and second few values."""
    start = first_known(working)
    length = working.shape[1] - start
    reach = np.minimum(np.maximum(length // 2, 1), 5)
    columns = np.arange(working.shape[1])[None] - start[:, None]
    filled = np.where(np.isfinite(working), working, 0.0)
    first = (columns >= 0) & (columns < reach[:, None])
    second = (columns >= reach[:, None]) & (columns < 2 * reach[:, None])
    first_mean = (filled * first).sum(axis=1) / np.maximum(first.sum(axis=1), 1)
    second_mean = (filled * second).sum(axis=1) / np.maximum(second.sum(axis=1), 1)
    trend = np.where(second.any(axis=1), (second_mean - first_mean) / reach, 0.0)
    return first_mean - trend * (reach + 1) / 2, trend


def smooth(working: Array, grid: Grid, indices: Array | None = None, trended: bool = True) -> Smoothed:
    """Run every row through every point of the grid.

    working: [rows, time], right-aligned. indices: [rows, season] starting seasonal states, or None without season.
    """
    rows, length = working.shape
    level0, trend0 = initial_state(working if indices is None else working - tile_indices(indices, length))
    shape = (rows, len(grid.alpha))
    level = np.repeat(level0[:, None], shape[1], axis=1)
    trend = np.repeat(trend0[:, None] if trended else np.zeros((rows, 1)), shape[1], axis=1)
    squares = np.zeros(shape)
    count = np.zeros(rows)
    period = 0 if indices is None else indices.shape[1]
    season = None if indices is None else np.repeat(indices.T[:, :, None], shape[1], axis=2)
    start = first_known(working)
    values = np.where(np.isfinite(working), working, 0.0)
    for column in range(int(start.min(initial=length)), length):
        live = (start <= column).astype(np.float64)
        damped = grid.phi * trend if trended else trend
        expected = level + damped
        phase = (column - length) % period if period else 0
        if season is not None:
            expected = expected + season[phase]
        error = values[:, column, None] - expected
        if live.all():
            level = level + damped + grid.alpha * error
            trend = damped + grid.beta * error if trended else trend
        else:  # rows that have not begun keep their initial state
            error *= live[:, None]
            level = level + live[:, None] * damped + grid.alpha * error
            trend = trend + live[:, None] * (damped - trend) + grid.beta * error if trended else trend
        if season is not None:
            season[phase] += grid.gamma * error
        with np.errstate(over="ignore"):  # one value of 1e300 among ones: infinite for every point of the grid
            squares += error * error
        count += live
    return Smoothed(squares, count, level, trend, season)


def likelihood_weights(squares: Array, count: Array) -> Array:
    """Weights of the grid's points, [rows, points]: each one's Gaussian likelihood with the variance profiled out."""
    squares = np.minimum(squares, LARGEST_SQUARES)  # beyond, all points are equally wrong
    floor = TINY + 1e-6 * squares.mean(axis=1, keepdims=True)
    score = -0.5 * count[:, None] * np.log(squares + floor)
    weights = np.exp(score - score.max(axis=1, keepdims=True))
    return weights / weights.sum(axis=1, keepdims=True)


def extrapolate(state: Smoothed, grid: Grid, weights: Array, horizon: int) -> Array:
    """The weighted mean of the points' forecasts, [rows, horizon]."""
    steps = np.arange(1, horizon + 1)
    growth = np.cumsum(grid.phi[:, None] ** steps, axis=1)  # phi + phi^2 + ...
    mean = (weights * state.level).sum(axis=1, keepdims=True) + (weights * state.trend) @ growth
    if state.season is not None:
        season = np.einsum("rg,mrg->rm", weights, state.season)
        mean = mean + season[:, (steps - 1) % season.shape[1]]
    return mean
