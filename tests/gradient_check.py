"""Derivatives by central differences, to compare a claimed gradient with; in float64."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

STEP = 1e-5  # its square is the error of a central difference, its inverse times 1e-16 that of rounding


def numeric_gradient(function: Callable[[Any], Any], at: Any) -> Any:
    """The gradient of a scalar function of any tree of float64 arrays, one coordinate at a time."""
    flat, rebuild = ravel_pytree(at)
    assert flat.dtype == jnp.float64, "differences need float64"
    values = jax.jit(jax.vmap(lambda vector: function(rebuild(vector))))
    moves = STEP * np.eye(flat.size)
    return rebuild((values(flat + moves) - values(flat - moves)) / (2 * STEP))


def assert_gradient(claimed: Any, function: Callable[[Any], Any], at: Any, tolerance: float = 1e-7) -> None:
    """Fail unless every coordinate of the claimed gradient is within `tolerance` (relative above 1, else absolute)."""
    expected, _ = ravel_pytree(numeric_gradient(function, at))
    found, _ = ravel_pytree(claimed)
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)
