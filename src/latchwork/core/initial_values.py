"""First values of a network's parameters, in NumPy: eager JAX would compile every little operation.

Keras's defaults, so that the same hyperparameters mean the same thing: Glorot uniform for what meets the inputs,
orthogonal for what meets the hidden state, zeros for biases but one for the forget gate (Jozefowicz et al., 2015).
Which of them a layer's arrays begin with is in its row of `core.table`.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from latchwork.core import spec

Float32Array = NDArray[np.float32]
Size = tuple[int, ...]

LARGEST_BY_HAND = 128  # columns; beyond, LAPACK is quicker even where its threads have to wait


def glorot_uniform(size: Size, rng: np.random.Generator) -> Float32Array:
    """Uniform with variance 2 / (fan in + fan out) (Glorot & Bengio, 2010)."""
    limit = math.sqrt(6 / sum(size))
    return rng.uniform(-limit, limit, size).astype(np.float32)


def orthogonal(size: Size, rng: np.random.Generator) -> Float32Array:
    """A matrix with orthonormal rows, or columns where it is tall (Saxe et al., 2014)."""
    rows, columns = size
    drawn = rng.standard_normal((max(size), min(size)))
    if min(size) <= LARGEST_BY_HAND:
        q = _orthonormal(_orthonormal(drawn.T)).T
    else:
        q, r = np.linalg.qr(drawn)
        q *= np.sign(np.diag(r))  # makes the draw uniform over the orthogonal matrices
    return (q if rows >= columns else q.T).astype(np.float32)


def _orthonormal(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """The rows made orthonormal, each freed of those before it (Gram and Schmidt; done twice it is exact to rounding).

    It is what LAPACK's QR gives where the diagonal of R is positive, by products that start no thread: on a busy
    machine BLAS's threads wait for each other for longer than a matrix this small takes.
    """
    rows = rows.copy()
    for place, row in enumerate(rows):
        rows[place] /= np.sqrt(np.einsum("i,i->", row, row))
        rows[place + 1 :] -= np.multiply.outer(np.einsum("ki,i->k", rows[place + 1 :], row), row)
    return rows


def of_cell(layer: spec.Recurrent, name: str, size: Size, rng: np.random.Generator) -> Float32Array:
    """A cell's arrays: its input weights, hidden weights and biases."""
    match name:
        case "input_weight":
            return glorot_uniform(size, rng)
        case "hidden_weight":
            head = (size[0] // layer.heads, size[1])
            return np.concatenate([orthogonal(head, rng) for _ in range(layer.heads)])
        case "bias":
            return np.repeat([np.float32(gate == "forget") for gate in layer.gates], layer.units)
        case _:
            return np.zeros(size, np.float32)


def of_weights(layer: spec.Layer, name: str, size: Size, rng: np.random.Generator) -> Float32Array:
    """A layer of weights and a bias."""
    del layer
    return glorot_uniform(size, rng) if name.endswith("weight") else np.zeros(size, np.float32)


def of_dense(layer: spec.Dense, name: str, size: Size, rng: np.random.Generator) -> Float32Array:
    """As a layer of weights and a bias, or all zeros where it says so."""
    return np.zeros(size, np.float32) if layer.zeros else of_weights(layer, name, size, rng)


def of_convolution(layer: spec.Conv1D, name: str, size: Size, rng: np.random.Generator) -> Float32Array:
    """Glorot uniform; what flows in and out are all the steps that it sees, as in Keras."""
    if name == "bias":
        return np.zeros(size, np.float32)
    limit = math.sqrt(6 / (layer.steps * (size[1] + size[2])))
    return rng.uniform(-limit, limit, size).astype(np.float32)


def of_embedding(layer: spec.Layer, name: str, size: Size, rng: np.random.Generator) -> Float32Array:
    """Small vectors, as in Keras."""
    del layer, name
    return rng.uniform(-0.05, 0.05, size).astype(np.float32)


def of_norm(layer: spec.Layer, name: str, size: Size, rng: np.random.Generator) -> Float32Array:
    """Scales of one, offsets of zero."""
    del layer, rng
    return np.full(size, name == "scale", np.float32)
