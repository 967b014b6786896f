"""Autoregressions of many rows at once, by ridge regression on lagged changes."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from latchwork.transforms.working import TINY, Array

RIDGE = 4.0  # in units of the changes' variance: as many observations as it takes to outweigh the prior
FLAT = 1e-6  # working units; changes smaller than this are none
RECENCY = 0.98  # weight of a step against the step after it, per lag-free observation


def autoregression(working: Array, horizon: int, learned: Array | None, order: int = 4) -> tuple[Array, Array]:
    """Iterated forecasts [rows, horizon] of the changes on their last `order`; coefficients [rows, order + 1]."""
    return _on_lags(working, tuple(range(1, order + 1)), horizon, learned)


def seasonal_autoregression(
    working: Array, seasons: tuple[int, ...], horizon: int, learned: Array | None
) -> tuple[Array, Array]:
    """Iterated forecasts of the changes on short and seasonal lags, for every season a row is long enough for."""
    rows = len(working)
    known = np.isfinite(working).sum(axis=1)
    usable = np.array([sum(length >= 3 * season + 8 for season in seasons) for length in known])
    forecast = np.full((rows, horizon), np.nan)
    coefficients = np.zeros((rows, 1 + 2 + 4 * len(seasons))) if learned is None else learned
    for count in range(1, len(seasons) + 1):
        chosen = np.flatnonzero(usable == count)
        if chosen.size:
            around = (lag for season in seasons[:count] for lag in (season - 1, season, season + 1, 2 * season))
            lags = tuple(sorted({1, 2, *around} - {0}))
            given = None if learned is None else learned[chosen, : len(lags) + 1]
            forecast[chosen], found = _on_lags(working[chosen], lags, horizon, given)
            if learned is None:
                coefficients[chosen, : len(lags) + 1] = found
    return forecast, coefficients


def _on_lags(working: Array, lags: tuple[int, ...], horizon: int, learned: Array | None) -> tuple[Array, Array]:
    rows, length = working.shape
    reach = max(lags)
    if length < reach + 4:
        return np.full((rows, horizon), np.nan), np.zeros((rows, len(lags) + 1))
    changes = np.diff(working, axis=1)
    if learned is None:
        learned = _fit(changes, np.array(lags))
    path = np.concatenate([np.where(np.isfinite(changes), changes, 0.0)[:, -reach:], np.zeros((rows, horizon))], axis=1)
    back = np.array(lags)
    for step in range(horizon):
        now = reach + step
        path[:, now] = learned[:, 0] + (learned[:, 1:] * path[:, now - back]).sum(axis=1)
    forecast = working[:, -1:] + np.cumsum(path[:, reach:], axis=1)
    forecast[np.isfinite(changes).sum(axis=1) < reach + 4] = np.nan
    return forecast, learned


def _fit(changes: Array, lags: np.ndarray[tuple[int], np.dtype[np.int64]]) -> Array:
    """Ridge coefficients, [rows, 1 + lags]: the constant first, shrunk like the others."""
    reach = int(lags.max())
    windows = sliding_window_view(changes, reach + 1, axis=1)  # [rows, times, reach + 1], the target last
    target = windows[..., -1]
    inputs = windows[..., reach - lags]
    live = np.isfinite(target) & np.isfinite(windows[..., 0])
    age = np.arange(target.shape[1] - 1, -1, -1.0)
    weight = np.where(live, RECENCY ** np.minimum(age, 200.0), 0.0)
    target = np.where(live, target, 0.0)
    inputs = np.where(live[..., None], inputs, 0.0)
    spread = np.sqrt((weight * target**2).sum(axis=1) / np.maximum(weight.sum(axis=1), TINY)) + FLAT
    design = np.concatenate([np.broadcast_to(spread[:, None, None], (*target.shape, 1)), inputs], axis=2)
    weighted = design * weight[..., None]
    gram = np.einsum("rti,rtj->rij", weighted, design)
    moment = np.einsum("rti,rt->ri", weighted, target)
    ridge = RIDGE * spread[:, None] ** 2 * np.ones(len(lags) + 1)
    solved = np.linalg.solve(gram + ridge[:, :, None] * np.eye(len(lags) + 1), moment[..., None])[..., 0]
    solved[:, 0] *= spread
    return solved
