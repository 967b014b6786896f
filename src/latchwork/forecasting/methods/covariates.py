"""Covariates as the network sees them: what is known in advance, what is known up to the origin, what never changes.

Each is standardised by all that was known of it at the row's origin (a panel's static ones by their spread over the
series), so that what comes after an origin changes nothing that is seen at it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from latchwork.forecasting.reading.panel import Panel
from latchwork.transforms.working import Array

LEAST_SPREAD = 1e-9  # of the size of the values; what varies less is constant


def covariate_channels(
    panel: Panel, chosen: list[tuple[int, int]], window: int, horizon: int, seasons: tuple[int, ...]
) -> tuple[Array, Array]:
    """Channels beside each row's window, [rows, window, ...], and beside its horizon, [rows, horizon, ...].

    A covariate known in advance gives its values over both, and ahead also how they differ from a season earlier, for
    each season. One known up to the origin alone gives the window. A static one is the same at every step ahead. NaN
    (later zero) where a value is not known.
    """
    beside: list[Array] = []
    ahead: list[Array] = []
    for name, series in panel.covariates.items():
        running = [_running_scale(values) for values in series]
        past = np.full((len(chosen), window), np.nan)
        future = np.full((1 + len(seasons), len(chosen), horizon), np.nan)
        for row, (i, back) in enumerate(chosen):
            end = len(panel.values[i]) - back
            middle, size = running[i][0][end], running[i][1][end]
            recent = series[i][max(0, end - window) : end]
            past[row, window - len(recent) :] = (recent - middle) / size
            coming = (series[i][end : end + horizon] - middle) / size
            future[0, row, : len(coming)] = coming
            for number, season in enumerate(seasons, start=1):
                if end >= season:
                    before = series[i][end - season + np.arange(len(coming)) % season]
                    future[number, row, : len(coming)] = coming - (before - middle) / size
        beside.append(past)
        if name not in panel.past:
            ahead += list(future)
    for values in panel.static.values():
        scaled = (values - np.nanmean(values)) / max(float(np.nanstd(values)), LEAST_SPREAD)
        ahead.append(np.repeat(scaled[[i for i, _ in chosen]][:, None], horizon, axis=1))
    nothing = np.zeros((len(chosen), window, 0)), np.zeros((len(chosen), horizon, 0))
    return (
        np.stack(beside, axis=-1) if beside else nothing[0],
        np.stack(ahead, axis=-1) if ahead else nothing[1],
    )


def _running_scale(values: NDArray[np.float64]) -> tuple[Array, Array]:
    """Mean and standard deviation of the values before each place, [length + 1] each; 0 and 1 before there are any."""
    known = np.isfinite(values)
    shift = float(values[known][0]) if known.any() else 0.0  # the sums stay small
    filled = np.where(known, values - shift, 0.0)
    count = np.concatenate([[0.0], np.cumsum(known)])
    least = np.maximum(count, 1.0)
    with np.errstate(over="ignore", invalid="ignore"):  # squares of 1e300: such a column says nothing
        mean = np.concatenate([[0.0], np.cumsum(filled)]) / least
        variance = np.concatenate([[0.0], np.cumsum(filled**2)]) / least - mean**2
        spread = np.sqrt(np.maximum(variance, 0.0))
        constant = spread <= LEAST_SPREAD * (1 + np.abs(mean + shift))
    return np.where(count > 0, mean + shift, 0.0), np.where(constant, 1.0, spread)
