"""One step of each recurrent cell: the equation, in the letters of its paper.

A cell is its weights and its equation. It knows nothing of batches or time: every array may have any leading axes, and
may be NumPy's or JAX's (`core.arrays`). `project` is the part of a step that does not depend on the state, so that it
can be computed for all steps in one product; `step` is the rest, and `__call__` both. Each cell declares its weights,
its gate order and its state here once; a row of `core.table` makes it a layer.

`hidden_mask` multiplies the hidden state inside the recurrent product only: variational recurrent dropout (Gal &
Ghahramani, 2016), the mask already scaled by 1/keep.
"""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, Literal, NamedTuple, TypeVar

from latchwork.core.arrays import head_product, namespace, relu, sigmoid, split, tanh
from latchwork.core.shapes import Array, Float

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


class SLSTMState(NamedTuple):
    """What an sLSTM carries to its next step; cell and normaliser are scaled by exp(-stabilizer)."""

    hidden: Hidden
    cell: Hidden
    normalizer: Hidden
    stabilizer: Hidden


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


State = TypeVar("State", bound=tuple[Any, ...])


def setting(default: Any) -> Any:
    """A field that is no array: one of the description's choices, by the same name."""
    return dataclasses.field(default=default, metadata={"static": True})


class Cell(ABC, Generic[State]):
    """What an engine asks of a cell; every cell below is a final, frozen dataclass of its arrays."""

    input_weight: Float[Array, "features gates"]
    hidden_weight: Float[Array, "hidden gates"]
    State: ClassVar[type[Any]]
    """The named tuple that it carries to its next step; `hidden`, which it shows, is the first."""
    Gates: ClassVar[type[Any]]
    """The named tuple that `gates` gives."""

    @property
    def hidden_size(self) -> int:
        """Units of the hidden state."""
        return self.hidden_weight.shape[-2]

    def initial_state(self, batch_shape: tuple[int, ...]) -> State:
        """The state before the first step: zeros `[*batch_shape, hidden]`, once for each part."""
        xp = namespace(self.hidden_weight)
        zeros = xp.zeros((*batch_shape, self.hidden_size), self.hidden_weight.dtype)
        return self.State(*(zeros for _ in self.State._fields))

    @abstractmethod
    def project(self, inputs: Inputs) -> Projected:
        """The part of a step that does not depend on the state: x W + b."""

    @abstractmethod
    def step(self, projected: Projected, state: State, hidden_mask: Hidden | None = None) -> tuple[Hidden, State]:
        """The output and the next state."""

    @abstractmethod
    def gates(self, inputs: Inputs, state: State) -> tuple[Hidden, ...]:
        """What one step computes, by name, each after its nonlinearity."""

    def __call__(self, inputs: Inputs, state: State, hidden_mask: Hidden | None = None) -> tuple[Hidden, State]:
        """One step from inputs `[*batch, features]`: the output and the next state."""
        return self.step(self.project(inputs), state, hidden_mask)

    def weights(self) -> dict[str, Array]:
        """Its arrays by name."""
        names = [f.name for f in dataclasses.fields(self) if not f.metadata.get("static")]  # pyright: ignore[reportArgumentType]
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True, eq=False, repr=False)
class SimpleRNNCell(Cell[RNNState]):
    """h' = activation(x W + h U + b).

    Source: Elman (1990), "Finding structure in time". Keras's and PyTorch's, with one bias.
    """

    input_weight: Float[Array, "features hidden"]
    hidden_weight: Float[Array, "hidden hidden"]
    bias: Float[Array, " hidden"]
    activation: Literal["tanh", "relu"] = setting("tanh")

    State: ClassVar[type[RNNState]] = RNNState
    Gates: ClassVar[type[SimpleRNNGates]] = SimpleRNNGates

    def project(self, inputs: Inputs) -> Projected:
        """x W + b."""
        return inputs @ self.input_weight + self.bias

    def step(self, projected: Projected, state: RNNState, hidden_mask: Hidden | None = None) -> tuple[Hidden, RNNState]:
        """The next hidden state, twice: as output and as state."""
        total = projected + _masked(state.hidden, hidden_mask) @ self.hidden_weight
        hidden = tanh(total) if self.activation == "tanh" else relu(total)
        return hidden, RNNState(hidden)

    def gates(self, inputs: Inputs, state: RNNState) -> SimpleRNNGates:
        """The new hidden state: a simple RNN has no gates."""
        return SimpleRNNGates(self(inputs, state)[0])


