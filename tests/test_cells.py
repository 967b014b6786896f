"""One step of every cell against its equation, written out here in NumPy, in float64."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from every_cell import LAYERS, UNITS, assert_close, random_cell, random_state

from latchwork.core import spec
from latchwork.core.cells import GRUCell, LSTMCell, LSTMState, PeepholeLSTMCell, SimpleRNNCell

FEATURES, BATCH = 3, 4


def sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def bent(layer: spec.Recurrent, total: Any) -> Any:
    """What goes through tanh, or through the rectifier that a description asks for."""
    return np.tanh(total) if getattr(layer, "activation", "tanh") == "tanh" else np.maximum(total, 0)


def write_out(layer: spec.Recurrent, arrays: dict[str, Any], x: Any, state: tuple[Any, ...]) -> tuple[Any, Any]:
    """The gates and the state after a step, gate by gate from the columns of the weights."""
    h, (w, u) = state[0], (arrays["input_weight"], arrays["hidden_weight"])

    def part(name: str) -> Any:
        """The sum that a gate is made of."""
        at = slice(UNITS * layer.gates.index(name), UNITS * (layer.gates.index(name) + 1))
        return x @ w[:, at] + h @ u[:, at] + arrays["bias"][at]

    match layer:
        case spec.SimpleRNN():
            hidden = bent(layer, part("hidden"))
            return (hidden,), (hidden,)
        case spec.GRU():
            b, c = arrays["input_bias"], arrays["hidden_bias"]
            r, z, n = (slice(UNITS * gate, UNITS * (gate + 1)) for gate in range(3))
            reset = sigmoid(x @ w[:, r] + b[r] + h @ u[:, r] + c[r])
            update = sigmoid(x @ w[:, z] + b[z] + h @ u[:, z] + c[z])
            candidate = bent(layer, x @ w[:, n] + b[n] + reset * (h @ u[:, n] + c[n]))
            return (reset, update, candidate), ((1 - update) * candidate + update * h,)
        case spec.ResetFirstGRU():
            reset, update = sigmoid(part("reset")), sigmoid(part("update"))
            n = slice(UNITS * 2, UNITS * 3)
            candidate = bent(layer, x @ w[:, n] + (reset * h) @ u[:, n] + arrays["bias"][n])
            return (reset, update, candidate), ((1 - update) * candidate + update * h,)
        case spec.LSTM():
            i, f, o = (sigmoid(part(name)) for name in ("input", "forget", "output"))
            cell = f * state[1] + i * bent(layer, part("candidate"))
        case spec.PeepholeLSTM():
            i = sigmoid(part("input") + arrays["input_peephole"] * state[1])
            f = sigmoid(part("forget") + arrays["forget_peephole"] * state[1])
            cell = f * state[1] + i * np.tanh(part("candidate"))
            o = sigmoid(part("output") + arrays["output_peephole"] * cell)
        case spec.CoupledLSTM():
            f, o = sigmoid(part("forget")), sigmoid(part("output"))
            i = 1 - f
            cell = f * state[1] + i * np.tanh(part("candidate"))
        case spec.SLSTM(heads=heads, forget_gate=forget_gate):
            return write_slstm(arrays, x, state, heads, forget_gate)
        case _:
            raise NotImplementedError(f"write the equation of {layer!r} out here")
    return (i, f, bent(layer, part("candidate")), o), (o * bent(layer, cell), cell)


def write_slstm(
    arrays: dict[str, Any], x: Any, state: tuple[Any, ...], heads: int, forget_gate: str
) -> tuple[Any, Any]:
    """Head by head, without any stabiliser: the paper's cell and normaliser are ours times exp(m)."""
    h, c, n, m = state
    size = UNITS // heads
    parts = []
    for gate in range(4):
        columns = []
        for head in range(heads):
            own = slice(head * size, (head + 1) * size)
            at = slice(gate * UNITS + head * size, gate * UNITS + (head + 1) * size)
            mixed = h[:, own] @ arrays["hidden_weight"][own, gate * size : (gate + 1) * size]
            columns.append(x @ arrays["input_weight"][:, at] + mixed + arrays["bias"][at])
        parts.append(np.concatenate(columns, axis=-1))
    i, f, g, o = np.exp(parts[0]), parts[1], np.tanh(parts[2]), sigmoid(parts[3])
    f = sigmoid(f) if forget_gate == "sigmoid" else np.exp(f)
    cell, normalizer = f * c * np.exp(m) + i * g, f * n * np.exp(m) + i
    new = np.maximum(np.log(f) + m, parts[0])
    scale = np.exp(-new)
    gates = (i * scale, f * np.exp(m) * scale, g, o)
    return gates, (o * cell / normalizer, cell * scale, normalizer * scale, new)


