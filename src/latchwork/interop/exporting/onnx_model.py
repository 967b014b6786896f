"""A fitted model as one ONNX graph: scalers, embedding, network, softmax and labels inside.

Inputs: `inputs [batch, time, features]` or `tokens [batch, time]`, and what may be left out: `lengths [batch]` (the
real steps of each row) and, where the network can go on from a state, each layer's states (`hidden_0`, `cell_0`, ...),
`[batch, units]`. Outputs: the answers first, then each state after the last step (`hidden_0_next`, ...).
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from latchwork import __version__
from latchwork.core import spec
from latchwork.core.writing import write_atomically
from latchwork.interop.exporting.onnx_builder import Graph
from latchwork.interop.exporting.onnx_layers import Flow, add_network, streams
from latchwork.interop.exporting.subject import Subject, subject_of
from latchwork.transforms.scaling import Scaler

ALL_STEPS = 2**31 - 1
"""The default of `lengths`: every step that there is."""


def export_onnx(model: Any, path: str | os.PathLike[str]) -> None:
    """Write a model as an ONNX file that gives the same answers within 1e-5, in any runtime of opset 17.

    Args:
        model: a `.latch` file, a fitted estimator, what `runtime.load` or `import_model` gives, or a `NetworkData`.
        path: the file.

    Raises:
        InputError: there is no network in it, a layer has no nodes in ONNX (by name), or `onnx` is not installed.
        LatchworkError: the disk is full or refuses the file.

    Example:
        >>> export_onnx("digits.latch", "digits.onnx")  # doctest: +SKIP
        >>> session = onnxruntime.InferenceSession("digits.onnx")  # doctest: +SKIP
        >>> session.run(["probabilities"], {"inputs": images})  # doctest: +SKIP
    """
    write_atomically(path, [onnx_bytes(subject_of(model))])


def onnx_bytes(subject: Subject) -> bytes:
    """The ONNX file of a subject."""
    graph = Graph(subject.job)
    data, shapes = subject.data, subject.data.spec.shapes()
    tokens = isinstance(data.spec.layers[0], spec.Embedding)
    if tokens:
        given = graph.input("tokens", np.int64, ("batch", "time"))
    else:
        given = graph.input("inputs", np.float32, ("batch", "time", cast("int", shapes[0][-1])))
    ahead = _ahead_input(graph, data.spec)
    padding = None
    if subject.padding is None:
        lengths = _lengths(graph, given)
    else:
        padding = _padding(graph, given, subject.padding, tokens=tokens)
        given, lengths = _real_first(graph, given, padding, tokens=tokens)
    by_time = graph.add("Transpose", given, perm=[1, 0] if tokens else [1, 0, 2])
    if subject.scaler is not None:
        by_time = _scaled(graph, by_time, subject.scaler)
    flows = [Flow(graph, by_time, shapes[0], lengths, ahead) for _ in range(data.members or 1)]
    for number, flow in enumerate(flows):
        flow.streams = data.members is None and streams(data.spec)
        add_network(flow, data if data.members is None else data.member(number))
    flow = flows[0]
    if len(flows) > 1:
        flow.value = graph.add("Mean", *(each.value for each in flows))
    _add_answers(flow, subject, padding)
    for name, (value, units) in flow.states.items():
        graph.output(value, name, np.float32, ("batch", units))
    return graph.to_bytes(_metadata(subject), _description(subject))


def _ahead_input(graph: Graph, network: spec.Sequential) -> str:
    layer = next((layer for layer in network.layers if isinstance(layer, spec.Ahead)), None)
    return "" if layer is None else graph.input("ahead", np.float32, ("batch", "horizon", layer.features))


def _lengths(graph: Graph, given: str) -> str:
    """The real steps of each row, `[batch]`, int32: as given, or all of them."""
    stated = graph.input("lengths", np.int32, ("batch_of_lengths",), [ALL_STEPS])
    batch, time = (
        graph.add("Gather", graph.add("Shape", given), graph.array(np.array([axis], np.int64), "index"), axis=0)
        for axis in (0, 1)
    )
    return graph.add("Expand", graph.add("Min", stated, graph.add("Cast", time, to=6)), batch)  # 6: int32


@dataclass(frozen=True)
class Padding:
    """The real steps of each row: where they are, and their places before the others', `[batch, time]` both."""

    real: str
    order: str


def _padding(graph: Graph, given: str, value: float, *, tokens: bool) -> Padding:
    """The steps that hold anything but the padding's value."""
    known = graph.array(np.array(value, np.int64 if tokens else np.float32), "padding")
    real = graph.add("Not", graph.add("Equal", given, known))
    if not tokens:
        number = graph.add("ReduceMax", graph.add("Cast", real, to=6), axes=[2], keepdims=0)
        real = graph.add("Cast", number, to=9)  # 9: bool
    zero, one = (graph.array(np.array(number, np.int64), "number") for number in (0, 1))
    time = graph.add("Gather", graph.add("Shape", given), one, axis=0)
    place = graph.add("Add", graph.add("Range", zero, time, one), graph.add("Where", real, zero, time))
    return Padding(real, _sorted_places(graph, place))


def _sorted_places(graph: Graph, values: str) -> str:
    """Where the smallest value of each row stands, the next one, and so on: `[batch, time]`."""
    number = graph.array(np.array([1], np.int64), "index")
    time = graph.add("Gather", graph.add("Shape", values), number, axis=0)
    return graph.node("TopK", [values, time], ["values", "places"], axis=1, largest=0)[1]


