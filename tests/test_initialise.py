"""First values are Keras's: Glorot for inputs, orthogonal for the hidden state, zeros, and one for the forget gate."""

from __future__ import annotations

import math

import numpy as np
import pytest

from latchwork.core.errors import InputError
from latchwork.core.spec import (
    GRU,
    LSTM,
    Bidirectional,
    CoupledLSTM,
    Dense,
    Embedding,
    LayerNorm,
    PeepholeLSTM,
    Sequential,
)
from latchwork.core.table import initial_parameters


def first(*layers, features: int = 40, seed: int = 0) -> dict[str, np.ndarray]:
    return initial_parameters(Sequential(layers, input_shape=(None, features)), seed)


@pytest.mark.parametrize(("layer", "gates"), [(LSTM(50), 4), (GRU(50), 3), (CoupledLSTM(50), 3), (PeepholeLSTM(50), 4)])
def test_recurrent_layers(layer, gates: int):
    found = first(layer)
    weight, hidden = found["layers.0.input_weight"], found["layers.0.hidden_weight"]
    limit = math.sqrt(6 / (40 + gates * 50))  # Keras's: over the gates together, not gate by gate
    assert 0.99 * limit < abs(weight).max() <= limit
    assert weight.std() == pytest.approx(limit / math.sqrt(3), rel=0.03)
    np.testing.assert_allclose(hidden @ hidden.T, np.eye(50), atol=1e-5)
    assert all(array.dtype == np.float32 for array in found.values())


def test_biases_open_the_forget_gate_and_nothing_else():
    np.testing.assert_array_equal(first(LSTM(2))["layers.0.bias"], [0, 0, 1, 1, 0, 0, 0, 0])  # i, f, g, o
    np.testing.assert_array_equal(first(CoupledLSTM(2))["layers.0.bias"], [1, 1, 0, 0, 0, 0])  # f, g, o
    peephole = first(PeepholeLSTM(2))
    np.testing.assert_array_equal(peephole["layers.0.bias"], [0, 0, 1, 1, 0, 0, 0, 0])
    assert not any(peephole[f"layers.0.{gate}_peephole"].any() for gate in ("input", "forget", "output"))
    gru = first(GRU(2))
    assert not gru["layers.0.input_bias"].any() and not gru["layers.0.hidden_bias"].any()


def test_other_layers():
    found = first(LayerNorm(), Dense(60))
    np.testing.assert_array_equal(found["layers.0.scale"], np.ones(40))
    np.testing.assert_array_equal(found["layers.0.offset"], np.zeros(40))
    assert 0.97 * math.sqrt(6 / 100) < abs(found["layers.1.weight"]).max() <= math.sqrt(6 / 100)
    assert not found["layers.1.bias"].any()
    tokens = initial_parameters(Sequential([Embedding(200, 20)], input_shape=(None,)), 0)["layers.0.weight"]
    assert 0.049 < abs(tokens).max() <= 0.05


def test_a_head_may_begin_with_zeros():
    head = Dense(7, zeros=True)
    assert not any(array.any() for array in first(head).values())
    network = Sequential([LSTM(3), head], input_shape=(None, 2))
    assert repr(head) == "Dense(7, zeros=True)" and Sequential.from_dict(network.to_dict()) == network
    assert "zeros" not in Dense(7).to_dict()
    with pytest.raises(InputError, match="zeros is True or False, got 'yes'"):
        Dense(7, zeros="yes")  # pyright: ignore[reportArgumentType]


def test_both_directions_start_differently():
    found = first(Bidirectional(LSTM(5)))
    for name in ("input_weight", "hidden_weight"):
        assert not np.array_equal(found[f"layers.0.forward.{name}"], found[f"layers.0.backward.{name}"])
    np.testing.assert_array_equal(found["layers.0.forward.bias"], found["layers.0.backward.bias"])


def test_the_seed_decides_and_layers_differ():
    one, again, other = first(GRU(5)), first(GRU(5)), first(GRU(5), seed=1)
    assert all(np.array_equal(one[name], again[name]) for name in one)
    assert not np.array_equal(one["layers.0.input_weight"], other["layers.0.input_weight"])
    two = first(Dense(40), Dense(40))
    assert not np.array_equal(two["layers.0.weight"], two["layers.1.weight"])
    longer = first(GRU(5, return_sequences=True), Dense(2))  # a layer's values do not depend on those after it
    np.testing.assert_array_equal(one["layers.0.input_weight"], longer["layers.0.input_weight"])
