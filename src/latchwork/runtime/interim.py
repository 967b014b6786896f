"""A saved network on NumPy arrays: whole batches of sequences, or one step at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from latchwork.core import settings, spec
from latchwork.core.errors import InputError
from latchwork.core.table import cell_row
from latchwork.engines import native
from latchwork.runtime import numpy_cells
from latchwork.runtime.numpy_cells import Array, Parameters, State, sigmoid

Lengths = NDArray[np.integer] | None
Run = Callable[[spec.Recurrent, Parameters, Array, State, Lengths, bool], tuple[Array, State]]
"""An engine: outputs `[batch, time, units]`, zero past a length, and the state after the last step read."""


@dataclass(frozen=True)
class PoolingState:
    """What `Pooling` has seen so far: a number of steps, and of them `[batch, features]`."""

    steps: int
    first: Array
    total: Array
    largest: Array


LayerState = State | PoolingState | None
NetworkState = tuple[LayerState, ...]
"""One entry for each layer; None for layers that remember nothing."""


class Layers:
    """The layers of a spec with their arrays. It changes nothing in itself, so any number of threads may use one.

    The fused kernels run the recurrent layers where they were built, and the plain NumPy step elsewhere.
    `LATCHWORK_ENGINE=plain|native|auto` chooses, as in training.

    Args:
        network: the spec, its input shape filled in.
        parameters: every array by its name (`layers.0.input_weight`), as the spec says.

    Raises:
        InputError: names or shapes are not the spec's, or the engine that `LATCHWORK_ENGINE` asks for is not there.
    """

    def __init__(self, network: spec.Sequential, parameters: Mapping[str, NDArray[np.float32]]) -> None:
        """Check the arrays and sort them by layer."""
        spec.check_parameters(network, parameters)
        self.spec = network
        self._run = chosen_engine()
        self.is_fused = isinstance(self._run, Fused)
        self.layer_parameters = tuple(_under(f"layers.{index}.", parameters) for index in range(len(network.layers)))

    def __call__(self, inputs: Array, lengths: Lengths = None) -> Array:
        """The last layer's output for a batch `[batch, time, features]`, or token numbers `[batch, time]`."""
        outputs = inputs
        for layer, parameters in zip(self.spec.layers, self.layer_parameters, strict=True):
            outputs = _apply(layer, parameters, outputs, lengths, self._run)
        return outputs

    def initial_state(self, batch: int) -> NetworkState:
        """The state before the first step.

        Raises:
            InputError: a layer reads backwards, so that no step can be taken before the last input is there.
        """
        return tuple(
            _initial_state(layer, shape, batch)
            for layer, shape in zip(self.spec.layers, self.spec.shapes(), strict=False)
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
        for layer, parameters, before in zip(self.spec.layers, self.layer_parameters, state, strict=True):
            outputs, after = _step(layer, parameters, outputs, before, self._run)
            states.append(after)
        return outputs, tuple(states)


def _under(prefix: str, arrays: Mapping[str, Array]) -> dict[str, Array]:
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}


def _apply(layer: spec.Layer, parameters: Parameters, inputs: Array, lengths: Lengths, run: Run) -> Array:
    match layer:
        case spec.Recurrent():
            return _recurrent(layer, parameters, inputs, lengths, run, layer.reverse)
        case spec.Bidirectional():
            forward = _recurrent(layer.layer, _under("forward.", parameters), inputs, lengths, run, False)
            backward = _recurrent(layer.layer, _under("backward.", parameters), inputs, lengths, run, True)
            return np.concatenate([forward, backward], axis=-1)
        case spec.Pooling():
            return _pooled(layer.kinds, inputs, lengths)
        case _:
            return _pointwise(layer, parameters, inputs)


def _recurrent(
    layer: spec.Recurrent, parameters: Parameters, inputs: Array, lengths: Lengths, run: Run, reverse: bool
) -> Array:
    state = numpy_cells.initial_state(layer, len(inputs))
    outputs, final = run(layer, parameters, inputs, state, lengths, reverse)
    return outputs if layer.return_sequences else final[0]


class Fused:
    """The compiled kernels. A layer's weights are packed when it first runs, once for the network's life."""

    def __init__(self) -> None:
        """Nothing is packed yet."""
        self._cells: dict[int, native.FusedCell] = {}

    def __call__(
        self,
        layer: spec.Recurrent,
        parameters: Parameters,
        inputs: Array,
        state: State,
        lengths: Lengths,
        reverse: bool,
    ) -> tuple[Array, State]:
        """Run a layer; see `Run`."""
        key = id(parameters["hidden_weight"])  # the network keeps its arrays, so no other array takes the number
        cell = self._cells.get(key)
        if cell is None:
            cell = self._cells[key] = native.FusedCell(kernel_of(layer), parameters)
        if inputs.shape[1] == 1 and lengths is None:
            after = cell.step(inputs[:, 0], state)
            return after[0][:, None], after
        return cell.run(inputs, state, lengths, reverse=reverse)


