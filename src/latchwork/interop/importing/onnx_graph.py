"""An ONNX graph as a network: its nodes one after the other, each told what the ones before it stand for.

A graph is a chain here: what is read is the way from the input to the first output, and everything on it must be a
layer of the table, an axis moved, or a number about the lengths. Weights are never guessed: a node that is not
understood ends the reading, by its name.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, cast

import numpy as np

from latchwork.core import spec
from latchwork.core.errors import InputError
from latchwork.interop.importing import onnx_operators as operators
from latchwork.interop.importing import onnx_shapes as shapes
from latchwork.interop.importing.files import SMALL
from latchwork.interop.importing.imported import Imported
from latchwork.interop.importing.onnx_cells import recurrent
from latchwork.interop.importing.onnx_file import GraphInput, Node, OnnxFile, read_onnx_file
from latchwork.interop.importing.onnx_values import (
    Const,
    Inputs,
    Mark,
    OtherAxesFirst,
    Reading,
    Signal,
    Unknown,
    Value,
)
from latchwork.transforms.scaling import Scaler

MAX_TEXT = 1 << 20  # characters of a label list
Reader = Callable[[Reading, Node, Inputs], list[Value]]


def _either(for_signals: Reader, operation: Callable[[Any, Any], Any]) -> Reader:
    """Arithmetic on the network's values or on constants and sizes."""
    for_numbers = shapes.compute(operation)

    def run(reading: Reading, node: Node, inputs: Inputs) -> list[Value]:
        network = any(isinstance(each, Signal | Mark) for each in inputs)
        return (for_signals if network else for_numbers)(reading, node, inputs)

    return run


OPERATORS: Mapping[str, Reader] = {
    "LSTM": recurrent, "GRU": recurrent, "RNN": recurrent,
    "MatMul": operators.matmul, "Gemm": operators.gemm,
    "Add": _either(operators.arithmetic("Add"), np.add), "Sub": _either(operators.arithmetic("Sub"), np.subtract),
    "Mul": _either(operators.arithmetic("Mul"), np.multiply), "Div": _either(operators.arithmetic("Div"), np.divide),
    "Relu": operators.activation("relu"), "Tanh": operators.activation("tanh"),
    "Sigmoid": operators.activation("sigmoid"), "Elu": operators.activation("elu"),
    "Selu": operators.activation("selu"), "Softplus": operators.activation("softplus"),
    "Softsign": operators.activation("softsign"), "Exp": operators.activation("exponential"), "Tile": shapes.tile,
    "Softmax": operators.softmax, "LogSoftmax": operators.softmax,
    "ArgMax": operators.label, "ZipMap": operators.named, "ReduceProd": shapes.product,
    "LayerNormalization": operators.layer_norm, "BatchNormalization": operators.batch_norm,
    "ReduceMean": operators.reduce("mean"), "ReduceMax": operators.reduce("max"), "ReduceSum": operators.reduce("sum"),
    "Where": operators.where, "Less": operators.compare("Less"), "Equal": operators.compare("Equal"),
    "Not": operators.inverted, "Min": operators.largest, "Max": operators.largest, "Range": operators.steps,
    "TopK": operators.order, "GatherElements": operators.rearranged, "Cast": operators.cast_to,
    "Identity": operators.same, "Dropout": operators.same,
    "Transpose": shapes.transpose, "Squeeze": shapes.squeeze, "Unsqueeze": shapes.unsqueeze, "Shape": shapes.shape,
    "Gather": shapes.gather, "Slice": shapes.cut, "Concat": shapes.concat, "Split": shapes.divide,
    "Reshape": shapes.reshape, "Flatten": shapes.flatten, "Expand": shapes.expand,
    "ConstantOfShape": shapes.constant_of_shape,
}  # fmt: skip


def network_of_graph(content: bytes) -> Imported:
    """The network of an ONNX file.

    Args:
        content: the file's bytes.

    Raises:
        InputError: damaged, weights elsewhere, or a node by its name that is not read.
    """
    file = read_onnx_file(content)
    main = _main_input(file)
    try:
        return _read(file, main, time_first=False)
    except OtherAxesFirst:
        pass
    try:
        return _read(file, main, time_first=True)
    except OtherAxesFirst:
        raise InputError("its recurrent nodes take different axes as time") from None


def _main_input(file: OnnxFile) -> GraphInput:
    """The sequences or tokens: the first input that is neither lengths nor a state."""
    asked = [each for each in file.inputs if each.name not in file.arrays]
    for each in asked:
        rank = None if each.shape is None else len(each.shape)
        if (each.floats and rank in (3, None)) or (not each.floats and rank in (2, None)):
            return each
    listed = ", ".join(f"{each.name[:40]} {each.shape}" for each in asked[:4]) or "none"
    raise InputError(
        f"its inputs are {listed}: expected sequences (batch, time, features) or token numbers (batch, time)"
    )


def _read(file: OnnxFile, main: GraphInput, *, time_first: bool) -> Imported:
    reading = Reading(not main.floats, budget=2 * file.size + SMALL)
    if main.shape is not None and len(main.shape) > 1:
        reading.time = main.shape[0 if time_first else 1]
    axes = ("time", "batch") if time_first else ("batch", "time")
    width = 0
    if main.floats:
        width = (main.shape[-1] if main.shape else None) or _width_of_weights(file)
        axes = (*axes, "features")
    values: dict[str, Value] = {name: Const(array) for name, array in file.arrays.items()}
    values |= {each.name: _other_input(each, values.get(each.name)) for each in file.inputs}
    values[main.name] = Signal(axes, width, 0)
    for node in file.nodes:
        _read_node(reading, node, values, set(file.outputs))
    output = _output(file, values, reading)
    flat = any(isinstance(layer, spec.Flatten) for layer in reading.chain.layers)
    time = reading.time if flat else None
    shape = (time,) if reading.tokens else (time, width)
    if time_first:
        reading.notes.append("the original takes (time, batch, features); here it is (batch, time, features)")
    return _imported(file, reading, output, shape)