@dataclass(frozen=True, eq=False, repr=False)
class GRUCell(Cell[GRUState]):
    """The gated recurrent unit, reset applied after the recurrent product.

        r = sigmoid(x W_r + b_r + h U_r + c_r)
        z = sigmoid(x W_z + b_z + h U_z + c_z)
        n = tanh(x W_n + b_n + r * (h U_n + c_n))
        h' = (1 - z) * n + z * h

    Gate order r, z, n (PyTorch's; Keras stores z, r, n). Source: Cho et al. (2014), section 2.3; the reset's place as
    in PyTorch, cuDNN and Keras (`reset_after=True`), hence the two biases b and c. With `activation` relu, that in
    tanh's place, as in Keras.
    """

    input_weight: Float[Array, "features gates"]
    hidden_weight: Float[Array, "hidden gates"]
    input_bias: Float[Array, " gates"]
    hidden_bias: Float[Array, " gates"]
    activation: Literal["tanh", "relu"] = setting("tanh")

    State: ClassVar[type[GRUState]] = GRUState
    Gates: ClassVar[type[GRUGates]] = GRUGates

    def project(self, inputs: Inputs) -> Projected:
        """x W + b."""
        return inputs @ self.input_weight + self.input_bias

    def step(self, projected: Projected, state: GRUState, hidden_mask: Hidden | None = None) -> tuple[Hidden, GRUState]:
        """The next hidden state, twice: as output and as state."""
        _, update, candidate = self._gates(projected, state, hidden_mask)
        hidden = (1 - update) * candidate + update * state.hidden
        return hidden, GRUState(hidden)

    def gates(self, inputs: Inputs, state: GRUState) -> GRUGates:
        """Reset, update and candidate of one step."""
        return self._gates(self.project(inputs), state, None)

    def _gates(self, projected: Projected, state: GRUState, hidden_mask: Hidden | None) -> GRUGates:
        recurrent = _masked(state.hidden, hidden_mask) @ self.hidden_weight + self.hidden_bias
        x_r, x_z, x_n = split(projected, 3)
        h_r, h_z, h_n = split(recurrent, 3)
        reset = sigmoid(x_r + h_r)
        update = sigmoid(x_z + h_z)
        return GRUGates(reset, update, _bent(self.activation, x_n + reset * h_n))


@dataclass(frozen=True, eq=False, repr=False)
class ResetFirstGRUCell(Cell[GRUState]):
    """The gated recurrent unit, reset applied before the recurrent product.

        r = sigmoid(x W_r + h U_r + b_r)
        z = sigmoid(x W_z + h U_z + b_z)
        n = tanh(x W_n + (r * h) U_n + b_n)
        h' = (1 - z) * n + z * h

    Gate order r, z, n. Source: Cho et al. (2014), section 2.3, equations 5 to 8; Keras's with `reset_after=False`.
    """

    input_weight: Float[Array, "features gates"]
    hidden_weight: Float[Array, "hidden gates"]
    bias: Float[Array, " gates"]
    activation: Literal["tanh", "relu"] = setting("tanh")

    State: ClassVar[type[GRUState]] = GRUState
    Gates: ClassVar[type[GRUGates]] = GRUGates

    def project(self, inputs: Inputs) -> Projected:
        """X W + b."""
        return inputs @ self.input_weight + self.bias

    def step(self, projected: Projected, state: GRUState, hidden_mask: Hidden | None = None) -> tuple[Hidden, GRUState]:
        """The next hidden state, twice: as output and as state."""
        _, update, candidate = self._gates(projected, state, hidden_mask)
        hidden = (1 - update) * candidate + update * state.hidden
        return hidden, GRUState(hidden)

    def gates(self, inputs: Inputs, state: GRUState) -> GRUGates:
        """Reset, update and candidate of one step."""
        return self._gates(self.project(inputs), state, None)

    def _gates(self, projected: Projected, state: GRUState, hidden_mask: Hidden | None) -> GRUGates:
        units = self.hidden_size
        hidden = _masked(state.hidden, hidden_mask)
        x_r, x_z, x_n = split(projected, 3)
        h_r, h_z = split(hidden @ self.hidden_weight[:, : 2 * units], 2)
        reset, update = sigmoid(x_r + h_r), sigmoid(x_z + h_z)
        recurrent = (reset * hidden) @ self.hidden_weight[:, 2 * units :]
        return GRUGates(reset, update, _bent(self.activation, x_n + recurrent))


