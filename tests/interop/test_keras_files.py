"""Files of Keras: imported, exported as ONNX, read back: the same answers all the way round."""

from __future__ import annotations

import importlib
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("h5py")

import goldens

import latchwork as lw
from latchwork.interop.exporting import export_keras, export_onnx
from latchwork.interop.importing import import_model, read_keras
from latchwork.interop.importing.keras_layers import READERS
from latchwork.runtime.model import Model

FILES, ANSWERS = goldens.read("interop_keras.zip")


def answers(model: Model, inputs: np.ndarray) -> np.ndarray:
    return model.predict_proba(inputs) if model.labels is not None else model.predict(inputs)


def compared(model: Model, name: str, found: np.ndarray, expected: np.ndarray) -> None:
    """Within 1e-5; at the steps that a mask passes over, whose answers nobody asks for, in nothing."""
    inputs = ANSWERS[f"{name}.x"]
    if model.padding is not None and expected.ndim == 3:
        real = (inputs != model.padding).any(-1) if inputs.ndim == 3 else inputs != model.padding
        found, expected = found[real], expected[real]
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("file", FILES)
def test_keras_to_latchwork_to_onnx_and_back(file: str, tmp_path: Path):
    runtime = pytest.importorskip("onnxruntime")
    runtime.set_default_logger_severity(3)
    name = file.rpartition(".")[0]
    inputs, expected = ANSWERS[f"{name}.x"], ANSWERS[f"{name}.y"]
    (tmp_path / file).write_bytes(FILES[file])
    model = import_model(tmp_path / file)
    compared(model, name, answers(model, inputs), expected)

    model.save(tmp_path / "m.latch")
    export_onnx(tmp_path / "m.latch", tmp_path / "m.onnx")
    session = runtime.InferenceSession(tmp_path / "m.onnx", providers=["CPUExecutionProvider"])
    given = session.get_inputs()[0]
    typed = inputs.astype(np.int64 if given.name == "tokens" else np.float32)
    compared(model, name, session.run(None, {given.name: typed})[0], expected)

    again = import_model(tmp_path / "m.onnx")
    compared(again, name, answers(again, inputs), expected)


@pytest.mark.parametrize("file", [file for file in FILES if file.endswith(".keras")])
def test_a_file_that_we_write_is_read_as_it_was(file: str, tmp_path: Path):
    name = file.rpartition(".")[0]
    (tmp_path / file).write_bytes(FILES[file])
    model = import_model(tmp_path / file)
    export_keras(model, tmp_path / "again.keras")
    again = import_model(tmp_path / "again.keras")
    assert again.data.spec == model.data.spec and again.padding == model.padding
    compared(model, name, answers(again, ANSWERS[f"{name}.x"]), ANSWERS[f"{name}.y"])


def test_the_goldens_have_every_layer_that_is_read():
    met: set[str] = set()
    for content in FILES.values():
        text = content.decode("latin-1")
        met |= {kind for kind in READERS if f'"class_name": "{kind}"' in text}
    alike = {"ReLU", "Softmax", "SpatialDropout1D", "GaussianNoise", "GaussianDropout", "AlphaDropout",
             "ActivityRegularization"}  # fmt: skip
    assert set(READERS) - met == alike


@pytest.mark.parametrize(
    ("kind", "changed", "said"),
    [
        ("LSTM", {"recurrent_activation": "hard_sigmoid"}, "recurrent_activation='hard_sigmoid'"),
        ("LSTM", {"activation": "gelu"}, "activation='gelu'"),
        ("LSTM", {"return_state": True}, "return_state"),
        ("LSTM", {"go_backwards": True, "return_sequences": True}, "reverse order"),
        ("GRU", {"recurrent_activation": "relu"}, "recurrent_activation='relu'"),
        ("Conv1D", {}, "is no layer that is read"),
    ],
)
def test_what_no_layer_has_is_refused_by_name(kind: str, changed: dict[str, Any], said: str, tmp_path: Path):
    hostile = importlib.import_module("hostile")
    layer = hostile.layer(kind, {"units": 4, "name": "mine", **changed})
    (tmp_path / "m.keras").write_bytes(hostile.keras(hostile.document(layer, hostile.DENSE)))
    with pytest.raises(lw.InputError, match=said) as raised:
        read_keras(tmp_path / "m.keras")
    assert "'mine'" in str(raised.value) and "\n" not in str(raised.value)


