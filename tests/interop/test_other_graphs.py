"""Graphs as other exporters write them, built by hand: tf2onnx's, scikit-learn's ending, and odd but right ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import latchwork as lw
from latchwork.core.errors import InputError
from latchwork.interop.importing.model import as_model
from latchwork.interop.importing.onnx_graph import network_of_graph

onnx = pytest.importorskip("onnx")
ort = pytest.importorskip("onnxruntime")
ort.set_default_logger_severity(3)
helper, numpy_helper = onnx.helper, onnx.numpy_helper
FLOAT = onnx.TensorProto.FLOAT
RNG = np.random.default_rng(0)
X = RNG.normal(size=(3, 6, 4)).astype(np.float32)
UNITS, OUTPUTS = 5, 2


def node(operator: str, inputs: str, outputs: str, **attributes: Any) -> Any:
    """Names with blanks between them; `-` for one that is left out."""
    names = [["" if name == "-" else name for name in part.split()] for part in (inputs, outputs)]
    return helper.make_node(operator, *names, **attributes)


def cell(gates: int, ways: int = 1) -> dict[str, np.ndarray]:
    sizes = {"W": (ways, gates * UNITS, 4), "R": (ways, gates * UNITS, UNITS), "B": (ways, 2 * gates * UNITS)}
    return {name: RNG.normal(0, 0.5, size) for name, size in sizes.items()}


def dense(width: int) -> dict[str, np.ndarray]:
    return {"K": RNG.normal(size=(width, OUTPUTS)), "b": RNG.normal(size=OUTPUTS)}


def whole(**numbers: Any) -> dict[str, np.ndarray]:
    return {name: np.array(values, np.int64) for name, values in numbers.items()}


def model(
    nodes: list[Any], arrays: dict[str, np.ndarray], shape: tuple[Any, ...] = ("b", "t", 4), outputs: str = "y"
) -> bytes:
    typed = {name: array if array.dtype.kind in "iO" else array.astype(np.float32) for name, array in arrays.items()}
    kinds = {name: 0 if name == "label" else FLOAT for name in outputs.split()}
    asked = [helper.make_tensor_value_info(name, kind, None) for name, kind in kinds.items()]
    kept = [numpy_helper.from_array(array, name) for name, array in typed.items()]
    graph = helper.make_graph(nodes, "g", [helper.make_tensor_value_info("x", FLOAT, shape)], asked, kept)
    opsets = [helper.make_opsetid("", 15), helper.make_opsetid("ai.onnx.ml", 3)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString()


def same_answers(content: bytes, inputs: np.ndarray = X, turned: bool = False) -> Any:
    """ONNX Runtime's first output and ours, whose inputs are batch first."""
    ran = ort.InferenceSession(content, providers=["CPUExecutionProvider"])
    expected = ran.run(None, {"x": inputs})[0]
    ours = as_model(network_of_graph(content), "onnx", "file")
    given = inputs.swapaxes(0, 1) if turned else inputs
    found = ours.predict_proba(given) if ours.labels is not None else ours.predict(given)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    return ours


BY_TIME = node("Transpose", "x", "xt", perm=[1, 0, 2])


def test_tf2onnx_of_a_keras_lstm_with_a_dense_at_each_step():
    """Keras's Dense on a sequence is a Reshape, a MatMul and a Reshape whose sizes are computed."""
    nodes = [
        BY_TIME,
        node("Shape", "x", "sx"), node("Slice", "sx zero one_", "b1"), node("Concat", "one_ b1 units", "hs", axis=0),
        node("ConstantOfShape", "hs", "h0"),
        node("LSTM", "xt W R B - h0 h0", "Y - -", hidden_size=UNITS),
        node("Squeeze", "Y one_", "yt"), node("Transpose", "yt", "ys", perm=[1, 0, 2]),
        node("Shape", "ys", "s"), node("Gather", "s first_two", "outer"), node("Gather", "s last", "inner"),
        node("ReduceProd", "outer", "rows", keepdims=0), node("ReduceProd", "inner", "columns", keepdims=0),
        node("Unsqueeze", "rows zero", "r1"), node("Unsqueeze", "columns zero", "c1"),
        node("Concat", "r1 c1", "flat", axis=0), node("Reshape", "ys flat", "y2"), node("MatMul", "y2 K", "y3"),
        node("Concat", "outer outputs", "back", axis=0), node("Reshape", "y3 back", "y4"), node("Add", "y4 b", "y"),
    ]  # fmt: skip
    numbers = whole(zero=[0], one_=[1], units=[UNITS], first_two=[0, 1], last=[2], outputs=[OUTPUTS])
    ours = same_answers(model(nodes, cell(4) | dense(UNITS) | numbers))
    assert ours.data.spec.layers == (lw.LSTM(UNITS, return_sequences=True), lw.Dense(OUTPUTS))


