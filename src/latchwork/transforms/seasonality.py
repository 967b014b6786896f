"""Seasonal indices of many rows at once: averaged over the years, recent ones weighing more, and shrunk towards none.

A row's season is as strong as its data say: the indices are multiplied by the share of their variance that is not
noise (James and Stein 1961, the positive part), so that a row without a season gets indices of zero.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from latchwork.transforms.working import TINY, Array

RECENCY = 0.85  # weight of a year against the year after it
FEWEST_PERIODS = 2


def seasonal_indices(working: Array, season: int) -> tuple[Array, Array]:
    """Indices [rows, season] and their strength [rows] in 0..1.

    working: [rows, time], right-aligned, NaN before a row begins. indices[:, k] is added to the value k+1 steps
    after the row's end (and every `season` steps before and after that). Rows shorter than two periods get zeros.
    """
    rows, length = working.shape
    if season < 2 or length < FEWEST_PERIODS * season:
        return np.zeros((rows, max(season, 1))), np.zeros(rows)
    detrended = working - centred_mean(working, season)
    periods = -(-length // season)
    padded = np.full((rows, periods * season), np.nan)
    padded[:, periods * season - length :] = detrended
    cube = padded.reshape(rows, periods, season)
    known = np.isfinite(cube)
    ages = np.arange(periods - 1, -1, -1.0)
    weights = np.where(known, RECENCY ** ages[None, :, None], 0.0)
    total = weights.sum(axis=1)
    values = np.where(known, cube, 0.0)
    means = (weights * values).sum(axis=1) / np.maximum(total, TINY)
    spread = (weights * np.where(known, (cube - means[:, None]) ** 2, 0.0)).sum(axis=1) / np.maximum(total, TINY)
    effective = total**2 / np.maximum((weights**2).sum(axis=1), TINY)
    bias = np.where(effective > 1.2, effective / np.maximum(effective - 1, 0.2), 2.0)
    noise = (spread * bias).mean(axis=1) / np.maximum(effective.mean(axis=1), 1.0)
    every = known.any(axis=1).sum(axis=1) == season
    long_enough = np.isfinite(working).sum(axis=1) >= FEWEST_PERIODS * season
    means = means - means.mean(axis=1, keepdims=True)
    signal = (means**2).mean(axis=1)
    strength = np.where(every & long_enough, np.clip(1.0 - noise / np.maximum(signal, TINY), 0.0, 1.0), 0.0)
    return strength[:, None] * means, strength


def tile_indices(indices: Array, length: int) -> Array:
    """Indices laid under the `length` columns that end at the row's end, [rows, length]."""
    season = indices.shape[1]
    return indices[:, np.arange(-length, 0) % season]


def future_indices(indices: Array, horizon: int) -> Array:
    """Indices of the `horizon` steps after the row's end, [rows, horizon]."""
    return indices[:, np.arange(horizon) % indices.shape[1]]


def centred_mean(working: Array, season: int) -> Array:
    """The moving average over one season, centred; its nearest value, with half the local slope, at the two ends."""
    width = season + 1 if season % 2 == 0 else season
    kernel = np.full(width, 1.0 / season)
    if season % 2 == 0:
        kernel[[0, -1]] *= 0.5
    half = width // 2
    means = np.full_like(working, np.nan)
    windows = np.lib.stride_tricks.sliding_window_view(working, width, axis=1)
    means[:, half : working.shape[1] - half] = windows @ kernel
    return means


def detect_season(values: NDArray[np.float64], longest: int | None = None) -> int:
    """The period of a series without dates, by the autocorrelation of its differences; 1 where none stands out."""
    known = values[np.isfinite(values)]
    longest = min(longest or 400, len(known) // 3)
    if longest < 2 or np.ptp(known) == 0:
        return 1
    changes = np.diff(known) / np.ptp(known)
    changes = changes - changes.mean()
    power = np.abs(np.fft.rfft(changes, 2 * len(changes))) ** 2
    correlation = np.fft.irfft(power)[: longest + 1]
    if correlation[0] <= 0:
        return 1
    correlation = correlation / correlation[0]
    threshold = max(0.3, 3.0 / np.sqrt(len(changes)))
    peaks = [
        lag
        for lag in range(2, longest)
        if correlation[lag] > threshold and correlation[lag] >= max(correlation[lag - 1], correlation[lag + 1])
    ]
    return (
        min(peaks, key=lambda lag: (correlation[lag] < 0.9 * max(correlation[p] for p in peaks), lag)) if peaks else 1
    )
