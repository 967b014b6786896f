"""What each layer without a cell computes, once for arrays of NumPy and JAX; layers with a cell are `core.cells`.

A function takes the layer's description, its arrays by name and a batch; `lengths` where sequences differ in length.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from latchwork.core import spec
from latchwork.core.arrays import namespace, relu, sigmoid, tanh
from latchwork.core.errors import InputError
from latchwork.core.shapes import Array, Float, Int

Arrays = Mapping[str, Array]
Lengths = Int[Array, " batch"] | None

ACTIVATIONS: Mapping[str | None, Callable[[Array], Array]] = {
    None: lambda total: total,
    "tanh": tanh,
    "relu": relu,
    "sigmoid": sigmoid,
}


def embedding(layer: spec.Embedding, arrays: Arrays, inputs: Int[Array, "*batch"]) -> Float[Array, "*batch units"]:
    """A row of `weight` for each token number."""
    del layer
    return arrays["weight"][inputs]


def dense(layer: spec.Dense, arrays: Arrays, inputs: Float[Array, "*batch features"]) -> Float[Array, "*batch units"]:
    """activation(x W + b) on the last axis."""
    return ACTIVATIONS[layer.activation](inputs @ arrays["weight"] + arrays["bias"])


def layer_norm(
    layer: spec.LayerNorm, arrays: Arrays, inputs: Float[Array, "*batch features"]
) -> Float[Array, "*batch features"]:
    """Each vector with mean 0 and variance 1, then scaled and shifted."""
    centred = inputs - inputs.mean(axis=-1, keepdims=True)
    variance = (centred * centred).mean(axis=-1, keepdims=True)
    root = namespace(inputs).sqrt(variance + layer.epsilon)
    return centred / root * arrays["scale"] + arrays["offset"]


def unchanged(layer: spec.Layer, arrays: Arrays, inputs: Array) -> Array:
    """The inputs: what a layer does that works while training alone."""
    del layer, arrays
    return inputs


def _softmax(inputs: Array) -> Array:
    xp = namespace(inputs)
    largest = xp.take_along_axis(inputs, inputs.argmax(axis=-1)[..., None], axis=-1)
    powers = xp.exp(inputs - largest)
    return powers / powers.sum(axis=-1, keepdims=True)


def _elu(inputs: Array) -> Array:
    xp = namespace(inputs)
    return xp.where(inputs > 0, inputs, xp.exp(xp.minimum(inputs, 0)) - 1)


SELU_SCALE, SELU_SLOPE = 1.05070098735548, 1.67326324235438  # Klambauer et al. (2017)


def _selu(inputs: Array) -> Array:
    xp = namespace(inputs)
    return SELU_SCALE * xp.where(inputs > 0, inputs, SELU_SLOPE * (xp.exp(xp.minimum(inputs, 0)) - 1))


FUNCTIONS: Mapping[str, Callable[[Array], Array]] = {
    "tanh": tanh,
    "relu": relu,
    "sigmoid": sigmoid,
    "softmax": _softmax,
    "elu": _elu,
    "selu": _selu,
    "softplus": lambda x: namespace(x).logaddexp(x, 0 * x),
    "softsign": lambda x: x / (1 + namespace(x).abs(x)),
    "silu": lambda x: x * sigmoid(x),
    "exponential": lambda x: namespace(x).exp(x),
}


def activation(
    layer: spec.Activation, arrays: Arrays, inputs: Float[Array, "*batch features"]
) -> Float[Array, "*batch features"]:
    """The function of each number, or of each vector."""
    del arrays
    return FUNCTIONS[layer.function](inputs)


def repeat_vector(
    layer: spec.RepeatVector, arrays: Arrays, inputs: Float[Array, "batch features"]
) -> Float[Array, "batch times features"]:
    """The vector at every step."""
    del arrays
    return inputs[:, None] + namespace(inputs).zeros((1, layer.times, 1), inputs.dtype)


def flatten(
    layer: spec.Flatten, arrays: Arrays, inputs: Float[Array, "batch time features"]
) -> Float[Array, "batch flat"]:
    """Step after step."""
    del arrays
    batch, time, features = inputs.shape
    if time != layer.steps:
        raise InputError(f"{layer!r} takes sequences of {layer.steps} steps, got {time}")
    return inputs.reshape(batch, time * features)


def convolution(
    layer: spec.Conv1D, arrays: Arrays, inputs: Float[Array, "batch time features"], lengths: Lengths = None
) -> Float[Array, "batch time units"]:
    """Every step's neighbours side by side, times the weights; zeros outside of the sequence."""
    xp = namespace(inputs)
    batch, time, features = inputs.shape
    if lengths is not None:
        inputs = xp.where((xp.arange(time) < lengths[:, None])[:, :, None], inputs, 0)
    ends = [
        xp.zeros((batch, count, features), inputs.dtype) for count in (layer.before, layer.steps - 1 - layer.before)
    ]
    padded = xp.concatenate([ends[0], inputs, ends[1]], axis=1)
    windows = xp.concatenate([padded[:, at : at + time] for at in range(layer.steps)], axis=2)
    total = windows @ arrays["weight"].reshape(-1, layer.units) + arrays["bias"]
    return ACTIVATIONS[layer.activation](total)


