"""Networks in JAX: a described one becomes plain data, one with a cell of a user's own is looked into in JAX."""

from __future__ import annotations

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest

import latchwork as lw
from latchwork.core.cells import SimpleRNNCell
from latchwork.engines.jax.cells import register
from latchwork.engines.jax.network import Network
from latchwork.explain.foreign import JaxPasses
from latchwork.explain.reading import passes_of


@dataclasses.dataclass(frozen=True, eq=False)
class DoubledCell(SimpleRNNCell):
    """Twice what a simple RNN gives, and no array that is called `bias`."""

    bias: None = None  # pyright: ignore[reportIncompatibleVariableOverride]

    def project(self, inputs):
        return 2 * (inputs @ self.input_weight)


@pytest.fixture(scope="module")
def described():
    return Network.build(lw.Sequential([lw.SimpleRNN(4), lw.Dense(2)]), (None, 3), seed=0)


@pytest.fixture(scope="module")
def foreign(described):
    register(DoubledCell)
    layer, dense = described.layers
    cell = DoubledCell(2.0 * layer.cell.input_weight, layer.cell.hidden_weight)
    return Network((dataclasses.replace(layer, cell=cell), dense), described.spec)


def test_a_described_network_is_looked_into_as_plain_data(described):
    inputs = np.random.default_rng(0).normal(size=(2, 6, 3)).astype(np.float32)
    one, other = lw.trace(described, inputs), lw.trace(described.data(), inputs)
    np.testing.assert_array_equal(one["hidden"], other["hidden"])


def test_a_cell_of_ones_own_is_looked_into_in_jax(foreign, described):
    assert isinstance(passes_of(foreign), JaxPasses) and not isinstance(passes_of(described), JaxPasses)
    inputs = np.random.default_rng(0).normal(size=(2, 6, 3)).astype(np.float32)
    found = lw.trace(foreign, inputs, np.array([6, 2]))
    expected = foreign(jnp.asarray(inputs), jnp.array([6, 2]))
    np.testing.assert_allclose(found.output, expected, atol=1e-6)
    np.testing.assert_allclose(
        found["hidden"][0, 0], np.tanh(inputs[0, 0] @ np.asarray(4 * described.layers[0].cell.input_weight)), atol=1e-6
    )
    assert not found["hidden"][1, 2:].any()
    assert lw.influence(foreign, inputs[0], output=1).completeness_error < 0.01
    assert 1 <= lw.memory_horizon(foreign, inputs).by_cutting <= 6
