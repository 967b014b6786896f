"""The recurrent nodes of ONNX: `LSTM`, `GRU`, `RNN`, their gate orders (i, o, f, c and z, r, h) and their options."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from latchwork.core import spec
from latchwork.interop.importing.onnx_file import Node
from latchwork.interop.importing.onnx_values import (
    Const,
    Filled,
    Inputs,
    Mark,
    OtherAxesFirst,
    Reading,
    Signal,
    Sizes,
    Value,
    const,
    refuse,
)

Array = NDArray[Any]
GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}
USUAL = {"LSTM": ("Sigmoid", "Tanh", "Tanh"), "GRU": ("Sigmoid", "Tanh"), "RNN": ("Tanh",)}


def recurrent(reading: Reading, node: Node, inputs: Inputs) -> list[Value]:
    """A recurrent layer: its outputs at every step, its hidden state at the end, its cell state at the end."""
    given = [*inputs, *[None] * (8 - len(inputs))]
    batch_first = bool(node.attributes.get("layout", 0))
    axes = ("batch", "time") if batch_first else ("time", "batch")
    taken = reading.settle(given[0], node) if given[0] is not None else None
    if taken is None or taken.axes != (*axes, "features"):
        if taken is not None and taken.axes == (*axes[::-1], "features"):
            raise OtherAxesFirst
        raise refuse(node, f"takes {taken.axes if taken else 'nothing'}, expected time, batch and features")
    ways = {"forward": 1, "reverse": 1, "bidirectional": 2}.get(node.attributes.get("direction", "forward"), 0)
    if not ways:
        raise refuse(node, f"has the direction {node.attributes.get('direction')!r}")
    _check_options(node, given)
    units, parts = _arrays(node, given, ways)
    layer = _layer(node, units, ways, parts)
    arrays = [_ours(node, layer, part) for part in parts]
    if ways == 2:
        named = {f"{way}.{name}": array for way, one in zip(("forward", "backward"), arrays, strict=True)
                 for name, array in one.items()}  # fmt: skip
        after = reading.add(spec.Bidirectional(layer), named, node)
    else:
        after = reading.add(layer, arrays[0], node)
    known = tuple((after, way) for way in range(ways))
    width = units * ways
    final = ("batch", "directions", "features") if batch_first else ("directions", "batch", "features")
    every = ("batch", "time", "directions", "features") if batch_first else ("time", "directions", "batch", "features")
    return [
        Signal(every, width, after, "sequence", known),
        Signal(final, width, after, "final", known),
        Signal(final, width, after, "cell states", known),
    ]


def _check_options(node: Node, given: list[Value | None]) -> None:
    attributes = node.attributes
    if attributes.get("clip"):
        raise refuse(node, "clips its gates (clip), which no cell here does")
    if not isinstance(given[4], Mark | Filled | Sizes | None):
        raise refuse(node, "has lengths that are constants: lengths are an input, or left out")
    for number, name in ((5, "hidden"), (6, "cell")):
        state = given[number] if node.operator == "LSTM" or number == 5 else None
        zero = isinstance(state, Filled) and state.value == 0
        zero = zero or (isinstance(state, Const) and not state.array.any())
        if state is not None and not zero and not (isinstance(state, Mark) and state.what == "state"):
            raise refuse(node, f"begins with {name} states that are not zero: networks that begin at zero are read")


def _arrays(node: Node, given: list[Value | None], ways: int) -> tuple[int, list[dict[str, Array]]]:
    """The units, and W, R, b, c and p of each direction as ONNX has them."""
    weight, hidden = (const(given[at], node) for at in (1, 2))
    gates = GATES[node.operator]
    units = hidden.shape[-1] if hidden.ndim == 3 else 0
    if (
        not units
        or hidden.shape != (ways, gates * units, units)
        or weight.ndim != 3
        or weight.shape[:2] != hidden.shape[:2]
    ):
        raise refuse(node, f"has weights of shapes {weight.shape} and {hidden.shape} for {ways} directions: damaged")
    if node.attributes.get("hidden_size", units) != units:
        raise refuse(node, f"states {node.attributes['hidden_size']} units and has weights for {units}: damaged")
    bias = np.zeros((ways, 2 * gates * units), np.float32) if given[3] is None else const(given[3], node)
    if bias.shape != (ways, 2 * gates * units):
        raise refuse(node, f"has biases of shape {bias.shape}, expected {(ways, 2 * gates * units)}: damaged")
    parts = [
        {"W": weight[way], "R": hidden[way], "b": bias[way, : gates * units], "c": bias[way, gates * units :]}
        for way in range(ways)
    ]
    if node.operator == "LSTM" and given[7] is not None:
        peepholes = const(given[7], node)
        if peepholes.shape != (ways, 3 * units):
            raise refuse(node, f"has peepholes of shape {peepholes.shape}, expected {(ways, 3 * units)}: damaged")
        if peepholes.any():
            for part, own in zip(parts, peepholes, strict=True):
                part["p"] = own
    return units, parts


def _layer(node: Node, units: int, ways: int, parts: list[dict[str, Array]]) -> spec.Recurrent:
    """The description; every step is given until somebody takes the final state alone."""
    usual = USUAL[node.operator] * ways
    stated = tuple(str(each) for each in node.attributes.get("activations", usual))
    common: dict[str, Any] = {"units": units, "return_sequences": True}
    common["reverse"] = ways == 1 and node.attributes.get("direction") == "reverse"
    if node.operator == "RNN":
        kinds = {each.lower() for each in stated}
        if len(kinds) != 1 or not kinds <= {"tanh", "relu"}:
            raise refuse(node, f"has the activations {stated}: Tanh or Relu are read")
        return spec.SimpleRNN(**common, activation=kinds.pop())  # pyright: ignore[reportArgumentType]
    bent = tuple("Relu" if each == "Tanh" else each for each in usual)
    lower = tuple(each.lower() for each in stated)
    if lower not in (tuple(each.lower() for each in known) for known in (usual, bent)):
        raise refuse(node, f"has the activations {stated}: {usual} or {bent} are read")
    relu = "relu" in lower
    if node.operator == "GRU":
        if not node.attributes.get("linear_before_reset", 0):
            return spec.ResetFirstGRU(**common, activation="relu" if relu else "tanh")
        return spec.GRU(**common, activation="relu" if relu else "tanh")
    coupled, peepholes = bool(node.attributes.get("input_forget", 0)), any("p" in part for part in parts)
    if not coupled and not peepholes:
        return spec.LSTM(**common, activation="relu" if relu else "tanh")
    if relu:
        raise refuse(node, "has Relu beside peepholes or coupled gates: Tanh is read there")
    if coupled and peepholes:
        raise refuse(node, "has peepholes and coupled gates (input_forget): one of the two is read")
    return (spec.CoupledLSTM if coupled else spec.PeepholeLSTM)(**common)


def _ours(node: Node, layer: spec.Recurrent, part: dict[str, Array]) -> dict[str, Array]:
    """One direction's arrays under our names, gates in our order."""
    gates = GATES[node.operator]

    def arranged(array: Array, *order: int) -> Array:
        """Columns of the gates with these numbers; negative ones (counted from -1) with their sign changed."""
        blocks = np.split(array, gates, axis=-1)
        return np.concatenate([blocks[at] if at >= 0 else -blocks[-1 - at] for at in order], axis=-1)

    weight, hidden, bias, second = part["W"].T, part["R"].T, part["b"], part["c"]
    match layer:
        case spec.SimpleRNN():
            return {"input_weight": weight, "hidden_weight": hidden, "bias": bias + second}
        case spec.GRU():
            named = {"input_weight": weight, "hidden_weight": hidden, "input_bias": bias, "hidden_bias": second}
            return {name: arranged(array, 1, 0, 2) for name, array in named.items()}
        case spec.ResetFirstGRU():
            named = {"input_weight": weight, "hidden_weight": hidden, "bias": bias + second}
            return {name: arranged(array, 1, 0, 2) for name, array in named.items()}
        case spec.CoupledLSTM():  # f = 1 - i = sigmoid(-x_i)
            named = {"input_weight": weight, "hidden_weight": hidden, "bias": bias + second}
            return {name: arranged(array, -1, 3, 1) for name, array in named.items()}
        case _:
            named = {"input_weight": weight, "hidden_weight": hidden, "bias": bias + second}
            ours = {name: arranged(array, 0, 2, 3, 1) for name, array in named.items()}
            if isinstance(layer, spec.PeepholeLSTM):
                own = part.get("p", np.zeros(3 * layer.units, np.float32))
                names = (f"{name}_peephole" for name in ("input", "output", "forget"))
                ours |= dict(zip(names, np.split(own, 3), strict=True))
            return ours
