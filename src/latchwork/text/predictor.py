"""What gives the probabilities of the next token: a network, a mixture with an n-gram. NumPy alone, no JAX."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from latchwork.core import spec
from latchwork.core.errors import InputError
from latchwork.core.network import NetworkData
from latchwork.runtime.server import Server, State, make_server
from latchwork.text.ngram import Contexts, NGram

Probabilities = NDArray[np.floating[Any]]
Floats = NDArray[np.float32]


class Predictor(Protocol):
    """One token in, the probabilities of the next out; the state is whatever the predictor needs of the past."""

    def initial_state(self) -> Any:
        """The state before the first token."""
        ...

    def step(self, token: int, state: Any) -> tuple[Probabilities, Any]:
        """Probabilities `[tokens]` of the next token, and the state after this one."""
        ...


class NetworkPredictor:
    """A network that reads token numbers and scores the next one, a step at a time.

    Args:
        data: the network, an embedding first.

    Raises:
        InputError: the network reads or gives something else, or reads backwards.
    """

    def __init__(self, data: NetworkData) -> None:
        """Nothing is packed before it is asked for."""
        first, shape = data.spec.layers[0], data.spec.output_shape()
        if not isinstance(first, spec.Embedding) or len(shape) != 2 or shape[-1] != first.tokens:
            raise InputError(f"a language model reads tokens and scores each of them at every step, not {data.spec!r}")
        self.data, self.tokens = data, first.tokens

    def initial_state(self) -> State:
        """The state before the first token of a text, for `step`."""
        return self._writer.initial_state(1)

    def initial_states(self, texts: int) -> State:
        """The state before the first tokens of several texts side by side, for `scores`."""
        return self._scorer.initial_state(texts)

    def step(self, token: int, state: State) -> tuple[Floats, State]:
        """Probabilities `[tokens]` of the next token, and the new state."""
        answer = self._writer.quick_step(np.array([token]), state)
        if answer is None:
            raise InputError(f"token numbers go from 0 to {self.tokens - 1}, got {token}")
        return answer[0][0], answer[1]

    def scores(self, tokens: NDArray[np.integer[Any]], state: State) -> tuple[Floats, State]:
        """Scores before the softmax, `[texts, time, tokens]`, after each of several more tokens `[texts, time]`."""
        return self._scorer.advance(tokens, state)

    @cached_property
    def _writer(self) -> Server:
        return make_server(self.data, scores=True)

    @cached_property
    def _scorer(self) -> Server:
        return make_server(self.data)


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
        contexts = self.ngram.advance(token, state[1])
        return self.mixed(one, contexts), (network, contexts)

    def mixed(self, probabilities: Probabilities, contexts: Contexts) -> Probabilities:
        """The weighted mean of the network's probabilities, which are used up, and the n-gram's after its contexts."""
        mixed = self.ngram.after(contexts)
        share = self.shares[self.ngram.confidence(contexts)]
        mixed *= share
        probabilities *= 1 - share
        mixed += probabilities
        return mixed
