"""The airline model, SARIMA(0,1,1)(0,1,1), for many rows over a grid of its two parameters at once.

    (1 - B)(1 - B^m) z_t = (1 - theta B)(1 - Theta B^m) e_t

Box and Jenkins, *Time Series Analysis*, 1970, chapter 9. The errors follow by the recursion from zeros (conditional
sum of squares), and the points of the grid are averaged by their likelihood.
"""

from __future__ import annotations

from itertools import product

import numpy as np

from latchwork.transforms.smoothing import likelihood_weights
from latchwork.transforms.working import Array

THETA = (-0.2, 0.0, 0.15, 0.3, 0.45, 0.6, 0.75, 0.9)
SEASONAL_THETA = (0.0, 0.2, 0.4, 0.55, 0.7, 0.85)
_POINTS = np.array(list(product(THETA, SEASONAL_THETA)))


def airline(working: Array, season: int, horizon: int, weights: Array | None = None) -> tuple[Array, Array]:
    """Forecasts [rows, horizon] and the grid's weights [rows, points]; given weights are used as they are.

    working: [rows, time], right-aligned, NaN before a row begins. Rows shorter than two seasons and a step hold no
    information about the model; their forecasts are NaN.
    """
    rows, length = working.shape
    theta, seasonal = _POINTS[:, 0], _POINTS[:, 1]
    if length < 2 * season + 3:
        return np.full((rows, horizon), np.nan), np.full((rows, len(_POINTS)), 1.0 / len(_POINTS))
    changes = np.diff(working, axis=1)
    changes = changes[:, season:] - changes[:, :-season]
    live = np.isfinite(changes)
    changes = np.where(live, changes, 0.0)
    steps = changes.shape[1]
    past = [np.zeros((rows, len(_POINTS))) for _ in range(season + 1)]  # a ring of the last errors
    squares = np.zeros((rows, len(_POINTS)))
    for step in range(steps):
        error = (
            changes[:, step, None]
            + theta * past[(step - 1) % (season + 1)]
            + seasonal * past[(step - season) % (season + 1)]
            - theta * seasonal * past[step % (season + 1)]  # the oldest: season + 1 steps back
        )
        error *= live[:, step, None]
        past[step % (season + 1)] = error
        squares += error * error
    count = live.sum(axis=1).astype(np.float64)
    if weights is None:
        weights = likelihood_weights(squares, count)
    expected = np.zeros((rows, horizon))
    for ahead in range(min(horizon, season + 1)):
        step = steps + ahead
        total = -theta * past[(step - 1) % (season + 1)] if ahead == 0 else np.zeros_like(squares)
        if ahead < season:
            total = total - seasonal * past[(step - season) % (season + 1)]
        total = total + theta * seasonal * past[step % (season + 1)]
        expected[:, ahead] = (weights * total).sum(axis=1)
    path = np.concatenate([working[:, -season - 1 :], np.zeros((rows, horizon))], axis=1)
    for ahead in range(horizon):
        now = season + 1 + ahead
        path[:, now] = path[:, now - 1] + path[:, now - season] - path[:, now - season - 1] + expected[:, ahead]
    forecast = path[:, season + 1 :]
    forecast[count < season + 2] = np.nan
    return forecast, weights
