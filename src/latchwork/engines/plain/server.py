"""A network on NumPy arrays, layer after layer: what runs where the kernels were not built, or have no such layer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latchwork.core import spec
from latchwork.core.cells import Cell
from latchwork.core.errors import InputError
from latchwork.core.layers import merged
from latchwork.core.table import cell_row, layer_row, under
from latchwork.core.tying import untied
from latchwork.engines.plain import cells

Array = NDArray[Any]
Lengths = NDArray[np.integer] | None
LayerState = Any
NetworkState = tuple[LayerState, ...]
"""One entry for each layer; None for layers that remember nothing."""


class PlainServer:
    """The layers of a spec with their arrays. It changes nothing in itself, so any number of threads may use one.

    Args:
        network: the spec, its input shape filled in.
        parameters: every array by its name (`layers.0.input_weight`), as the spec says.

    Raises:
        InputError: a layer has no row in the table.

    Example:
        >>> network = spec.Sequential([spec.LSTM(3), spec.Dense(2)], input_shape=(None, 1))
        >>> server = PlainServer(network, NetworkData.build(network, (None, 1)).parameters)
        >>> server.run(np.zeros((5, 7, 1), np.float32)).shape
        (5, 2)
    """

    def __init__(self, network: spec.Sequential, parameters: Mapping[str, NDArray[np.floating]]) -> None:
        """Sort the arrays by layer and build the cells."""
        self.spec, parameters = untied(network, parameters)
        self._layers = [
            built(layer, under(f"layers.{index}.", parameters)) for index, layer in enumerate(self.spec.layers)
        ]

    def run(self, inputs: Array, lengths: Lengths = None, *, ahead: Array | None = None) -> Array:
        """The last layer's output for a batch `[batch, time, features]`, or token numbers `[batch, time]`."""
        outputs = inputs
        for layer, arrays in zip(self.spec.layers, self._layers, strict=True):
            outputs = _apply(layer, arrays, outputs, lengths, ahead)
            lengths = lengths_after(outputs, lengths)
        return outputs

    def trace(self, inputs: Array, lengths: Lengths = None) -> tuple[dict[str, dict[str, Array]], Array]:
        """What each recurrent layer computes, by its name (`layers.0`, `layers.1.forward`), and the answer.

        A layer's arrays are named as in `cells.trace`.
        """
        outputs, found = inputs, dict[str, dict[str, Array]]()
        for index, (layer, arrays) in enumerate(zip(self.spec.layers, self._layers, strict=True)):
            if not isinstance(layer, spec.Recurrent | spec.Bidirectional):
                outputs = _apply(layer, arrays, outputs, lengths, None)
                lengths = lengths_after(outputs, lengths)
                continue
            shown: list[Array] = []
            for name, (inner, cell, reverse) in ways(f"layers.{index}", layer, arrays).items():
                found[name], final = cells.trace(cell, outputs, lengths, reverse=reverse)
                shown.append(found[name]["hidden"] if inner.return_sequences else final)
            outputs = _together(layer, shown)
            lengths = lengths_after(outputs, lengths)
        return found, outputs

    def initial_state(self, batch: int) -> NetworkState:
        """The state before the first step.

        Raises:
            InputError: a layer reads backwards, so that no step can be taken before the last input is there.
        """
        return tuple(
            _initial_state(layer, arrays, shape, batch)
            for layer, arrays, shape in zip(self.spec.layers, self._layers, self.spec.shapes(), strict=False)
        )

    def step(self, inputs: Array, state: NetworkState) -> tuple[Array, NetworkState]:
        """One step of every layer: the output at this step, and the state for the next.

        Args:
            inputs: `[batch, features]`, or token numbers `[batch]`.
            state: from `initial_state`, or the step before.

        Returns:
            `[batch, outputs]`: what the network would give were this the sequence's last step; and the new state.
        """
        outputs, states = inputs, list[LayerState]()
        for layer, arrays, before in zip(self.spec.layers, self._layers, state, strict=True):
            outputs, after = _step(layer, arrays, outputs, before)
            states.append(after)
        return outputs, tuple(states)


def lengths_after(outputs: Array, lengths: Lengths) -> Lengths:
    """Sequences that became vectors have no lengths any more, whatever is made of them."""
    return lengths if outputs.ndim > 2 else None


def built(layer: spec.Layer, arrays: dict[str, Array]) -> Any:
    """A layer's arrays as it runs: a cell, the cells of both ways, or the arrays by name."""
    match layer:
        case spec.Recurrent():
            return cell_row(layer).build(layer, arrays)
        case spec.Bidirectional():
            row = cell_row(layer.layer)
            return tuple(row.build(layer.layer, under(way, arrays)) for way in ("forward.", "backward."))
        case _:
            layer_row(layer)
            return arrays


def ways(name: str, layer: spec.Layer, arrays: Any) -> dict[str, tuple[spec.Recurrent, Cell[Any], bool]]:
    """A recurrent layer's cells by their names, each with its description and whether it reads backwards."""
    if isinstance(layer, spec.Bidirectional):
        return {
            f"{name}.forward": (layer.layer, arrays[0], False),
            f"{name}.backward": (layer.layer, arrays[1], True),
        }
    assert isinstance(layer, spec.Recurrent)
    return {name: (layer, arrays, layer.reverse)}


def _apply(layer: spec.Layer, arrays: Any, inputs: Array, lengths: Lengths, ahead: Array | None) -> Array:
    if isinstance(layer, spec.Recurrent | spec.Bidirectional):
        shown: list[Array] = []
        for inner, cell, reverse in ways("", layer, arrays).values():
            outputs, final = cells.unroll(cell, inputs, None, lengths, reverse=reverse)
            shown.append(outputs if inner.return_sequences else final.hidden)
        return _together(layer, shown)
    row = layer_row(layer)
    if row.takes_lengths:
        return row.apply(layer, arrays, inputs, lengths)
    if row.takes_ahead:
        if ahead is None:
            raise InputError(f"{layer!r} needs what is known ahead: give ahead (batch, horizon, {layer.features})")  # pyright: ignore[reportAttributeAccessIssue]
        return row.apply(layer, arrays, inputs, ahead)
    return row.apply(layer, arrays, inputs)


def _together(layer: spec.Layer, shown: list[Array]) -> Array:
    return merged(layer.merge, *shown) if isinstance(layer, spec.Bidirectional) else shown[0]


def _initial_state(layer: spec.Layer, arrays: Any, shape: spec.Shape, batch: int) -> LayerState:
    match layer:
        case spec.Bidirectional() | spec.Recurrent(reverse=True):
            raise InputError(
                f"{layer!r} reads from the end of a sequence: it cannot go step by step; use predict on the whole"
            )
        case spec.Recurrent():
            return arrays.initial_state((batch,))
        case _ if layer_row(layer).whole_sequences:
            raise InputError(f"{layer!r} is of whole sequences: it cannot go step by step; use predict on the whole")
        case _:
            start = layer_row(layer).start
            return None if start is None else start(layer, shape, batch)


def _step(layer: spec.Layer, arrays: Any, inputs: Array, state: LayerState) -> tuple[Array, LayerState]:
    if isinstance(layer, spec.Recurrent):
        return arrays(inputs, state)
    row = layer_row(layer)
    if row.step is not None:
        return row.step(layer, arrays, inputs, state)
    if row.takes_ahead:
        raise InputError(f"{layer!r} answers for all steps ahead at once: it cannot go step by step; use predict")
    return row.apply(layer, arrays, inputs), None