def kernel_of(layer: spec.Recurrent) -> str:
    """The kernels' name of a layer's cell."""
    return cast("Any", cell_row(layer).kernel)(layer)


def plain(
    layer: spec.Recurrent, parameters: Parameters, inputs: Array, state: State, lengths: Lengths, reverse: bool
) -> tuple[Array, State]:
    """The equations in NumPy, step after step."""
    batch, time, _ = inputs.shape
    projected = numpy_cells.project(layer, parameters, inputs)
    outputs = np.zeros((batch, time, layer.units), np.float32)
    for at in reversed(range(time)) if reverse else range(time):
        new = numpy_cells.step(layer, parameters, projected[:, at], state)
        if lengths is None:
            state, output = new, new[0]
        else:  # past its length, a sequence keeps its state and gives zero
            real = (at < lengths)[:, None]
            state = tuple(np.where(real, after, before) for after, before in zip(new, state, strict=True))
            output = np.where(real, new[0], np.float32(0))
        outputs[:, at] = output
    return outputs, state


def chosen_engine() -> Run:
    """The engine that `LATCHWORK_ENGINE` asks for: the kernels where they were built, unless it says `scan`."""
    wanted = settings.engine()
    if wanted == "native" and not native.available():
        raise InputError(f"LATCHWORK_ENGINE=native: {native.engine_info().reason}")
    return Fused() if native.available() and wanted != "plain" else plain


def _pooled(kinds: Sequence[str], inputs: Array, lengths: Lengths) -> Array:
    batch, time, _ = inputs.shape
    counts = np.full(batch, time) if lengths is None else lengths
    real = (np.arange(time) < counts[:, None])[..., None]
    pooled: list[Array] = []
    for kind in kinds:
        match kind:
            case "first":
                pooled.append(inputs[:, 0])
            case "last":
                pooled.append(inputs[np.arange(batch), counts - 1])
            case "mean":
                pooled.append(np.where(real, inputs, 0).sum(axis=1) / counts[:, None].astype(np.float32))
            case _:
                pooled.append(np.where(real, inputs, -np.inf).max(axis=1))
    return np.concatenate(pooled, axis=-1).astype(np.float32, copy=False)


def _pointwise(layer: spec.Layer, parameters: Parameters, inputs: Array) -> Array:
    """Layers that treat every step alike, with any leading axes."""
    match layer:
        case spec.Embedding():
            return parameters["weight"][inputs]
        case spec.Dense():
            total = inputs @ parameters["weight"] + parameters["bias"]
            return _ACTIVATIONS[layer.activation](total)
        case spec.LayerNorm():
            centred = inputs - inputs.mean(axis=-1, keepdims=True)
            variance = np.square(centred).mean(axis=-1, keepdims=True)
            return centred / np.sqrt(variance + np.float32(layer.EPSILON)) * parameters["scale"] + parameters["offset"]
        case spec.Dropout():
            return inputs
        case _:
            raise TypeError(f"the runtime has no layer {layer!r}")


_ACTIVATIONS = {
    None: lambda total: total,
    "tanh": np.tanh,
    "relu": lambda total: np.maximum(total, 0),
    "sigmoid": sigmoid,
}


def _initial_state(layer: spec.Layer, shape: spec.Shape, batch: int) -> LayerState:
    match layer:
        case spec.Bidirectional() | spec.Recurrent(reverse=True):
            raise InputError(
                f"{layer!r} reads from the end of a sequence: it cannot go step by step; use predict on the whole"
            )
        case spec.Recurrent():
            return numpy_cells.initial_state(layer, batch)
        case spec.Pooling():
            zeros = np.zeros((batch, shape[-1] or 0), np.float32)
            return PoolingState(0, zeros, zeros, zeros - np.inf)
        case _:
            return None


def _step(
    layer: spec.Layer, parameters: Parameters, inputs: Array, state: LayerState, run: Run
) -> tuple[Array, LayerState]:
    match layer, state:
        case spec.Recurrent(), tuple():
            _, after = run(layer, parameters, inputs[:, None], state, None, False)
            return after[0], after
        case spec.Pooling(), PoolingState():
            after = PoolingState(
                state.steps + 1,
                state.first if state.steps else inputs,
                state.total + inputs,
                np.maximum(state.largest, inputs),
            )
            seen = {
                "first": after.first,
                "last": inputs,
                "mean": after.total / np.float32(after.steps),
                "max": after.largest,
            }
            return np.concatenate([seen[kind] for kind in layer.kinds], axis=-1), after
        case _:
            return _pointwise(layer, parameters, inputs), None
