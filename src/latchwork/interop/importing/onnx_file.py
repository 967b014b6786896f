"""An ONNX file as plain data: nodes, arrays, inputs and outputs; what it names elsewhere is never opened."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latchwork.core.errors import InputError
from latchwork.interop.importing.files import SMALL, required

MAX_PARTS = 100_000
"""Nodes, their fields, arrays, inputs and outputs of a graph together: each costs memory, however few its bytes."""
EXPANSION = 2
_FLOATS = {1: "float32", 10: "float16", 11: "float64"}
_NUMBERS = {2: "u1", 3: "i1", 5: "i2", 6: "i4", 7: "i8", 9: "?"}
STRING = 8


@dataclass(frozen=True)
class Node:
    """One node: its operator, the names of what it takes and gives, its settings."""

    operator: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def __str__(self) -> str:
        """As an error message names it."""
        return f"the node {self.name[:60]!r} ({self.operator})" if self.name else f"a node {self.operator}"


@dataclass(frozen=True)
class GraphInput:
    """An input: whether it holds floats, and its sizes (None where they vary; None for all where unknown)."""

    name: str
    floats: bool
    shape: tuple[int | None, ...] | None


@dataclass(frozen=True)
class OnnxFile:
    """A graph and what the file says of itself."""

    nodes: tuple[Node, ...]
    arrays: Mapping[str, NDArray[Any]]
    inputs: tuple[GraphInput, ...]
    outputs: tuple[str, ...]
    metadata: Mapping[str, str]
    size: int


def read_onnx_file(content: bytes) -> OnnxFile:
    """The graph of an ONNX file.

    Args:
        content: the file's bytes.

    Raises:
        InputError: damaged, cut short, weights in another file, operators of somebody's own, sizes that are not true.
    """
    onnx = required("onnx", "reading an ONNX file")
    _check_parts(content)
    try:
        model = onnx.ModelProto.FromString(content)
    except Exception:  # protobuf's DecodeError, whose home has moved between versions
        raise InputError("damaged or cut short: it is no ONNX file") from None
    graph = model.graph
    if not graph.node or not graph.output:
        raise InputError("no ONNX model: its graph is empty")
    if not any(each.domain in ("", "ai.onnx") and each.version > 6 for each in model.opset_import):
        raise InputError("damaged, cut short or of before 2018: it names no set of ONNX's operators from 7 on")
    own = sorted({str(node.domain) for node in graph.node} - {"", "ai.onnx", "ai.onnx.ml"})
    if own or model.functions:
        name = own[0] if own else model.functions[0].name
        raise InputError(f"it uses operators of {name[:60]!r}, which are no part of ONNX")
    if graph.sparse_initializer:
        raise InputError("it keeps sparse arrays, which are not read")
    total = 0
    arrays: dict[str, NDArray[Any]] = {}
    for tensor in graph.initializer:
        arrays[str(tensor.name)] = array = _array(onnx, tensor)
        total += array.nbytes
    if total > EXPANSION * len(content) + SMALL:
        raise InputError(f"its arrays state {total} bytes in a file of {len(content)}: the sizes are not true")
    nodes = tuple(_node(onnx, node) for node in graph.node)
    inputs = tuple(_input(each) for each in graph.input)
    metadata = {str(each.key): str(each.value) for each in model.metadata_props}
    return OnnxFile(nodes, arrays, inputs, tuple(str(each.name) for each in graph.output), metadata, len(content))


def _fields(content: memoryview) -> Iterator[tuple[int, memoryview]]:
    """The length-delimited fields of a protocol buffer: number and bytes; raises `ValueError` where there are none."""
    at, size = 0, len(content)

    def varint() -> int:
        nonlocal at
        value = shift = 0
        while True:
            if at >= size or shift > 63:
                raise ValueError
            byte = content[at]
            at += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7

    while at < size:
        key = varint()
        kind = key & 7
        if kind == 0:
            varint()
            continue
        length = {1: 8, 5: 4}.get(kind, -1) if kind != 2 else varint()
        if length < 0 or at + length > size:
            raise ValueError
        at += length
        if kind == 2:
            yield key >> 3, content[at - length : at]


def _check_parts(content: bytes) -> None:
    """Raise `InputError` where a file describes more parts than any recurrent network has, before they are made."""
    try:
        graphs = [part for number, part in _fields(memoryview(content)) if number == 7]
        count = 0
        for graph in graphs:
            for number, part in _fields(graph):
                count += 1
                if number == 1:  # a node: its inputs, outputs and attributes
                    count += sum(1 for _ in _fields(part))
                if count > MAX_PARTS:
                    raise InputError(f"its graph has more than {MAX_PARTS} parts: no recurrent network has so many")
    except ValueError as error:
        if isinstance(error, InputError):
            raise
        raise InputError("damaged or cut short: it is no ONNX file") from None
    if len(graphs) != 1:
        raise InputError("damaged or cut short: it has no graph, or several")


def _array(onnx: Any, tensor: Any) -> NDArray[Any]:
    """A tensor's numbers, which lie in the file itself and are as many as its sizes state."""
    name, kind = str(tensor.name)[:60], int(tensor.data_type)
    if tensor.data_location == onnx.TensorProto.EXTERNAL or tensor.external_data:
        raise InputError(f"its array {name!r} is kept in another file, which is not opened: save the model as one file "
                         "(external_data=False)")  # fmt: skip
    sizes = [int(size) for size in tensor.dims]
    if any(size < 0 for size in sizes) or len(sizes) > 32:
        raise InputError(f"damaged: its array {name!r} states the sizes {sizes[:8]}")
    count = math.prod(sizes)
    if kind == STRING:
        if len(tensor.string_data) != count:
            raise InputError(f"damaged: its array {name!r} has other texts than its sizes state")
        return np.array([bytes(text).decode("utf-8", "replace") for text in tensor.string_data], object).reshape(sizes)
    if kind not in _FLOATS and kind not in _NUMBERS:
        raise InputError(f"its array {name!r} holds numbers of a type that is not read (number {kind})")
    dtype = np.dtype(_FLOATS.get(kind) or _NUMBERS[kind])
    if tensor.HasField("raw_data"):
        if len(tensor.raw_data) != count * dtype.itemsize:
            raise InputError(f"damaged: its array {name!r} has {len(tensor.raw_data)} bytes, its sizes {sizes[:8]} "
                             "state others")  # fmt: skip
        array = np.frombuffer(tensor.raw_data, dtype.newbyteorder("<")).reshape(sizes)
    else:
        given = max(len(getattr(tensor, each)) for each in ("float_data", "int32_data", "int64_data", "double_data"))
        if given != count:
            raise InputError(f"damaged: its array {name!r} has {given} numbers, its sizes {sizes[:8]} state others")
        array = onnx.numpy_helper.to_array(tensor).reshape(sizes)
    return array.astype(np.float32) if kind in _FLOATS else array


