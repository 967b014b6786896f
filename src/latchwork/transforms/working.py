"""Series as the statistical methods want them: one right-aligned matrix, in logs where all values are positive.

A row is one series known up to one origin, so that a backtest is simply more rows. Everything here is computed
from a row's own past; nothing after its origin is ever in the matrix.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Array = NDArray[np.float64]
Index = NDArray[np.int64]

TINY = 1e-12
LARGEST_STEP = 40.0  # logs; a factor of e^40 beyond the data is no forecast


@dataclass(frozen=True)
class Scale:
    """How a row's values become working values: log(value / scale) or value / scale. Both [rows]."""

    logs: NDArray[np.bool_]
    scale: Array

    def to_working(self, values: Array) -> Array:
        """Values [rows, ...] to working values; where logs are taken, what is not positive becomes NaN."""
        shape = (-1,) + (1,) * (values.ndim - 1)
        with np.errstate(over="ignore"):  # 1e300 among values of 1e-300 is infinitely far
            relative = values / self.scale.reshape(shape)
        with np.errstate(divide="ignore", invalid="ignore"):
            logged = np.log(np.where(relative > 0, relative, np.nan))
        return np.where(self.logs.reshape(shape), logged, relative)

    def to_values(self, working: Array) -> Array:
        """The inverse, [rows, ...]."""
        shape = (-1,) + (1,) * (working.ndim - 1)
        logs = self.logs.reshape(shape)
        bounded = np.clip(working, -LARGEST_STEP, LARGEST_STEP)
        with np.errstate(over="ignore"):
            return np.where(logs, np.exp(np.where(logs, bounded, 0.0)), working) * self.scale.reshape(shape)

    def take(self, rows: Index) -> Scale:
        """The scale of some rows."""
        return Scale(self.logs[rows], self.scale[rows])


def fit_scale(values: Array) -> Scale:
    """Logs where every value is positive; the unit is the row's median size, so that 1e300 is as good as 1."""
    finite = np.isfinite(values)
    sizes = np.where(finite & (values != 0), np.abs(values), np.nan)
    safe = np.where(np.isfinite(sizes).any(axis=1, keepdims=True), sizes, 1.0)
    scale = np.nanmedian(safe, axis=1)
    smallest = np.min(np.where(finite, values, np.inf), axis=1)
    with np.errstate(divide="ignore"):
        logs = (smallest > 0) & (np.abs(np.log(np.maximum(smallest, 1e-320) / scale)) < 0.5 * LARGEST_STEP)
    return Scale(logs, scale)


def align(series: Sequence[Array], longest: int | None = None) -> Array:
    """Rows side by side, [rows, time], ended together, NaN before each begins; at most the last `longest` values."""
    length = min(max(len(s) for s in series), longest or 1 << 62)
    matrix = np.full((len(series), length), np.nan)
    for row, values in enumerate(series):
        tail = values[-length:]
        if len(tail):
            matrix[row, length - len(tail) :] = tail
    return matrix


def first_known(matrix: Array) -> Index:
    """Column of each row's first value; the width where there is none."""
    known = np.isfinite(matrix)
    return np.where(known.any(axis=1), known.argmax(axis=1), matrix.shape[1])


def bridge(working: Array, season: int) -> Array:
    """Fill holes: from the same season one period before and after where known, else on the line between neighbours.

    What is missing at the end repeats the last season or value; before a row begins stays NaN.
    """
    start = first_known(working)
    columns = np.arange(working.shape[1])
    holes = ~np.isfinite(working) & (columns >= start[:, None])
    if not holes.any():
        return working
    filled = working.copy()
    for row in np.flatnonzero(holes.any(axis=1)):
        known = np.flatnonzero(np.isfinite(working[row]))
        for column in np.flatnonzero(holes[row]):
            around = [c for c in (column - season, column + season) if 0 <= c < len(columns)] if season > 1 else []
            donors = [working[row, c] for c in around if np.isfinite(working[row, c])]
            filled[row, column] = np.mean(donors) if donors else np.interp(column, known, working[row, known])
    return filled


def tame_outliers(working: Array, season: int, limit: float = 5.0) -> tuple[Array, NDArray[np.bool_]]:
    """Replace lone spikes by the median of their neighbourhood; returns the rows and which values were replaced.

    A spike is further than `limit` robust deviations (of the row's changes over a season) from its two neighbours on
    each side and, in a seasonal row, from the same season a period before and after. The last two values are never
    touched: whether they are spikes or a new level cannot be known yet.
    """
    length = working.shape[1]
    known = np.isfinite(working).sum(axis=1)
    marked = np.zeros(working.shape, dtype=bool)
    shortest = 2 * max(season, 4) + 5
    if length < shortest:
        return working, marked
    away = np.full_like(working, np.nan)
    away[:, 2:-2] = working[:, 2:-2] - np.median(sliding_window_view(working, 5, axis=1), axis=2)
    if season > 1:
        seasonal = np.full_like(working, np.nan)
        between = 0.5 * (working[:, : -2 * season] + working[:, 2 * season :])
        seasonal[:, season:-season] = working[:, season:-season] - between
        away = np.where(np.abs(away) < np.abs(seasonal), away, seasonal)
    spread = 1.4826 * nanmedian(np.abs(working[:, season:] - working[:, :-season]))[:, None]
    with np.errstate(invalid="ignore"):
        marked = np.abs(away) > np.maximum(limit * spread, 0.02)
    few = marked.sum(axis=1) <= 0.03 * known + 1
    marked &= (few & (known >= shortest))[:, None]
    return np.where(marked, working - away, working), marked


def nanmedian(matrix: Array) -> Array:
    """Median of each row over its finite values; 0 where it has none."""
    finite = np.isfinite(matrix)
    empty = np.asarray(~finite.any(axis=1))
    return np.nanmedian(np.where(empty[:, None], 0.0, np.where(finite, matrix, np.nan)), axis=1)


def mean_known(matrix: Array) -> Array:
    """Mean of each row over its finite values, NaN where there is none."""
    known = np.isfinite(matrix)
    count = known.sum(axis=1)
    return np.where(count > 0, np.where(known, matrix, 0.0).sum(axis=1) / np.maximum(count, 1), np.nan)
