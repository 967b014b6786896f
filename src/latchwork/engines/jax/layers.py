"""Layers with their arrays: each built from its description in `spec`, each a function of a batch.

Every layer is called as `layer(inputs, lengths, key)`: `lengths` where sequences differ in length, `key` while
training (without a key nothing is dropped). Rates are arrays held as `Constant`: run-time values, so that another
rate compiles nothing new, and not learned.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, Generic, Literal

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray

from latchwork.core import cells, spec
from latchwork.core.cells import Cell, State
from latchwork.engines.jax.unroll import unroll

Lengths = Int[Array, " batch"] | None
Key = PRNGKeyArray | None


class Constant(eqx.Module):
    """An array that is not learned."""

    value: Float[Array, ""]


class BuiltLayer(eqx.Module):
    """A layer that can be called."""

    @abstractmethod
    def __call__(self, inputs: Array, lengths: Lengths = None, key: Key = None) -> Array:
        """The layer's output for a batch."""


class RecurrentLayer(BuiltLayer, Generic[State]):
    """A cell over time."""

    cell: Cell[State]
    dropout: Constant | None
    recurrent_dropout: Constant | None
    return_sequences: bool = eqx.field(static=True)
    reverse: bool = eqx.field(static=True)
    recompute_every: int = eqx.field(static=True, default=0)

    def __call__(self, inputs: Array, lengths: Lengths = None, key: Key = None) -> Array:
        """Outputs `[batch, time, units]`, or the last `[batch, units]`."""
        outputs, state = self.run(inputs, None, lengths, key)
        return outputs if self.return_sequences else state[0]

    def run(
        self, inputs: Float[Array, "batch time features"], state: State | None, lengths: Lengths = None, key: Key = None
    ) -> tuple[Float[Array, "batch time units"], State]:
        """Every output and the final state, from a given state (zeros where None)."""
        hidden_mask = None
        if key is not None:
            input_key, hidden_key = jax.random.split(key)
            batch, _, features = inputs.shape
            if self.dropout is not None:
                inputs = inputs * drop_mask(input_key, self.dropout, (batch, 1, features))
            if self.recurrent_dropout is not None:
                hidden_mask = drop_mask(hidden_key, self.recurrent_dropout, (batch, self.cell.hidden_size))
        return unroll(
            self.cell,
            inputs,
            state,
            lengths,
            reverse=self.reverse,
            hidden_mask=hidden_mask,
            recompute_every=self.recompute_every,
        )


class BidirectionalLayer(BuiltLayer):
    """Two recurrent layers, one reading each way, side by side."""

    forward: RecurrentLayer[Any]
    backward: RecurrentLayer[Any]

    def __call__(self, inputs: Array, lengths: Lengths = None, key: Key = None) -> Array:
        """Outputs `[batch, time, 2*units]` or `[batch, 2*units]`."""
        keys = (None, None) if key is None else jax.random.split(key)
        both = [layer(inputs, lengths, k) for layer, k in zip((self.forward, self.backward), keys, strict=True)]
        return jnp.concatenate(both, axis=-1)


class EmbeddingLayer(BuiltLayer):
    """A row of `weight` for each token number."""

    weight: Float[Array, "tokens units"]

    def __call__(self, inputs: Int[Array, "batch time"], lengths: Lengths = None, key: Key = None) -> Array:
        """Vectors `[batch, time, units]`."""
        return self.weight[inputs]


class DenseLayer(BuiltLayer):
    """activation(x W + b) on the last axis."""

    weight: Float[Array, "inputs units"]
    bias: Float[Array, " units"]
    activation: Literal["tanh", "relu", "sigmoid"] | None = eqx.field(static=True)

    def __call__(self, inputs: Array, lengths: Lengths = None, key: Key = None) -> Array:
        """The inputs' shape with `units` features."""
        total = inputs @ self.weight + self.bias
        match self.activation:
            case None:
                return total
            case "tanh":
                return jnp.tanh(total)
            case "relu":
                return jax.nn.relu(total)
            case "sigmoid":
                return jax.nn.sigmoid(total)


class DropoutLayer(BuiltLayer):
    """Drops features while training."""

    rate: Constant

    def __call__(self, inputs: Array, lengths: Lengths = None, key: Key = None) -> Array:
        """The inputs, some of them zero and the rest scaled up; unchanged without a key."""
        return inputs if key is None else inputs * drop_mask(key, self.rate, inputs.shape)


class LayerNormLayer(BuiltLayer):
    """Normalises the last axis."""

    scale: Float[Array, " features"]
    offset: Float[Array, " features"]

    def __call__(self, inputs: Array, lengths: Lengths = None, key: Key = None) -> Array:
        """The inputs' shape, each vector with mean 0 and variance 1 before scale and offset."""
        centred = inputs - inputs.mean(axis=-1, keepdims=True)
        variance = jnp.square(centred).mean(axis=-1, keepdims=True)
        return centred * jax.lax.rsqrt(variance + spec.LayerNorm.EPSILON) * self.scale + self.offset


