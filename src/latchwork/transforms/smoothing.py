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
from latchwork.transforms.working import TINY, Array, Index, first_known

IN_CACHE = 16384  # values of each state: all that a step touches stays in a processor's own cache
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
    points = len(grid.alpha)
    level0, trend0 = initial_state(working if indices is None else working - tile_indices(indices, length))
    start = first_known(working)
    order = np.argsort(start, kind="stable")  # rows that have begun come first
    level = np.repeat(level0[order, None], points, axis=1)
    trend = np.repeat(trend0[order, None] if trended else np.zeros((rows, 1)), points, axis=1)
    season = None if indices is None else np.repeat(indices.T[:, order, None], points, axis=2)
    squares = np.zeros((rows, points))
    values = np.where(np.isfinite(working), working, 0.0)[order]
    together = max(1, IN_CACHE // points)
    for first in range(0, rows, together):
        part = slice(first, first + together)
        seasonal = None if season is None else season[:, part]
        _run(
            values[part],
            start[order[part]],
            grid,
            squares[part],
            level[part],
            trend[part] if trended else None,
            seasonal,
        )
    back = np.argsort(order, kind="stable")
    count = (length - start).astype(np.float64)
    return Smoothed(squares[back], count, level[back], trend[back], None if season is None else season[:, back])


def _run(
    values: Array, start: Index, grid: Grid, squares: Array, level: Array, trend: Array | None, season: Array | None
) -> None:
    """Take rows [rows, time] from their starts, which ascend, to their ends; states are changed in place.

    Every operation writes into an array that is there already, so that all stays in the processor's cache.
    """
    length = values.shape[1]
    buffers = [np.zeros_like(level) for _ in range(4)]
    begun = np.searchsorted(start, np.arange(length), side="right")
    with np.errstate(over="ignore"):  # one value of 1e300 among ones: infinite for every point of the grid
        for column in range(int(start[0]), length):
            live = slice(begun[column])
            damped, expected, error, moved = (buffer[live] for buffer in buffers)
            if trend is not None:
                np.multiply(grid.phi, trend[live], out=damped)
            np.add(level[live], damped, out=expected)
            if season is None:
                np.subtract(values[live, column, None], expected, out=error)
            else:
                phase = season[(column - length) % len(season), live]
                np.add(expected, phase, out=moved)
                np.subtract(values[live, column, None], moved, out=error)
                np.multiply(grid.gamma, error, out=moved)
                phase += moved
            np.multiply(grid.alpha, error, out=moved)
            np.add(expected, moved, out=level[live])
            if trend is not None:
                np.multiply(grid.beta, error, out=moved)
                np.add(damped, moved, out=trend[live])
            np.multiply(error, error, out=moved)
            squares[live] += moved


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
