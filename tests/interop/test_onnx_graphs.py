"""ONNX graphs of every cell and layer: ONNX Runtime's answers are ours, and what is read back is the same network."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import latchwork as lw
from latchwork.core import spec
from latchwork.core.network import NetworkData
from latchwork.core.table import CELLS, LAYERS
from latchwork.interop.exporting import Subject, export_onnx
from latchwork.interop.exporting.onnx_model import onnx_bytes
from latchwork.interop.importing import import_model
from latchwork.interop.importing.model import as_model
from latchwork.interop.importing.onnx_graph import network_of_graph
from latchwork.runtime.model import Model
from latchwork.runtime.server import make_server
from latchwork.transforms.labels import Labels
from latchwork.transforms.scaling import Scaler

onnx = pytest.importorskip("onnx")
runtime = pytest.importorskip("onnxruntime")
runtime.set_default_logger_severity(3)  # it warns of every input that may be left out

UNITS, FEATURES = 4, 3
SCALER = Scaler(np.array([1000.0, 0.0, -3.0]), np.array([0.5, 2.0, 1.0]))
KINDS: dict[str, spec.Recurrent] = {kind.__name__: kind(UNITS) for kind in CELLS}
KINDS |= {
    "SLSTM, heads": lw.SLSTM(UNITS, heads=2, forget_gate="exponential"),
    "SimpleRNN, relu": lw.SimpleRNN(UNITS, activation="relu"),
    "LSTM, relu": lw.LSTM(UNITS, activation="relu"),
    "GRU, relu": lw.GRU(UNITS, activation="relu"),
}


def networks(cell: spec.Recurrent) -> dict[str, list[spec.Layer]]:
    """Layers around a cell, by what they show."""
    steps = dataclasses.replace(cell, return_sequences=True)
    found: dict[str, list[spec.Layer]] = {
        "last": [cell],
        "steps": [steps, lw.Dense(2)],
        "reverse": [dataclasses.replace(cell, reverse=True), lw.Dense(2)],
        "reverse steps": [dataclasses.replace(steps, reverse=True)],
        "stacked": [steps, lw.LayerNorm(), lw.Dense(5, activation="tanh"), lw.Dropout(0.1), cell, lw.Dense(2)],
        "pooled": [lw.Bidirectional(steps), lw.Pooling(("first", "last", "mean", "max")), lw.Dense(3)],
        "both": [lw.Bidirectional(cell), lw.Activation("elu"), lw.Dense(2, activation="sigmoid")],
        "encoder": [cell, lw.RepeatVector(3), steps, lw.Dense(2)],
    }
    for merge in ("concat", "sum", "mul", "ave"):
        found[f"both, {merge}"] = [lw.Bidirectional(steps, merge), lw.Dense(2)]
    return found


def drawn(layers: list[spec.Layer], shape: tuple[int | None, ...] = (None, FEATURES), seed: int = 0) -> NetworkData:
    """A network with every array drawn."""
    rng = np.random.default_rng(seed)
    data = NetworkData.build(lw.Sequential(layers), shape)
    arrays = {name: rng.normal(0, 0.5, array.shape).astype(np.float32) for name, array in data.parameters.items()}
    return NetworkData(data.spec, arrays)


def session(content: bytes) -> Any:
    return runtime.InferenceSession(content, providers=["CPUExecutionProvider"])


def batch(rows: int, time: int, seed: int = 1) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (rng.normal(size=(rows, time, FEATURES)) * SCALER.scale + SCALER.offset).astype(np.float32)


@pytest.mark.parametrize("kind", KINDS)
def test_answers_of_the_graph_are_ours(kind: str):
    for name, layers in networks(KINDS[kind]).items():
        data = drawn(layers)
        content = onnx_bytes(Subject("network", data, scaler=SCALER))
        onnx.checker.check_model(content, full_check=True)
        ran, ours = session(content), Model("network", data, SCALER)
        for rows, time in ((1, 1), (3, 7), (5, 2)):  # one graph for any number of rows and steps
            inputs, lengths = batch(rows, time), np.arange(rows, dtype=np.int32) % time + 1
            for given in ({}, {"lengths": lengths}):
                found = ran.run(None, {"inputs": inputs, **given})[0]
                np.testing.assert_allclose(found, ours.outputs(inputs, **given), atol=1e-5, err_msg=f"{name}, {given}")


@pytest.mark.parametrize("kind", [kind for kind in KINDS if "SLSTM" not in kind])
def test_what_is_read_back_is_the_same_network(kind: str):
    for name, layers in networks(KINDS[kind]).items():
        data = drawn(layers)
        read = network_of_graph(onnx_bytes(Subject("network", data, scaler=SCALER)))
        again, ours = as_model(read, "onnx", "file"), Model("network", data, SCALER)
        inputs, lengths = batch(3, 7), np.array([7, 2, 4], np.int32)
        for given in ({}, {"lengths": lengths}):
            expected = ours.outputs(inputs, **given)
            np.testing.assert_allclose(again.outputs(inputs, **given), expected, atol=1e-5, err_msg=name)


def test_every_layer_of_the_table_is_written():
    met = {type(layer) for cell in KINDS.values() for layers in networks(cell).values() for layer in layers}
    assert set(LAYERS) - met <= {
        lw.Embedding,
        lw.Ahead,
        lw.Flatten,
        lw.Conv1D,
    }  # of which the tests below have one each
    assert set(CELLS) == {type(cell) for cell in KINDS.values()}


def test_an_slstm_is_not_read_by_name():
    with pytest.raises(lw.InputError, match="Scan holds a graph of its own"):
        network_of_graph(onnx_bytes(Subject("network", drawn([lw.SLSTM(UNITS)]))))


@pytest.mark.parametrize("kind", KINDS)
def test_states_carry_a_stream_on(kind: str):
    cell = dataclasses.replace(KINDS[kind], return_sequences=True)
    data = drawn([cell, dataclasses.replace(cell, return_sequences=True), lw.Dense(2)])
    ran, inputs = session(onnx_bytes(Subject("network", data))), (batch(3, 9) - SCALER.offset).astype(np.float32)
    names = [each.name for each in ran.get_outputs()]
    assert {f"{state}_1_next" for state in CELLS[type(cell)].states} <= set(names)
    states: dict[str, np.ndarray] = {}
    parts = []
    for steps in (inputs[:, :4], inputs[:, 4:5], inputs[:, 5:]):
        done = dict(zip(names, ran.run(None, {"inputs": steps, **states}), strict=True))
        states = {name.removesuffix("_next"): one for name, one in done.items() if name.endswith("_next")}
        parts.append(done["outputs"])
    whole = Model("network", data).outputs(inputs)
    np.testing.assert_allclose(np.concatenate(parts, axis=1), whole, atol=1e-5)


def test_tokens_padding_and_labels(tmp_path: Path):
    both = lw.Bidirectional(lw.GRU(4, return_sequences=True))
    data = drawn([lw.Embedding(9, 3), both, lw.LSTM(3), lw.Dense(2)], (None,))
    model = Model("classification", data, labels=Labels(("no", "yes")), padding=0.0)
    export_onnx(model, tmp_path / "m.onnx")
    tokens = np.array([[0, 0, 3, 4, 1], [1, 2, 0, 0, 0], [5, 0, 6, 0, 8]])
    ran = session((tmp_path / "m.onnx").read_bytes())
    probabilities, label = ran.run(["probabilities", "label"], {"tokens": tokens})
    np.testing.assert_allclose(probabilities, model.predict_proba(tokens), atol=1e-5)
    assert label.tolist() == model.predict(tokens).tolist()
    # the padding's steps are passed over wherever they stand
    np.testing.assert_allclose(probabilities[1], model.predict_proba(np.array([[1, 2]]))[0], atol=1e-5)
    again = import_model(tmp_path / "m.onnx")
    assert again.labels == model.labels and again.padding == 0
    np.testing.assert_allclose(again.predict_proba(tokens), probabilities, atol=1e-5)


def test_padding_at_every_step():
    data = drawn([lw.GRU(4, return_sequences=True), lw.Dense(2)])
    inputs = np.random.default_rng(2).normal(size=(3, 5, FEATURES)).astype(np.float32)
    inputs[0, :2] = inputs[1, 3:] = inputs[2, 2] = -1
    model = Model("network", data, padding=-1.0)
    found = session(onnx_bytes(Subject("network", data, padding=-1.0))).run(None, {"inputs": inputs})[0]
    np.testing.assert_allclose(found, model.outputs(inputs), atol=1e-5)
    assert not found[0, :2].any() and found[2, 3].any()


def test_what_is_known_ahead_and_members_side_by_side():
    one, two = (drawn([lw.LSTM(4), lw.Ahead(5, 2, "tanh"), lw.Dense(1)], seed=seed) for seed in (0, 1))
    both = NetworkData.stacked([one, two])
    inputs, ahead = batch(3, 6) - 1, np.random.default_rng(3).normal(size=(3, 4, 2)).astype(np.float32)
    base, spread = np.arange(12.0, dtype=np.float32).reshape(3, 4), np.array([1, 2, 3], np.float32)
    ran = session(onnx_bytes(Subject("forecasting", both, "correction")))
    found = ran.run(["forecast"], {"inputs": inputs, "ahead": ahead, "base": base, "spread": spread})[0]
    mean = sum(make_server(data).run(inputs, ahead=ahead)[..., 0] for data in (one, two)) / 2
    np.testing.assert_allclose(found, base + spread[:, None] * mean, atol=1e-4)


def test_a_flattened_sequence():
    data = drawn([lw.GRU(4, return_sequences=True), lw.Flatten(6), lw.Dense(2)], (6, FEATURES))
    content, inputs = onnx_bytes(Subject("network", data)), batch(3, 6)
    ours = Model("network", data).outputs(inputs)
    np.testing.assert_allclose(session(content).run(None, {"inputs": inputs})[0], ours, atol=1e-5)
    np.testing.assert_allclose(as_model(network_of_graph(content), "onnx", "file").outputs(inputs), ours, atol=1e-5)


def test_a_model_written_twice_is_the_same_file(tmp_path: Path):
    data = drawn([lw.LSTM(4), lw.Dense(2)])
    for name in ("a", "b"):
        export_onnx(data, tmp_path / f"{name}.onnx")
    assert (tmp_path / "a.onnx").read_bytes() == (tmp_path / "b.onnx").read_bytes()


@pytest.mark.parametrize("padding", ["same", "causal"])
def test_a_convolution_over_time(padding: Any):
    layers = [
        lw.Conv1D(5, 4, padding, "relu"),
        lw.GRU(4, return_sequences=True),
        lw.Conv1D(3, 3, padding),
        lw.Pooling(),
    ]
    data = drawn(layers)
    ran, inputs = session(onnx_bytes(Subject("network", data))), batch(4, 6) - SCALER.offset.astype(np.float32)
    for given in ({}, {"lengths": np.array([6, 1, 3, 5], np.int32)}):
        ours = Model("network", data).outputs(inputs, **given)
        np.testing.assert_allclose(ran.run(None, {"inputs": inputs, **given})[0], ours, rtol=1e-4, atol=1e-4)