class LSTMFamily(Cell[LSTMState]):
    """What the LSTM and its variants share: one bias and two states."""

    bias: Float[Array, " gates"]
    State: ClassVar[type[LSTMState]] = LSTMState
    Gates: ClassVar[type[LSTMGates]] = LSTMGates

    def project(self, inputs: Inputs) -> Projected:
        """X W + b."""
        return inputs @ self.input_weight + self.bias

    def step(
        self, projected: Projected, state: LSTMState, hidden_mask: Hidden | None = None
    ) -> tuple[Hidden, LSTMState]:
        """The new hidden state and both states."""
        gates, cell = self._gates(projected, state, hidden_mask)
        hidden = gates.output * self._shown(cell)
        return hidden, LSTMState(hidden, cell)

    def gates(self, inputs: Inputs, state: LSTMState) -> LSTMGates:
        """Input, forget, candidate and output of one step."""
        return self._gates(self.project(inputs), state, None)[0]

    def _shown(self, cell: Hidden) -> Hidden:
        return tanh(cell)

    @abstractmethod
    def _gates(self, projected: Projected, state: LSTMState, hidden_mask: Hidden | None) -> tuple[LSTMGates, Hidden]:
        """The gates and the new cell: in which the variants differ."""


@dataclass(frozen=True, eq=False, repr=False)
class LSTMCell(LSTMFamily):
    """Long short-term memory.

        i, f, g, o = split(x W + h U + b)
        c' = sigmoid(f) * c + sigmoid(i) * tanh(g)
        h' = sigmoid(o) * tanh(c')

    Gate order i, f, g, o (Keras's and PyTorch's). Source: Hochreiter & Schmidhuber (1997); forget gate from Gers,
    Schmidhuber & Cummins (2000). One bias where PyTorch has two. With `activation` relu, relu in both tanh's places, as
    Keras has it.
    """

    input_weight: Float[Array, "features gates"]
    hidden_weight: Float[Array, "hidden gates"]
    bias: Float[Array, " gates"]
    activation: Literal["tanh", "relu"] = setting("tanh")

    def _shown(self, cell: Hidden) -> Hidden:
        return _bent(self.activation, cell)

    def _gates(self, projected: Projected, state: LSTMState, hidden_mask: Hidden | None) -> tuple[LSTMGates, Hidden]:
        total = projected + _masked(state.hidden, hidden_mask) @ self.hidden_weight
        i, f, g, o = split(total, 4)
        i, f, g, o = sigmoid(i), sigmoid(f), _bent(self.activation, g), sigmoid(o)
        return LSTMGates(i, f, g, o), f * state.cell + i * g


@dataclass(frozen=True, eq=False, repr=False)
class PeepholeLSTMCell(LSTMFamily):
    """LSTM whose gates see the cell state: i and f the old one, o the new one.

        i, f, g, o = split(x W + h U + b)
        c' = sigmoid(f + p_f * c) * c + sigmoid(i + p_i * c) * tanh(g)
        h' = sigmoid(o + p_o * c') * tanh(c')

    Gate order i, f, g, o. Source: Gers & Schmidhuber (2000), "Recurrent nets that time and count"; Graves (2013),
    equations 7 to 11, where the peepholes are diagonal, as here.
    """

    input_weight: Float[Array, "features gates"]
    hidden_weight: Float[Array, "hidden gates"]
    bias: Float[Array, " gates"]
    input_peephole: Float[Array, " hidden"]
    forget_peephole: Float[Array, " hidden"]
    output_peephole: Float[Array, " hidden"]

    def _gates(self, projected: Projected, state: LSTMState, hidden_mask: Hidden | None) -> tuple[LSTMGates, Hidden]:
        total = projected + _masked(state.hidden, hidden_mask) @ self.hidden_weight
        i, f, g, o = split(total, 4)
        i = sigmoid(i + self.input_peephole * state.cell)
        f = sigmoid(f + self.forget_peephole * state.cell)
        g = tanh(g)
        cell = f * state.cell + i * g
        o = sigmoid(o + self.output_peephole * cell)
        return LSTMGates(i, f, g, o), cell


