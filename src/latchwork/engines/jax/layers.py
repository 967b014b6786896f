"""Layers with their arrays: each built from its description in `spec`, each a function of a batch.

Every layer is called as `layer(inputs, lengths, key)`: `lengths` where sequences differ in length, `key` while
training (without a key nothing is dropped). Rates are arrays held as `Constant`: run-time values, so that another
rate compiles nothing new, and not learned.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, Generic

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray

from latchwork.core import spec
from latchwork.core.cells import Cell, State
from latchwork.core.layers import merged
from latchwork.core.table import layer_row, under
from latchwork.core.tying import is_tied, untied_layer
from latchwork.engines.jax.cells import build_cell
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
    merge: str = eqx.field(static=True, default="concat")

    def __call__(self, inputs: Array, lengths: Lengths = None, key: Key = None) -> Array:
        """Outputs `[batch, time, 2*units]` or `[batch, 2*units]`; with half as many units where they are merged."""
        keys = (None, None) if key is None else jax.random.split(key)
        both = [layer(inputs, lengths, k) for layer, k in zip((self.forward, self.backward), keys, strict=True)]
        return merged(self.merge, *both)


class DescribedLayer(BuiltLayer):
    """A layer without a cell: the function of its row in the table, and its arrays in the order of its description."""

    arrays: tuple[Float[Array, "..."], ...]
    names: tuple[str, ...] = eqx.field(static=True)
    description: spec.Layer = eqx.field(static=True)

    def __call__(self, inputs: Array, lengths: Lengths = None, key: Key = None, ahead: Array | None = None) -> Array:
        """What the row's function gives."""
        row = layer_row(self.description)
        beside = (lengths,) if row.takes_lengths else (ahead,) if row.takes_ahead else ()
        return row.apply(self.description, self.parameters, inputs, *beside)

    @property
    def parameters(self) -> dict[str, Any]:
        """Its arrays by name: JAX's, or NumPy's of a model on its way out."""
        return dict(zip(self.names, self.arrays, strict=True))


class DropoutLayer(BuiltLayer):
    """Drops features while training."""

    rate: Constant

    def __call__(self, inputs: Array, lengths: Lengths = None, key: Key = None) -> Array:
        """The inputs, some of them zero and the rest scaled up; unchanged without a key."""
        return inputs if key is None else inputs * drop_mask(key, self.rate, inputs.shape)


def drop_mask(key: PRNGKeyArray, rate: Constant, shape: tuple[int, ...]) -> Array:
    """Zero with probability `rate`, else 1 / (1 - rate), so that the expectation stays."""
    keep = 1 - rate.value
    return jnp.where(jax.random.uniform(key, shape) < keep, 1 / keep, 0)


def build_layer(layer: spec.Layer, parameters: Mapping[str, Any]) -> BuiltLayer:
    """The layer that `layer` describes, around its arrays by name (see `spec.Layer.parameter_shapes`)."""
    match layer:
        case spec.Recurrent():
            return _build_recurrent(layer, parameters)
        case spec.Bidirectional():
            return BidirectionalLayer(
                _build_recurrent(layer.layer, under("forward.", parameters)),
                _build_recurrent(layer.layer, under("backward.", parameters), reverse=True),
                layer.merge,
            )
        case spec.Dropout():
            return DropoutLayer(_rate(layer.rate))
        case _:
            layer_row(layer)
            return DescribedLayer(tuple(parameters.values()), tuple(parameters), layer)


def _build_recurrent(
    layer: spec.Recurrent, parameters: Mapping[str, Any], *, reverse: bool = False
) -> RecurrentLayer[Any]:
    return RecurrentLayer(
        cell=build_cell(layer, parameters),
        dropout=_rate(layer.dropout) if layer.dropout else None,
        recurrent_dropout=_rate(layer.recurrent_dropout) if layer.recurrent_dropout else None,
        return_sequences=layer.return_sequences,
        reverse=layer.reverse or reverse,
        recompute_every=layer.recompute_every,
    )


def embedding_of(layer: Any) -> Array | None:
    """The vectors `[tokens, units]` of a layer that reads tokens; None for any other."""
    reads = isinstance(layer, DescribedLayer) and isinstance(layer.description, spec.Embedding)
    return layer.parameters["weight"] if reads else None


def with_matrix(layer: Any, first: Any) -> Any:
    """A layer that is tied to the first one's vectors, around them; any other as it is."""
    if not isinstance(layer, DescribedLayer) or not is_tied(layer.description):
        return layer
    vectors = embedding_of(first)
    assert vectors is not None  # the spec has seen to it
    return DescribedLayer((vectors.T, *layer.arrays), ("weight", *layer.names), untied_layer(layer.description))


def takes_ahead(layer: Any) -> bool:
    """Whether a layer reads the side input `ahead`."""
    return isinstance(layer, DescribedLayer) and layer_row(layer.description).takes_ahead


def has_dropout(model: Any) -> bool:
    """Whether any layer of a model drops something while training."""
    nodes = jax.tree.leaves(model, is_leaf=lambda node: isinstance(node, Constant))
    return any(isinstance(node, Constant) for node in nodes)


def _rate(rate: float) -> Constant:
    return Constant(jax.device_put(np.float32(rate)))  # from NumPy: nothing is compiled for it