def _node(onnx: Any, node: Any) -> Node:
    attributes = {str(each.name): _attribute(onnx, node, each) for each in node.attribute}
    inputs, outputs = (tuple(str(each) for each in part) for part in (node.input, node.output))
    return Node(str(node.op_type)[:60], str(node.name), inputs, outputs, attributes)


def _attribute(onnx: Any, node: Any, attribute: Any) -> Any:
    kinds = onnx.AttributeProto
    match attribute.type:
        case kinds.INT:
            return int(attribute.i)
        case kinds.FLOAT:
            return float(attribute.f)
        case kinds.STRING:
            return bytes(attribute.s).decode("utf-8", "replace")
        case kinds.INTS:
            return tuple(int(each) for each in attribute.ints)
        case kinds.FLOATS:
            return tuple(float(each) for each in attribute.floats)
        case kinds.STRINGS:
            return tuple(bytes(each).decode("utf-8", "replace") for each in attribute.strings)
        case kinds.TENSOR:
            return _array(onnx, attribute.t)
        case _:
            raise InputError(f"its node {node.op_type} holds a graph of its own (a loop or a condition), which is not "
                             "read: export the model so that its LSTM, GRU or RNN are nodes")  # fmt: skip


def _input(value: Any) -> GraphInput:
    tensor = value.type.tensor_type
    shape = None
    if tensor.HasField("shape"):
        shape = tuple(int(size.dim_value) if size.HasField("dim_value") else None for size in tensor.shape.dim)
    return GraphInput(str(value.name), int(tensor.elem_type) in _FLOATS or not tensor.elem_type, shape)