@dataclass(frozen=True, eq=False, repr=False)
class CoupledLSTMCell(LSTMFamily):
    """LSTM that writes just where it forgets: i = 1 - f.

        f, g, o = split(x W + h U + b)
        c' = sigmoid(f) * c + (1 - sigmoid(f)) * tanh(g)
        h' = sigmoid(o) * tanh(c')

    Gate order f, g, o. Source: Greff et al. (2015), "LSTM: a search space odyssey", variant CIFG.
    """

    input_weight: Float[Array, "features gates"]
    hidden_weight: Float[Array, "hidden gates"]
    bias: Float[Array, " gates"]

    def _gates(self, projected: Projected, state: LSTMState, hidden_mask: Hidden | None) -> tuple[LSTMGates, Hidden]:
        total = projected + _masked(state.hidden, hidden_mask) @ self.hidden_weight
        f, g, o = split(total, 3)
        f, g, o = sigmoid(f), tanh(g), sigmoid(o)
        i = 1 - f
        return LSTMGates(i, f, g, o), f * state.cell + i * g


@dataclass(frozen=True, eq=False, repr=False)
class SLSTMCell(Cell[SLSTMState]):
    """LSTM with exponential gates, which can revise what it stored, and a normaliser that keeps its output in range.

        i, f, g, o = split(x W + h R + b)
        kept = log sigmoid(f) + m   (`forget_gate` sigmoid), or f + m   (exponential); -inf while n = 0
        m' = max(kept, i)
        c' = exp(kept - m') c + exp(i - m') tanh(g)
        n' = exp(kept - m') n + exp(i - m')
        h' = sigmoid(o) c' / n'

    R has a block for each head. The stabiliser m changes neither c' / n' nor h': it keeps the exponentials in range, so
    that c and n are those of the paper times exp(-m), and so are the gates shown: exp(i - m'), exp(kept - m'). Gate
    order i, f, g, o. Source: Beck et al. (2024), "xLSTM: extended long short-term memory", section 2.2, equations 8 to
    17.
    """

    input_weight: Float[Array, "features gates"]
    hidden_weight: Float[Array, "hidden head_gates"]
    bias: Float[Array, " gates"]
    heads: int = setting(1)
    forget_gate: Literal["sigmoid", "exponential"] = setting("sigmoid")

    State: ClassVar[type[SLSTMState]] = SLSTMState
    Gates: ClassVar[type[LSTMGates]] = LSTMGates

    def project(self, inputs: Inputs) -> Projected:
        """X W + b."""
        return inputs @ self.input_weight + self.bias

    def step(
        self, projected: Projected, state: SLSTMState, hidden_mask: Hidden | None = None
    ) -> tuple[Hidden, SLSTMState]:
        """The new hidden state and all four states."""
        (i, f, g, o), stabilizer = self._gates(projected, state, hidden_mask)
        cell = f * state.cell + i * g
        normalizer = f * state.normalizer + i
        hidden = o * cell / normalizer
        return hidden, SLSTMState(hidden, cell, normalizer, stabilizer)

    def gates(self, inputs: Inputs, state: SLSTMState) -> LSTMGates:
        """Input, forget, candidate and output of one step."""
        return self._gates(self.project(inputs), state, None)[0]

    def _gates(self, projected: Projected, state: SLSTMState, hidden_mask: Hidden | None) -> tuple[LSTMGates, Hidden]:
        xp = namespace(projected)
        recurrent = head_product(_masked(state.hidden, hidden_mask), self.hidden_weight, self.heads, 4)
        i, f, g, o = split(projected + recurrent, 4)
        kept = (f if self.forget_gate == "exponential" else -xp.logaddexp(0, -f)) + state.stabilizer
        kept = xp.where(state.normalizer == 0, -xp.inf, kept)
        stabilizer = xp.maximum(kept, i)
        return LSTMGates(xp.exp(i - stabilizer), xp.exp(kept - stabilizer), tanh(g), sigmoid(o)), stabilizer


def _bent(activation: str, total: Hidden) -> Hidden:
    return tanh(total) if activation == "tanh" else relu(total)


def _masked(hidden: Hidden, mask: Hidden | None) -> Hidden:
    return hidden if mask is None else hidden * mask
