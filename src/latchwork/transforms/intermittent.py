"""Demand that is mostly nothing: how often it comes and how much it is then, each smoothed on its own.

The method of Teunter, Syntetos and Babai (2011): unlike Croston's it lets the forecast fall while nothing comes. What
it forecasts is the mean, the same at every step ahead; intervals are the quantiles of what came of late, since no
bell curve fits counts.
"""

from __future__ import annotations

from itertools import product

import numpy as np

from latchwork.transforms.working import Array

ZEROS = 0.3  # share of a row from which it is intermittent
FEWEST = 8  # values
RECENT = 200  # values whose quantiles count
RATES = (0.05, 0.1, 0.2)  # of both smoothings; the mean over all pairs is forecast


def is_intermittent(values: Array) -> bool:
    """Whether a series is never negative and often zero, but not always."""
    known = values[np.isfinite(values)]
    return bool(known.size >= FEWEST and known.min() == 0 < known.max() and np.mean(known == 0) >= ZEROS)


def expected_demand(values: Array) -> float:
    """The mean of the next value."""
    known = values[np.isfinite(values)]
    came = known > 0
    size = known[came].mean()  # both begin at their means over the row
    states = np.array([[came.mean(), size] for _ in product(RATES, RATES)])
    rates = np.array(list(product(RATES, RATES)))
    for value in known:
        states[:, 0] += rates[:, 0] * (float(value > 0) - states[:, 0])
        if value > 0:
            states[:, 1] += rates[:, 1] * (value - states[:, 1])
    return float((states[:, 0] * states[:, 1]).mean())


def demand_quantiles(values: Array, shares: Array) -> Array:
    """Quantiles of what came of late, one for each share."""
    known = values[np.isfinite(values)][-RECENT:]
    return np.quantile(known, shares, method="inverted_cdf")
