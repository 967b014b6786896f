"""A network in the kernels: what answers, what shows its gates, what says how answers follow from inputs.

Each is made from the same two things: the layers as the kernels call them (`native_layers`), and all parameters as one
vector in the order of the spec.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latchwork.core import spec, table
from latchwork.core.errors import InputError
from latchwork.core.tying import untied
from latchwork.engines import native

Array = NDArray[np.float32]
Parameters = Mapping[str, NDArray[Any]]
Settings = dict[str, Any]
State = Any
"""What a server remembers between two steps, of `state.batch` sequences. It is never changed."""

TracedLayer = tuple[str, tuple[str, ...], Array]
"""A layer's name (`layers.0`, `layers.1.forward`), the names of its arrays, and these `[names, batch, time, units]`."""


def why_not(network: spec.Sequential) -> str | None:
    """Why the kernels cannot run a network; None where they can."""
    if not native.available():
        return native.engine_info().reason
    for layer in network.layers:
        inner = layer.layer if isinstance(layer, spec.Bidirectional) else layer
        if isinstance(inner, spec.Recurrent):
            kernel = table.cell_row(inner).kernel
            if kernel is None or kernel(inner) not in native.kinds():
                return f"the kernels have no cell for {inner!r}"
        elif type(layer).__name__ not in native.module().layers():
            return f"the kernels have no layer {layer!r}"
    return None


def native_layers(network: spec.Sequential) -> list[tuple[str, Settings]]:
    """The layers by their names and settings in the kernels.

    Raises:
        InputError: the kernels cannot run one of them.
    """
    if (reason := why_not(network)) is not None:
        raise InputError(reason)
    return [_native_layer(layer) for layer in network.layers]


def _native_layer(layer: spec.Layer) -> tuple[str, Settings]:
    match layer:
        case spec.Bidirectional():
            return "Bidirectional", _recurrent(layer.layer) | {"merge": layer.merge}
        case spec.Recurrent():
            return "Recurrent", _recurrent(layer)
        case _:
            return type(layer).__name__, table.layer_row(layer).native(layer)


def _recurrent(layer: spec.Recurrent) -> Settings:
    kernel = table.cell_row(layer).kernel
    assert kernel is not None  # or why_not has said so
    common = ("units", "heads", "return_sequences", "reverse", "dropout", "recurrent_dropout")
    return {"kind": kernel(layer)} | {name: getattr(layer, name) for name in common}


def joined(network: spec.Sequential, parameters: Parameters) -> Array:
    """All parameters as one vector, in the order of the spec; `InputError` where they are not the spec's."""
    spec.check_parameters(network, parameters)
    arrays = [np.asarray(parameters[name], np.float32).ravel() for name in network.parameter_shapes()]
    return np.concatenate(arrays) if arrays else np.zeros(0, np.float32)