def test_a_person_s_own_keras_opens_what_we_write(tmp_path: Path):
    """Where Keras is installed (it is not on the gate): to_keras gives the same answers."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    pytest.importorskip("keras.models")
    for file in (file for file in FILES if file.endswith(".keras")):
        name = file.rpartition(".")[0]
        (tmp_path / file).write_bytes(FILES[file])
        found = lw.to_keras(import_model(tmp_path / file)).predict(ANSWERS[f"{name}.x"], verbose=0)
        np.testing.assert_allclose(found, ANSWERS[f"{name}.y"], atol=1e-5, err_msg=name)


def test_a_masked_model_of_the_facade_is_served_and_exported_with_its_mask(tmp_path: Path):
    runtime = pytest.importorskip("onnxruntime")
    from latchwork import keras
    from latchwork.runtime import load

    layers = [keras.layers.Embedding(9, 3, mask_zero=True), keras.layers.LSTM(4), keras.layers.Dense(2)]
    model, tokens = keras.Sequential(layers), np.array([[1, 2, 0, 0], [0, 0, 3, 4], [5, 6, 7, 8]])
    expected = model.predict(tokens, verbose=0)
    model.save(tmp_path / "m.latch")
    np.testing.assert_allclose(load(tmp_path / "m.latch").predict(tokens), expected, atol=1e-5)
    export_onnx(tmp_path / "m.latch", tmp_path / "m.onnx")
    ran = runtime.InferenceSession(tmp_path / "m.onnx", providers=["CPUExecutionProvider"])
    np.testing.assert_allclose(ran.run(None, {"tokens": tokens})[0], expected, atol=1e-5)


def test_an_h5_file_as_keras_2_wrote_it(tmp_path: Path):
    """A config that is a list, names with `:0`, a GRU of before `reset_after`; functional calls as nested lists."""
    h5py = importlib.import_module("h5py")
    rng = np.random.default_rng(0)
    gru = {"kernel": (3, 12), "recurrent_kernel": (4, 12), "bias": (12,)}
    arrays = {f"gru_1/gru_1/{name}:0": rng.normal(size=size) for name, size in gru.items()}
    arrays |= {"dense_1/dense_1/kernel:0": rng.normal(size=(4, 2)), "dense_1/dense_1/bias:0": rng.normal(size=2)}
    first = {"name": "gru_1", "units": 4, "batch_input_shape": [None, 5, 3], "recurrent_activation": "sigmoid"}
    layers = [
        {"class_name": "GRU", "config": first},
        {"class_name": "Dense", "config": {"name": "dense_1", "units": 2, "activation": "softmax"}},
    ]
    given = {"class_name": "InputLayer", "config": {"name": "i", "batch_input_shape": [None, 5, 3]}}
    calls = {"i": [], "gru_1": [[["i", 0, 0, {}]]], "dense_1": [[["gru_1", 0, 0, {}]]]}
    named = [layer | {"name": layer["config"]["name"]} for layer in (given, *layers)]
    graph = {
        "layers": [layer | {"inbound_nodes": calls[layer["name"]]} for layer in named],
        "input_layers": [["i", 0, 0]],
        "output_layers": [["dense_1", 0, 0]],
    }
    found = []
    for number, config in enumerate(
        ({"class_name": "Sequential", "config": layers}, {"class_name": "Model", "config": graph})
    ):
        with h5py.File(tmp_path / f"{number}.h5", "w") as file:
            file.attrs["model_config"] = np.bytes_(json.dumps(config))
            for name, array in arrays.items():
                file[f"model_weights/{name}"] = array.astype(np.float32)
        found.append(import_model(tmp_path / f"{number}.h5"))
    assert found[0].data.spec.layers == (lw.ResetFirstGRU(4), lw.Dense(2)) == found[1].data.spec.layers
    x = rng.normal(size=(2, 5, 3)).astype(np.float32)
    z, r, n = (slice(at, at + 4) for at in (0, 4, 8))
    kernel, recurrent, bias = (arrays[f"gru_1/gru_1/{name}:0"] for name in gru)
    h = np.zeros((2, 4))
    for step in x.swapaxes(0, 1):
        total = step @ kernel + bias
        update, reset = (1 / (1 + np.exp(-total[:, gate] - h @ recurrent[:, gate])) for gate in (z, r))
        h = update * h + (1 - update) * np.tanh(total[:, n] + (reset * h) @ recurrent[:, n])
    scores = h @ arrays["dense_1/dense_1/kernel:0"] + arrays["dense_1/dense_1/bias:0"]
    expected = np.exp(scores) / np.exp(scores).sum(-1, keepdims=True)
    for model in found:
        np.testing.assert_allclose(model.predict_proba(x), expected, atol=1e-5)
