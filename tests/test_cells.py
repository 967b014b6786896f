"""Every cell and `unroll`: derivatives, step by step against whole sequences, ragged batches, directions, shapes."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from gradient_check import assert_gradient
from hypothesis import given, settings
from hypothesis import strategies as st

from latchwork import cells, spec
from latchwork.layers import CELLS
from latchwork.runtime import numpy_cells
from latchwork.unroll import unroll

LAYERS = [
    spec.SimpleRNN(3), spec.SimpleRNN(3, activation="relu"), spec.GRU(3), spec.LSTM(3), spec.PeepholeLSTM(3),
    spec.CoupledLSTM(3),
]  # fmt: skip
FEATURES = 2
each_cell = pytest.mark.parametrize("layer", LAYERS, ids=repr)


@pytest.fixture(autouse=True)
def in_float64() -> Iterator[None]:
    with jax.enable_x64(True):
        yield


def parameters(layer: spec.Recurrent, features: int = FEATURES) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(3)
    shapes = layer.parameter_shapes((None, features))
    return {name: generator.normal(0, 0.7, shape) for name, shape in shapes.items()}


def build(layer: spec.Recurrent, arrays: dict[str, np.ndarray]) -> cells.Cell[Any]:
    more = {"activation": layer.activation} if isinstance(layer, spec.SimpleRNN) else {}
    return CELLS[type(layer)](**{name: jnp.asarray(array) for name, array in arrays.items()}, **more)


def draw(*shape: int, seed: int = 0) -> jax.Array:
    return jnp.asarray(np.random.default_rng(seed).normal(size=shape))


def some_state(cell: cells.Cell[Any], batch: int) -> Any:
    state = cell.initial_state((batch,))
    return type(state)(*(draw(batch, cell.hidden_size, seed=7 + place) for place in range(len(state))))


def weighted(outputs: Any, final: Any) -> Any:
    """A scalar in which every output and every part of the final state counts differently."""
    total = jnp.sum(outputs * draw(*outputs.shape, seed=11))
    return total + sum(jnp.sum(part * draw(*part.shape, seed=13 + k)) for k, part in enumerate(final))


def test_the_gradient_check_accepts_what_is_right_and_rejects_what_is_not():
    def function(x: Any) -> Any:
        return 2.0 * x["a"].sum() + jnp.sin(x["b"]).sum()

    at = {"a": jnp.ones(1), "b": jnp.array([0.3, 2.0])}
    assert_gradient({"a": jnp.array([2.0]), "b": jnp.cos(at["b"])}, function, at)
    for wrong in (2.001, 1.999, 0.0, float("nan")):
        with pytest.raises(AssertionError):
            assert_gradient({"a": jnp.array([wrong]), "b": jnp.cos(at["b"])}, function, at)
    with pytest.raises(AssertionError):
        assert_gradient({"a": jnp.array([2.0]), "b": jnp.cos(at["b"]).at[1].mul(1.001)}, function, at)


@each_cell
def test_gradients_are_the_derivatives(layer: spec.Recurrent):
    """Over ragged sequences, with a mask on the hidden state: by weights, inputs, first state and mask."""
    cell = build(layer, parameters(layer))
    mask = draw(2, 3, seed=5)
    lengths = jnp.array([4, 2])

    def loss(at: Any) -> Any:
        cell, inputs, state, mask = at
        return weighted(*unroll(cell, inputs, state, lengths, hidden_mask=mask, engine="scan"))

    at = (cell, draw(2, 4, FEATURES), some_state(cell, 2), mask)
    assert_gradient(jax.jit(jax.grad(loss))(at), loss, at)


@each_cell
def test_step_by_step_is_the_whole_sequence(layer: spec.Recurrent):
    """Outputs, final state and gradients."""
    cell = build(layer, parameters(layer))
    inputs, state = draw(2, 4, FEATURES), some_state(cell, 2)

    def whole(cell: Any, inputs: Any, state: Any) -> Any:
        outputs, final = unroll(cell, inputs, state)
        return weighted(outputs, final), (outputs, final)

    def stepped(cell: Any, inputs: Any, state: Any) -> Any:
        outputs = []
        for at in range(inputs.shape[1]):
            output, state = cell(inputs[:, at], state)
            outputs.append(output)
        return weighted(jnp.stack(outputs, 1), state), (jnp.stack(outputs, 1), state)

    results = [jax.jit(jax.grad(f, (0, 1, 2), has_aux=True))(cell, inputs, state) for f in (whole, stepped)]
    for a, b in zip(*map(jax.tree.leaves, results), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12)


@each_cell
@pytest.mark.parametrize("reverse", [False, True], ids=["forward", "reverse"])
def test_ragged_is_one_by_one(layer: spec.Recurrent, reverse: bool):
    cell = build(layer, parameters(layer))
    inputs, state, lengths = draw(3, 5, FEATURES), some_state(cell, 3), [2, 5, 1]
    outputs, final = unroll(cell, inputs, state, jnp.array(lengths), reverse=reverse)
    for row, length in enumerate(lengths):
        own = type(state)(*(part[row : row + 1] for part in state))
        given = inputs[row : row + 1, :length]
        if reverse:  # the whole sequence backwards, by the forward engine
            expected, last = unroll(cell, given[:, ::-1], own)
            expected = expected[:, ::-1]
        else:
            expected, last = unroll(cell, given, own)
        np.testing.assert_allclose(outputs[row, :length], expected[0], rtol=1e-12, atol=1e-14)
        assert not outputs[row, length:].any()
        for part, alone in zip(final, last, strict=True):
            np.testing.assert_allclose(part[row], alone[0], rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("layer", [spec.GRU(3), spec.LSTM(3)], ids=repr)
@pytest.mark.parametrize("reverse", [False, True], ids=["forward", "reverse"])
def test_what_lies_past_a_length_has_no_gradient(layer: spec.Recurrent, reverse: bool):
    cell = build(layer, parameters(layer))
    inputs, lengths = draw(2, 4, FEATURES), jnp.array([3, 1])
    outputs = partial(unroll, cell, lengths=lengths, reverse=reverse)
    gradient = np.asarray(jax.grad(lambda x: weighted(*outputs(x)))(inputs))
    real = np.arange(4) < np.array([3, 1])[:, None]
    assert (gradient[real] != 0).all() and not gradient[~real].any()
    filled = jnp.where(real[..., None], inputs, 1e6)
    for a, b in zip(jax.tree.leaves(outputs(filled)), jax.tree.leaves(outputs(inputs)), strict=True):
        np.testing.assert_array_equal(a, b)


@each_cell
def test_gates_are_what_the_step_uses(layer: spec.Recurrent):
    cell = build(layer, parameters(layer))
    inputs, state = draw(2, FEATURES), some_state(cell, 2)
    output, after = cell(inputs, state)
    gates = cell.gates(inputs, state)
    match gates:
        case cells.SimpleRNNGates():
            expected = gates.hidden
        case cells.GRUGates():
            expected = (1 - gates.update) * gates.candidate + gates.update * state.hidden
        case _:
            memory = gates.forget * state.cell + gates.input * gates.candidate
            np.testing.assert_allclose(after.cell, memory, rtol=1e-12)
            expected = gates.output * jnp.tanh(memory)
    np.testing.assert_allclose(output, expected, rtol=1e-12)
    np.testing.assert_array_equal(output, after.hidden)
    if isinstance(layer, spec.CoupledLSTM):
        np.testing.assert_allclose(gates.input, 1 - gates.forget)


@settings(max_examples=12)
@given(
    layer=st.sampled_from(LAYERS),
    units=st.integers(1, 4),
    features=st.integers(1, 3),
    leading=st.lists(st.integers(0, 3), max_size=3),
)
def test_a_step_takes_any_leading_axes(layer: spec.Recurrent, units: int, features: int, leading: list[int]):
    layer = type(layer)(units)
    arrays = parameters(layer, features)
    cell = build(layer, arrays)
    inputs = draw(*leading, features)
    state = cell.initial_state(tuple(leading))
    output, after = cell(inputs, state)
    assert output.shape == (*leading, units) and all(part.shape == output.shape for part in after)
    rows = numpy_cells.project(layer, arrays, np.asarray(inputs)).reshape(-1, cell.input_weight.shape[1])
    expected = numpy_cells.step(layer, arrays, rows, tuple(np.zeros((len(rows), units)) for _ in state))
    np.testing.assert_allclose(output.reshape(-1, units), expected[0], rtol=1e-12, atol=1e-14)