class Server:
    """A network that answers. It changes nothing in itself, so any number of threads may share one.

    Attributes:
        quick_run: `run` for inputs that are dense float32 (tokens: int32 or int64) already, by place alone: inputs, and
            where there are any lengths and rows ahead. Its answer is None where they are not, or not finite.
        quick_step: `step` likewise.
    """

    def __init__(
        self,
        network: spec.Sequential,
        parameters: Parameters,
        offset: Sequence[float] | NDArray[np.floating],
        scale: Sequence[float] | NDArray[np.floating],
        *,
        scores: bool,
    ) -> None:
        """Pack the weights; see `serve`."""
        self._network = network
        layers, vector = native_layers(network), joined(network, parameters)
        features, has_time = _form(network)
        self._native: Any = native.module().Server(
            layers, features, has_time, vector, [float(x) for x in offset], [float(x) for x in scale], scores
        )
        self.quick_run = self._native.run
        self.quick_step = self._native.step

    def run(self, inputs: Any, lengths: Any = None, *, ahead: Any = None) -> Array:
        """The outputs for a whole batch.

        Args:
            inputs: `[batch, time, features]`, vectors `[batch, features]`, or token numbers `[batch, time]`.
            lengths: how many steps of each sequence are real, 1 to time; all where left out.
            ahead: the rows `[batch, horizon, features]` that an `Ahead` layer looks at.

        Returns:
            `[batch, time, outputs]`, or `[batch, outputs]` where the network ends in a vector.

        Raises:
            InputError: another shape or type, missing or infinite numbers, unknown tokens, lengths that do not fit.
        """
        given = _dense(self._network, inputs)
        lengths = _lengths(lengths, given)
        answer = self._native.run(given, lengths, _rows_ahead(self._network, ahead, len(given)))
        return self._known(answer, inputs)

    def initial_state(self, batch: int = 1) -> State:
        """The state before the first step.

        Raises:
            InputError: a layer reads backwards, so that no step can be taken before the last input is there.
        """
        if not self._native.goes_step_by_step:
            layer = next(layer for layer in self._network.layers if _waits(layer))
            what = "reads from the end of a sequence"
            if not isinstance(layer, spec.Recurrent | spec.Bidirectional):
                what = (
                    "answers for all steps ahead at once" if isinstance(layer, spec.Ahead) else "is of whole sequences"
                )
            raise InputError(f"{layer!r} {what}: it cannot go step by step; use predict on the whole")
        return self._native.initial_state(batch)

    def step(self, inputs: Any, state: State) -> tuple[Array, State]:
        """One step: the outputs `[batch, outputs]` were it the last (probabilities, of scores), and the new state.

        Args:
            inputs: `[batch, features]`, or token numbers `[batch]`.
            state: from `initial_state`, or the step before.

        Raises:
            InputError: as `run`, or inputs of another number of sequences than the state.
        """
        given = _dense(self._network, inputs, one_step=True)
        return self._known(self._native.step(given, state), inputs, state)

    def advance(self, inputs: Any, state: State) -> tuple[Array, State]:
        """Many steps `[batch, time, ...]` at once from a state on: the outputs as of `run`, and the state after."""
        given = _dense(self._network, inputs)
        return self._known(self._native.advance(given, state), inputs, state)

    def _known(self, answer: Any, inputs: Any, state: State | None = None) -> Any:
        if answer is not None:
            return answer
        shape = np.shape(inputs)
        if state is not None and len(inputs) != state.batch:
            raise InputError(f"got inputs of {len(inputs)} sequences and a state of {state.batch}")
        raise InputError(
            f"inputs of shape {shape} do not fit the network's {self._network.input_shape}, "
            "hold numbers that are missing or infinite, or tokens that it does not know"
        )


def serve(
    network: spec.Sequential,
    parameters: Parameters,
    *,
    offset: Sequence[float] | NDArray[np.floating] = (),
    scale: Sequence[float] | NDArray[np.floating] = (),
    scores: bool = False,
) -> Server:
    """Pack a network for answering.

    Args:
        network: its input shape filled in.
        parameters: every array by its name, as the spec says.
        offset: with `scale`, what inputs go through first: (value - offset) / scale, in double; each `[features]`.
        scale: see `offset`.
        scores: whether steps turn their outputs into probabilities.

    Raises:
        InputError: the kernels cannot run it, or the arrays are not the spec's.
    """
    return Server(*untied(network, parameters), offset, scale, scores=scores)


def trace(
    network: spec.Sequential, parameters: Parameters, inputs: Any, lengths: Any = None, *, ahead: Any = None
) -> tuple[list[TracedLayer], Array]:
    """Run a batch and keep all that its recurrent layers compute, zero past a length; arguments as of `Server.run`.

    Returns:
        Each recurrent layer, in each way that it reads: its gates, then its states, `hidden` last; and the outputs.

    Raises:
        InputError: the kernels cannot run it, or the arrays are not the spec's, or as `Server.run`.
    """
    network, parameters = untied(network, parameters)
    layers, vector = native_layers(network), joined(network, parameters)
    given = _dense(network, inputs)
    known = _rows_ahead(network, ahead, len(given))
    found = native.module().trace(layers, *_form(network), vector, given, _lengths(lengths, given), known)
    if found is None:
        raise InputError(f"inputs of shape {given.shape} do not fit {network!r}, or are not what it takes")
    traced: list[TracedLayer] = []
    for place, backwards, planes in found[0]:
        layer = network.layers[place]
        way = ""
        if isinstance(layer, spec.Bidirectional):
            layer, way = layer.layer, ".backward" if backwards else ".forward"
        assert isinstance(layer, spec.Recurrent)
        traced.append((f"layers.{place}{way}", table.cell_row(layer).traced, planes))
    return traced, found[1]


