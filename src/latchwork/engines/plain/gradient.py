"""The gradient of a network by its inputs in NumPy, in the precision of the inputs: what the kernels' is compared with.

The kernels compute in float32. Where a network's answer changes by millions of times what its input does, that is
noise; here the same question can be asked in float64.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latchwork.core import spec
from latchwork.core.cells import Cell
from latchwork.core.layers import merged
from latchwork.core.table import layer_row, under
from latchwork.core.tying import untied
from latchwork.engines.plain.server import built, lengths_after, ways
from latchwork.engines.plain.tape import Recorded, pull_back, value_of

Array = NDArray[Any]
Lengths = NDArray[np.integer] | None
Back = Callable[[Array], Array]


def gradient(
    network: spec.Sequential,
    parameters: Mapping[str, Array],
    inputs: Array,
    by_outputs: Array,
    lengths: Lengths = None,
) -> tuple[Array, Array]:
    """A network's outputs, and the vector-Jacobian product by its inputs.

    Args:
        network: the layers, their input shape filled in.
        parameters: every array by its name (`layers.0.input_weight`).
        inputs: `[batch, time, features]`, float32 or float64: all is computed in that.
        by_outputs: the gradient of what is asked for by the outputs, in their shape.
        lengths: how many steps of each sequence are real; all where left out.

    Returns:
        The outputs, and the gradient `[batch, time, features]`.

    Raises:
        InputError: a layer has no row in the table, or computes what the tape does not know.

    Example:
        >>> network = spec.Sequential([spec.LSTM(3), spec.Dense(2)], input_shape=(None, 1))
        >>> data = NetworkData.build(network, (None, 1))
        >>> outputs, by_inputs = gradient(network, data.parameters, np.zeros((5, 7, 1)), np.ones((5, 2)))
        >>> by_inputs.shape
        (5, 7, 1)
    """
    network, parameters = untied(network, parameters)
    backs: list[Back] = []
    outputs = inputs
    for index, layer in enumerate(network.layers):
        arrays = under(f"layers.{index}.", parameters)
        own = built(layer, {name: np.asarray(array, inputs.dtype) for name, array in arrays.items()})
        outputs, back = _layer(layer, own, outputs, lengths)
        backs.append(back)
        lengths = lengths_after(outputs, lengths)
    by = np.asarray(by_outputs, outputs.dtype)
    for back in reversed(backs):
        by = back(by)
    return outputs, by


def _layer(layer: spec.Layer, own: Any, inputs: Array, lengths: Lengths) -> tuple[Array, Back]:
    """A layer's outputs, and the way back through it."""
    if isinstance(layer, spec.Recurrent | spec.Bidirectional):
        return _recurrent(layer, own, inputs, lengths)
    row = layer_row(layer)
    recorded = Recorded(inputs)
    outputs = row.apply(layer, own, recorded, *((lengths,) if row.takes_lengths else ()))
    return outputs.value, lambda by: pull_back([outputs], [by], [recorded])[0]


def _recurrent(layer: spec.Layer, own: Any, inputs: Array, lengths: Lengths) -> tuple[Array, Back]:
    """As `_layer`, for one that reads forwards, backwards or both ways."""
    outputs: list[Array] = []
    backs: list[Back] = []
    for inner, cell, reverse in ways("", layer, own).values():
        shown, back = _unrolled(cell, inputs, lengths, reverse, inner.return_sequences)
        outputs.append(shown)
        backs.append(back)

    if not isinstance(layer, spec.Bidirectional):
        return outputs[0], backs[0]
    recorded = [Recorded(each) for each in outputs]
    together = merged(layer.merge, *recorded)

    def both(by: Array) -> Array:
        parts = pull_back([together], [by], recorded)
        return np.sum([back(part) for back, part in zip(backs, parts, strict=True)], axis=0)

    return together.value, both


def _unrolled(cell: Cell[Any], inputs: Array, lengths: Lengths, reverse: bool, sequences: bool) -> tuple[Array, Back]:
    """A cell over time: only the states are kept, each step is computed again on the way back."""
    batch, time, _ = inputs.shape
    projected = cell.project(inputs)
    order = range(time)[::-1] if reverse else range(time)
    state = cell.initial_state((batch,))
    before: list[Any] = []
    outputs = np.zeros((batch, time, cell.hidden_size), inputs.dtype)
    for at in order:
        before.append(state)
        recorded = [Recorded(part) for part in (projected[:, at], *state)]
        output, new = cell.step(recorded[0], type(state)(*recorded[1:]))  # recorded for its products alone
        read = _read(at, lengths)
        state = type(state)(*(np.where(read, value_of(after), kept) for after, kept in zip(new, state, strict=True)))
        outputs[:, at] = np.where(read, value_of(output), 0)

    def back(by: Array) -> Array:
        by_projected = np.zeros_like(projected)
        by_state = [np.zeros_like(part) for part in state]
        if not sequences:
            by_state[0] = by_state[0] + by
        for at, old in zip(reversed(order), reversed(before), strict=True):
            read = _read(at, lengths)
            here, *parts = recorded = [Recorded(projected[:, at]), *map(Recorded, old)]
            output, new = cell.step(here, type(old)(*parts))  # pyright: ignore[reportArgumentType]
            by_output = np.where(read, by[:, at], 0) if sequences else np.zeros_like(old[0])
            wanted = [(output, by_output), *zip(new, (np.where(read, each, 0) for each in by_state), strict=True)]
            known = [(one, gradient) for one, gradient in wanted if isinstance(one, Recorded)]
            by_projected[:, at], *by_old = pull_back(*zip(*known, strict=True), recorded)  # pyright: ignore[reportArgumentType]
            by_state = [np.where(read, 0, each) + new for each, new in zip(by_state, by_old, strict=True)]
        recorded = Recorded(inputs)
        return pull_back([cell.project(recorded)], [by_projected], [recorded])[0]  # pyright: ignore[reportArgumentType]

    return (outputs if sequences else state[0]), back


def _read(at: int, lengths: Lengths) -> Any:
    """Which sequences have a step there `[batch, 1]`."""
    return np.True_ if lengths is None else (at < lengths)[:, None]
