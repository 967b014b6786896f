"""Scores as probabilities, over whatever library their arrays come from."""

from __future__ import annotations

from typing import Any

from latchwork.core.arrays import namespace


def softmax(scores: Any) -> Any:
    """exp(x) / sum(exp(x)) over the last axis, of the scores' own type.

    Example:
        >>> softmax(np.zeros((1, 4), np.float32))
        array([[0.25, 0.25, 0.25, 0.25]], dtype=float32)
    """
    exponentials = namespace(scores).exp(scores - scores.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


def log_softmax(scores: Any) -> Any:
    """The logarithm of `softmax`, in nats, which no score overflows."""
    shifted = scores - scores.max(axis=-1, keepdims=True)
    xp = namespace(scores)
    return shifted - xp.log(xp.exp(shifted).sum(axis=-1, keepdims=True))