def merged(how: str, one: Array, two: Array) -> Array:
    """The outputs of both ways of a `Bidirectional` as one."""
    match how:
        case "sum":
            return one + two
        case "mul":
            return one * two
        case "ave":
            return (one + two) * 0.5
        case _:
            return namespace(one).concatenate([one, two], axis=-1)


def pooling(
    layer: spec.Pooling, arrays: Arrays, inputs: Float[Array, "batch time features"], lengths: Lengths = None
) -> Float[Array, "batch pooled"]:
    """`[batch, features * kinds]` over the real steps."""
    del arrays
    xp = namespace(inputs)
    batch, time, _ = inputs.shape
    counts = xp.full((batch,), time) if lengths is None else lengths
    real = (xp.arange(time) < counts[:, None])[..., None]
    pooled: Mapping[str, Callable[[], Array]] = {
        "first": lambda: inputs[:, 0],
        "last": lambda: xp.take_along_axis(inputs, (counts - 1)[:, None, None], axis=1)[:, 0],
        "mean": lambda: xp.where(real, inputs, 0).sum(axis=1) / counts[:, None].astype(inputs.dtype),
        "max": lambda: _largest(inputs, real),
    }
    return xp.concatenate([pooled[kind]() for kind in layer.kinds], axis=-1)


def _largest(inputs: Float[Array, "batch time features"], real: Array) -> Float[Array, "batch features"]:
    """Each feature's largest value over the real steps, whose derivative goes to the first step that has it.

    Found by its place: the derivative of `max` looks for the value again, and misses it where XLA has computed the
    inputs a second time with other rounding.
    """
    xp = namespace(inputs)
    place = xp.where(real, inputs, -np.inf).argmax(axis=1)[:, None]
    return xp.where(xp.arange(inputs.shape[1])[:, None] == place, inputs, 0).sum(axis=1)


def ahead(
    layer: spec.Ahead,
    arrays: Arrays,
    inputs: Float[Array, "batch hidden"],
    known: Float[Array, "batch horizon features"],
) -> Float[Array, "batch horizon units"]:
    """activation(h W + s S + b) at every step ahead."""
    rows = known.reshape(-1, known.shape[-1]) @ arrays["ahead_weight"]  # one product, not one a row
    steps = rows.reshape(*known.shape[:-1], -1)
    return ACTIVATIONS[layer.activation]((inputs @ arrays["weight"])[:, None] + steps + arrays["bias"])


@dataclass(frozen=True)
class PoolingState:
    """What `Pooling` has seen so far: a number of steps, and of them `[batch, features]`."""

    steps: int
    first: Array
    total: Array
    largest: Array


def pooling_start(layer: spec.Pooling, shape: spec.Shape, batch: int) -> PoolingState:
    """Nothing seen yet."""
    del layer
    zeros = np.zeros((batch, shape[-1] or 0), np.float32)
    return PoolingState(0, zeros, zeros, zeros - np.inf)


def pooling_step(
    layer: spec.Pooling, arrays: Arrays, inputs: Float[Array, "batch features"], state: PoolingState
) -> tuple[Float[Array, "batch pooled"], PoolingState]:
    """What pooling would give were this the last step, and what it has seen after it."""
    del arrays
    xp: Any = namespace(inputs)
    after = PoolingState(
        state.steps + 1,
        state.first if state.steps else inputs,
        state.total + inputs,
        xp.maximum(state.largest, inputs),
    )
    seen = {
        "first": after.first,
        "last": inputs,
        "mean": after.total / np.float32(after.steps),
        "max": after.largest,
    }
    return xp.concatenate([seen[kind] for kind in layer.kinds], axis=-1), after
