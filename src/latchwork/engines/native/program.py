"""A network in the kernels: what answers, what shows its gates, what says how answers follow from inputs.

Each is made from the same two things: the layers as the kernels call them (`native_layers`), and all parameters as one
vector in the order of the spec.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latchwork.core import spec
from latchwork.core.errors import InputError
from latchwork.engines import native

Array = NDArray[np.float32]
Parameters = Mapping[str, NDArray[Any]]
Settings = dict[str, Any]
State = Any
"""What a server remembers between two steps, of `state.batch` sequences. It is never changed."""

TracedLayer = tuple[str, tuple[str, ...], Array]
"""A layer's name (`layers.0`, `layers.1.forward`), the names of its arrays, and these `[names, batch, time, units]`."""

KINDS: dict[type[spec.Recurrent], str] = {
    spec.GRU: "gru",
    spec.LSTM: "lstm",
    spec.PeepholeLSTM: "peephole_lstm",
    spec.CoupledLSTM: "coupled_lstm",
}
TRACED: dict[str, tuple[str, ...]] = {
    "gru": ("reset", "update", "candidate", "hidden"),
    "lstm": ("input", "forget", "candidate", "output", "cell", "hidden"),
    "peephole_lstm": ("input", "forget", "candidate", "output", "cell", "hidden"),
    "coupled_lstm": ("input", "forget", "candidate", "output", "cell", "hidden"),
    "simple_rnn_tanh": ("hidden",),
    "simple_rnn_relu": ("hidden",),
}


def why_not(network: spec.Sequential) -> str | None:
    """Why the kernels cannot run a network; None where they can."""
    if not native.available():
        return native.engine_info().reason
    for layer in network.layers:
        if _native_layer(layer) is None:
            return f"the kernels have no layer {layer!r}"
    return None


def native_layers(network: spec.Sequential) -> list[tuple[str, Settings]]:
    """The layers by their names and settings in the kernels.

    Raises:
        InputError: the kernels cannot run one of them.
    """
    if (reason := why_not(network)) is not None:
        raise InputError(reason)
    return [found for layer in network.layers if (found := _native_layer(layer)) is not None]


def _native_layer(layer: spec.Layer) -> tuple[str, Settings] | None:
    match layer:
        case spec.Bidirectional():
            inner = _recurrent(layer.layer)
            return None if inner is None else ("bidirectional", inner)
        case spec.Recurrent():
            inner = _recurrent(layer)
            return None if inner is None else ("recurrent", inner | {"reverse": layer.reverse})
        case spec.Dense():
            return "dense", {"units": layer.units, "activation": layer.activation}
        case spec.Embedding():
            return "embedding", {"tokens": layer.tokens, "units": layer.units}
        case spec.Pooling():
            return "pooling", {"kinds": list(layer.kinds)}
        case spec.LayerNorm():
            return "layer_norm", {"epsilon": layer.EPSILON}
        case spec.Dropout():
            return "dropout", {"rate": float(layer.rate)}
        case _:
            return None


def _recurrent(layer: spec.Recurrent) -> Settings | None:
    kind = f"simple_rnn_{layer.activation}" if isinstance(layer, spec.SimpleRNN) else KINDS.get(type(layer))
    if kind is None:
        return None
    return {
        "kind": kind,
        "units": layer.units,
        "return_sequences": layer.return_sequences,
        "dropout": float(layer.dropout),
        "recurrent_dropout": float(layer.recurrent_dropout),
    }


def joined(network: spec.Sequential, parameters: Parameters) -> Array:
    """All parameters as one vector, in the order of the spec; `InputError` where they are not the spec's."""
    spec.check_parameters(network, parameters)
    arrays = [np.asarray(parameters[name], np.float32).ravel() for name in network.parameter_shapes()]
    return np.concatenate(arrays) if arrays else np.zeros(0, np.float32)


class Server:
    """A network that answers. It changes nothing in itself, so any number of threads may share one.

    Attributes:
        quick_run: `run` for inputs that are dense float32 (tokens: int32 or int64) already, by place alone: inputs,
            lengths or None, rows ahead or None. Its answer is None where they are not, or not finite.
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

    def run(self, inputs: Any, lengths: Any = None, ahead: Any = None) -> Array:
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
        return self._known(self._native.run(given, lengths, None if ahead is None else _floats(ahead)), inputs)

    def initial_state(self, batch: int = 1) -> State:
        """The state before the first step.

        Raises:
            InputError: a layer reads backwards, so that no step can be taken before the last input is there.
        """
        if not self._native.goes_step_by_step:
            layer = next(layer for layer in self._network.layers if _waits(layer))
            raise InputError(
                f"{layer!r} reads from the end of a sequence: it cannot go step by step; use predict on the whole"
            )
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
        """Many steps `[batch, time, ...]` at once from a state on: the outputs as of `run`, and the state after them."""
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
    return Server(network, parameters, offset, scale, scores=scores)


def trace(
    network: spec.Sequential, parameters: Parameters, inputs: Any, lengths: Any = None, ahead: Any = None
) -> tuple[list[TracedLayer], Array]:
    """Run a batch and keep all that its recurrent layers compute, zero past a length; arguments as of `Server.run`.

    Returns:
        Each recurrent layer, in each way that it reads: its gates, then its states, `hidden` last; and the outputs.

    Raises:
        InputError: the kernels cannot run it, or the arrays are not the spec's, or as `Server.run`.
    """
    layers, vector = native_layers(network), joined(network, parameters)
    given = _dense(network, inputs)
    found = native.module().trace(layers, *_form(network), vector, given, _lengths(lengths, given), ahead)
    if found is None:
        raise InputError(f"inputs of shape {given.shape} do not fit {network!r}, or are not what it takes")
    traced: list[TracedLayer] = []
    for place, backwards, planes in found[0]:
        name, settings = layers[place]
        way = (".backward" if backwards else ".forward") if name == "bidirectional" else ""
        traced.append((f"layers.{place}{way}", TRACED[settings["kind"]], planes))
    return traced, found[1]


def gradient(
    network: spec.Sequential,
    parameters: Parameters,
    inputs: Any,
    by_outputs: Any,
    lengths: Any = None,
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
    layers, vector = native_layers(network), joined(network, parameters)
    features, has_time = _form(network)
    first = network.layers[0]
    if isinstance(first, spec.Embedding):
        if np.asarray(inputs).dtype.kind in "iu":
            raise InputError("token numbers have no derivatives: give their vectors [batch, time, units]")
        layers, vector, features = layers[1:], vector[first.tokens * first.units :], first.units
    given = _floats(inputs)
    found = native.module().gradient(
        layers, features, has_time, vector, given, _floats(by_outputs), _lengths(lengths, given), ahead
    )
    if found is None:
        raise InputError(f"inputs of shape {given.shape} and weights of shape {np.shape(by_outputs)} do not fit {network!r}")
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
    return isinstance(layer, spec.Bidirectional) or (isinstance(layer, spec.Recurrent) and layer.reverse)


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


def _lengths(lengths: Any, inputs: NDArray[Any]) -> NDArray[np.int32] | None:
    if lengths is None:
        return None
    array = np.ascontiguousarray(lengths, np.int32)
    if array.shape != inputs.shape[:1] or array.min() < 1 or array.max() > inputs.shape[1]:
        raise InputError(f"lengths must be {len(inputs)} numbers from 1 to {inputs.shape[1]}")
    return array
