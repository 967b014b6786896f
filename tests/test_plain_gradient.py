"""The gradient that NumPy has of every layer, against differences in float64, and the kernels' against it."""

from __future__ import annotations

import numpy as np
import pytest

from latchwork.core import spec
from latchwork.core.errors import InputError
from latchwork.core.network import NetworkData
from latchwork.core.table import CELLS
from latchwork.engines.native import program
from latchwork.engines.plain.gradient import gradient
from latchwork.engines.plain.server import PlainServer
from latchwork.engines.plain.tape import Recorded, pull_back

LENGTHS = np.array([7, 1, 4], np.int32)
LAYERS: dict[str, tuple[list[spec.Layer], np.ndarray | None]] = {
    **{cell.__name__: ([cell(4), spec.Dense(2)], None) for cell in CELLS},
    **{f"{cell.__name__}, backwards": ([cell(4, reverse=True), spec.Dense(2)], LENGTHS) for cell in CELLS},
    "relu": ([spec.SimpleRNN(4, activation="relu"), spec.Dense(2, activation="relu")], LENGTHS),
    "both ways": ([spec.Bidirectional(spec.GRU(4)), spec.Dense(2, activation="sigmoid")], LENGTHS),
    "two layers": ([spec.LSTM(4, return_sequences=True), spec.GRU(3, return_sequences=True), spec.Dense(2)], LENGTHS),
    "every other layer": (
        [
            spec.Bidirectional(spec.LSTM(4, return_sequences=True)),
            spec.LayerNorm(),
            spec.Dense(3, activation="tanh"),
            spec.Pooling(("first", "last", "mean", "max")),
            spec.Dropout(0.3),
            spec.Dense(2),
        ],
        LENGTHS,
    ),
}


def drawn(layers: list[spec.Layer]) -> tuple[spec.Sequential, dict[str, np.ndarray], np.ndarray]:
    """A network of large weights in float64, and a batch for it."""
    random = np.random.default_rng(0)
    built = NetworkData.build(spec.Sequential(layers), (7, 3))
    parameters = {name: random.normal(0, 0.8, array.shape) for name, array in built.parameters.items()}
    return built.spec, parameters, random.normal(size=(3, 7, 3))


def differences(network: PlainServer, inputs: np.ndarray, by: np.ndarray, lengths: np.ndarray | None) -> np.ndarray:
    found = np.zeros_like(inputs)
    for place in np.ndindex(inputs.shape):
        step = np.zeros_like(inputs)
        step[place] = 1e-6
        up, down = (network.run(inputs + side * step, lengths) for side in (1, -1))
        found[place] = ((up - down) * by).sum() / 2e-6
    return found


def differ(one: np.ndarray, other: np.ndarray) -> bool:
    return float(np.linalg.norm(one - other) / np.linalg.norm(other)) > 1e-7


@pytest.mark.parametrize("case", LAYERS)
def test_the_gradient_is_the_slope(case: str):
    layers, lengths = LAYERS[case]
    network, parameters, inputs = drawn(layers)
    server = PlainServer(network, parameters)
    answers = server.run(inputs, lengths)
    by = np.random.default_rng(1).normal(size=answers.shape)
    outputs, found = gradient(network, parameters, inputs, by, lengths)
    np.testing.assert_allclose(outputs, answers, atol=1e-12)
    slopes = differences(server, inputs, by, lengths)
    assert not differ(found, slopes)
    assert differ(found * 1.0005, slopes)  # 2.001 where 2 is right
    single = gradient(network, parameters, inputs.astype(np.float32), by, lengths)[1]
    assert single.dtype == np.float32 and found.dtype == np.float64
    np.testing.assert_allclose(single, found, atol=1e-4 * np.abs(found).max())


@pytest.mark.parametrize("case", LAYERS)
def test_the_kernels_gradient_is_the_same(case: str):
    layers, lengths = LAYERS[case]
    network, parameters, inputs = drawn(layers)
    if (reason := program.why_not(network)) is not None:
        pytest.skip(reason)
    by = np.random.default_rng(1).normal(size=PlainServer(network, parameters).run(inputs, lengths).shape)
    expected_outputs, expected = gradient(network, parameters, inputs, by, lengths)
    outputs, found = program.gradient(network, parameters, inputs, by, lengths)
    np.testing.assert_allclose(outputs, expected_outputs, atol=1e-5)
    np.testing.assert_allclose(found, expected, atol=1e-5 * np.abs(expected).max())


def test_what_the_tape_does_not_know_is_said_by_name():
    recorded = Recorded(np.ones(3))
    functions = recorded.__array_namespace__()
    with pytest.raises(InputError, match="no gradient of sinh"):
        functions.sinh(recorded)
    assert functions.sinh(np.zeros(1)) == 0  # of a plain array nothing has to be known


def test_a_number_used_twice_counts_twice():
    recorded = Recorded(np.array([1.0, 3.0]))
    (found,) = pull_back([recorded * recorded + 2 / recorded], [np.ones(2)], [recorded])
    np.testing.assert_allclose(found, 2 * recorded.value - 2 / recorded.value**2)
