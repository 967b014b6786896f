"""Conv1D: the equation in loops beside NumPy, JAX and the kernels; lengths, gradients, and what it cannot do."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from marks import needs_kernels

from latchwork.core.errors import InputError
from latchwork.core.network import NetworkData
from latchwork.core.spec import Conv1D, Dense, Pooling, Sequential, layer_from_dict
from latchwork.engines.jax.network import Network
from latchwork.engines.native import program
from latchwork.engines.plain.gradient import gradient
from latchwork.engines.plain.server import PlainServer

LAYERS = [
    Conv1D(4, 1), Conv1D(5, 2), Conv1D(17, 3, activation="relu"), Conv1D(4, 8, "causal", "tanh"), Conv1D(3, 12, "same"),
]  # fmt: skip
BATCH, TIME, FEATURES = 6, 9, 3
RNG = np.random.default_rng(0)
INPUTS = RNG.normal(size=(BATCH, TIME, FEATURES)).astype(np.float32)
LENGTHS = np.array([9, 1, 4, 8, 9, 2], np.int32)


def in_loops(layer: Conv1D, arrays: Any, inputs: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """The equation, number by number, in float64."""
    weight, bias = arrays["layers.0.weight"].astype(np.float64), arrays["layers.0.bias"].astype(np.float64)
    found = np.tile(bias, (*inputs.shape[:2], 1))
    for row, length in enumerate(lengths):
        for step in range(inputs.shape[1]):
            for k in range(layer.steps):
                seen = step - layer.before + k
                if 0 <= seen < length:
                    found[row, step] += inputs[row, seen] @ weight[k]
    return {"relu": lambda x: np.maximum(x, 0), "tanh": np.tanh, None: lambda x: x}[layer.activation](found)


def network_of(layer: Conv1D, *more: Any) -> NetworkData:
    data = NetworkData.build(Sequential([layer, *more]), (TIME, FEATURES), seed=1)
    bias = {"layers.0.bias": RNG.normal(size=layer.units).astype(np.float32)}
    return NetworkData(data.spec, {**data.parameters, **bias})


@needs_kernels
@pytest.mark.parametrize("layer", LAYERS, ids=repr)
@pytest.mark.parametrize("ragged", [False, True])
def test_every_engine_computes_the_equation(layer: Conv1D, ragged: bool):
    data = network_of(layer)
    lengths = LENGTHS if ragged else np.full(BATCH, TIME)
    expected = in_loops(layer, data.parameters, INPUTS, lengths)
    given = LENGTHS if ragged else None
    of_jax = Network.from_data(data)(jnp.asarray(INPUTS), None if given is None else jnp.asarray(given))
    for found in (
        PlainServer(data.spec, data.parameters).run(INPUTS, given),
        program.serve(data.spec, data.parameters).run(INPUTS, given),
        of_jax,
    ):
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=2e-6)


@needs_kernels
@pytest.mark.parametrize("layer", LAYERS, ids=repr)
def test_the_gradient_by_the_inputs(layer: Conv1D):
    """What lies past a length has none."""
    data = network_of(layer, Dense(4), Conv1D(6, 3), Pooling("mean"))
    by = RNG.normal(size=(BATCH, 6)).astype(np.float32)
    outputs, found = program.gradient(data.spec, data.parameters, INPUTS, by, LENGTHS)
    expected, slopes = gradient(data.spec, data.parameters, INPUTS.astype(np.float64), by, LENGTHS)
    np.testing.assert_allclose(outputs, expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found, slopes, rtol=1e-4, atol=1e-5)
    assert not found[1, 1:].any() and np.abs(found[1, 0]).max() > 0


@needs_kernels
def test_large_batches_answer_as_small_ones():
    data = network_of(Conv1D(40, 8, activation="relu"), Pooling("max"), Dense(3))
    served = program.serve(data.spec, data.parameters)
    inputs = RNG.normal(size=(700, TIME, FEATURES)).astype(np.float32)
    np.testing.assert_allclose(served.run(inputs)[:5], served.run(inputs[:5]), rtol=1e-5, atol=1e-6)


@needs_kernels
def test_what_cannot_be_is_said():
    data = network_of(Conv1D(4, 3), Pooling("mean"))
    for served in (program.serve(data.spec, data.parameters), PlainServer(data.spec, data.parameters)):
        with pytest.raises(InputError, match=r"Conv1D.* whole sequences: it cannot go step by step"):
            served.initial_state(1)
    with pytest.raises(InputError, match="padding must be one of"):
        Conv1D(4, 3, "valid")  # pyright: ignore[reportArgumentType]
    with pytest.raises(InputError, match="takes sequences"):
        Sequential([Conv1D(4, 3)], input_shape=(3,))
    assert layer_from_dict(LAYERS[3].to_dict()) == LAYERS[3]


def test_first_values_are_keras_s():
    weight = NetworkData.build(Sequential([Conv1D(50, 5)]), (None, 30), 0).parameters["layers.0.weight"]
    limit = np.sqrt(6 / (5 * (30 + 50)))
    assert 0.99 * limit < abs(weight).max() <= limit
