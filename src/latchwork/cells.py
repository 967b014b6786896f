"""One step of each recurrent cell: the equation, in the letters of its paper.

A cell knows nothing of batches or time: every array may have any leading axes. `project` is the part of a step that
does not depend on the state, so that `unroll` can compute it for all steps in one product; `step` is the rest, and
`__call__` both. Each cell declares its weights and gate order here once.

`hidden_mask` multiplies the hidden state inside the recurrent product only: variational recurrent dropout (Gal &
Ghahramani, 2016), the mask already scaled by 1/keep.
"""

from __future__ import annotations

from typing import ClassVar, NamedTuple, Protocol

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

Inputs = Float[Array, "*batch features"]
Projected = Float[Array, "*batch gates"]
Hidden = Float[Array, "*batch hidden"]


class RNNState(NamedTuple):
    """What a simple RNN carries to its next step."""

    hidden: Hidden


class GRUState(NamedTuple):
    """What a GRU carries to its next step."""

    hidden: Hidden


class LSTMState(NamedTuple):
    """What an LSTM carries to its next step: what it shows and what it remembers."""

    hidden: Hidden
    cell: Hidden


class SimpleRNNGates(NamedTuple):
    """What a simple RNN computes in a step."""

    hidden: Hidden


class GRUGates(NamedTuple):
    """What a GRU computes in a step."""

    reset: Hidden
    update: Hidden
    candidate: Hidden


class LSTMGates(NamedTuple):
    """What an LSTM computes in a step, each after its nonlinearity."""

    input: Hidden
    forget: Hidden
    candidate: Hidden
    output: Hidden


class Cell[State: NamedTuple](Protocol):
    """What `unroll` asks of a cell; two methods make one."""

    def initial_state(self, batch_shape: tuple[int, ...]) -> State:
        """The state before the first step."""
        ...

    def project(self, inputs: Inputs) -> Projected:
        """The part of a step that does not depend on the state."""
        ...

    def step(self, projected: Projected, state: State, hidden_mask: Hidden | None = None) -> tuple[Hidden, State]:
        """The output and the next state."""
        ...
