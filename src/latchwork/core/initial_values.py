"""First values of a network's parameters, in NumPy: eager JAX would compile every little operation.

Keras's defaults, so that the same hyperparameters mean the same thing: Glorot uniform for what meets the inputs,
orthogonal for what meets the hidden state, zeros for biases but one for the forget gate (Jozefowicz et al., 2015).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from latchwork.core import spec

Float32Array = NDArray[np.float32]


def initial_parameters(network: spec.Sequential, seed: int) -> dict[str, Float32Array]:
    """Every parameter by name (`layers.0.input_weight`), drawn from `seed`.

    Example:
        >>> network = spec.Sequential([spec.LSTM(3)], input_shape=(None, 2))
        >>> initial_parameters(network, seed=0)["layers.0.bias"]
        array([0., 0., 0., 1., 1., 1., 0., 0., 0., 0., 0., 0.], dtype=float32)
    """
    parameters: dict[str, Float32Array] = {}
    for index, (layer, shape) in enumerate(zip(network.layers, network.shapes(), strict=False)):
        rng = np.random.default_rng([seed, index])
        for name, size in layer.parameter_shapes(shape).items():
            parameters[f"layers.{index}.{name}"] = _first_value(layer, name, size, rng)
    return parameters


def _first_value(layer: spec.Layer, name: str, size: tuple[int, ...], rng: np.random.Generator) -> Float32Array:
    if isinstance(layer, spec.Bidirectional):
        return _first_value(layer.layer, name.partition(".")[2], size, rng)
    match layer, name:
        case _, "input_weight":
            return _glorot_uniform(size, rng)
        case _, "hidden_weight":
            return _orthogonal(size, rng)
        case spec.Recurrent(), "bias":
            return np.repeat([np.float32(gate == "forget") for gate in layer.gates], layer.units)
        case spec.Dense(), "weight":
            return _glorot_uniform(size, rng)
        case spec.Embedding(), "weight":
            return rng.uniform(-0.05, 0.05, size).astype(np.float32)
        case spec.LayerNorm(), "scale":
            return np.ones(size, np.float32)
        case _:
            return np.zeros(size, np.float32)


def _glorot_uniform(size: tuple[int, ...], rng: np.random.Generator) -> Float32Array:
    """Uniform with variance 2 / (fan in + fan out) (Glorot & Bengio, 2010)."""
    limit = math.sqrt(6 / sum(size))
    return rng.uniform(-limit, limit, size).astype(np.float32)


def _orthogonal(size: tuple[int, ...], rng: np.random.Generator) -> Float32Array:
    """A matrix with orthonormal rows, or columns where it is tall (Saxe et al., 2014)."""
    rows, columns = size
    q, r = np.linalg.qr(rng.standard_normal((max(size), min(size))))
    q *= np.sign(np.diag(r))  # makes the draw uniform over the orthogonal matrices
    return (q if rows >= columns else q.T).astype(np.float32)
