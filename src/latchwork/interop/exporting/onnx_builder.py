"""An ONNX graph while it grows: nodes and arrays get names, and every value is a name."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latchwork.interop.importing.files import required

OPSET = 17  # the first with LayerNormalization
IR_VERSION = 8  # what opset 17 came with: older runtimes open it
PRODUCER = "latchwork"


class Graph:
    """Nodes, arrays, inputs and outputs, in the order in which they are added."""

    def __init__(self, name: str, prefix: str = "") -> None:
        """An empty graph, `prefix` before its values' names; raises `InputError` where `onnx` is not installed."""
        self._onnx = required("onnx", "writing an ONNX file")
        self._name, self._prefix = name, prefix
        self._nodes: list[Any] = []
        self._arrays: list[Any] = []
        self._inputs: list[Any] = []
        self._outputs: list[Any] = []
        self._count = 0

    def add(self, operator: str, *inputs: str, name: str | None = None, **attributes: Any) -> str:
        """A node with one output; gives the output's name."""
        return self.node(operator, inputs, [name or operator.lower()], **attributes)[0]

    def node(self, operator: str, inputs: Sequence[str], outputs: Sequence[str], **attributes: Any) -> list[str]:
        """A node; gives its outputs' names (an empty one stays empty: that output is not asked for)."""
        names = [self._fresh(output) if output else "" for output in outputs]
        self._nodes.append(self._onnx.helper.make_node(operator, list(inputs), names, **attributes))
        return names

    def array(self, values: Any, name: str = "constant") -> str:
        """Numbers or text that the graph keeps; gives their name."""
        fresh = self._fresh(name)
        array = np.asarray(values)
        if array.dtype.kind == "U":
            array = array.astype(object)
        self._arrays.append(self._onnx.numpy_helper.from_array(array, fresh))
        return fresh

    def input(self, name: str, dtype: type[Any], shape: Sequence[int | str], default: Any = None) -> str:
        """An input; optional where it has a default, which a caller may leave out."""
        if default is not None:
            self._arrays.append(self._onnx.numpy_helper.from_array(np.asarray(default, dtype), name))
        self._inputs.append(self._value(name, dtype, shape))
        return name

    def output(self, value: str, name: str, dtype: type[Any], shape: Sequence[int | str]) -> None:
        """A value under the name by which callers ask for it."""
        self._nodes.append(self._onnx.helper.make_node("Identity", [value], [name]))
        self._outputs.append(self._value(name, dtype, shape))

    def body(self, inputs: Sequence[tuple[str, type[Any]]], outputs: Sequence[tuple[str, type[Any]]]) -> Any:
        """The graph as the inside of another's node, which sees that one's values too."""
        helper = self._onnx.helper
        given = [helper.make_tensor_value_info(name, self._type(dtype), None) for name, dtype in inputs]
        asked = [helper.make_tensor_value_info(name, self._type(dtype), None) for name, dtype in outputs]
        return helper.make_graph(self._nodes, self._name, given, asked, self._arrays)

    def to_bytes(self, metadata: Mapping[str, Any], description: str) -> bytes:
        """The model's file; what is no text in the metadata is written as JSON."""
        helper = self._onnx.helper
        graph = helper.make_graph(self._nodes, self._name, self._inputs, self._outputs, self._arrays)
        model = helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid("", OPSET)],
            ir_version=IR_VERSION,
            producer_name=PRODUCER,
            doc_string=description,
        )
        texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in metadata.items()}
        helper.set_model_props(model, texts)
        return model.SerializeToString(deterministic=True)

    def _value(self, name: str, dtype: type[Any], shape: Sequence[int | str]) -> Any:
        return self._onnx.helper.make_tensor_value_info(name, self._type(dtype), list(shape))

    def _type(self, dtype: type[Any]) -> int:
        return (
            self._onnx.TensorProto.STRING
            if dtype is str
            else self._onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
        )

    def _fresh(self, name: str) -> str:
        """A name of the graph's own; those of inputs and outputs have no dot."""
        self._count += 1
        return f"{self._prefix}{name}.{self._count}"


@dataclass(frozen=True)
class Run:
    """A recurrent layer over time, as values of the graph.

    Attributes:
        outputs: every step's, `[time, directions, batch, units]`.
        states: what is left at the end, `[directions, batch, units]` each, in the order of the cell's states.
    """

    outputs: str
    states: tuple[str, ...]


def float32(array: Any) -> NDArray[np.float32]:
    """An array as a graph keeps it."""
    return np.ascontiguousarray(array, np.float32)