def _for_features(graph: Graph, places: str, value: str) -> str:
    """Places `[batch, time]` for each feature of `value [batch, time, features]`."""
    places = graph.add("Unsqueeze", places, graph.array(np.array([2], np.int64), "axes"))
    return graph.add("Expand", places, graph.add("Shape", value))


def _real_first(graph: Graph, given: str, padding: Padding, *, tokens: bool) -> tuple[str, str]:
    """The real steps of each row in their order, then the others; and how many they are."""
    places = padding.order if tokens else _for_features(graph, padding.order, given)
    number = graph.add("ReduceSum", graph.add("Cast", padding.real, to=6), graph.array(np.array([1], np.int64), "axes"),
                       keepdims=0)  # fmt: skip
    return graph.add("GatherElements", given, places, axis=1), number


def _scaled(graph: Graph, value: str, scaler: Scaler) -> str:
    """(x - offset) / scale. The offset goes in two parts, so that a large one costs no digits of what it leaves."""
    high = scaler.offset.astype(np.float32)
    low = (scaler.offset - high).astype(np.float32)
    value = graph.add("Sub", value, graph.array(high, "offset"))
    if low.any():
        value = graph.add("Sub", value, graph.array(low, "offset_rest"))
    return graph.add("Div", value, graph.array(scaler.scale.astype(np.float32), "scale"))


def _add_answers(flow: Flow, subject: Subject, padding: Padding | None) -> None:
    """What comes of the network's outputs."""
    graph, outputs = flow.graph, flow.shape
    width = cast("int", outputs[-1])
    steps: Sequence[int | str] = () if len(outputs) == 1 else ("horizon" if flow.ahead else "time",)
    shape = ("batch", *steps, width)
    value = flow.value if not steps else graph.add("Transpose", flow.value, perm=[1, 0, 2])
    if steps and padding is not None:
        value = _in_place_again(flow, value, padding)
    match subject.ending:
        case "probabilities":
            graph.output(graph.add("Softmax", value, axis=-1), "probabilities", np.float32, shape)
            if subject.labels is not None:
                _add_label(graph, value, subject, shape[:-1])
            else:
                graph.output(value, "scores", np.float32, shape)
        case "log_probabilities":
            graph.output(graph.add("LogSoftmax", value, axis=-1), "log_probabilities", np.float32, shape)
            graph.output(value, "scores", np.float32, shape)
        case "correction":
            _add_forecast(graph, value, flow)
        case _:
            if subject.target_scaler is not None:
                scale, offset = subject.target_scaler.scale, subject.target_scaler.offset
                value = graph.add("Mul", value, graph.array(scale.astype(np.float32), "target_scale"))
                value = graph.add("Add", value, graph.array(offset.astype(np.float32), "target_offset"))
                if subject.vector:
                    value, shape = graph.add("Squeeze", value, flow.axes(-1)), shape[:-1]
            graph.output(value, "outputs", np.float32, shape)


def _in_place_again(flow: Flow, value: str, padding: Padding) -> str:
    """Every step's outputs `[batch, time, features]` where the steps stood, and zero at the padding."""
    graph = flow.graph
    places = _sorted_places(graph, padding.order)
    value = graph.add("GatherElements", value, _for_features(graph, places, value), axis=1)
    real = graph.add("Unsqueeze", padding.real, flow.axes(2))
    return graph.add("Where", real, value, graph.array(np.array(0, np.float32), "zero"))


def _add_label(graph: Graph, scores: str, subject: Subject, shape: Sequence[int | str]) -> None:
    """The likeliest label itself."""
    assert subject.labels is not None
    classes = np.array(subject.labels.classes)
    kind = str if classes.dtype.kind == "U" else np.bool_ if classes.dtype.kind == "b" else np.int64
    known = graph.array(classes if kind is str else classes.astype(kind), "labels")
    best = graph.add("ArgMax", scores, axis=-1, keepdims=0)
    graph.output(graph.add("Gather", known, best, axis=0), "label", kind, shape)


def _add_forecast(graph: Graph, value: str, flow: Flow) -> None:
    """Base + spread * correction, in working units."""
    correction = graph.add("Squeeze", value, flow.axes(2))
    base = graph.input("base", np.float32, ("batch", "horizon"))
    spread = graph.input("spread", np.float32, ("batch",))
    product = graph.add("Mul", correction, graph.add("Unsqueeze", spread, flow.axes(1)))
    graph.output(graph.add("Add", base, product), "forecast", np.float32, ("batch", "horizon"))
    graph.output(correction, "correction", np.float32, ("batch", "horizon"))


def _metadata(subject: Subject) -> dict[str, Any]:
    described = {
        "version": __version__, "job": subject.job, "network": subject.data.spec.to_dict(), "ending": subject.ending,
        "members": subject.data.members, "vector": subject.vector, "padding": subject.padding,
    }  # fmt: skip
    return {"latchwork": described, **subject.facts}


def _description(subject: Subject) -> str:
    what = {
        "probabilities": "probabilities, after the softmax", "log_probabilities": "logarithms of probabilities",
        "correction": "a forecast in working units: base + spread * correction", "outputs": "the network's outputs",
    }[subject.ending]  # fmt: skip
    if subject.target_scaler is not None:
        what = "numbers in the units of the training's answers"
    streaming = "; states may be given, and come back as *_next" if streams(subject.data.spec) else ""
    return f"{subject.data.spec!r} for {subject.job}: {what}. Lengths may be left out{streaming}."