def gradient(
    network: spec.Sequential,
    parameters: Parameters,
    inputs: Any,
    by_outputs: Any,
    lengths: Any = None,
    *,
    ahead: Any = None,
) -> tuple[Array, Array]:
    """The outputs, and the derivative of their sum, each weighted by `by_outputs`, by the inputs; nothing is dropped.

    Args:
        network: as of `serve`. Where it begins with an embedding, `inputs` are its vectors `[batch, time, units]`.
        parameters: as of `serve`.
        inputs: numbers, as of `Server.run`.
        by_outputs: a weight for each output, in the outputs' shape.
        lengths: as of `Server.run`; `ahead` as well.
        ahead: see `lengths`.

    Raises:
        InputError: the kernels cannot run it, the arrays are not the spec's, or shapes do not fit.
    """
    network, parameters = untied(network, parameters)
    layers, vector = native_layers(network), joined(network, parameters)
    features, has_time = _form(network)
    first = network.layers[0]
    if isinstance(first, spec.Embedding):
        if np.asarray(inputs).dtype.kind in "iu":
            raise InputError("token numbers have no derivatives: give their vectors [batch, time, units]")
        layers, vector, features = layers[1:], vector[first.tokens * first.units :], first.units
    given = _floats(inputs)
    found = native.module().gradient(
        layers, features, has_time, vector, given, _floats(by_outputs), _lengths(lengths, given),
        _rows_ahead(network, ahead, len(given)),
    )  # fmt: skip
    if found is None:
        raise InputError(
            f"inputs of shape {given.shape} and weights of shape {np.shape(by_outputs)} do not fit {network!r}"
        )
    return found


def _form(network: spec.Sequential) -> tuple[int, bool]:
    """Features of the inputs (0 of tokens), and whether they are sequences."""
    shape = network.shapes()[0]
    if isinstance(network.layers[0], spec.Embedding):
        return 0, True
    features = shape[-1]
    assert features is not None
    return features, len(shape) == 2


def _waits(layer: spec.Layer) -> bool:
    if isinstance(layer, spec.Recurrent):
        return layer.reverse
    return isinstance(layer, spec.Bidirectional | spec.Ahead) or table.layer_row(layer).whole_sequences


def _dense(network: spec.Sequential, inputs: Any, *, one_step: bool = False) -> NDArray[Any]:
    """The inputs as the kernels take them."""
    tokens = isinstance(network.layers[0], spec.Embedding)
    array = np.asarray(inputs)
    axes = len(network.shapes()[0]) + 1 - one_step
    if array.ndim != axes or 0 in array.shape:
        raise InputError(f"got inputs of shape {array.shape}: {axes} axes expected, none of them empty")
    if not tokens:
        return _floats(array)
    if array.dtype.kind not in "iu":
        raise InputError(f"got inputs of type {array.dtype}: token numbers are whole")
    return np.ascontiguousarray(array, np.int64)


def _floats(array: Any) -> Array:
    try:
        return np.ascontiguousarray(array, np.float32)
    except (TypeError, ValueError) as error:
        raise InputError(f"got {np.asarray(array).dtype} where numbers belong") from error


def _rows_ahead(network: spec.Sequential, ahead: Any, batch: int) -> Array | None:
    layer = next((layer for layer in network.layers if isinstance(layer, spec.Ahead)), None)
    if layer is None:
        return None
    if ahead is None:
        raise InputError(f"{layer!r} needs what is known ahead: give ahead (batch, horizon, {layer.features})")
    rows = _floats(ahead)
    if rows.ndim != 3 or len(rows) != batch or rows.shape[2] != layer.features or not rows.shape[1]:
        raise InputError(f"got ahead of shape {rows.shape}, expected ({batch}, horizon, {layer.features})")
    return rows


def _lengths(lengths: Any, inputs: NDArray[Any]) -> NDArray[np.int32] | None:
    if lengths is None:
        return None
    array = np.ascontiguousarray(lengths, np.int32)
    if array.shape != inputs.shape[:1] or array.min() < 1 or array.max() > inputs.shape[1]:
        raise InputError(f"lengths must be {len(inputs)} numbers from 1 to {inputs.shape[1]}")
    return array
