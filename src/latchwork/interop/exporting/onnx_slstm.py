"""The sLSTM's equation as a `Scan`: ONNX has no node for it. The letters are those of `core.cells.SLSTMCell`."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from latchwork.core import spec
from latchwork.interop.exporting.onnx_builder import Graph, Run, float32

Array = NDArray[np.float32]
STATES = ("h", "c", "n", "m")


def run_slstm(
    graph: Graph,
    layer: spec.SLSTM,
    ways: tuple[Mapping[str, Array], ...],
    inputs: str,
    lengths: str,
    states: tuple[str, ...],
) -> Run:
    """See `onnx_cells.run_cell`."""
    real = _real_steps(graph, inputs, lengths)
    outputs: list[str] = []
    after: list[list[str]] = []
    first = graph.array(np.array([0], np.int64), "first_axis")
    for number, way in enumerate(ways):
        given = [graph.add("Squeeze", state, first) for state in states] if states else _zeros(graph, layer, inputs)
        total = graph.add("Add", graph.add("MatMul", inputs, graph.array(float32(way["input_weight"]), "W")),
                          graph.array(float32(way["bias"]), "B"))  # fmt: skip
        backwards = int(layer.reverse or number == 1)
        *left, every = graph.node(
            "Scan", [*given, total, real], [*STATES, "outputs"], body=_step(layer, way["hidden_weight"]),
            num_scan_inputs=2, scan_input_directions=[backwards] * 2, scan_output_directions=[backwards],
        )  # fmt: skip
        outputs.append(graph.add("Unsqueeze", every, graph.array(np.array([1], np.int64), "second_axis")))
        after.append([graph.add("Unsqueeze", state, first) for state in left])
    if len(ways) == 1:
        return Run(outputs[0], tuple(after[0]))
    joined = [graph.add("Concat", *pair, axis=0) for pair in zip(*after, strict=True)]
    return Run(graph.add("Concat", *outputs, axis=1), tuple(joined))


def _real_steps(graph: Graph, inputs: str, lengths: str) -> str:
    """`[time, batch, 1]`: whether a step belongs to its sequence."""
    scalar = {number: graph.array(np.array(number, np.int64), "number") for number in (0, 1)}
    time = graph.add("Gather", graph.add("Shape", inputs), scalar[0], axis=0)
    steps = graph.add("Range", scalar[0], time, scalar[1])
    column = graph.add("Unsqueeze", steps, graph.array(np.array([1, 2], np.int64), "axes"))
    counts = graph.add("Unsqueeze", graph.add("Cast", lengths, to=7), graph.array(np.array([0, 2], np.int64), "axes"))
    return graph.add("Less", column, counts)


def _zeros(graph: Graph, layer: spec.SLSTM, inputs: str) -> list[str]:
    """A state `[batch, units]` each."""
    batch = graph.add("Gather", graph.add("Shape", inputs), graph.array(np.array([1], np.int64), "index"), axis=0)
    shape = graph.add("Concat", batch, graph.array(np.array([layer.units], np.int64), "units"), axis=0)
    zeros = graph.add("Expand", graph.array(np.zeros((1, 1), np.float32), "zero"), shape)
    return [zeros] * len(STATES)


def _step(layer: spec.SLSTM, hidden_weight: Array) -> object:
    """One step: states h, c, n, m and x W + b in; the new states and h out, unchanged and zero past a length."""
    body = Graph("step", "step.")
    inputs = [*((name, np.float32) for name in ("h", "c", "n", "m", "x")), ("real", np.bool_)]
    zero = body.array(np.array(0, np.float32), "zero")
    recurrent = body.add("MatMul", "h", body.array(_whole(layer, hidden_weight), "R"))
    total = body.add("Add", "x", recurrent)
    i, f, g, o = body.node("Split", [total], ["i", "f", "g", "o"], axis=-1)
    if layer.forget_gate == "sigmoid":  # log sigmoid(f) = -softplus(-f)
        f = body.add("Neg", body.add("Softplus", body.add("Neg", f)))
    kept = body.add("Add", f, "m")
    kept = body.add("Where", body.add("Equal", "n", zero), body.array(np.array(-np.inf, np.float32), "never"), kept)
    m = body.add("Max", kept, i)
    i, f = (body.add("Exp", body.add("Sub", gate, m)) for gate in (i, kept))
    c = body.add("Add", body.add("Mul", f, "c"), body.add("Mul", i, body.add("Tanh", g)))
    n = body.add("Add", body.add("Mul", f, "n"), i)
    h = body.add("Div", body.add("Mul", body.add("Sigmoid", o), c), n)
    new = [
        body.add("Where", "real", one, old, name=f"{old}_new") for one, old in zip((h, c, n, m), STATES, strict=True)
    ]
    shown = body.add("Where", "real", h, zero, name="shown")
    return body.body(inputs, [(name, np.float32) for name in (*new, shown)])


def _whole(layer: spec.SLSTM, hidden_weight: Array) -> Array:
    """The recurrent weights with their zeros: a block for each head in each gate, `[units, 4*units]`."""
    size = layer.units // layer.heads
    whole = np.zeros((layer.units, 4, layer.units), np.float32)
    for head in range(layer.heads):
        own = slice(head * size, (head + 1) * size)
        whole[own, :, own] = hidden_weight[own].reshape(size, 4, size)
    return whole.reshape(layer.units, 4 * layer.units)
