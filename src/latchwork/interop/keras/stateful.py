"""Stateful models: each batch goes on, row by row, where the one before ended, until the states are put back.

The states lie with the layers, as in Keras: `fit`, `evaluate` and `predict` go on from them and leave them behind.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latchwork.core import spec
from latchwork.core.errors import InputError
from latchwork.core.network import NetworkData
from latchwork.core.table import cell_row, layer_row, under
from latchwork.engines import native
from latchwork.engines.plain import cells
from latchwork.interop.keras.layers import Layer
from latchwork.interop.keras.recurrent import Bidirectional, Recurrent

Array = NDArray[Any]


class States:
    """The states of a model's layers.

    Args:
        layers: of the model, in their order.
        rows: of every batch.

    Raises:
        InputError: some layers are stateful and some are not, or the batches have no fixed size.
    """

    def __init__(self, layers: Sequence[Layer], rows: int | None) -> None:
        """Check that they can be carried on."""
        own = [layer for layer in layers if isinstance(layer, Recurrent | Bidirectional)]
        for layer in own:
            if not isinstance(layer, Recurrent) or not layer.stateful:
                raise InputError(f"the layer {layer.name!r} is not stateful and others are: all have to be, or none")
        if rows is None:
            raise InputError(
                "a stateful model needs batches of one size: give batch_input_shape=(rows, steps, features)"
            )
        self.layers = [layer for layer in own if isinstance(layer, Recurrent)]
        self.rows = rows

    def of(self, layer: Recurrent) -> tuple[Array, ...]:
        """A layer's states `[rows, units]`, zeros after a reset."""
        if layer.left is None:
            return tuple(np.zeros((self.rows, int(layer.given["units"])), np.float32) for _ in range(layer.states))
        return layer.left

    def joined(self) -> NDArray[np.float32]:
        """All in one vector, `[1, states]`, layer by layer, as the trainer carries them."""
        return np.concatenate([part.ravel() for layer in self.layers for part in self.of(layer)])[None]

    def take(self, joined: Array) -> None:
        """Leave with the layers what the trainer carried."""
        at = 0
        for layer in self.layers:
            size = self.rows * int(layer.given["units"])
            parts = joined[0, at : at + layer.states * size].reshape(layer.states, self.rows, -1)
            layer.left = tuple(part.copy() for part in parts)
            at += layer.states * size

    def check(self, rows: int) -> None:
        """Raise `InputError` unless rows fall into whole batches."""
        if rows % self.rows:
            raise InputError(f"a stateful model takes whole batches of {self.rows} rows, got {rows} rows")

    def run(self, data: NetworkData, inputs: Array, lengths: Array | None) -> Array:
        """The outputs of rows, batch by batch from the states on."""
        self.check(len(inputs))
        parts: list[Array] = []
        for at in range(0, len(inputs), self.rows):
            batch = slice(at, at + self.rows)
            parts.append(self._batch(data, inputs[batch], None if lengths is None else lengths[batch]))
        return np.concatenate(parts)

    def _batch(self, data: NetworkData, flow: Array, lengths: Array | None) -> Array:
        waiting = iter(self.layers)
        for index, layer in enumerate(data.spec.layers):
            arrays = under(f"layers.{index}.", data.parameters)
            if isinstance(layer, spec.Recurrent):
                own = next(waiting)
                outputs, own.left = _unrolled(layer, arrays, flow, self.of(own), lengths)
                flow = outputs if layer.return_sequences else own.left[0]
            else:
                row = layer_row(layer)
                flow = row.apply(layer, arrays, flow, *((lengths,) if row.takes_lengths else ()))
            lengths = lengths if flow.ndim > 2 else None
        return np.asarray(flow, np.float32)


def _unrolled(
    layer: spec.Recurrent, arrays: Mapping[str, Array], inputs: Array, state: tuple[Array, ...], lengths: Array | None
) -> tuple[Array, tuple[Array, ...]]:
    """A layer over a batch from a state on: every output, and the state after the last real step."""
    row = cell_row(layer)
    if native.available() and row.kernel is not None:
        return native.unroll(row.kernel(layer), arrays, inputs, state, lengths)
    cell = row.build(layer, arrays)
    outputs, after = cells.unroll(cell, inputs, row.cell.State(*state), lengths)
    return outputs, tuple(after)
