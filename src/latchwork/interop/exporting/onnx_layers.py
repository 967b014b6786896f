"""Each layer of the table as nodes of ONNX, and a whole network as a chain of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latchwork.core import spec
from latchwork.core.errors import InputError
from latchwork.core.network import NetworkData
from latchwork.core.table import CELLS
from latchwork.interop.exporting.onnx_builder import Graph, float32
from latchwork.interop.exporting.onnx_cells import run_cell

Array = NDArray[np.float32]
Parameters = Mapping[str, Array]
ACTIVATIONS = {"tanh": "Tanh", "relu": "Relu", "sigmoid": "Sigmoid"}


@dataclass
class Flow:
    """A value on its way through the network.

    Attributes:
        graph: the graph.
        value: its name: a sequence `[time, batch, features]`, or a vector `[batch, features]`.
        shape: the same as the spec has it, the batch left out.
        lengths: the real steps of each sequence, `[batch]`, int32.
        ahead: what is known of the steps ahead, `[batch, horizon, features]`; empty where there is none.
        streams: whether the states of recurrent layers are inputs and outputs of the graph.
        states: the states after the last step, by the name of the output, `[batch, units]` each.
    """

    graph: Graph
    value: str
    shape: spec.Shape
    lengths: str
    ahead: str = ""
    streams: bool = False
    states: dict[str, tuple[str, int]] = field(default_factory=dict[str, tuple[str, int]])

    def axes(self, *axes: int) -> str:
        """Axes as later opsets take them: an array."""
        return self.graph.array(np.array(axes, np.int64), "axes")


def streams(network: spec.Sequential) -> bool:
    """Whether a network can go on from a state: nothing reads backwards, and nothing looks at a sequence as a whole."""
    carried = [layer for layer in network.layers if isinstance(layer, spec.Recurrent)]
    whole = (spec.Bidirectional, spec.Pooling, spec.Ahead, spec.RepeatVector, spec.Flatten, spec.Conv1D)
    return bool(carried) and not any(layer.reverse for layer in carried) and not any(
        isinstance(layer, whole) for layer in network.layers
    )  # fmt: skip


def add_network(flow: Flow, data: NetworkData) -> None:
    """Add every layer; raises `InputError` for one that has no nodes here, by name."""
    for index, (layer, shape) in enumerate(zip(data.spec.layers, data.spec.shapes()[1:], strict=True)):
        start = f"layers.{index}."
        own = {name.removeprefix(start): one for name, one in data.parameters.items() if name.startswith(start)}
        if isinstance(layer, spec.Recurrent):
            _add_recurrent(flow, layer, own, index)
        elif type(layer) in ADDERS:
            ADDERS[type(layer)](flow, layer, own, index)
        else:
            raise InputError(f"{layer!r} is not written as ONNX yet")
        flow.shape = shape


def _add_recurrent(flow: Flow, layer: spec.Recurrent, arrays: Parameters, index: int) -> None:
    graph, names = flow.graph, CELLS[type(layer)].states
    given: list[str] = []
    if flow.streams:
        for name in names:
            zero = np.zeros((1, layer.units), np.float32)
            state = graph.input(f"{name}_{index}", np.float32, (f"batch_of_{name}_{index}", layer.units), zero)
            given.append(graph.add("Unsqueeze", _of_every_row(flow, state), flow.axes(0)))
    run = run_cell(graph, layer, (arrays,), flow.value, flow.lengths, tuple(given))
    if flow.streams:
        for name, state in zip(names, run.states, strict=True):
            flow.states[f"{name}_{index}_next"] = (graph.add("Squeeze", state, flow.axes(0)), layer.units)
    if layer.return_sequences:
        flow.value = graph.add("Squeeze", run.outputs, flow.axes(1))
    else:
        flow.value = graph.add("Squeeze", run.states[0], flow.axes(0))


def _of_every_row(flow: Flow, state: str) -> str:
    """A state of one row or of all as `[batch, units]`."""
    graph = flow.graph
    batch = graph.add("Gather", graph.add("Shape", flow.value), graph.array(np.array([1], np.int64), "index"), axis=0)
    ones = graph.array(np.array([1], np.int64), "one")
    return graph.add("Expand", state, graph.add("Concat", batch, ones, axis=0))


def _add_bidirectional(flow: Flow, layer: spec.Bidirectional, arrays: Parameters, index: int) -> None:
    del index
    graph, inner = flow.graph, layer.layer
    forward, backward = (
        {name.removeprefix(f"{way}."): one for name, one in arrays.items() if name.startswith(f"{way}.")}
        for way in ("forward", "backward")
    )
    run = run_cell(graph, inner, (forward, backward), flow.value, flow.lengths)
    if layer.merge != "concat":
        both, axis = (run.outputs, 1) if inner.return_sequences else (run.states[0], 0)
        flow.value = _merged(flow, layer.merge, both, axis)
        return
    if inner.return_sequences:  # [time, directions, batch, units] as [time, batch, directions * units]
        beside, shape = graph.add("Transpose", run.outputs, perm=[0, 2, 1, 3]), (0, 0, 2 * inner.units)
    else:
        beside, shape = graph.add("Transpose", run.states[0], perm=[1, 0, 2]), (0, 2 * inner.units)
    flow.value = graph.add("Reshape", beside, graph.array(np.array(shape, np.int64), "shape"))


def _merged(flow: Flow, how: str, both: str, axis: int) -> str:
    """Both ways, on an axis of their own, number by number as one."""
    graph = flow.graph
    ways = (graph.array(np.array(way, np.int64), "way") for way in (0, 1))
    one, two = (graph.add("Gather", both, way, axis=axis) for way in ways)
    if how == "mul":
        return graph.add("Mul", one, two)
    total = graph.add("Add", one, two)
    return total if how == "sum" else graph.add("Mul", total, graph.array(np.array(0.5, np.float32), "half"))


def _add_activation(flow: Flow, layer: spec.Activation, arrays: Parameters, index: int) -> None:
    del arrays, index
    graph = flow.graph
    match layer.function:
        case "softmax":
            flow.value = graph.add("Softmax", flow.value, axis=-1)
        case "silu":
            flow.value = graph.add("Mul", flow.value, graph.add("Sigmoid", flow.value))
        case "exponential":
            flow.value = graph.add("Exp", flow.value)
        case name:
            flow.value = graph.add(name.capitalize(), flow.value)


def _add_repeat(flow: Flow, layer: spec.RepeatVector, arrays: Parameters, index: int) -> None:
    """`[batch, features]` at every step, `[times, batch, features]`; all sequences are of that length then."""
    del arrays, index
    graph = flow.graph
    times = graph.array(np.array([layer.times, 1, 1], np.int64), "times")
    zero = graph.array(np.array([0], np.int64), "index")
    batch = graph.add("Gather", graph.add("Shape", flow.value), zero, axis=0)
    flow.value = graph.add("Expand", graph.add("Unsqueeze", flow.value, flow.axes(0)), times)
    flow.lengths = graph.add("Expand", graph.array(np.array([layer.times], np.int32), "length"), batch)


def _add_flatten(flow: Flow, layer: spec.Flatten, arrays: Parameters, index: int) -> None:
    del arrays, index
    graph, features = flow.graph, flow.shape[-1]
    assert features is not None
    rows = graph.add("Transpose", flow.value, perm=[1, 0, 2])
    flow.value = graph.add("Reshape", rows, graph.array(np.array([-1, layer.steps * features], np.int64), "shape"))


def _add_convolution(flow: Flow, layer: spec.Conv1D, arrays: Parameters, index: int) -> None:
    """Over `[batch, features, time]`, as ONNX has it; what lies past a length is zero before."""
    del index
    graph = flow.graph
    zero, one = (graph.array(np.array(number, np.int64), "number") for number in (0, 1))
    time = graph.add("Gather", graph.add("Shape", flow.value), zero, axis=0)
    steps = graph.add("Unsqueeze", graph.add("Range", zero, time, one), flow.axes(1, 2))
    counts = graph.add("Unsqueeze", graph.add("Cast", flow.lengths, to=7), flow.axes(0, 2))  # 7: int64
    nothing = graph.array(np.array(0, np.float32), "zero")
    real = graph.add("Where", graph.add("Less", steps, counts), flow.value, nothing)
    weight = graph.array(float32(arrays["weight"]).transpose(2, 1, 0).copy(), "weight")
    total = graph.add(
        "Conv", graph.add("Transpose", real, perm=[1, 2, 0]), weight, graph.array(float32(arrays["bias"]), "bias"),
        kernel_shape=[layer.steps], pads=[layer.before, layer.steps - 1 - layer.before],
    )  # fmt: skip
    flow.value = _activated(flow, graph.add("Transpose", total, perm=[2, 0, 1]), layer.activation)


def _add_dense(flow: Flow, layer: spec.Dense, arrays: Parameters, index: int) -> None:
    del index
    graph = flow.graph
    product = graph.add("MatMul", flow.value, graph.array(float32(arrays["weight"]), "weight"))
    flow.value = _activated(
        flow, graph.add("Add", product, graph.array(float32(arrays["bias"]), "bias")), layer.activation
    )


def _activated(flow: Flow, value: str, activation: str | None) -> str:
    return value if activation is None else flow.graph.add(ACTIVATIONS[activation], value)


def _add_embedding(flow: Flow, layer: spec.Embedding, arrays: Parameters, index: int) -> None:
    del layer, index
    flow.value = flow.graph.add("Gather", flow.graph.array(float32(arrays["weight"]), "embedding"), flow.value, axis=0)


def _add_norm(flow: Flow, layer: spec.LayerNorm, arrays: Parameters, index: int) -> None:
    del index
    scale, offset = (flow.graph.array(float32(arrays[name]), name) for name in ("scale", "offset"))
    flow.value = flow.graph.add("LayerNormalization", flow.value, scale, offset, axis=-1, epsilon=layer.epsilon)


def _add_nothing(flow: Flow, layer: spec.Layer, arrays: Parameters, index: int) -> None:
    """What works while training alone."""
    del flow, layer, arrays, index


def _add_pooling(flow: Flow, layer: spec.Pooling, arrays: Parameters, index: int) -> None:
    del arrays, index
    graph = flow.graph
    zero, one = (graph.array(np.array(number, np.int64), "number") for number in (0, 1))
    time = graph.add("Gather", graph.add("Shape", flow.value), zero, axis=0)
    steps = graph.add("Unsqueeze", graph.add("Range", zero, time, one), flow.axes(1, 2))
    counts = graph.add("Unsqueeze", graph.add("Cast", flow.lengths, to=7), flow.axes(0, 2))  # 7: int64
    nothing = graph.array(np.array(0, np.float32), "zero")

    def over(which: str, otherwise: str, operator: str) -> str:
        chosen = graph.add("Where", which, flow.value, otherwise)
        if operator == "ReduceSum":
            return graph.add(operator, chosen, flow.axes(0), keepdims=0)
        return graph.add(operator, chosen, axes=[0], keepdims=0)

    def pooled(kind: str) -> str:
        real = graph.add("Less", steps, counts)
        if kind == "first":
            return graph.add("Gather", flow.value, zero, axis=0)
        if kind == "last":
            return over(graph.add("Equal", steps, graph.add("Sub", counts, one)), nothing, "ReduceSum")
        if kind == "max":
            return over(real, graph.array(np.array(-np.inf, np.float32), "lowest"), "ReduceMax")
        number = graph.add("Squeeze", graph.add("Cast", counts, to=1), flow.axes(0))  # 1: float32
        return graph.add("Div", over(real, nothing, "ReduceSum"), number)

    parts = [pooled(kind) for kind in layer.kinds]
    flow.value = parts[0] if len(parts) == 1 else graph.add("Concat", *parts, axis=-1)


def _add_ahead(flow: Flow, layer: spec.Ahead, arrays: Parameters, index: int) -> None:
    del index
    graph = flow.graph
    known = graph.add("Transpose", flow.ahead, perm=[1, 0, 2])
    steps = graph.add("MatMul", known, graph.array(float32(arrays["ahead_weight"]), "ahead_weight"))
    context = graph.add("MatMul", flow.value, graph.array(float32(arrays["weight"]), "weight"))
    total = graph.add("Add", graph.add("Add", context, steps), graph.array(float32(arrays["bias"]), "bias"))
    flow.value = _activated(flow, total, layer.activation)


ADDERS: dict[type[spec.Layer], Any] = {
    spec.Bidirectional: _add_bidirectional,
    spec.Dense: _add_dense,
    spec.Embedding: _add_embedding,
    spec.LayerNorm: _add_norm,
    spec.Dropout: _add_nothing,
    spec.Pooling: _add_pooling,
    spec.Ahead: _add_ahead,
    spec.Activation: _add_activation,
    spec.RepeatVector: _add_repeat,
    spec.Flatten: _add_flatten,
    spec.Conv1D: _add_convolution,
}
