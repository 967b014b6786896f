"""How far sequences are from each other: step by step (Euclid's), or after warping time within a window."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

PAIRS = 1 << 14  # compared at a time: what is kept of them stays in the processor's cache
CELL_SECONDS = 6e-9  # of one cell of one pair, about, on one core


def resampled(inputs: NDArray[Any], lengths: NDArray[Any] | None, steps: int) -> NDArray[np.float32]:
    """Each sequence stretched or squeezed to so many steps, by straight lines between its own."""
    if lengths is None and inputs.shape[1] == steps:
        return inputs.astype(np.float32, copy=False)
    found = np.empty((len(inputs), steps, inputs.shape[2]), np.float32)
    for row, sequence in enumerate(inputs):
        real = sequence if lengths is None else sequence[: int(lengths[row])]
        at = np.linspace(0, len(real) - 1, steps)
        for feature in range(inputs.shape[2]):
            found[row, :, feature] = np.interp(at, np.arange(len(real)), real[:, feature])
    return found


def euclidean(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float32]:
    """Squared distances `[len(a), len(b)]` of `[n, time, features]`."""
    a, b = a.reshape(len(a), -1), b.reshape(len(b), -1)
    squares = np.einsum("nf,nf->n", a, a)[:, None] + np.einsum("nf,nf->n", b, b)
    return np.maximum(squares - 2 * (a @ b.T), 0)


def warped(a: NDArray[np.float32], b: NDArray[np.float32], window: int) -> NDArray[np.float32]:
    """Dynamic time warping: the smallest sum of squared differences over paths that stay `window` steps from even pace.

    Args:
        a, b: `[n, time, features]`, of one length; features are warped together.
        window: steps that a path may be off.

    Returns:
        `[len(a), len(b)]`.

    Example:
        >>> a, b = np.eye(6, dtype=np.float32)[[1, 2]][..., None]
        >>> float(warped(a[None], b[None], 1)[0, 0]), float(euclidean(a[None], b[None])[0, 0])
        (0.0, 2.0)
    """
    rows = max(1, PAIRS // len(b))
    return np.concatenate([_warped(a[first : first + rows], b, window) for first in range(0, len(a), rows)])


def warped_seconds(pairs: float, steps: int, window: int, features: int) -> float:
    """About how long `warped` takes."""
    return pairs * steps * (2 * window + 1) * (1 + features) / 2 * CELL_SECONDS


def _warped(a: NDArray[np.float32], b: NDArray[np.float32], window: int) -> NDArray[np.float32]:
    steps = a.shape[1]
    infinite = np.full((len(a), len(b)), np.inf, np.float32)
    before = [infinite] * (steps + 1)
    before[0] = np.zeros_like(infinite)
    for i in range(steps):
        now = [infinite] * (steps + 1)
        for j in range(max(0, i - window), min(steps, i + window + 1)):
            cost = np.square(a[:, None, i] - b[None, :, j]).sum(axis=-1)
            cost += np.minimum(np.minimum(before[j], before[j + 1]), now[j])
            now[j + 1] = cost
        before = now
    return before[steps]
