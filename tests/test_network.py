"""Layers and networks: each against its formula in NumPy, ragged batches against one sequence at a time."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from latchwork.core.errors import InputError
from latchwork.core.spec import (
    GRU,
    LSTM,
    Bidirectional,
    CoupledLSTM,
    Dense,
    Dropout,
    Embedding,
    Layer,
    LayerNorm,
    PeepholeLSTM,
    Pooling,
    Sequential,
    SimpleRNN,
)
from latchwork.engines.jax.layers import Constant, DropoutLayer, drop_mask
from latchwork.engines.jax.network import Network, split_parameters

BATCH, TIME, FEATURES = 3, 5, 4
LENGTHS = np.array([5, 1, 3], np.int32)
INPUTS = np.random.default_rng(0).normal(size=(BATCH, TIME, FEATURES)).astype(np.float32)


def build(*layers: Layer, shape: tuple[int | None, ...] = (TIME, FEATURES), seed: int = 0) -> Network:
    network = Network.build(Sequential(layers), shape, seed)
    rng = np.random.default_rng(seed + 1)  # first values leave biases at zero, which would hide mistakes
    moved = {name: value + rng.normal(0, 0.3, value.shape) for name, value in network.parameters().items()}
    return Network.from_parameters(network.spec, {name: value.astype(np.float32) for name, value in moved.items()})


def call(network: Network, inputs: Any = INPUTS, lengths: Any = None, **options: Any) -> np.ndarray:
    return np.asarray(network(jnp.asarray(inputs), None if lengths is None else jnp.asarray(lengths), **options))


EVERY = [
    [LSTM(3)],
    [GRU(3, return_sequences=True)],
    [SimpleRNN(3, activation="relu"), Dense(2, "tanh")],
    [Bidirectional(PeepholeLSTM(3, return_sequences=True)), LayerNorm(), Pooling(("first", "last", "mean", "max"))],
    [CoupledLSTM(3, return_sequences=True, reverse=True), Dropout(0.5), Bidirectional(GRU(2))],
]


@pytest.mark.parametrize("layers", EVERY, ids=repr)
def test_shapes_are_those_that_the_spec_says_and_arrays_come_back(layers: list[Layer]):
    network = build(*layers)
    assert call(network).shape == (BATCH, *network.spec.output_shape())
    parameters = network.parameters()
    assert {name: array.shape for name, array in parameters.items()} == network.spec.parameter_shapes()
    again = Network.from_parameters(network.spec, parameters)
    np.testing.assert_array_equal(call(again), call(network))
    learned, rest = split_parameters(network)
    assert sum(leaf.size for leaf in jax.tree.leaves(learned)) == network.spec.parameter_count()
    assert all(leaf.ndim == 0 for leaf in jax.tree.leaves(rest))  # rates alone


@pytest.mark.parametrize("layers", EVERY, ids=repr)
def test_ragged_batches_are_one_sequence_at_a_time(layers: list[Layer]):
    network = build(*layers, shape=(None, FEATURES))
    poisoned = np.where(np.arange(TIME)[:, None] < LENGTHS[:, None, None], INPUTS, 7.0).astype(np.float32)
    together = call(network, poisoned, LENGTHS)
    for row, length in enumerate(LENGTHS):
        alone = call(network, INPUTS[row : row + 1, :length])[0]
        found = together[row, :length] if together.ndim == 3 else together[row]
        np.testing.assert_allclose(found, alone, rtol=1e-5, atol=1e-6)


def test_dense():
    for activation, function in {
        None: lambda x: x,
        "tanh": np.tanh,
        "relu": lambda x: np.maximum(x, 0),
        "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    }.items():
        network = build(Dense(3, activation))
        weight, bias = network.parameters().values()
        np.testing.assert_allclose(call(network), function(INPUTS @ weight + bias), rtol=1e-5, atol=1e-6)


def test_layer_norm():
    network = build(LayerNorm())
    scale, offset = network.parameters().values()
    inputs = INPUTS.astype(np.float64)
    normal = (inputs - inputs.mean(-1, keepdims=True)) / np.sqrt(inputs.var(-1, keepdims=True) + 1e-5)
    np.testing.assert_allclose(call(network), normal * scale + offset, rtol=1e-4, atol=1e-5)
    assert np.isfinite(call(network, np.full_like(INPUTS, 3.0))).all()


def test_embedding():
    network = build(Embedding(6, 3), shape=(None,))
    tokens = np.array([[0, 5], [3, 3]], np.int32)
    np.testing.assert_array_equal(call(network, tokens), network.parameters()["layers.0.weight"][tokens])


@pytest.mark.parametrize("lengths", [None, LENGTHS], ids=["whole", "ragged"])
def test_pooling(lengths: np.ndarray | None):
    found = call(build(Pooling(("first", "last", "mean", "max"))), INPUTS, lengths).reshape(BATCH, 4, FEATURES)
    for row, length in enumerate(LENGTHS if lengths is not None else [TIME] * BATCH):
        real = INPUTS[row, :length]
        np.testing.assert_allclose(found[row], [real[0], real[-1], real.mean(0), real.max(0)], rtol=1e-5, atol=1e-6)


def test_both_ways_are_two_layers_side_by_side():
    network = build(Bidirectional(LSTM(3, return_sequences=True)))
    arrays = network.parameters()
    for way, reverse, part in (("forward", False, np.s_[..., :3]), ("backward", True, np.s_[..., 3:])):
        spec = Sequential([LSTM(3, return_sequences=True, reverse=reverse)], input_shape=(TIME, FEATURES))
        own = {name.replace(f"{way}.", ""): array for name, array in arrays.items() if f".{way}." in name}
        one = Network.from_parameters(spec, own)
        np.testing.assert_array_equal(call(network, INPUTS, LENGTHS)[part], call(one, INPUTS, LENGTHS))


def test_reading_backwards_is_reading_the_turned_sequence():
    forward, backward = build(GRU(3, return_sequences=True)), build(GRU(3, return_sequences=True, reverse=True))
    backward = Network.from_parameters(backward.spec, forward.parameters())
    np.testing.assert_allclose(call(backward), call(forward, INPUTS[:, ::-1])[:, ::-1], rtol=1e-5, atol=1e-6)


def test_dropout_drops_its_share_and_keeps_the_mean():
    key = jax.random.key(0)
    layer = DropoutLayer(Constant(jnp.float32(0.3)))
    ones = jnp.ones((200, 500))
    dropped = np.asarray(layer(ones, None, key))
    assert set(np.unique(dropped).tolist()) == {0.0, np.float32(1 / 0.7)}
    assert (dropped == 0).mean() == pytest.approx(0.3, abs=0.01) and dropped.mean() == pytest.approx(1, abs=0.01)
    np.testing.assert_array_equal(layer(ones), ones)  # not without a key
    np.testing.assert_array_equal(drop_mask(key, Constant(jnp.float32(0)), (9, 9)), np.ones((9, 9)))


def test_recurrent_dropout_is_the_same_at_every_step():
    """With a state that is only carried, a unit is dropped at every step or at none."""
    spec = Sequential([SimpleRNN(64, return_sequences=True, recurrent_dropout=0.5)], input_shape=(4, 1))
    arrays = {
        "layers.0.input_weight": np.zeros((1, 64), np.float32),
        "layers.0.hidden_weight": np.eye(64, dtype=np.float32),
        "layers.0.bias": np.full(64, 0.1, np.float32),
    }
    found = call(Network.from_parameters(spec, arrays), np.zeros((2, 4, 1), np.float32), key=jax.random.key(1))
    dropped = np.isclose(found[:, 1:], np.tanh(0.1), rtol=1e-5)
    assert (dropped.all(axis=1) | ~dropped.any(axis=1)).all()
    assert 0.3 < dropped[:, 0].mean() < 0.7 and (dropped[0] != dropped[1]).any()


def test_input_dropout_is_the_same_at_every_step():
    layer = SimpleRNN(64, return_sequences=True, dropout=0.5, activation="relu")
    spec = Sequential([layer], input_shape=(4, 64))
    arrays = {
        "layers.0.input_weight": np.eye(64, dtype=np.float32),
        "layers.0.hidden_weight": np.zeros((64, 64), np.float32),
        "layers.0.bias": np.zeros(64, np.float32),
    }
    found = call(Network.from_parameters(spec, arrays), np.ones((2, 4, 64), np.float32), key=jax.random.key(1))
    assert set(np.unique(found).tolist()) == {0.0, 2.0}
    assert (found == found[:, :1]).all() and 0.3 < (found == 0).mean() < 0.7


def test_each_layer_draws_its_own():
    network = build(Dropout(0.5), Dropout(0.5))
    ones = np.ones((1, 100, FEATURES), np.float32)
    kept = (call(network, ones, key=jax.random.key(0)) != 0).mean()
    assert kept == pytest.approx(0.25, abs=0.08)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda arrays: arrays.pop("layers.0.bias"), "the parameter layers.0.bias is missing"),
        (lambda arrays: arrays.update({"layers.1.bias": np.zeros(2, np.float32)}), "belongs to no layer"),
        (lambda arrays: arrays.update({"layers.0.bias": np.zeros(2, np.float32)}), r"shape \(2,\), expected \(12,\)"),
    ],
)
def test_arrays_that_do_not_fit_the_spec_are_refused(change: Any, words: str):
    network = build(LSTM(3))
    arrays = network.parameters()
    change(arrays)
    with pytest.raises(InputError, match=words):
        Network.from_parameters(network.spec, arrays)
