"""Each cell as a node of ONNX: `LSTM`, `GRU`, `RNN`; the sLSTM, for which there is none, as a `Scan` of its equation.

Inside the graph sequences are `[time, batch, features]`, as these nodes take them. ONNX has the gates i, o, f, c and
z, r, h; a coupled cell's input gate is 1 - f there too, by `input_forget`: i' = 1 - f = sigmoid(-x_f).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latchwork.core import spec
from latchwork.core.errors import InputError
from latchwork.interop.exporting.onnx_builder import Graph, Run, float32
from latchwork.interop.exporting.onnx_slstm import run_slstm

Array = NDArray[np.float32]
Parameters = Mapping[str, Array]


def run_cell(
    graph: Graph,
    layer: spec.Recurrent,
    ways: tuple[Parameters, ...],
    inputs: str,
    lengths: str,
    states: tuple[str, ...] = (),
) -> Run:
    """Add a recurrent layer.

    Args:
        graph: where.
        layer: its settings.
        ways: its arrays, once for each direction.
        inputs: `[time, batch, features]`.
        lengths: `[batch]`, int32.
        states: `[directions, batch, units]` each, before the first step; zeros where there are none.

    Raises:
        InputError: a cell that ONNX has no node for.
    """
    if isinstance(layer, spec.SLSTM):
        return run_slstm(graph, layer, ways, inputs, lengths, states)
    operator, attributes, parts = _node(layer, ways)
    arrays = [graph.array(np.stack(parts[name]), name) for name in ("W", "R", "B")]
    attributes |= {"hidden_size": layer.units}
    attributes["direction"] = "bidirectional" if len(ways) == 2 else "reverse" if layer.reverse else "forward"
    given = [inputs, *arrays, lengths, *states]
    if "P" in parts:
        given += [""] * (7 - len(given)) + [graph.array(np.stack(parts["P"]), "P")]
    names = ["outputs", "hidden", *(["cell"] if operator == "LSTM" else [])]
    outputs, *after = graph.node(operator, given, names, **attributes)
    return Run(outputs, tuple(after))


def _node(layer: spec.Recurrent, ways: tuple[Parameters, ...]) -> tuple[str, dict[str, Any], dict[str, list[Array]]]:
    """The operator, its attributes, and its arrays W, R, B and perhaps P, one for each direction."""
    match layer:
        case spec.LSTM():
            bent = ["Sigmoid", "Relu", "Relu"] * len(ways)
            attributes = {"activations": bent} if layer.activation == "relu" else {}
            return "LSTM", attributes, _parts(ways, 4, lambda i, f, g, o: (i, o, f, g))
        case spec.PeepholeLSTM():
            parts = _parts(ways, 4, lambda i, f, g, o: (i, o, f, g))
            names = [f"{name}_peephole" for name in ("input", "output", "forget")]
            return "LSTM", {}, parts | {"P": [float32(np.concatenate([way[name] for name in names])) for way in ways]}
        case spec.CoupledLSTM():
            return "LSTM", {"input_forget": 1}, _parts(ways, 3, lambda f, g, o: (-f, o, f, g))
        case spec.GRU() | spec.ResetFirstGRU():
            bent = {"activations": ["Sigmoid", "Relu"] * len(ways)} if layer.activation == "relu" else {}
            after = int(isinstance(layer, spec.GRU))
            return "GRU", {"linear_before_reset": after} | bent, _parts(ways, 3, lambda r, z, n: (z, r, n))
        case spec.SimpleRNN():
            return "RNN", {"activations": [layer.activation.capitalize()] * len(ways)}, _parts(ways, 1, lambda h: (h,))
        case _:
            raise InputError(f"{layer!r} has no node in ONNX: its cell is one of latchwork's own")


def _parts(ways: tuple[Parameters, ...], gates: int, order: Callable[..., tuple[Array, ...]]) -> dict[str, list[Array]]:
    """`W [gates*units, features]`, `R [gates*units, units]`, `B [2*gates*units]` with ONNX's gates in ONNX's order."""

    def arranged(array: Array) -> Array:
        return np.concatenate(order(*np.split(array, gates, axis=-1)), axis=-1)

    found: dict[str, list[Array]] = {"W": [], "R": [], "B": []}
    for way in ways:
        found["W"].append(float32(arranged(way["input_weight"]).T))
        found["R"].append(float32(arranged(way["hidden_weight"]).T))
        first = arranged(way["input_bias"] if "input_bias" in way else way["bias"])
        second = arranged(way["hidden_bias"]) if "hidden_bias" in way else np.zeros_like(first)
        found["B"].append(float32(np.concatenate([first, second])))
    return found