def _width_of_weights(file: OnnxFile) -> int:
    """The features of the first recurrent node's weights, where the input does not state its own."""
    for node in file.nodes:
        if node.operator in ("LSTM", "GRU", "RNN") and len(node.inputs) > 1 and node.inputs[1] in file.arrays:
            return int(file.arrays[node.inputs[1]].shape[-1])
    raise InputError("its input does not state how many features it has")


def _other_input(given: GraphInput, default: Value | None) -> Value:
    """Lengths, or a state to begin with: an input that callers may or must give beside the sequences."""
    if not given.floats:
        return Mark("counts")
    if isinstance(default, Const) and default.array.any():
        return default
    return Mark("state")


def _read_node(reading: Reading, node: Node, values: dict[str, Value], outputs: set[str]) -> None:
    missing = next((name for name in node.inputs if name and name not in values), None)
    if missing is not None:
        raise InputError(f"damaged: {node} takes {missing[:60]!r}, which no node before it gives (a circle, or a gap)")
    again = next((name for name in node.outputs if name in values), None)
    if again is not None:
        raise InputError(f"damaged: {node} gives {again[:60]!r}, which is given already")
    inputs = [values[name] if name else None for name in node.inputs]
    if node.operator == "Constant":
        found: list[Value] = [_constant(node)]
    else:
        reader = OPERATORS.get(node.operator)
        if reader is None:
            unread = f"{node} is no operator that is read: {', '.join(sorted(OPERATORS))} are"
            if any(isinstance(each, Signal) for each in inputs) and not set(node.outputs) & outputs:
                raise InputError(unread)
            found = [Unknown(unread)] * len(node.outputs)  # of a last step another output may be read
        else:
            found = _safely(reader, reading, node, inputs)
    for number, name in enumerate(node.outputs):
        if name:
            values[name] = found[number] if number < len(found) else Unknown("value")


def _safely(reader: Reader, reading: Reading, node: Node, inputs: Inputs) -> list[Value]:
    try:
        return reader(reading, node, inputs)
    except InputError:
        raise
    except (ValueError, TypeError, IndexError, KeyError, AttributeError, OverflowError, ZeroDivisionError):
        raise InputError(f"damaged: {node} has inputs or settings that it cannot have") from None


def _constant(node: Node) -> Value:
    for name, kind in (("value", None), ("value_float", np.float32), ("value_floats", np.float32),
                       ("value_int", np.int64), ("value_ints", np.int64)):  # fmt: skip
        if name in node.attributes:
            return Const(np.asarray(node.attributes[name], kind))
    return Unknown("constant")


def _output(file: OnnxFile, values: Mapping[str, Value], reading: Reading) -> Signal:
    """The first output that is the network's; labels and states beside it are not read."""
    for name in file.outputs:
        value = values.get(name)
        if isinstance(value, Signal) and value.kind not in ("label", "cell states"):
            node = Node("output", name, (), ())
            if value.axes.count("directions") and len(value.parts) == 1:
                value = value.but(axes=tuple(axis for axis in value.axes if axis != "directions"))
            softmax = value.kind in ("probabilities", "logarithms of probabilities")
            settled = reading.settle(value.but(kind="plain") if softmax else value, node)
            kept = tuple(axis for axis in settled.axes if axis != "one")
            if "batch" not in kept or "directions" in kept or "rows" in kept:
                raise InputError(f"its output {name[:60]!r} has the axes {', '.join(kept)}")
            if kept[:2] == ("time", "batch"):
                reading.notes.append("the original gives (time, batch, features); here it is (batch, time, features)")
            others = [each[:40] for each in file.outputs if each != name]
            if others and "latchwork" not in file.metadata:
                reading.notes.append(f"read as the network's answer: {name[:40]}; not read: {', '.join(others[:4])}")
            return value.but(kind="probabilities" if softmax else "plain")
    why = [value.why for name in file.outputs if isinstance(value := values.get(name), Unknown)]
    raise InputError(f"none of its outputs is what the network computes{''.join(f': {each}' for each in why[:1])}")


def _imported(file: OnnxFile, reading: Reading, output: Signal, shape: tuple[int | None, ...]) -> Imported:
    data = reading.chain.data(shape)
    scaler = None
    if reading.offset is not None and reading.scale is not None:
        scaler = Scaler(reading.offset, reading.scale)
    document: dict[str, Any] = {}
    labels, own = (_document(file.metadata.get(name, "")) for name in ("labels", "latchwork"))
    labels = reading.labels or labels
    if output.kind == "probabilities" and _are_labels(labels, data.spec.output_shape()[-1]):
        document["labels"] = labels
    if "features" not in output.axes or (isinstance(own, dict) and own.get("vector") is True):
        document["vector"] = True
    names, softmax = tuple(reading.chain.names), output.kind == "probabilities"
    return Imported(data, names, softmax, scaler, None, reading.padding, document, tuple(reading.notes))


def _document(text: str) -> Any:
    """What a text of the metadata says in JSON; None where it is none, or too long to be."""
    try:
        return json.loads(text) if len(text) <= MAX_TEXT else None
    except (ValueError, RecursionError):
        return None


def _are_labels(labels: Any, outputs: int | None) -> bool:
    """Whether a file's metadata has a name for each output."""
    if not isinstance(labels, list) or len(cast("list[Any]", labels)) != outputs:
        return False
    return all(isinstance(each, str | int) for each in cast("list[Any]", labels))