@pytest.mark.parametrize("name", LAYERS)
def test_a_step_is_its_equation(name: str):
    layer = LAYERS[name]
    with jax.enable_x64(True):
        cell = random_cell(layer, FEATURES, dtype=jnp.float64)
        state = random_state(cell, BATCH)
        x = jnp.asarray(np.random.default_rng(2).normal(size=(BATCH, FEATURES)))
        arrays = {key: np.asarray(getattr(cell, key)) for key in layer.parameter_shapes((None, FEATURES))}
        gates, after = write_out(layer, arrays, np.asarray(x), tuple(map(np.asarray, state)))
        output, found = cell(x, state)
        assert_close((output, tuple(found)), (after[0], after), 1e-14)
        assert_close(tuple(cell.gates(x, state)), gates, 1e-14)


@pytest.mark.parametrize("name", LAYERS)
def test_gates_and_states_have_names_and_states_start_at_zero(name: str):
    layer = LAYERS[name]
    cell = random_cell(layer, FEATURES)
    state = cell.initial_state((2, 3))
    gates: Any = cell.gates(jnp.zeros((2, 3, FEATURES)), state)
    assert set(layer.gates) <= set(gates._fields)
    assert type(state).__name__.endswith("State") and state._fields[0] == "hidden"
    assert all(part.shape == (2, 3, UNITS) and not part.any() for part in state)
    assert cell.hidden_size == UNITS


@pytest.mark.parametrize("name", LAYERS)
def test_any_leading_axes_do(name: str):
    """None, one or two: the same numbers."""
    cell = random_cell(LAYERS[name], FEATURES)
    state = random_state(cell, 6)
    x = jnp.asarray(np.random.default_rng(3).normal(size=(6, FEATURES)), jnp.float32)
    output, after = cell(x, state)
    fold = lambda tree: jax.tree.map(lambda array: array.reshape(2, 3, -1), tree)  # noqa: E731
    assert_close(cell(fold(x), fold(state)), (fold(output), fold(after)), 1e-6)
    alone = cell(x[4], jax.tree.map(lambda array: array[4], state))
    assert_close(alone, jax.tree.map(lambda array: array[4], (output, after)), 1e-6)


@pytest.mark.parametrize("name", LAYERS)
def test_a_mask_is_on_the_recurrent_product_alone(name: str):
    """A mask of zeros cuts what the recurrent weights bring, and nothing else; one of ones changes nothing."""
    cell = random_cell(LAYERS[name], FEATURES)
    state, x = random_state(cell, BATCH), jnp.ones((BATCH, FEATURES))
    ones = jnp.ones((BATCH, UNITS))
    assert_close(cell(x, state, ones), cell(x, state), 1e-7)
    cut = jax.tree.map(lambda array: array, cell)
    object.__setattr__(cut, "hidden_weight", jnp.zeros_like(cell.hidden_weight))
    assert_close(cell(x, state, 0 * ones), cut(x, state), 1e-6)


def test_hand_checked_steps():
    """By hand: all weights zero, so the gates are their biases'."""
    zero, one = jnp.zeros, jnp.ones
    x = zero((1, 1))
    state = LSTMState(zero((1, 1)), one((1, 1)))
    hidden, after = LSTMCell(zero((1, 4)), zero((1, 4)), jnp.array([0.0, 100.0, 5.0, 100.0]))(x, state)
    assert float(after.cell[0, 0]) == pytest.approx(1 + 0.5 * np.tanh(5.0), rel=1e-6)  # kept, and half of the candidate
    assert float(hidden[0, 0]) == pytest.approx(np.tanh(float(after.cell[0, 0])), rel=1e-6)
    closed = PeepholeLSTMCell(zero((1, 4)), zero((1, 4)), zero(4), -200 * one(1), 200 * one(1), -200 * one(1))
    _, after = closed(x, state)
    assert float(after.cell[0, 0]) == 1.0  # the cell itself keeps its gate open, and the input's shut
    gru = GRUCell(zero((1, 3)), zero((1, 3)), jnp.array([0.0, 100.0, 0.0]), zero(3))
    assert float(gru(x, gru.initial_state((1,))._replace(hidden=0.25 * one((1, 1))))[0][0, 0]) == 0.25
    rnn = SimpleRNNCell(zero((1, 1)), zero((1, 1)), -one(1), "relu")
    assert float(rnn(x, rnn.initial_state((1,)))[0][0, 0]) == 0
