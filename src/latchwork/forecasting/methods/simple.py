"""Naive and drift exactly as textbooks have them, the statistical methods one by one, and all of them combined."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from latchwork.forecasting.methods.method import Learned, Method, continuing
from latchwork.forecasting.methods.origins import Origins
from latchwork.transforms.bases import METHODS
from latchwork.transforms.working import Array


def last_value(rows: Origins) -> Array:
    """The last known value, at every step."""
    return np.repeat(rows.last[:, None], rows.horizon, axis=1)


def straight_on(rows: Origins) -> Array:
    """The line through the first and the last known value."""
    pasts, last = rows.pasts, rows.last
    first = np.array([past[np.flatnonzero(np.isfinite(past))[0]] for past in pasts])
    # halves, so that 1e300 and -1e300 do not overflow
    slope = (last / 2 - first / 2) / np.array([max(1, len(past) - 1) for past in pasts]) * 2
    return np.repeat(last[:, None], rows.horizon, axis=1) + slope[:, None] * np.arange(1, rows.horizon + 1)


def statistical(name: str, readable: str, method: str) -> Method:
    """One of the methods of `transforms.bases`, all of which were run where the rows were made."""
    return continuing(name, readable, lambda rows: rows.answers.method(method), statistical=method)


def combination(name: str, readable: str) -> Method:
    """All of them, weighed by the pretrained combiner."""

    def shares(end: Origins, learned: Learned) -> Mapping[str, Array]:
        del learned
        return dict(zip(METHODS, end.answers.combined.weights.mean(axis=2).T, strict=True))

    return continuing(name, readable, lambda rows: rows.answers.centre, ours=True, shares=shares)