class PoolingLayer(BuiltLayer):
    """A sequence as one vector."""

    kinds: tuple[str, ...] = eqx.field(static=True)

    def __call__(self, inputs: Array, lengths: Lengths = None, key: Key = None) -> Array:
        """`[batch, features * kinds]` over the real steps."""
        _, time, _ = inputs.shape
        counts = jnp.full(inputs.shape[:1], time) if lengths is None else lengths
        real = (jnp.arange(time) < counts[:, None])[..., None]
        pooled: dict[str, Callable[[], Array]] = {
            "first": lambda: inputs[:, 0],
            "last": lambda: jnp.take_along_axis(inputs, (counts - 1)[:, None, None], axis=1)[:, 0],
            "mean": lambda: jnp.where(real, inputs, 0).sum(axis=1) / counts[:, None],
            "max": lambda: _largest(inputs, real),
        }
        return jnp.concatenate([pooled[kind]() for kind in self.kinds], axis=-1)


def _largest(inputs: Float[Array, "batch time features"], real: Array) -> Float[Array, "batch features"]:
    """Each feature's largest value over the real steps, whose derivative goes to the first step that has it.

    Found by its place: the derivative of `max` looks for the value again, and misses it where XLA has computed the
    inputs a second time with other rounding.
    """
    place = jnp.where(real, jax.lax.stop_gradient(inputs), -jnp.inf).argmax(axis=1, keepdims=True)
    return jnp.where(jnp.arange(inputs.shape[1])[:, None] == place, inputs, 0).sum(axis=1)


def drop_mask(key: PRNGKeyArray, rate: Constant, shape: tuple[int, ...]) -> Array:
    """Zero with probability `rate`, else 1 / (1 - rate), so that the expectation stays."""
    keep = 1 - rate.value
    return jnp.where(jax.random.uniform(key, shape) < keep, 1 / keep, 0)


CELLS: dict[type[spec.Recurrent], type[Cell[Any]]] = {
    spec.SimpleRNN: cells.SimpleRNNCell,
    spec.GRU: cells.GRUCell,
    spec.LSTM: cells.LSTMCell,
    spec.PeepholeLSTM: cells.PeepholeLSTMCell,
    spec.CoupledLSTM: cells.CoupledLSTMCell,
}


def build_layer(layer: spec.Layer, parameters: Mapping[str, Any]) -> BuiltLayer:
    """The layer that `layer` describes, around its arrays by name (see `spec.Layer.parameter_shapes`)."""
    match layer:
        case spec.Recurrent():
            return _build_recurrent(layer, parameters)
        case spec.Bidirectional():
            forward, backward = (
                {name.removeprefix(way): array for name, array in parameters.items() if name.startswith(way)}
                for way in ("forward.", "backward.")
            )
            return BidirectionalLayer(
                _build_recurrent(layer.layer, forward), _build_recurrent(layer.layer, backward, reverse=True)
            )
        case spec.Embedding():
            return EmbeddingLayer(**parameters)
        case spec.Dense():
            return DenseLayer(**parameters, activation=layer.activation)
        case spec.Dropout():
            return DropoutLayer(_rate(layer.rate))
        case spec.LayerNorm():
            return LayerNormLayer(**parameters)
        case spec.Pooling():
            return PoolingLayer(layer.kinds)
        case _:
            raise TypeError(f"no layer is built from {layer!r}")


def _build_recurrent(
    layer: spec.Recurrent, parameters: Mapping[str, Any], *, reverse: bool = False
) -> RecurrentLayer[Any]:
    arguments: dict[str, Any] = dict(parameters)
    if isinstance(layer, spec.SimpleRNN):
        arguments["activation"] = layer.activation
    return RecurrentLayer(
        cell=CELLS[type(layer)](**arguments),
        dropout=_rate(layer.dropout) if layer.dropout else None,
        recurrent_dropout=_rate(layer.recurrent_dropout) if layer.recurrent_dropout else None,
        return_sequences=layer.return_sequences,
        reverse=layer.reverse or reverse,
        recompute_every=layer.recompute_every,
    )


def has_dropout(model: Any) -> bool:
    """Whether any layer of a model drops something while training."""
    nodes = jax.tree.leaves(model, is_leaf=lambda node: isinstance(node, Constant))
    return any(isinstance(node, Constant) for node in nodes)


def _rate(rate: float) -> Constant:
    return Constant(jax.device_put(np.float32(rate)))  # from NumPy: nothing is compiled for it