@pytest.mark.parametrize(("operator", "gates"), [("LSTM", 4), ("GRU", 3), ("RNN", 1)])
def test_both_ways_split_and_put_side_by_side(operator: str, gates: int):
    more = {"linear_before_reset": 1} if operator == "GRU" else {}
    nodes = [
        BY_TIME, node(operator, "xt W R B", "Y Yh", hidden_size=UNITS, direction="bidirectional", **more),
        node("Split", "Yh", "f b_", axis=0), node("Squeeze", "f zero", "f1"), node("Squeeze", "b_ zero", "b1"),
        node("Concat", "f1 b1", "h", axis=1), node("Gemm", "h K b", "y", alpha=0.5, beta=2.0),
    ]  # fmt: skip
    ours = same_answers(model(nodes, cell(gates, 2) | dense(2 * UNITS) | whole(zero=[0])))
    assert isinstance(ours.data.spec.layers[0], lw.Bidirectional)
    turned = [*nodes[:-2], node("Concat", "b1 f1", "h", axis=1), nodes[-1]]
    with pytest.raises(InputError, match="in another order"):
        network_of_graph(model(turned, cell(gates, 2) | dense(2 * UNITS) | whole(zero=[0])))


def test_scikit_learn_s_ending_has_the_labels():
    nodes = [
        BY_TIME, node("GRU", "xt W R B", "- Yh", hidden_size=UNITS), node("Squeeze", "Yh zero", "h"),
        node("MatMul", "h K", "hk"), node("Add", "hk b", "scores"), node("Softmax", "scores", "p", axis=1),
        node("ArgMax", "p", "place", axis=1, keepdims=0),
        helper.make_node("ArrayFeatureExtractor", ["classes", "place"], ["label"], domain="ai.onnx.ml"),
        helper.make_node("ZipMap", ["p"], ["probabilities"], domain="ai.onnx.ml", classlabels_strings=["no", "yes"]),
    ]  # fmt: skip
    arrays = cell(3) | dense(UNITS) | whole(zero=[0]) | {"classes": np.array(["no", "yes"], object)}
    ours = as_model(network_of_graph(model(nodes, arrays, outputs="label probabilities")), "onnx", "file")
    assert ours.labels.classes == ("no", "yes")
    assert ours.data.spec.layers == (lw.ResetFirstGRU(UNITS), lw.Dense(OUTPUTS))  # ONNX's default resets first
    plain = model(nodes[:6], arrays, outputs="p")
    np.testing.assert_allclose(ours.predict_proba(X), same_answers(plain).predict_proba(X))


def test_time_first_batch_first_scaled_and_with_peepholes():
    plain = [node("LSTM", "x W R B", "- Yh", hidden_size=UNITS), node("Squeeze", "Yh zero", "y")]
    content = model(plain, cell(4) | whole(zero=[0]), ("t", "b", 4))
    time_first = same_answers(content, X.swapaxes(0, 1).copy(), turned=True)
    assert any("time, batch" in note for note in time_first.document["training"]["imported"]["notes"])
    scaled = [
        node("Sub", "x mean", "x1"), node("Div", "x1 deviation", "x2"), node("Transpose", "x2", "xt", perm=[1, 0, 2]),
        node("LSTM", "xt W R B - - - P", "Y", hidden_size=UNITS), node("Squeeze", "Y one_", "yt"),
        node("ReduceMean", "yt", "y", axes=[0], keepdims=0),
    ]  # fmt: skip
    arrays = (
        cell(4)
        | whole(one_=[1])
        | {"P": RNG.normal(size=(1, 3 * UNITS)), "mean": np.arange(4.0), "deviation": np.full(4, 2.0)}
    )
    ours = same_answers(model(scaled, arrays))
    assert ours.scaler.offset.tolist() == [0, 1, 2, 3]
    assert ours.data.spec.layers == (lw.PeepholeLSTM(UNITS, return_sequences=True), lw.Pooling("mean"))
    coupled = [BY_TIME, node("LSTM", "xt W R B", "- Yh", hidden_size=UNITS, input_forget=1), plain[1]]
    assert same_answers(model(coupled, cell(4) | whole(zero=[0]))).data.spec.layers == (lw.CoupledLSTM(UNITS),)


@pytest.mark.parametrize(
    ("nodes", "said"),
    [
        ([BY_TIME, node("LSTM", "xt W R B", "Y", activations=["HardSigmoid", "Tanh", "Tanh"])], "HardSigmoid"),
        ([BY_TIME, node("LSTM", "xt W R B - s s", "Y")], "begins with hidden states that are not zero"),
        ([BY_TIME, node("LSTM", "xt W R B counts", "Y")], "lengths that are constants"),
        ([node("Conv", "x W", "Y")], "Conv"),
        ([BY_TIME, node("LSTM", "xt W R B", "Y Yh"), node("Squeeze", "Yh zero", "h"),
          node("Squeeze", "Y one_", "every"), node("Add", "every h", "y")], "branches"),
        ([BY_TIME, node("Slice", "xt two three", "part"), node("LSTM", "part W R B", "Y")], "unrolled"),
        ([node("Flatten", "x", "y")], "number must be known"),
    ],
)  # fmt: skip
def test_what_is_no_chain_of_layers_is_refused_by_its_node(nodes: list[Any], said: str):
    arrays = cell(4) | whole(zero=[0], one_=[1], two=[2], three=[3], counts=[1, 2, 3])
    arrays |= {"s": np.ones((1, 3, UNITS))}
    outputs = nodes[-1].output[0]
    with pytest.raises(InputError, match=said) as raised:
        network_of_graph(model(nodes, arrays, outputs=outputs))
    assert "\n" not in str(raised.value)
