"""Equations are written once, over whatever library their arrays come from."""

from __future__ import annotations

from typing import Any

import numpy as np


def namespace(array: Any) -> Any:
    """The library that an array belongs to: NumPy, or `jax.numpy` for arrays that JAX holds or traces.

    Example:
        >>> namespace(np.ones(3)) is np
        True
    """
    if isinstance(array, np.ndarray | np.generic):
        return np
    return array.__array_namespace__()


def sigmoid(total: Any) -> Any:
    """1 / (1 + exp(-x)) by the hyperbolic tangent, which no x overflows."""
    return 0.5 * namespace(total).tanh(0.5 * total) + 0.5
