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


def tanh(total: Any) -> Any:
    """The hyperbolic tangent."""
    return namespace(total).tanh(total)


def relu(total: Any) -> Any:
    """The number itself, and zero in place of what is below."""
    return namespace(total).where(total <= 0, 0, total)  # at zero the derivative is 0, where `maximum` has a half


def head_product(hidden: Any, weight: Any, heads: int, gates: int) -> Any:
    """h U for a matrix U that is block-diagonal in each gate: memories mix within their head alone.

    Args:
        hidden: `[*batch, units]`.
        weight: `[units, gates * units / heads]`, without the zeros: a row's columns are those of its own head, gate by
            gate.
        heads: how many blocks a gate has.
        gates: how many gates.

    Returns:
        `[*batch, gates * units]`, gate by gate.
    """
    if heads == 1:
        return hidden @ weight
    *batch, units = hidden.shape
    size = units // heads
    by_head = hidden.reshape(*batch, heads, 1, size) @ weight.reshape(heads, size, gates * size)
    by_gate = namespace(hidden).moveaxis(by_head.reshape(*batch, heads, gates, size), -2, -3)
    return by_gate.reshape(*batch, gates * units)


def split(total: Any, parts: int) -> Any:
    """The last axis in so many equal parts."""
    return namespace(total).split(total, parts, axis=-1)
