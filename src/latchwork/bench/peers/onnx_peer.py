"""ONNX Runtime: the network as one LSTM node and one Gemm, answering from NumPy arrays."""

from __future__ import annotations

import importlib
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latchwork.bench.cases import Case
from latchwork.bench.peers import Answer
from latchwork.bench.work import Work

onnx: Any = importlib.import_module("onnx")  # extras: no types where they are not installed
onnxruntime: Any = importlib.import_module("onnxruntime")


def answerer(case: Case, work: Work) -> Answer:
    """A session's `run`, with one thread or all, whichever is faster here."""
    model = make_model(work.parameters, time_steps=case.time if case.kind == "sequence" else 1)
    inputs = {"x": work.inputs[0] if case.kind == "sequence" else work.inputs[0, :, :1].copy()}
    if case.kind == "step":
        units = work.parameters["layers.0.hidden_weight"].shape[0]
        inputs |= dict.fromkeys(("h", "c"), np.zeros((1, case.batch, units), np.float32))
    answers = [_session(model, inputs, threads) for threads in (1, 0)]
    return min(answers, key=_seconds)


def make_model(parameters: dict[str, NDArray[np.float32]], *, time_steps: int) -> bytes:
    """`LSTM -> Dense` for `x [1, time, features]`; with one time step, states h and c go in and out as well."""
    helper, numpy_helper = onnx.helper, onnx.numpy_helper
    weight, hidden_weight = parameters["layers.0.input_weight"], parameters["layers.0.hidden_weight"]
    features, units = weight.shape[0], hidden_weight.shape[0]
    outputs = parameters["layers.1.weight"].shape[1]
    streaming = time_steps == 1

    def arranged(array: NDArray[np.float32]) -> NDArray[np.float32]:  # ONNX has the gates i, o, f, g
        i, f, g, o = np.split(array, 4, axis=-1)
        return np.concatenate([i, o, f, g], axis=-1).T[None].copy()

    bias = np.concatenate([arranged(parameters["layers.0.bias"][None])[..., 0], np.zeros((1, 4 * units))], axis=1)
    arrays = {
        "W": arranged(weight),
        "R": arranged(hidden_weight),
        "B": bias.astype(np.float32),
        "V": parameters["layers.1.weight"],
        "b": parameters["layers.1.bias"],
        "no_directions": np.array([0], np.int64),
    }
    states_in = ["", "h", "c"] if streaming else []
    states_out = ["Y_h", "Y_c"] if streaming else ["Y_h"]
    nodes = [
        helper.make_node("Transpose", ["x"], ["by_time"], perm=[1, 0, 2]),
        helper.make_node("LSTM", ["by_time", "W", "R", "B", *states_in], ["", *states_out], hidden_size=units),
        helper.make_node("Squeeze", ["Y_h", "no_directions"], ["hidden"]),
        helper.make_node("Gemm", ["hidden", "V", "b"], ["y"]),
    ]

    def value(name: str, *shape: int) -> Any:
        return helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)

    given = [value("x", 1, time_steps, features), *(value(name, 1, 1, units) for name in ("h", "c") if streaming)]
    asked = [value("y", 1, outputs), *(value(name, 1, 1, units) for name in states_out if streaming)]
    initial = [numpy_helper.from_array(array, name) for name, array in arrays.items()]
    graph = helper.make_graph(nodes, "lstm", given, asked, initial)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    return model.SerializeToString()


def save_model(parameters: dict[str, NDArray[np.float32]], path: Path, *, time_steps: int) -> Path:
    """The model as a file."""
    path.write_bytes(make_model(parameters, time_steps=time_steps))
    return path


def _session(model: bytes, inputs: dict[str, NDArray[np.float32]], threads: int) -> Answer:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    return lambda: session.run(None, inputs)[0]


def _seconds(answer: Answer) -> float:
    answer()
    began = time.perf_counter()
    for _ in range(200):
        answer()
    return time.perf_counter() - began
