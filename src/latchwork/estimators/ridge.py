"""Ridge regression whose strength is chosen by leaving out each row once, in closed form."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

STRENGTHS = np.logspace(-2, 4, 13)
Float64 = NDArray[np.float64]


class Ridge(NamedTuple):
    """`features @ weight + intercept`, and what each training row had from a fit without it.

    Attributes:
        weight: `[columns, outputs]`.
        intercept: `[outputs]`.
        left_out: `[rows, outputs]`.
        strength: of the penalty, on standardised columns.
    """

    weight: NDArray[np.float32]
    intercept: NDArray[np.float32]
    left_out: Float64
    strength: float


def fit_ridge(features: NDArray[np.floating], targets: NDArray[np.floating]) -> Ridge:
    """The ridge regression with the smallest squared error of rows left out.

    Args:
        features: `[rows, columns]`, in any units; columns that never change have no weight.
        targets: `[rows, outputs]`.
    """
    features = features.astype(np.float64)
    centre, spread = features.mean(axis=0), features.std(axis=0)
    spread = np.where(spread > 1e-9, spread, np.inf)
    x, mean = (features - centre) / spread, targets.mean(axis=0)
    y = targets - mean
    rows, columns = x.shape
    tall = columns < rows
    values, vectors = np.linalg.eigh(x.T @ x if tall else x @ x.T)
    values = np.maximum(values, 0)
    scores = x @ vectors if tall else vectors * np.sqrt(values)  # of each row on the main axes
    # On the axes, the fit of a strength and the weight that each row has in its own fit are sums.
    along = scores.T @ y
    best: tuple[float, float, Float64] | None = None
    for strength in STRENGTHS:
        shrunk = np.divide(1, values + strength)
        leverage = 1 / rows + (scores**2) @ shrunk
        error = (y - scores @ (along * shrunk[:, None])) / np.maximum(1 - leverage, 1e-9)[:, None]
        loss = float((error**2).mean())
        if best is None or loss < best[0]:
            best = loss, float(strength), error
    assert best is not None
    _, strength, error = best
    solved = along / (values + strength)[:, None]
    weight = vectors @ solved if tall else x.T @ (vectors @ (solved / np.sqrt(np.maximum(values, 1e-12))[:, None]))
    weight = weight / spread[:, None]
    intercept = mean - centre @ weight
    return Ridge(weight.astype(np.float32), intercept.astype(np.float32), targets - error, strength)
