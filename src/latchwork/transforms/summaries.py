"""A sequence in a few numbers for each feature: level, spread, ends, trend, roughness."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

NAMES = ("mean", "spread", "lowest", "highest", "first", "last", "slope", "roughness", "quarter", "three quarters")


def summaries(inputs: NDArray[Any], lengths: NDArray[Any] | None = None) -> NDArray[np.float32]:
    """`NAMES` of each feature over the real steps, and the logarithm of the length where lengths are given.

    Args:
        inputs: `[batch, time, features]`.
        lengths: real steps of each row, or None.

    Returns:
        `[batch, features * len(NAMES)]`, one column more with lengths.

    Example:
        >>> rows = summaries(np.arange(6.0).reshape(1, 6, 1))
        >>> dict(zip(NAMES, rows[0].round(2).tolist()))["slope"]
        1.0
    """
    if lengths is None:
        return np.concatenate([*_of_equal(inputs.astype(np.float64))], axis=1).astype(np.float32)
    found = np.empty((len(inputs), inputs.shape[2] * len(NAMES) + 1), np.float32)
    for steps in np.unique(lengths):
        rows = np.flatnonzero(lengths == steps)
        columns = _of_equal(inputs[rows, :steps].astype(np.float64))
        found[rows] = np.concatenate([*columns, np.full((len(rows), 1), np.log(steps))], axis=1)
    return found


def _of_equal(x: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """Each of `NAMES`, `[batch, features]`."""
    steps = x.shape[1]
    at = np.arange(steps) - (steps - 1) / 2
    slope = np.einsum("t,btf->bf", at, x) / max(float((at**2).sum()), 1e-12)
    changes = np.abs(np.diff(x, axis=1)).mean(axis=1) if steps > 1 else np.zeros_like(slope)
    low, high = np.quantile(x, (0.25, 0.75), axis=1)
    return [
        x.mean(axis=1), x.std(axis=1), x.min(axis=1), x.max(axis=1), x[:, 0], x[:, -1], slope, changes, low, high,
    ]  # fmt: skip
