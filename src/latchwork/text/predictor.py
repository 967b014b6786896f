"""What gives the probabilities of the next token: a network, a mixture with an n-gram. NumPy alone, no JAX."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from latchwork.core import spec
from latchwork.core.errors import InputError
from latchwork.engines.native import FusedCell
from latchwork.runtime.chain import Chain, chainable, make_chain
from latchwork.runtime.network import NumpyNetwork
from latchwork.text.ngram import Contexts, NGram

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
        """Arrange the weights; the steps of one text go through the kernels where these are there."""
        self._lstms: list[_Step] = []
        self._weights: list[dict[str, Floats]] = []
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
                    self._weights.append(own)
                    self._lstms.append(_Step.of(own["input_weight"], own["hidden_weight"], own["bias"]))
                case spec.Dense(activation=None) if self._lstms:
                    self._dense.append((own["weight"], own["bias"]))
                case spec.Dropout():
                    pass
                case _:
                    raise InputError(f"a language model is an Embedding, LSTMs and Dense layers, got {layer!r}")
        if self._embedding is None or not self._lstms or not self._dense:
            raise InputError("a language model needs an Embedding, an LSTM and a Dense layer")
        self._chain = _chain(network, parameters)
        first = self._lstms[0]
        self._table: Floats | None = None
        if len(self._embedding) * first.bias.size <= _MOST_TABLE_ENTRIES:
            self._table = self._embedding @ first.input_weight + first.bias

    @property
    def tokens(self) -> int:
        """The size of the vocabulary."""
        return self._dense[-1][1].size

    def initial_state(self) -> Any:
        """Zeros; what `step` takes and gives, for one text."""
        return self.initial_states(()) if self._chain is None else self._chain.initial_state(1)

    def initial_states(self, batch: tuple[int, ...]) -> States:
        """Zeros for several texts side by side."""
        return tuple(
            (np.zeros((*batch, lstm.hidden), np.float32), np.zeros((*batch, lstm.hidden), np.float32))
            for lstm in self._lstms
        )

    def step(self, token: int, state: Any) -> tuple[Floats, Any]:
        """Probabilities `[tokens]` of the next token, and the new state."""
        if self._chain is not None:
            assert self._embedding is not None
            answer = self._chain.step(self._embedding[token : token + 1], state)
            if answer is None:
                raise InputError("the model's weights are not finite numbers: train it again")
            return answer[0][0], answer[1]
        scores, state = self.scores(token, state)
        np.exp(scores - scores.max(), out=scores)
        scores /= scores.sum()
        return scores, state

    def run(self, tokens: NDArray[np.integer[Any]], state: States) -> tuple[Floats, States]:
        """Scores after each of several tokens `[batch, time]`: `[batch, time, tokens]`, and the new states."""
        if not self._cells:
            scores: list[Floats] = []
            for column in tokens.T:
                after, state = self.scores(column, state)
                scores.append(after)
            return np.stack(scores, axis=1), state
        assert self._embedding is not None
        hidden = self._embedding[tokens]
        states: list[tuple[Floats, Floats]] = []
        for cell, before in zip(self._cells, state, strict=True):
            hidden, (h, c) = cell.run(hidden, before)
            states.append((h, c))
        for weight, bias in self._dense:
            hidden = hidden @ weight + bias
        return hidden, tuple(states)

    @cached_property
    def _cells(self) -> list[FusedCell]:
        """The LSTMs in the kernels; none where these were not built."""
        return [] if self._chain is None else [FusedCell("lstm", weights) for weights in self._weights]

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


def _chain(network: spec.Sequential, parameters: Mapping[str, NDArray[Any]]) -> Chain | None:
    """The layers above the embedding in one call of the kernels; None where these were not built."""
    embedding = network.layers[0]
    assert isinstance(embedding, spec.Embedding)
    above = spec.Sequential(network.layers[1:]).with_input((None, embedding.units))
    arrays: dict[str, Floats] = {}
    for name, array in parameters.items():
        _, index, own = name.split(".", 2)
        if index != "0":
            arrays[f"layers.{int(index) - 1}.{own}"] = np.ascontiguousarray(array, np.float32)
    layers = NumpyNetwork(above, arrays)
    return make_chain(layers, None, scores=True) if chainable(layers) else None


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
    """A network's and an n-gram's probabilities, averaged: what one is blind to, the other may have counted.

    Attributes:
        network: the one.
        ngram: the other.
        shares: the n-gram's weight by the `confidence` of its context, `[ngram.kinds]`, each 0 to 1.
    """

    network: Predictor
    ngram: NGram
    shares: Sequence[float]

    def initial_state(self) -> tuple[Any, Contexts]:
        """Both states."""
        return self.network.initial_state(), self.ngram.initial_state()

    def step(self, token: int, state: tuple[Any, Contexts]) -> tuple[Probabilities, tuple[Any, Contexts]]:
        """The weighted mean of both probabilities, and both states."""
        one, network = self.network.step(token, state[0])
        mixed, contexts = self.ngram.step(token, state[1])
        share = self.shares[self.ngram.confidence(contexts)]
        mixed *= share
        one *= 1 - share
        mixed += one
        return mixed, (network, contexts)
