"""What gives the probabilities of the next token: a network, a mixture with an n-gram. NumPy alone, no JAX."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from latchwork import spec
from latchwork.errors import InputError

Probabilities = NDArray[np.floating[Any]]
Floats = NDArray[np.float32]
States = tuple[tuple[Floats, Floats], ...]

_MOST_TABLE_ENTRIES = 1 << 20  # of the first layer's products kept by token


class Predictor(Protocol):
    """One token in, the probabilities of the next out; the state is whatever the predictor needs of the past."""

    def initial_state(self) -> Any:
        """The state before the first token."""
        ...

    def step(self, token: int, state: Any) -> tuple[Probabilities, Any]:
        """Probabilities `[tokens]` of the next token, and the state after this one."""
        ...


class NetworkPredictor:
    """An `Embedding`, LSTMs and `Dense` layers, one step at a time.

    Args:
        network: the spec; `Dropout` is passed over.
        parameters: its arrays by name.

    Raises:
        InputError: the network has another kind of layer.
    """

    def __init__(self, network: spec.Sequential, parameters: Mapping[str, NDArray[Any]]) -> None:
        """Arrange the weights for single steps."""
        self._lstms: list[_Step] = []
        self._dense: list[tuple[Floats, Floats]] = []
        self._embedding: Floats | None = None
        for index, layer in enumerate(network.layers):
            own = {
                name: np.asarray(parameters[f"layers.{index}.{name}"], np.float32)
                for name in _PARAMETERS.get(type(layer), ())
            }
            match layer:
                case spec.Embedding() if index == 0:
                    self._embedding = own["weight"]
                case spec.LSTM(return_sequences=True, reverse=False) if not self._dense:
                    self._lstms.append(_Step.of(own["input_weight"], own["hidden_weight"], own["bias"]))
                case spec.Dense(activation=None) if self._lstms:
                    self._dense.append((own["weight"], own["bias"]))
                case spec.Dropout():
                    pass
                case _:
                    raise InputError(f"a language model is an Embedding, LSTMs and Dense layers, got {layer!r}")
        if self._embedding is None or not self._lstms or not self._dense:
            raise InputError("a language model needs an Embedding, an LSTM and a Dense layer")
        first = self._lstms[0]
        self._table: Floats | None = None
        if len(self._embedding) * first.bias.size <= _MOST_TABLE_ENTRIES:
            self._table = self._embedding @ first.input_weight + first.bias

    @property
    def tokens(self) -> int:
        """The size of the vocabulary."""
        return self._dense[-1][1].size

    def initial_state(self) -> States:
        """Zeros."""
        return self.initial_states(())

    def initial_states(self, batch: tuple[int, ...]) -> States:
        """Zeros for several texts side by side."""
        return tuple(
            (np.zeros((*batch, lstm.hidden), np.float32), np.zeros((*batch, lstm.hidden), np.float32))
            for lstm in self._lstms
        )

    def step(self, token: int, state: States) -> tuple[Floats, States]:
        """Probabilities `[tokens]` of the next token, and the new state."""
        scores, state = self.scores(token, state)
        np.exp(scores - scores.max(), out=scores)
        scores /= scores.sum()
        return scores, state

    def scores(self, tokens: Any, state: States) -> tuple[Floats, States]:
        """Scores before the softmax, `[..., tokens]`, for one token or an array of them."""
        first = self._lstms[0]
        if self._table is not None:
            projected = self._table[tokens]
        else:
            assert self._embedding is not None
            projected = self._embedding[tokens] @ first.input_weight + first.bias
        states: list[tuple[Floats, Floats]] = []
        hidden = projected
        for index, (lstm, (h, c)) in enumerate(zip(self._lstms, state, strict=True)):
            if index:
                projected = hidden @ lstm.input_weight + lstm.bias
            hidden, cell = lstm.step(projected, h, c)
            states.append((hidden, cell))
        for weight, bias in self._dense:
            hidden = hidden @ weight + bias
        return hidden, tuple(states)


_PARAMETERS: Mapping[type[spec.Layer], tuple[str, ...]] = {
    spec.Embedding: ("weight",),
    spec.LSTM: ("input_weight", "hidden_weight", "bias"),
    spec.Dense: ("weight", "bias"),
}


@dataclass(frozen=True)
class _Step:
    """One LSTM's weights, those of the sigmoid gates halved: sigmoid(x) = (1 + tanh(x / 2)) / 2, so that one call of
    tanh serves all four gates.
    """

    input_weight: Floats
    hidden_weight: Floats
    bias: Floats
    hidden: int

    @classmethod
    def of(cls, input_weight: Floats, hidden_weight: Floats, bias: Floats) -> _Step:
        hidden = len(hidden_weight)
        scale = np.repeat(np.array([0.5, 0.5, 1.0, 0.5], np.float32), hidden)
        return cls(input_weight * scale, hidden_weight * scale, bias * scale, hidden)

    def step(self, projected: Floats, hidden: Floats, cell: Floats) -> tuple[Floats, Floats]:
        """h' and c' (`cells.LSTMCell` has the equation)."""
        size = self.hidden
        gates = hidden @ self.hidden_weight
        gates += projected
        np.tanh(gates, out=gates)
        sigmoids = gates * 0.5 + 0.5
        new_cell = sigmoids[..., size : 2 * size] * cell
        new_cell += sigmoids[..., :size] * gates[..., 2 * size : 3 * size]
        return sigmoids[..., 3 * size :] * np.tanh(new_cell), new_cell


@dataclass(frozen=True)
class Mixture:
    """Two predictors' probabilities, averaged: what one is blind to, the other may have counted.

    Attributes:
        first: such as a network.
        second: such as an n-gram.
        share: weight of the second, 0 to 1.
    """

    first: Predictor
    second: Predictor
    share: float

    def initial_state(self) -> tuple[Any, Any]:
        """Both states."""
        return self.first.initial_state(), self.second.initial_state()

    def step(self, token: int, state: tuple[Any, Any]) -> tuple[Probabilities, tuple[Any, Any]]:
        """The weighted mean of both probabilities, and both states."""
        one, first = self.first.step(token, state[0])
        other, second = self.second.step(token, state[1])
        return (1 - self.share) * one + self.share * other, (first, second)
