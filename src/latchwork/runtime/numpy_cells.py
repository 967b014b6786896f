"""One step of each recurrent cell in plain NumPy: the equations of `latchwork.core.cells`, from a spec and its arrays.

It serves where the compiled kernels were not built, and is what they are compared with. A state is a tuple of arrays
`[batch, units]`: `(hidden,)`, and for the LSTMs `(hidden, cell)`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latchwork.core import spec

Array = NDArray[Any]
Parameters = Mapping[str, Array]
State = tuple[Array, ...]


def initial_state(layer: spec.Recurrent, batch: int) -> State:
    """Zeros `[batch, units]`, once for each part of the state."""
    parts = 1 if isinstance(layer, spec.SimpleRNN | spec.GRU) else 2
    return tuple(np.zeros((batch, layer.units), np.float32) for _ in range(parts))


def project(layer: spec.Recurrent, parameters: Parameters, inputs: Array) -> Array:
    """The part of a step that does not depend on the state, x W + b, for any leading axes."""
    bias = parameters["input_bias" if isinstance(layer, spec.GRU) else "bias"]
    return inputs @ parameters["input_weight"] + bias


def step(layer: spec.Recurrent, parameters: Parameters, projected: Array, state: State) -> State:
    """The next state, whose first part is the output, from `project`'s rows `[batch, gates]`."""
    return _STEPS[type(layer)](layer, parameters, projected, state)


def _simple_rnn(layer: spec.Recurrent, parameters: Parameters, projected: Array, state: State) -> State:
    total = projected + state[0] @ parameters["hidden_weight"]
    assert isinstance(layer, spec.SimpleRNN)
    return (np.tanh(total) if layer.activation == "tanh" else np.maximum(total, 0),)


def _gru(layer: spec.Recurrent, parameters: Parameters, projected: Array, state: State) -> State:
    (hidden,) = state
    recurrent = hidden @ parameters["hidden_weight"] + parameters["hidden_bias"]
    x_r, x_z, x_n = np.split(projected, 3, axis=-1)
    h_r, h_z, h_n = np.split(recurrent, 3, axis=-1)
    reset, update = sigmoid(x_r + h_r), sigmoid(x_z + h_z)
    candidate = np.tanh(x_n + reset * h_n)
    return ((1 - update) * candidate + update * hidden,)


def _lstm(layer: spec.Recurrent, parameters: Parameters, projected: Array, state: State) -> State:
    hidden, cell = state
    i, f, g, o = np.split(projected + hidden @ parameters["hidden_weight"], 4, axis=-1)
    cell = sigmoid(f) * cell + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(cell), cell


def _peephole_lstm(layer: spec.Recurrent, parameters: Parameters, projected: Array, state: State) -> State:
    hidden, cell = state
    i, f, g, o = np.split(projected + hidden @ parameters["hidden_weight"], 4, axis=-1)
    i = sigmoid(i + parameters["input_peephole"] * cell)
    f = sigmoid(f + parameters["forget_peephole"] * cell)
    cell = f * cell + i * np.tanh(g)
    return sigmoid(o + parameters["output_peephole"] * cell) * np.tanh(cell), cell


def _coupled_lstm(layer: spec.Recurrent, parameters: Parameters, projected: Array, state: State) -> State:
    hidden, cell = state
    f, g, o = np.split(projected + hidden @ parameters["hidden_weight"], 3, axis=-1)
    f = sigmoid(f)
    cell = f * cell + (1 - f) * np.tanh(g)
    return sigmoid(o) * np.tanh(cell), cell


_STEPS: dict[type[spec.Recurrent], Callable[[spec.Recurrent, Parameters, Array, State], State]] = {
    spec.SimpleRNN: _simple_rnn,
    spec.GRU: _gru,
    spec.LSTM: _lstm,
    spec.PeepholeLSTM: _peephole_lstm,
    spec.CoupledLSTM: _coupled_lstm,
}


def sigmoid(total: Array) -> Array:
    """1 / (1 + exp(-x)) by the hyperbolic tangent, which no x overflows."""
    return 0.5 * np.tanh(0.5 * total) + 0.5
